/**
 * Convolution (cross-correlation, as every framework means it) over any number of spatial axes, grouped and
 * dilated; input dilation makes the transposed one (XLA ConvGeneralDilated). x is [N, ...spatial, C] or [N,
 * C, ...spatial]; the kernel is always [...window, C / groups, O], as Keras stores it. Zero padding is
 * arithmetic: a padded element is multiplied by its weight like any other, so reading a padded copy gives the
 * same bits.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import { strides as stridesOfShape } from "../../runtime/tensor.ts";
import {
  add,
  constantOf,
  type Dim,
  floorDiv,
  mod,
  mul,
  neg,
  product,
  type Shape,
  sub,
} from "../dims/index.ts";
import type { TensorType } from "../ir/graph.ts";
import type { Expr } from "../ir/loop.ts";
import type { Operand, RelationContext } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { identityOf, multiplyAdder } from "./accumulate.ts";
import {
  checkCount,
  checkDType,
  checkRank,
  checkSameDType,
  defineOp,
  numberOf,
  numbersOf,
} from "./definition.ts";
import { build, counting, walk } from "./odometer.ts";
import { insideTests, placesOf, positionOf, relateWindow, type WindowAxis } from "./windows.ts";

export type ConvAttributes = {
  readonly strides: readonly Dim[];
  readonly padding: readonly (readonly [low: Dim, high: Dim])[];
  readonly dilations: readonly Dim[];
  readonly inputDilations: readonly Dim[];
  readonly groups: Dim;
  readonly layout: string;
};

export const conv = defineOp<ConvAttributes>({
  name: "conv",
  operands: ["x", "kernel"],
  attributes: {
    strides: "dims",
    padding: "dimPairs",
    dilations: "dims",
    inputDilations: "dims",
    groups: "dim",
    layout: "string",
  },
  relate: (context, [x, kernel], attributes) => {
    check(context, x!, kernel!, attributes);
    const { spatial, channel } = axesOf(x!.shape.length, attributes.layout);
    const [inputs, outputs] = [kernel!.shape.at(-2)!, kernel!.shape.at(-1)!];
    const { groups } = attributes;
    context.equal(
      x!.shape[channel]!,
      mul(inputs, groups),
      `the channels of x (axis ${channel}) meet axis ${spatial.length} of kernel${timesGroups(groups)}`,
    );
    if (constantOf(groups) !== 1)
      context.divisible(
        outputs,
        groups,
        `each of the ${groups} groups makes as many of the kernel's outputs`,
      );
    const places = spatial.map((axis, i) =>
      relateWindow(context, "conv", `axis ${axis} of x`, windowAt(x!.shape, kernel!.shape, attributes, i)),
    );
    return [{ dtype: x!.dtype, shape: arranged(attributes.layout, x!.shape[0]!, places, outputs) }];
  },
  evaluate: ([x, kernel], attributes, _results, { numerics }) => [
    convolve(x!, kernel!, attributes, numerics),
  ],
  lower: ([x, kernel], attributes) => {
    const { shape } = kernel!;
    return {
      kind: "reduce",
      over: shape.slice(0, -1),
      identity: 0,
      combine: "add",
      element: (index, over) => {
        const output = index[axesOf(index.length, attributes.layout).channel]!;
        return {
          kind: "binary",
          fn: "mul",
          a: inputAt(x!, shape, attributes, index, over),
          b: kernel!.at([...over, output]),
          dtype: x!.dtype,
        };
      },
    };
  },
  macs: ([, kernel], _attributes, [result]) =>
    mul(product(result!.shape), product(kernel!.shape.slice(0, -1))),
});

function check(
  context: RelationContext,
  x: TensorType,
  kernel: TensorType,
  attributes: ConvAttributes,
): void {
  checkRank(context, "conv", "x", x, 3, Number.POSITIVE_INFINITY);
  checkRank(context, "conv", "kernel", kernel, x.shape.length);
  checkDType(context, "conv", "x", x, "number");
  checkSameDType(context, "conv", ["x", "kernel"], x, kernel);
  const axes = x.shape.length - 2;
  for (const name of ["strides", "padding", "dilations", "inputDilations"] as const)
    checkCount(context, "conv", name, attributes[name].length, axes);
  if (!["channelsLast", "channelsFirst"].includes(attributes.layout))
    context.fail("E2111", `conv has the layout ${attributes.layout}`, {
      fix: "use channelsLast or channelsFirst",
    });
}

interface Axes {
  readonly spatial: readonly number[];
  readonly channel: number;
}

function axesOf(rank: number, layout: string): Axes {
  const first = layout === "channelsFirst";
  return { spatial: counting(rank - 2).map((i) => i + (first ? 2 : 1)), channel: first ? 1 : rank - 1 };
}

function arranged<N>(layout: string, batch: N, spatial: readonly N[], channels: N): readonly N[] {
  return layout === "channelsFirst" ? [batch, channels, ...spatial] : [batch, ...spatial, channels];
}

function timesGroups(groups: Dim): string {
  return constantOf(groups) === 1 ? "" : ` times ${groups} groups`;
}

/**
 * Spatial axis `i` as a window over the dilated input, which has inputDilation - 1 zeros between neighbours.
 */
