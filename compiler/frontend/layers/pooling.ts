/**
 * Maxima and averages over windows, and over all positions. With `same` padding an average divides by the
 * number of real elements in the window, as Keras does: a window sum over ones, which folds away once the
 * sizes are known. Keras `MaxPooling2D`, `AveragePooling2D`, `GlobalMaxPooling2D`, `GlobalAveragePooling2D`
 * and the like.
 */
import { constant, type Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { either, flag, optional, tuple, whole, word } from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";
import type { DataFormat, WindowOptions } from "../ops/core.ts";
import { axesText, type Pair, paddingOf, perAxis, spatialAxes } from "../windows.ts";

type Sizes = number | readonly number[];

export interface PoolingOptions extends LayerOptions {
  /** Default 2; one number, or one per spatial axis. */
  readonly poolSize?: Sizes;
  /** Default: the pool size. */
  readonly strides?: Sizes;
  /** Default "valid". */
  readonly padding?: "valid" | "same";
  /** Default "channelsLast". */
  readonly dataFormat?: DataFormat;
}

export interface GlobalPoolingOptions extends LayerOptions {
  /** Default "channelsLast". */
  readonly dataFormat?: DataFormat;
  /** Keep the spatial axes with size 1, default false. */
  readonly keepDims?: boolean;
}

const dataFormat = either(word("channelsLast", "channelsFirst"), "channelsLast");
const poolingFields = (spatial: number) => ({
  poolSize: either(
    tuple(spatial, whole()),
    Array.from({ length: spatial }, () => 2),
  ),
  strides: optional(tuple(spatial, whole())),
  padding: either(word("valid", "same"), "valid"),
  dataFormat,
});
const globalFields = { dataFormat, keepDims: either(flag, false) };

type Kind = "max" | "average";

class Pooling extends Configured<ReturnType<typeof poolingFields>> {
  readonly #pool: Kind;
  readonly #spatial: number;

  constructor(pool: Kind, spatial: number, options: PoolingOptions) {
    super(`${pool}Pooling${spatial}d`, options, poolingFields(spatial));
    this.#pool = pool;
    this.#spatial = spatial;
  }

  override get minimumRank(): number {
    return this.#spatial + 2;
  }

  override check(shape: Shape): void {
    this.requireRank(shape, [this.#spatial + 2], axesText(this.#spatial, this.args.dataFormat));
  }

  override call(ops: LayerOps, x: Value): Value {
    const window = this.#window(ops.shape(x));
    if (this.#pool === "max") return ops.windowReduce(x, "max", window);
    const sum = ops.windowReduce(x, "add", window);
    const { padding, poolSize } = this.args;
    if (padding === "valid")
      return ops.div(
        sum,
        poolSize.reduce((n, size) => n * size, 1),
      );
    return ops.div(sum, ops.windowReduce(this.#ones(ops, x), "add", window));
  }

  #window(shape: Shape): WindowOptions {
    const { poolSize, strides = poolSize, padding, dataFormat } = this.args;
    const none: Pair = [constant(0), constant(0)];
    const padded = spatialAxes(shape.length, dataFormat).map((axis, i) =>
      paddingOf(padding, shape[axis]!, { size: poolSize[i]!, stride: strides[i]!, dilation: 1 }),
    );
    return {
      window: perAxis(shape, dataFormat, poolSize, 1),
      strides: perAxis(shape, dataFormat, strides, 1),
      padding: perAxis(shape, dataFormat, padded, none),
    };
  }

  /** Ones along the spatial axes, one entry elsewhere. */
  #ones(ops: LayerOps, x: Value): Value {
    const shape = ops.shape(x);
    const spatial = spatialAxes(shape.length, this.args.dataFormat).map((axis) => shape[axis]!);
    return ops.fill(1, perAxis(shape, this.args.dataFormat, spatial, constant(1)), x);
  }
}

class GlobalPooling extends Configured<typeof globalFields> {
  readonly #pool: Kind;
  readonly #spatial: number;

  constructor(pool: Kind, spatial: number, options: GlobalPoolingOptions) {
    const name = pool === "max" ? "Max" : "Average";
    super(`global${name}Pooling${spatial}d`, options, globalFields);
    this.#pool = pool;
    this.#spatial = spatial;
  }

  override get minimumRank(): number {
    return this.#spatial + 2;
  }

  override outputRank(inputRank: number): number {
    return this.args.keepDims ? inputRank : 2;
  }

  override check(shape: Shape): void {
    this.requireRank(shape, [this.#spatial + 2], axesText(this.#spatial, this.args.dataFormat));
  }

  override call(ops: LayerOps, x: Value): Value {
    const { dataFormat, keepDims } = this.args;
    const axes = spatialAxes(ops.rank(x), dataFormat);
    return this.#pool === "max" ? ops.reduceMax(x, axes, keepDims) : ops.mean(x, axes, keepDims);
  }
}

/** [batch, steps, C] to [batch, steps', C]. Keras `MaxPooling1D`. */
export const maxPooling1d = (options: PoolingOptions = {}): Layer => new Pooling("max", 1, options);
/** [batch, rows, cols, C] to [batch, rows', cols', C]. Keras `MaxPooling2D`. */
export const maxPooling2d = (options: PoolingOptions = {}): Layer => new Pooling("max", 2, options);
/** With three spatial axes. Keras `MaxPooling3D`. */
export const maxPooling3d = (options: PoolingOptions = {}): Layer => new Pooling("max", 3, options);
/** [batch, steps, C] to [batch, steps', C]. Keras `AveragePooling1D`. */
export const averagePooling1d = (options: PoolingOptions = {}): Layer => new Pooling("average", 1, options);
/** [batch, rows, cols, C] to [batch, rows', cols', C]. Keras `AveragePooling2D`. */
export const averagePooling2d = (options: PoolingOptions = {}): Layer => new Pooling("average", 2, options);
/** With three spatial axes. Keras `AveragePooling3D`. */
export const averagePooling3d = (options: PoolingOptions = {}): Layer => new Pooling("average", 3, options);
/** [batch, steps, C] to [batch, C]. Keras `GlobalMaxPooling1D`. */
export const globalMaxPooling1d = (options: GlobalPoolingOptions = {}): Layer =>
  new GlobalPooling("max", 1, options);
/** [batch, rows, cols, C] to [batch, C]. Keras `GlobalMaxPooling2D`. */
export const globalMaxPooling2d = (options: GlobalPoolingOptions = {}): Layer =>
  new GlobalPooling("max", 2, options);
/** With three spatial axes. Keras `GlobalMaxPooling3D`. */
export const globalMaxPooling3d = (options: GlobalPoolingOptions = {}): Layer =>
  new GlobalPooling("max", 3, options);
/** [batch, steps, C] to [batch, C]. Keras `GlobalAveragePooling1D`. */
export const globalAveragePooling1d = (options: GlobalPoolingOptions = {}): Layer =>
  new GlobalPooling("average", 1, options);
/** [batch, rows, cols, C] to [batch, C]. Keras `GlobalAveragePooling2D`. */
export const globalAveragePooling2d = (options: GlobalPoolingOptions = {}): Layer =>
  new GlobalPooling("average", 2, options);
/** With three spatial axes. Keras `GlobalAveragePooling3D`. */
export const globalAveragePooling3d = (options: GlobalPoolingOptions = {}): Layer =>
  new GlobalPooling("average", 3, options);
