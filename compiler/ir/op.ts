/**
 * What one core op is: the relation between its shapes, its reference evaluation, and its lowering.
 *
 * `relate` states equations about dims; the same statements infer forward, solve deferred parameters backward
 * and check concrete shapes. `evaluate` is plain loops over row-major data and defines what is correct.
 * `lower` is written independently and says either "element i of the result is this expression" (map),
 * "element i is this reduction" (reduce), "the same elements in the same order" (view), or builds statements
 * itself (kernel). Maps and reductions are descriptions, so that fusion, scheduling and vectorisation happen
 * in one place and no op knows about them.
 */
import type { DType, Scalar } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { Code, Fact } from "../diagnostics/index.ts";
import type { Dim, Shape } from "../dims/index.ts";
import type { Attributes, Graph, TensorType } from "./graph.ts";
import type { BinaryFn, Expr } from "./loop.ts";
import type { Numerics } from "./target.ts";

/** States what must hold between dims. A statement that cannot hold ends the relation with a CompileError. */
export interface RelationContext {
  /** `clause` says in the user's words why, e.g. "k of x[.., k] meets k of kernel[k, n]". */
  equal(a: Dim, b: Dim, clause: string): void;
  atLeast(a: Dim, b: Dim, clause: string): void;
  divisible(a: Dim, by: Dim, clause: string): void;
  /** The numpy rule for one pair of dims; returns the result's dim. */
  broadcast(a: Dim, b: Dim, clause: string): Dim;
  /** `a` with everything known so far substituted; relations rarely need it. */
  resolve(d: Dim): Dim;
  /** Runs the relations of a nested graph (a scan's body) under the same equations; its results' types. */
  infer(body: Graph, inputs: readonly TensorType[]): readonly TensorType[];
  /** A new flex symbol that the equations must determine. */
  unknown(hint: string): Dim;
  fail(
    code: Code,
    message: string,
    details: { readonly facts?: readonly Fact[]; readonly because?: string; readonly fix: string },
  ): never;
}

export interface EvaluationContext {
  readonly numerics: Numerics;
  /** Evaluates a nested graph. */
  run(body: Graph, inputs: readonly Tensor[]): readonly Tensor[];
}

/** An operand as a lowering sees it: a function from index to value, however it is stored or computed. */
export interface Operand {
  readonly dtype: DType;
  readonly shape: Shape;
  at(index: readonly Dim[]): Expr;
}

/** Where a `kernel` lowering puts a result. */
export interface Destination {
  readonly dtype: DType;
  readonly shape: Shape;
  store(index: readonly Dim[], value: Expr): void;
  /** What the kernel itself has stored there before. */
  load(index: readonly Dim[]): Expr;
}

export interface Local {
  get(): Expr;
  set(value: Expr): void;
}

/** Writes statements into the loop that is currently open. */
export interface Block {
  readonly numerics: Numerics;
  /** Evaluates once, reuse the returned expression freely. */
  let(name: string, value: Expr): Expr;
  /** A mutable local. Floats are kept in the accumulator type of the numerics when `accumulator` is set. */
  local(name: string, dtype: DType, initial: Expr, options?: { readonly accumulator?: boolean }): Local;
  /** `parallel`: iterations write different elements. `body` gets the axis as an index. */
  for(name: string, extent: Dim, options: { readonly parallel: boolean }, body: (axis: Dim) => void): void;
  if(condition: Expr, body: () => void): void;
  /** Makes a data-dependent integer usable as an index in 0 .. extent - 1 (see the `bind` statement). */
  index(
    value: Expr,
    extent: Dim,
    options: { readonly mode: "check" | "clamp"; readonly wrap?: boolean; readonly what: string },
  ): Dim;
}

export type Lowering =
  /**
   * One result; element `index` of it. `elementwise`: operands of the result's shape are read at `index`
   * itself only. `moves`: the element is one operand element (or a constant), nothing is computed. `guards`:
   * operands are read inside a `guard`. `block` is where the expression will be evaluated (for `let` and
   * `index`); if `at` uses `block.index` it must set `binds`.
   */
  | {
      readonly kind: "map";
      readonly elementwise?: boolean;
      readonly moves?: boolean;
      readonly guards?: boolean;
      readonly binds?: boolean;
      readonly at: (index: readonly Dim[], block: Block) => Expr;
    }
  /**
   * One result; element `index` is `finish(combine over all r in over of element(index, r))`, in row-major
   * order of r, starting from `identity`. `once`: each operand element is read at most once in all (a plain
   * reduction, not a contraction or window).
   */
  | {
      readonly kind: "reduce";
      readonly over: readonly Dim[];
      readonly identity: Scalar;
      readonly combine: Extract<BinaryFn, "add" | "mul" | "max" | "min">;
      readonly once?: boolean;
      readonly element: (index: readonly Dim[], over: readonly Dim[], block: Block) => Expr;
      readonly finish?: (total: Expr) => Expr;
    }
  /** The result is operand 0's elements in the same row-major order (reshape). */
  | { readonly kind: "view" }
  /**
   * `once`: stores each element of its one result once, and reads none of them, so that elementwise nodes
   * behind it may be computed where it stores.
   */
  | {
      readonly kind: "kernel";
      readonly once?: boolean;
      readonly build: (block: Block, results: readonly Destination[]) => void;
    }
  /** Handled by the lowering of programs itself: operand 0 is read as the size, which is in 0 .. most. */
  | { readonly kind: "measure"; readonly size: Dim; readonly most: Dim }
  /** Handled by the lowering of programs itself: runs `body` once per step (scan). */
  | { readonly kind: "scan"; readonly body: Graph };

/**
 * The form of one attribute; the verifier checks it, so that ops may trust theirs. Axes are ints, sizes dims.
 */
export type AttributeKind =
  | "int"
  | "ints"
  | "axisPairs"
  | "dim"
  | "dims"
  | "dimPairs"
  | "number"
  | "string"
  /** Words for messages; may be left out. */
  | "label"
  | "boolean"
  | "tensor"
  | "graph";

export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  /** Every attribute, all required but labels. */
  readonly attributes: Readonly<Record<keyof A & string, AttributeKind>>;
  /** How many results; one when absent. */
  readonly results?: (attributes: A) => number;
  /** Names of the operands, for messages; a last name ending in "..." repeats. */
  readonly operands: readonly string[];
  /** Result types from operand types, stating what must hold. Ranks and dtypes are checked here too. */
  readonly relate: (
    context: RelationContext,
    operands: readonly TensorType[],
    attributes: A,
  ) => readonly TensorType[];
  /** `results` are the concrete result shapes. Must not modify operands. */
  readonly evaluate: (
    operands: readonly Tensor[],
    attributes: A,
    results: readonly { readonly dtype: DType; readonly shape: readonly number[] }[],
    context: EvaluationContext,
  ) => readonly Tensor[];
  readonly lower: (operands: readonly Operand[], attributes: A, results: readonly TensorType[]) => Lowering;
  /** Multiply-accumulates; ops without it count none. */
  readonly macs?: (operands: readonly TensorType[], attributes: A, results: readonly TensorType[]) => Dim;
}
