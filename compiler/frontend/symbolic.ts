/**
 * What flows between layers while a functional model is written: a record of which layer was applied to what,
 * and nothing else. Shapes are worked out when the model is built, so a layer can be applied before anything
 * is known.
 */
import type { DType } from "../../runtime/dtype.ts";
import { callSite, type SourceLocation } from "../diagnostics/index.ts";
import { dtype, either, layerName, optional, readArguments, shapeLike } from "./arguments.ts";
import { type ShapeLike, withBatch } from "./shapes.ts";

/** A layer as far as a record of its use needs to know it. */
export interface Applied {
  readonly kind: string;
  readonly givenName: string | undefined;
}

/** One use of a layer. */
export interface Application<L extends Applied = Applied> {
  readonly layer: L;
  readonly inputs: readonly Symbolic[];
  readonly at: SourceLocation | undefined;
}

/** A declared input of a model. */
export interface InputSpec {
  readonly kind: "input";
  readonly givenName: string | undefined;
  /** With the batch axis. */
  readonly shape: ShapeLike;
  readonly dtype: DType;
  /** Sizes that its elements are, in row-major order. */
  readonly values?: ShapeLike | undefined;
  readonly at: SourceLocation | undefined;
}

/** A tensor of a functional model: an input, or output `index` of a layer's application. */
export class Symbolic {
  readonly origin: Application | InputSpec;
  readonly index: number;

  constructor(origin: Application | InputSpec, index = 0) {
    this.origin = origin;
    this.index = index;
  }
}

export interface InputOptions {
  /** Without the batch axis, as in Keras; one that begins with "batch" is the whole shape. */
  readonly shape?: ShapeLike | string;
  /** The whole shape; `null` first is the batch. */
  readonly batchShape?: ShapeLike | string;
  readonly dtype?: DType;
  readonly name?: string;
  /**
   * For an integer input that says sizes: the dims its elements are, e.g. `["k"]`, as they stand in shapes. A
   * sample's values bind them.
   */
  readonly values?: ShapeLike;
}

const fields = {
  shape: optional(shapeLike),
  batchShape: optional(shapeLike),
  dtype: either(dtype, "float32"),
  name: optional(layerName),
  values: optional(shapeLike),
};

/**
 * An input of a functional model. `null` is a size the data decides, a string a named dim or an expression of
 * some: `["batch", "2*time", 40]`, or as one text "batch, 2*time, 40". Keras `Input`.
 */
export function input(options: InputOptions): Symbolic {
  const at = callSite();
  const read = readArguments("input", options, fields, at);
  const shape = read.batchShape ?? withBatch(read.shape ?? []);
  const { name: givenName, dtype, values } = read;
  return new Symbolic({ kind: "input", givenName, shape, dtype, values, at });
}
