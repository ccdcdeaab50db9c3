/**
 * Convolutions over 1, 2 or 3 spatial axes, plain, depthwise, separable and transposed, in both data formats.
 * All become the core op `conv`: depthwise is one group per channel, transposed is a convolution of the
 * stretched input with the mirrored kernel. Kernels have Keras's layouts. Keras `Conv1D`, `DepthwiseConv2D`,
 * `SeparableConv2D`, `Conv2DTranspose`, ...
 */
import type { InitializerInput } from "../../../runtime/initializers/index.ts";
import { floorDiv, mul, type Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { type ActivationName, activations } from "../activations.ts";
import {
  activation,
  either,
  type Fields,
  flag,
  initializer,
  optional,
  type Read,
  Refusal,
  required,
  tuple,
  whole,
  word,
} from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";
import type { DataFormat } from "../ops/core.ts";
import {
  axesText,
  channelAxis,
  type Padding,
  paddingOf,
  spatialAxes,
  transposedPadding,
} from "../windows.ts";

type Sizes = number | readonly number[];

interface WindowedOptions extends LayerOptions {
  /** One number, or one per spatial axis. */
  readonly kernelSize: Sizes;
  /** Default 1. */
  readonly strides?: Sizes;
  /** Default "valid"; "same" keeps ceil(n / stride), "causal" (1d) looks back only. */
  readonly padding?: "valid" | "same" | "causal";
  /** Default "channelsLast". */
  readonly dataFormat?: DataFormat;
  /** Default 1. */
  readonly dilationRate?: Sizes;
  /** Default "linear". */
  readonly activation?: ActivationName | (string & {});
  /** Default true. */
  readonly useBias?: boolean;
  /** Default "zeros". */
  readonly biasInitializer?: InitializerInput;
}

export interface ConvOptions extends WindowedOptions {
  /** Channels of the output. */
  readonly filters: number;
  /** Default 1; must divide the channels of input and output. */
  readonly groups?: number;
  /** Default "glorotUniform". */
  readonly kernelInitializer?: InitializerInput;
}

export interface DepthwiseConvOptions extends WindowedOptions {
  /** Outputs per channel of the input, default 1. */
  readonly depthMultiplier?: number;
  /** Default "glorotUniform". */
  readonly depthwiseInitializer?: InitializerInput;
}

export interface SeparableConvOptions extends DepthwiseConvOptions {
  /** Channels of the output. */
  readonly filters: number;
  /** Default "glorotUniform". */
  readonly pointwiseInitializer?: InitializerInput;
}

export interface ConvTransposeOptions extends Omit<WindowedOptions, "padding"> {
  readonly padding?: "valid" | "same";
  /** Channels of the output. */
  readonly filters: number;
  /** Rows more at the end; default: as many as make `same` give n * stride. */
  readonly outputPadding?: Sizes;
  /** Default "glorotUniform". */
  readonly kernelInitializer?: InitializerInput;
}

const glorot = either(initializer, { kind: "glorotUniform" });

function windowed(rank: number) {
  return {
    kernelSize: required(tuple(rank, whole())),
    strides: either(tuple(rank, whole()), ones(rank)),
    padding: either(rank === 1 ? word("valid", "same", "causal") : word("valid", "same"), "valid"),
    dataFormat: either(word("channelsLast", "channelsFirst"), "channelsLast"),
    dilationRate: either(tuple(rank, whole()), ones(rank)),
    activation: either(activation, "linear"),
    useBias: either(flag, true),
    biasInitializer: either(initializer, { kind: "zeros" }),
  } satisfies Fields;
}

const filters = required(whole());
const depthFields = (rank: number) => ({
  ...windowed(rank),
  depthMultiplier: either(whole(), 1),
  depthwiseInitializer: glorot,
});
const convFields = (rank: number) => ({
  ...windowed(rank),
  filters,
  groups: either(whole(), 1),
  kernelInitializer: glorot,
});
const separableFields = (rank: number) => ({ ...depthFields(rank), filters, pointwiseInitializer: glorot });
const transposeFields = (rank: number) => ({
  ...windowed(rank),
  padding: either(word("valid", "same"), "valid"),
  filters,
  outputPadding: optional(tuple(rank, whole(0))),
  kernelInitializer: glorot,
});

/** What all of them share: the rank, the bias and the activation. */
abstract class Windowed<F extends Fields> extends Configured<F> {
  protected readonly spatial: number;
  protected readonly common: Read<ReturnType<typeof windowed>>;
  #bias: Value | undefined;

  constructor(kind: string, spatial: number, options: object, fields: F) {
    super(kind, options, fields);
    this.spatial = spatial;
    this.common = this.args as unknown as Read<ReturnType<typeof windowed>>;
  }

  override get minimumRank(): number {
    return this.spatial + 2;
  }

  override check(shape: Shape): void {
    this.requireRank(shape, [this.spatial + 2], axesText(this.spatial, this.common.dataFormat));
  }

  protected channels(shape: Shape) {
    return shape[channelAxis(shape.length, this.common.dataFormat)]!;
  }

  /** Why the kernel's `k` is the input's. */
  protected meeting(kernel: string): string {
    return `${this.path} slides ${kernel} over the channels k of x, so k`;
  }

  protected addBias(length: Shape[number] | number): void {
    const { useBias, biasInitializer } = this.common;
    this.#bias = useBias ? this.addWeight("bias", [length], { initializer: biasInitializer }) : undefined;
  }

  protected convolve(ops: LayerOps, x: Value, kernel: Value, groups: Shape[number] | number): Value {
    const { kernelSize, strides, padding, dataFormat, dilationRate } = this.common;
    const shape = ops.shape(x);
    const padded = spatialAxes(shape.length, dataFormat).map((axis, i) => {
      const window = { size: kernelSize[i]!, stride: strides[i]!, dilation: dilationRate[i]! };
      return paddingOf(padding as Padding, shape[axis]!, window);
    });
    return ops.conv(x, kernel, {
      strides,
      padding: padded,
      dilations: dilationRate,
      groups,
      layout: dataFormat,
    });
  }

  protected finish(ops: LayerOps, x: Value): Value {
    const axis = channelAxis(ops.rank(x), this.common.dataFormat);
    const sum = this.#bias ? ops.addBias(x, this.#bias, axis) : x;
    return activations[this.common.activation](ops, sum);
  }
}

class Conv extends Windowed<ReturnType<typeof convFields>> {
  #kernel: Value | undefined;

  constructor(spatial: number, options: ConvOptions) {
    const kind = `conv${spatial}d`;
    super(kind, spatial, options, checkedGroups(convFields(spatial), options));
  }

  override build(shape: Shape): void {
    const { kernelSize, filters, groups, kernelInitializer } = this.args;
    const inputs = this.deferred(floorDiv(this.channels(shape), groups), "in");
    this.#kernel = this.addWeight("kernel", [...kernelSize, inputs, filters], {
      initializer: kernelInitializer,
      because: this.meeting(
        `kernel[${[...kernelSize, groups > 1 ? `k / ${groups}` : "k", filters].join(", ")}]`,
      ),
    });
    this.addBias(filters);
  }

  override call(ops: LayerOps, x: Value): Value {
    return this.finish(ops, this.convolve(ops, x, this.#kernel!, this.args.groups));
  }
}

/** A kernel [...k, C, m] as one of C groups, [...k, 1, C m]. */
function grouped(ops: LayerOps, kernel: Value): { readonly kernel: Value; readonly groups: Shape[number] } {
  const shape = ops.shape(kernel);
  const [channels, multiplier] = shape.slice(-2) as [Shape[number], Shape[number]];
  const groupedShape = [...shape.slice(0, -2), 1, mul(channels, multiplier)];
  return { kernel: ops.reshape(kernel, groupedShape), groups: channels };
}

class DepthwiseConv extends Windowed<ReturnType<typeof depthFields>> {
  #kernel: Value | undefined;

  constructor(spatial: number, options: DepthwiseConvOptions) {
    super(`depthwiseConv${spatial}d`, spatial, options, depthFields(spatial));
  }

  override build(shape: Shape): void {
    const { kernelSize, depthMultiplier, depthwiseInitializer } = this.args;
    const channels = this.deferred(this.channels(shape), "channels");
    this.#kernel = this.addWeight("kernel", [...kernelSize, channels, depthMultiplier], {
      initializer: depthwiseInitializer,
      because: this.meeting(`kernel[${[...kernelSize, "k", depthMultiplier].join(", ")}]`),
    });
    this.addBias(mul(this.channels(shape), depthMultiplier));
  }

  override call(ops: LayerOps, x: Value): Value {
    const { kernel, groups } = grouped(ops, this.#kernel!);
    return this.finish(ops, this.convolve(ops, x, kernel, groups));
  }
}

