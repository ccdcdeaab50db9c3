/**
 * The layers random stacks are made of. A row looks at the shapes it would be applied to and either declines
 * or picks arguments by the given numbers (0 is the plainest choice) and says what shape comes out, by
 * formulas written independently of the compiler's.
 */
import { activations } from "../../../compiler/frontend/index.ts";

export type Shape = readonly number[];

export interface Choices {
  readonly layer: number;
  readonly inputs: readonly [number, number];
  readonly arguments: readonly number[];
}

interface Made {
  readonly options: object;
  readonly output: Shape;
}

export interface Row {
  readonly name: string;
  /** How many values it is applied to. */
  readonly inputs: 1 | 2;
  readonly make: (shapes: readonly Shape[], choose: readonly number[]) => Made | undefined;
}

type One = (shape: Shape, choose: readonly number[]) => Made | undefined;

const one = (name: string, make: One): Row => ({
  name,
  inputs: 1,
  make: ([shape], choose) => make(shape!, choose),
});
const two = (
  name: string,
  make: (a: Shape, b: Shape, choose: readonly number[]) => Made | undefined,
): Row => ({
  name,
  inputs: 2,
  make: ([a, b], choose) => make(a!, b!, choose),
});
const pick = <T>(list: readonly T[], choice: number | undefined): T => list[(choice ?? 0) % list.length]!;
const same: One = (shape) => ({ options: {}, output: shape });
const withLast = (shape: Shape, last: number): Shape => [...shape.slice(0, -1), last];
const units = (choice: number | undefined) => 1 + ((choice ?? 0) % 4);

/** glu halves an axis; the exponential overflows when it is repeated. */
const activationNames = Object.keys(activations).filter((name) => name !== "glu" && name !== "exponential");

interface Window {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: string;
}

/** Windows along an axis of length n; 0 when none fits. */
function windows(n: number, { size, stride, dilation, padding }: Window): number {
  const extent = (size - 1) * dilation + 1;
  if (padding === "same") return Math.ceil(n / stride);
  const padded = padding === "causal" ? n + extent - 1 : n;
  return padded < extent ? 0 : Math.floor((padded - extent) / stride) + 1;
}

/** A window that differs per axis, and the shape it leaves with `channels` channels. */
function windowed(
  shape: Shape,
  choose: readonly number[],
  channels: (inputs: number) => number,
  paddings: readonly string[],
):
  | {
      readonly sizes: Shape;
      readonly strides: Shape;
      readonly format: string;
      readonly padding: string;
      readonly dilation: number;
      readonly output: Shape;
    }
  | undefined {
  const format = pick(["channelsLast", "channelsFirst"], choose[4]);
  const last = format === "channelsLast";
  const spatial = last ? shape.slice(1, -1) : shape.slice(2);
  const padding = pick(paddings, choose[3]);
  const dilation = (choose[2] ?? 0) % 4 === 3 ? 2 : 1;
  const sizes = spatial.map((_, i) => 1 + (((choose[0] ?? 0) + i) % 3));
  const strides = spatial.map((_, i) => (dilation > 1 ? 1 : 1 + (((choose[1] ?? 0) + i) % 2)));
  const made = spatial.map((n, i) => windows(n, { size: sizes[i]!, stride: strides[i]!, dilation, padding }));
  if (made.some((n) => n < 1)) return undefined;
  const outputs = channels(last ? shape.at(-1)! : shape[1]!);
  const output = last ? [shape[0]!, ...made, outputs] : [shape[0]!, outputs, ...made];
  return { sizes, strides, format, padding, dilation, output };
}

function conv(spatial: number): Row {
  const paddings = spatial === 1 ? ["valid", "same", "causal"] : ["valid", "same"];
  return one(`conv${spatial}d`, (shape, choose) => {
    const filters = units(choose[5]);
    const window = shape.length === spatial + 2 && windowed(shape, choose, () => filters, paddings);
    if (!window) return undefined;
    const { sizes, strides, format, padding, dilation, output } = window;
    const channels = format === "channelsLast" ? shape.at(-1)! : shape[1]!;
    const groups = (choose[6] ?? 0) % 3 === 2 && channels === filters ? channels : 1;
    const more = { dilationRate: dilation, dataFormat: format, groups, useBias: (choose[7] ?? 0) % 3 < 2 };
    return { options: { filters, kernelSize: sizes, strides, padding, ...more }, output };
  });
}

function depthwise(name: string, separable: boolean): Row {
  return one(name, (shape, choose) => {
    const depthMultiplier = 1 + ((choose[6] ?? 0) % 2);
    const filters = units(choose[5]);
    const channels = (inputs: number) => (separable ? filters : inputs * depthMultiplier);
    const window = shape.length === 4 && windowed(shape, choose, channels, ["valid", "same"]);
    if (!window) return undefined;
    const { sizes, strides, format, padding, dilation, output } = window;
    // TensorFlow has no strides that differ here, so they are one number.
    if (strides[0] !== strides[1]) return undefined;
    const options = { kernelSize: sizes, strides, padding, dilationRate: dilation, dataFormat: format };
    return { options: { ...options, depthMultiplier, ...(separable && { filters }) }, output };
  });
}