function windowAt(x: Shape, kernel: Shape, attributes: ConvAttributes, i: number): WindowAxis<Dim> {
  const { spatial } = axesOf(x.length, attributes.layout);
  const [low, high] = attributes.padding[i]!;
  return {
    input: add(mul(sub(x[spatial[i]!]!, 1), attributes.inputDilations[i]!), 1),
    size: kernel[i]!,
    stride: attributes.strides[i]!,
    low,
    high,
    dilation: attributes.dilations[i]!,
  };
}

/**
 * The input element that meets kernel element `over` at result `index`, or 0 in the padding and between
 * dilated elements.
 */
function inputAt(
  x: Operand,
  kernel: Shape,
  attributes: ConvAttributes,
  index: readonly Dim[],
  over: readonly Dim[],
): Expr {
  const { spatial, channel } = axesOf(x.shape.length, attributes.layout);
  const tests: Dim[] = [];
  const at = spatial.map((axis, i) => {
    const window = windowAt(x.shape, kernel, attributes, i);
    const position = positionOf(window, index[axis]!, over[i]!);
    const spacing = attributes.inputDilations[i]!;
    // Tested is what is read, so that the address is proven from the tests alone.
    const source = floorDiv(position, spacing);
    tests.push(...insideTests(window, source, x.shape[axis]!));
    if (constantOf(spacing) !== 1) tests.push(neg(mod(position, spacing)));
    return source;
  });
  const source = channelAt(kernel, attributes.groups, index[channel]!, over.at(-1)!);
  const inside = x.at(arranged(attributes.layout, index[0]!, at, source));
  if (tests.length === 0) return inside;
  return {
    kind: "guard",
    tests,
    inside,
    outside: { kind: "constant", value: 0, dtype: x.dtype },
    dtype: x.dtype,
  };
}

function channelAt(kernel: Shape, groups: Dim, output: Dim, input: Dim): Dim {
  if (constantOf(groups) === 1) return input;
  const [perGroup, outputs] = [kernel.at(-2)!, kernel.at(-1)!];
  return add(mul(floorDiv(output, floorDiv(outputs, groups)), perGroup), input);
}

function convolve(x: Tensor, kernel: Tensor, attributes: ConvAttributes, numerics: Numerics): Tensor {
  const { spatial, channel } = axesOf(x.shape.length, attributes.layout);
  const windows = spatial.map((axis, i) => concreteWindow(x.shape[axis]!, kernel.shape[i]!, attributes, i));
  const spacing = numbersOf(attributes.inputDilations);
  const [perGroup, outputs] = [kernel.shape.at(-2)!, kernel.shape.at(-1)!];
  const outputsPerGroup = outputs / numberOf(attributes.groups);
  const shape = arranged(attributes.layout, x.shape[0]!, windows.map(placesOf), outputs);
  const xSteps = stridesOfShape(x.shape);
  const channelStep = xSteps[channel]!;
  const taps = kernel.shape.slice(0, -2);
  const tapSteps = [stridesOfShape(kernel.shape).slice(0, -2)];
  const step = multiplyAdder(x.dtype, numerics);
  const zero = identityOf("add", x.dtype);
  return build(x.dtype, shape, [], (_, index) => {
    const output = index[channel]!;
    const first = Math.floor(output / outputsPerGroup) * perGroup;
    const start = index[0]! * xSteps[0]! + first * channelStep;
    let total = zero;
    walk(
      taps,
      tapSteps,
      ([w], tap) => {
        let at = start;
        let inside = true;
        windows.forEach(({ stride, dilation, low, input }, i) => {
          const position = index[spatial[i]!]! * stride + tap[i]! * dilation - low;
          inside &&= position >= 0 && position < input && position % spacing[i]! === 0;
          at += (position / spacing[i]!) * xSteps[spatial[i]!]!;
        });
        for (let c = 0; c < perGroup; c++) {
          const value = inside ? x.data[at + c * channelStep]! : zero;
          total = step(total, value, kernel.data[w! + c * outputs]!);
        }
      },
      [output],
    );
    return total;
  });
}

function concreteWindow(
  input: number,
  size: number,
  attributes: ConvAttributes,
  i: number,
): WindowAxis<number> {
  const [low, high] = numbersOf(attributes.padding[i]!);
  return {
    input: (input - 1) * numberOf(attributes.inputDilations[i]!) + 1,
    size,
    stride: numberOf(attributes.strides[i]!),
    low: low!,
    high: high!,
    dilation: numberOf(attributes.dilations[i]!),
  };
}