class SeparableConv extends Windowed<ReturnType<typeof separableFields>> {
  #depthwise: Value | undefined;
  #pointwise: Value | undefined;

  constructor(spatial: number, options: SeparableConvOptions) {
    super(`separableConv${spatial}d`, spatial, options, separableFields(spatial));
  }

  override build(shape: Shape): void {
    const { kernelSize, depthMultiplier, filters, depthwiseInitializer, pointwiseInitializer } = this.args;
    const channels = this.deferred(this.channels(shape), "channels");
    this.#depthwise = this.addWeight("depthwise_kernel", [...kernelSize, channels, depthMultiplier], {
      initializer: depthwiseInitializer,
      because: this.meeting(`depthwise_kernel[${[...kernelSize, "k", depthMultiplier].join(", ")}]`),
    });
    const middle = mul(channels, depthMultiplier);
    this.#pointwise = this.addWeight("pointwise_kernel", [...ones(this.spatial), middle, filters], {
      initializer: pointwiseInitializer,
    });
    this.addBias(filters);
  }

  override call(ops: LayerOps, x: Value): Value {
    const { kernel, groups } = grouped(ops, this.#depthwise!);
    const middle = this.convolve(ops, x, kernel, groups);
    const strides = ones(this.spatial);
    const padding = strides.map(() => [0, 0] as const);
    const options = { strides, padding, layout: this.common.dataFormat };
    return this.finish(ops, ops.conv(middle, this.#pointwise!, options));
  }
}

class ConvTranspose extends Windowed<ReturnType<typeof transposeFields>> {
  #kernel: Value | undefined;

  constructor(spatial: number, options: ConvTransposeOptions) {
    super(`conv${spatial}dTranspose`, spatial, options, transposeFields(spatial));
  }

  override build(shape: Shape): void {
    const { kernelSize, filters, kernelInitializer } = this.args;
    const inputs = this.deferred(this.channels(shape), "in");
    this.#kernel = this.addWeight("kernel", [...kernelSize, filters, inputs], {
      initializer: kernelInitializer,
      because: this.meeting(`kernel[${[...kernelSize, filters, "k"].join(", ")}]`),
    });
    this.addBias(filters);
  }

  override call(ops: LayerOps, x: Value): Value {
    const { kernelSize, strides, padding, dilationRate, outputPadding, dataFormat } = this.args;
    const padded = kernelSize.map((size, i) => {
      const window = { size, stride: strides[i]!, dilation: dilationRate[i]! };
      return transposedPadding(padding, window, outputPadding?.[i]);
    });
    const made = ops.conv(x, mirrored(ops, this.#kernel!), {
      strides: ones(this.spatial),
      padding: padded,
      dilations: dilationRate,
      inputDilations: strides,
      layout: dataFormat,
    });
    return this.finish(ops, made);
  }
}

