/**
 * The graph IR: a static single-assignment list of nodes over tensor values. Data only.
 *
 * One interface serves every stage; the type parameter says what a dimension may be. `Graph<Dim>` is
 * symbolic, `Graph<BoundDim>` has been bound to a sample, and only `bind` makes the latter, so a stage cannot
 * be skipped. Nodes are in topological order: an operand is a graph input, a parameter, or the result of an
 * earlier node. Every value knows the layer or file node that made it, because errors and generated comments
 * name that, not `%17`.
 */
import type { DType } from "../../runtime/dtype.ts";
import type { InitializerSpec } from "../../runtime/initializers/index.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { SourceLocation } from "../diagnostics/index.ts";
import type { Dim } from "../dims/index.ts";

declare const bound: unique symbol;
/**
 * A dimension without unknowns: a constant today, an expression of run-time symbols where one is left open.
 */
export type BoundDim = Dim & { readonly [bound]: true };

export interface TensorType<D extends Dim = Dim> {
  readonly dtype: DType;
  readonly shape: readonly D[];
}

/** Where a value comes from, in the user's words. */
export interface Source {
  /** Layer path or file node, e.g. `encoder.dense_1`; empty for a bare graph. */
  readonly path: string;
  readonly at?: SourceLocation;
}

export interface Value<D extends Dim = Dim> {
  /** Unique in its graph; print order. */
  readonly id: number;
  /** Name in the text form, unique in its graph, e.g. `x`, `dense.kernel`, `dense.add`. */
  readonly name: string;
  readonly type: TensorType<D>;
  readonly source: Source;
}

export type Attribute = number | string | boolean | Dim | Tensor | Graph | readonly Attribute[] | undefined;
export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node<D extends Dim = Dim> {
  /** Name of the core op, a key of `ops`. */
  readonly op: string;
  readonly attributes: Attributes;
  readonly operands: readonly Value<D>[];
  readonly results: readonly Value<D>[];
  readonly source: Source;
}

export interface Parameter<D extends Dim = Dim> {
  readonly value: Value<D>;
  readonly initializer: InitializerSpec;
  readonly trainable: boolean;
}

export interface Output<D extends Dim = Dim> {
  readonly name: string;
  readonly value: Value<D>;
  /** The shape its maker says it has: inference takes it for a fact and refuses what contradicts it. */
  readonly declared?: readonly D[];
}

/**
 * An input whose elements decide shapes: the graph is only for these. A dim for an integer, which a sample's
 * value binds like a size; a number for a float. They are checked when the graph is run.
 */
export interface Guard<D extends Dim = Dim> {
  readonly input: Value<D>;
  /** Row-major, one per element. */
  readonly elements: readonly (D | number)[];
}

export interface Graph<D extends Dim = Dim> {
  readonly name: string;
  readonly inputs: readonly Value<D>[];
  /** In the order of the inputs, at most one for each. */
  readonly guards: readonly Guard<D>[];
  readonly parameters: readonly Parameter<D>[];
  readonly nodes: readonly Node<D>[];
  readonly outputs: readonly Output<D>[];
}
