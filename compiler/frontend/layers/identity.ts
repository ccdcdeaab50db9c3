/**
 * Layers that only do something in training, and so nothing here: they are kept so that a model reads as it
 * was trained and its other layers keep their names. Keras `Dropout` and the like, `Identity`. Also
 * `Rescaling`, scale x + offset.
 */
import { tensor } from "../../../runtime/tensor.ts";
import type { Value } from "../../ir/graph.ts";
import {
  anyWhole,
  either,
  type Fields,
  finite,
  listOf,
  optional,
  required,
  some,
  whole,
} from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";

export interface DropoutOptions extends LayerOptions {
  /** The share that is dropped in training, 0 .. 1. */
  readonly rate: number;
  readonly noiseShape?: readonly (number | null)[];
  readonly seed?: number;
}

export interface GaussianNoiseOptions extends LayerOptions {
  readonly stddev: number;
  readonly seed?: number;
}

export interface RescalingOptions extends LayerOptions {
  /** One number, or one per entry of the last axis. */
  readonly scale: number | readonly number[];
  /** Default 0. */
  readonly offset?: number | readonly number[];
}

const seed = optional(whole(0));
const rate = required(finite(0, 1));
const noiseShape = optional(listOf((size: unknown) => (size === null ? null : anyWhole(size))));

class Identity extends Configured<Fields> {
  override call(_ops: LayerOps, x: Value): Value {
    return x;
  }
}

const rescalingFields = { scale: required(some(finite())), offset: either(some(finite()), [0]) };

class Rescaling extends Configured<typeof rescalingFields> {
  constructor(options: RescalingOptions) {
    super("rescaling", options, rescalingFields);
  }

  override call(ops: LayerOps, x: Value): Value {
    const { dtype } = x.type;
    const numbers = (given: readonly number[]) =>
      ops.constant(given.length === 1 ? given[0]! : tensor(given, [given.length], dtype), dtype);
    const { scale, offset } = this.args;
    const scaled = ops.mul(x, numbers(scale));
    return offset.every((n) => n === 0) ? scaled : ops.add(scaled, numbers(offset));
  }
}

/** x. Keras `Identity`. */
export const identity = (options: LayerOptions = {}): Layer => new Identity("identity", options, {});
/** x: drops only in training. Keras `Dropout`. */
export const dropout = (options: DropoutOptions): Layer =>
  new Identity("dropout", options, { rate, noiseShape, seed });
/** x. Keras `SpatialDropout1D`. */
export const spatialDropout1d = (options: Omit<DropoutOptions, "noiseShape">): Layer =>
  new Identity("spatialDropout1d", options, { rate, seed });
/** x. Keras `SpatialDropout2D`. */
export const spatialDropout2d = (options: Omit<DropoutOptions, "noiseShape">): Layer =>
  new Identity("spatialDropout2d", options, { rate, seed, dataFormat: optional((given) => given) });
/** x. Keras `AlphaDropout`. */
export const alphaDropout = (options: DropoutOptions): Layer =>
  new Identity("alphaDropout", options, { rate, noiseShape, seed });
/** x. Keras `GaussianDropout`. */
export const gaussianDropout = (options: Omit<DropoutOptions, "noiseShape">): Layer =>
  new Identity("gaussianDropout", options, { rate, seed });
/** x. Keras `GaussianNoise`. */
export const gaussianNoise = (options: GaussianNoiseOptions): Layer =>
  new Identity("gaussianNoise", options, { stddev: required(finite(0)), seed });
/** scale x + offset. Keras `Rescaling`. */
export const rescaling = (options: RescalingOptions): Layer => new Rescaling(options);