const transposed = one("conv2dTranspose", (shape, choose) => {
  if (shape.length !== 4) return undefined;
  const [size, stride] = [1 + ((choose[0] ?? 0) % 3), 1 + ((choose[1] ?? 0) % 2)];
  const padding = pick(["valid", "same"], choose[3]);
  const filters = units(choose[5]);
  const along = (n: number) => (padding === "same" ? n * stride : (n - 1) * stride + Math.max(size, stride));
  const output = [shape[0]!, along(shape[1]!), along(shape[2]!), filters];
  return { options: { filters, kernelSize: size, strides: stride, padding }, output };
});

function pooling(name: string, spatial: number): Row {
  return one(`${name}Pooling${spatial}d`, (shape, choose) => {
    const plain = choose.map((n, i) => (i === 2 ? 0 : n));
    const window =
      shape.length === spatial + 2 && windowed(shape, plain, (inputs) => inputs, ["valid", "same"]);
    if (!window) return undefined;
    const { sizes, strides, format, padding, output } = window;
    return { options: { poolSize: sizes, strides, padding, dataFormat: format }, output };
  });
}

function globalPooling(name: string, spatial: number): Row {
  return one(`global${name}Pooling${spatial}d`, (shape, choose) => {
    if (shape.length !== spatial + 2) return undefined;
    const keepDims = (choose[0] ?? 0) % 2 === 1;
    const output = keepDims
      ? shape.map((n, i) => (i > 0 && i <= spatial ? 1 : n))
      : [shape[0]!, shape.at(-1)!];
    return { options: { keepDims }, output };
  });
}

function recurrent(name: string): Row {
  return one(name, (shape, choose) => {
    if (shape.length !== 3) return undefined;
    const returnSequences = (choose[1] ?? 0) % 2 === 0;
    const goBackwards = (choose[2] ?? 0) % 3 === 2;
    const more = name === "gru" ? { resetAfter: (choose[3] ?? 0) % 2 === 0 } : {};
    const output = returnSequences ? withLast(shape, units(choose[0])) : [shape[0]!, units(choose[0])];
    return { options: { units: units(choose[0]), returnSequences, goBackwards, ...more }, output };
  });
}

const bidirectional = one("bidirectional", (shape, choose) => {
  if (shape.length !== 3) return undefined;
  const mergeMode = pick(["sum", "concat", "mul", "ave"], choose[1]);
  const layer = pick(["simpleRNN", "gru", "lstm"], choose[2]);
  const options = { units: units(choose[0]), returnSequences: true };
  const last = mergeMode === "concat" ? 2 * options.units : options.units;
  return { options: { mergeMode, layer: { layer, options } }, output: withLast(shape, last) };
});

const attention = one("multiHeadAttention", (shape, choose) => {
  if (shape.length !== 3) return undefined;
  const numHeads = 1 + ((choose[0] ?? 0) % 3);
  const options = {
    numHeads,
    keyDim: units(choose[1]),
    numKeyValueHeads: (choose[2] ?? 0) % 2 === 0 ? numHeads : 1,
    useCausalMask: (choose[3] ?? 0) % 2 === 1,
  };
  return { options, output: shape };
});

const reshaped = one("reshape", (shape, choose) => {
  const count = shape.slice(1).reduce((n, d) => n * d, 1);
  const by = pick(
    [1, 2, 3, 4].filter((n) => count % n === 0),
    choose[0],
  );
  const targetShape = (choose[1] ?? 0) % 2 === 0 ? [by, count / by] : [-1, by];
  const output = targetShape[0] === -1 ? [count / by, by] : targetShape;
  return { options: { targetShape }, output: [shape[0]!, ...output] };
});

const permuted = one("permute", (shape, choose) => {
  const dims = shape.slice(1).map((_, i) => i + 1);
  const turned = [
    ...dims.slice(1 + ((choose[0] ?? 0) % dims.length)),
    ...dims.slice(0, 1 + ((choose[0] ?? 0) % dims.length)),
  ];
  return { options: { dims: turned }, output: [shape[0]!, ...turned.map((axis) => shape[axis]!)] };
});

function framed(name: string, key: string, sign: 1 | -1, spatial: number): Row {
  return one(`${name}${spatial}d`, (shape, choose) => {
    if (shape.length !== spatial + 2) return undefined;
    const margins = Array.from({ length: spatial }, (_, i) => [
      (choose[i] ?? 0) % 3,
      (choose[i + 3] ?? 0) % 2,
    ]);
    const sizes = shape.slice(1, -1).map((n, i) => n + sign * (margins[i]![0]! + margins[i]![1]!));
    if (sizes.some((n) => n < 1)) return undefined;
    const given = spatial === 1 ? margins[0] : margins;
    return { options: { [key]: given }, output: [shape[0]!, ...sizes, shape.at(-1)!] };
  });
}

