/** What a model is made with and what it shows of itself, as types. */
import type { Tensor } from "../../runtime/tensor.ts";
import type { Shape } from "../dims/index.ts";
import type { Executor } from "./executor.ts";
import type { LayerOptions } from "./layer.ts";
import type { OutputShapes } from "./output-shapes.ts";
import type { Symbolic } from "./symbolic.ts";

export interface ModelOptions extends LayerOptions {
  /** The most bytes its parameters may take, default 1e9. */
  readonly maxParameterBytes?: number;
  /**
   * What the shapes of its outputs are known to be: one shape, or a record by output. It decides sizes that
   * layers leave open (`dense({ units: null })`) and is refused where it contradicts them.
   */
  readonly outputShape?: OutputShapes;
  /** How `predict` runs; default: the compiler. */
  readonly executor?: Executor;
}

/** A parameter as the model shows it. */
export interface ModelWeight {
  /** E.g. "encoder.dense.kernel". */
  readonly path: string;
  /** With symbols where nothing has decided a size. */
  readonly shape: Shape;
  /** Once it is fixed. */
  readonly sizes: readonly number[] | undefined;
  readonly dtype: Tensor["dtype"];
  readonly trainable: boolean;
  /** Whether its values are what its initialiser makes of the seed. */
  readonly initial: boolean;
  /** Its values. Throws E2101 while its shape is open. */
  tensor(): Tensor;
  /** The same as little-endian bytes at any address, where making the tensor would copy them. */
  bytes?(): Uint8Array;
}

/** What `predict` returns: a tensor per output, in the form the outputs were given. */
export type Tensors<Out> = Out extends Symbolic ? Tensor : { readonly [K in keyof Out]: Tensor };