/** [...k, out, in] as the kernel of the convolution backwards: [...k mirrored, in, out]. */
function mirrored(ops: LayerOps, kernel: Value): Value {
  const spatial = Array.from({ length: ops.rank(kernel) - 2 }, (_, i) => i);
  const flipped = ops.reverse(kernel, spatial);
  return ops.transpose(flipped, [...spatial, spatial.length + 1, spatial.length]);
}

function checkedGroups<F extends ReturnType<typeof convFields>>(fields: F, options: ConvOptions): F {
  const groups = {
    read: (given: unknown) => {
      const count = whole()(given);
      if (Number.isInteger(options.filters) && options.filters % count !== 0)
        throw new Refusal(`must divide filters, which is ${options.filters}`);
      return count;
    },
    fallback: 1,
  };
  return { ...fields, groups };
}

function ones(count: number): readonly number[] {
  return Array.from({ length: count }, () => 1);
}

/** [batch, steps, C] to [batch, steps', filters]. Kernel [k, C / groups, filters]. Keras `Conv1D`. */
export const conv1d = (options: ConvOptions): Layer => new Conv(1, options);
/**
 * [batch, rows, cols, C] to [batch, rows', cols', filters]. Kernel [k, k, C / groups, filters]. Keras
 * `Conv2D`.
 */
export const conv2d = (options: ConvOptions): Layer => new Conv(2, options);
/** As conv2d, with depth first. Keras `Conv3D`. */
export const conv3d = (options: ConvOptions): Layer => new Conv(3, options);
/**
 * Every channel by itself. Kernel [k, C, m]; channel c gives outputs c m .. c m + m - 1. Keras
 * `DepthwiseConv1D`.
 */
export const depthwiseConv1d = (options: DepthwiseConvOptions): Layer => new DepthwiseConv(1, options);
/** Every channel by itself. Kernel [k, k, C, m]. Keras `DepthwiseConv2D`. */
export const depthwiseConv2d = (options: DepthwiseConvOptions): Layer => new DepthwiseConv(2, options);
/** Depthwise, then a 1x1 convolution. Kernels [k, C, m] and [1, C m, filters]. Keras `SeparableConv1D`. */
export const separableConv1d = (options: SeparableConvOptions): Layer => new SeparableConv(1, options);
/**
 * Depthwise, then a 1x1 convolution. Kernels [k, k, C, m] and [1, 1, C m, filters]. Keras `SeparableConv2D`.
 */
export const separableConv2d = (options: SeparableConvOptions): Layer => new SeparableConv(2, options);
/**
 * The transpose of a convolution: steps become steps * stride (`same`). Kernel [k, filters, C]. Keras
 * `Conv1DTranspose`.
 */
export const conv1dTranspose = (options: ConvTransposeOptions): Layer => new ConvTranspose(1, options);
/** The transpose of a convolution. Kernel [k, k, filters, C]. Keras `Conv2DTranspose`. */
export const conv2dTranspose = (options: ConvTransposeOptions): Layer => new ConvTranspose(2, options);
/** The transpose of a convolution. Kernel [k, k, k, filters, C]. Keras `Conv3DTranspose`. */
export const conv3dTranspose = (options: ConvTransposeOptions): Layer => new ConvTranspose(3, options);