function upSampling(spatial: number): Row {
  return one(`upSampling${spatial}d`, (shape, choose) => {
    if (shape.length !== spatial + 2) return undefined;
    const size = Array.from({ length: spatial }, (_, i) => 1 + ((choose[i] ?? 0) % 3));
    const bilinear = spatial === 2 && (choose[4] ?? 0) % 3 === 2;
    const output = shape.map((n, i) => (i > 0 && i <= spatial ? n * size[i - 1]! : n));
    return { options: { size, ...(bilinear && { interpolation: "bilinear" }) }, output };
  });
}

const equalShapes = (name: string): Row =>
  two(name, (a, b) => (a.length > 0 && a.join() === b.join() ? { options: {}, output: a } : undefined));

const concatenated = two("concatenate", (a, b, choose) => {
  if (a.length !== b.length || a.length < 2) return undefined;
  const axis = 1 + ((choose[0] ?? 0) % (a.length - 1));
  if (a.some((n, i) => i !== axis && n !== b[i])) return undefined;
  return { options: { axis }, output: a.map((n, i) => (i === axis ? n + b[i]! : n)) };
});

const dotted = two("dot", (a, b) => {
  if (a.length < 2 || b.length < 2 || a.at(-1) !== b.at(-1)) return undefined;
  const output = [...a.slice(0, -1), ...b.slice(1, -1)];
  return { options: { axes: -1 }, output: output.length === 1 ? [...output, 1] : output };
});

const normalizations: readonly Row[] = [
  one("batchNormalization", (shape, choose) => ({
    options: { axis: 1 + ((choose[0] ?? 0) % (shape.length - 1)) },
    output: shape,
  })),
  one("layerNormalization", (shape, choose) => ({
    options: { axis: (choose[0] ?? 0) % 2 === 0 ? -1 : shape.slice(1).map((_, i) => i + 1) },
    output: shape,
  })),
  one("groupNormalization", (shape, choose) => ({
    options: {
      groups: pick(
        [1, 2, 3].filter((n) => shape.at(-1)! % n === 0),
        choose[0],
      ),
    },
    output: shape,
  })),
  one("rmsNormalization", same),
  one("unitNormalization", same),
  one("normalization", (shape) => ({ options: { mean: 0.5, variance: 2 }, output: shape })),
];

/** Plain layers first, because numbers shrink towards the front. */
export const rows: readonly Row[] = [
  one("dense", (shape, choose) => {
    const options = { units: units(choose[0]), activation: pick(activationNames, choose[1]) };
    return { options, output: withLast(shape, options.units) };
  }),
  one("activation", (shape, choose) => ({
    options: { activation: pick(activationNames, (choose[0] ?? 0) + 12 * (choose[1] ?? 0)) },
    output: shape,
  })),
  one("flatten", (shape) => ({
    options: {},
    output: [shape[0]!, shape.slice(1).reduce((n, d) => n * d, 1)],
  })),
  ...["add", "subtract", "multiply", "average", "maximum", "minimum"].map(equalShapes),
  concatenated,
  dotted,
  ...[1, 2, 3].map(conv),
  depthwise("depthwiseConv2d", false),
  depthwise("separableConv2d", true),
  transposed,
  ...[1, 2, 3].flatMap((n) => [pooling("max", n), pooling("average", n)]),
  ...[1, 2, 3].flatMap((n) => [globalPooling("Max", n), globalPooling("Average", n)]),
  ...normalizations,
  ...["simpleRNN", "gru", "lstm"].map(recurrent),
  bidirectional,
  one("timeDistributed", (shape, choose) =>
    shape.length < 3
      ? undefined
      : {
          options: { layer: { layer: "dense", options: { units: units(choose[0]) } } },
          output: withLast(shape, units(choose[0])),
        },
  ),
  attention,
  reshaped,
  permuted,
  one("repeatVector", (shape, choose) =>
    shape.length === 2
      ? { options: { n: units(choose[0]) }, output: [shape[0]!, units(choose[0]), shape[1]!] }
      : undefined,
  ),
  ...[1, 2, 3].map((n) => framed("zeroPadding", "padding", 1, n)),
  ...[1, 2, 3].map((n) => framed("cropping", "cropping", -1, n)),
  ...[1, 2, 3].map(upSampling),
  one("softmax", same),
  one("leakyRelu", same),
  one("prelu", same),
  one("elu", same),
  one("thresholding", (shape, choose) => ({ options: { theta: (choose[0] ?? 0) / 4 }, output: shape })),
  one("rescaling", (shape) => ({ options: { scale: 0.5, offset: 1 }, output: shape })),
  one("dropout", (shape) => ({ options: { rate: 0.5 }, output: shape })),
];
