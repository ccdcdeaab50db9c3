/**
 * The loop IR: what a kernel does, independent of the target. Six statements and ten expressions.
 *
 * Index arithmetic is not part of it: an index, an extent and a guard are `Dim`s over loop axes (axes are dim
 * symbols), so shapes and addresses share one algebra with one normal form, equal addresses are the same
 * object, and the bounds proof is interval arithmetic on a Dim. Schedules rewrite loops (split, sink, unroll,
 * vectorise); a `for` in mode `vector` is one whose iterations are lanes: a SIMD target turns its stores and
 * registers into vectors, others unroll it.
 *
 * A register may have a shape (a tile of accumulators); its indices must be constants or unrolled or vector
 * axes when a target prints it. Modelled on Exo and on TVM's TIR, much reduced.
 */
import type { DType, Scalar } from "../../runtime/dtype.ts";
import type { Dim } from "../dims/index.ts";

export type Space = "input" | "output" | "weight" | "arena" | "packed";

/** A flat array of `length` elements. Where it lives is decided by the memory plan. */
export interface Buffer {
  readonly name: string;
  readonly dtype: DType;
  /** The most elements it can have: what memory is planned for. */
  readonly length: number;
  /** How many it has in a run, where that is for the run's open dims to say. */
  readonly size?: Dim;
  readonly space: Space;
}

/**
 * A local scalar (shape []) or tile of scalars. Floating accumulators are float64 unless the numerics say
 * otherwise.
 */
export interface Register {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export type UnaryFn =
  | "neg"
  | "abs"
  | "sign"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sqrt"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "asinh"
  | "acosh"
  | "atanh"
  | "erf"
  | "floor"
  | "ceil"
  | "round"
  | "not";
export type BinaryFn =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "pow"
  | "max"
  | "min"
  | "atan2"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or"
  | "xor"
  | "shiftLeft"
  | "shiftRight";

/**
 * Values are computed in the widest type of their kind (float64 for floats, int32 for integers and bool; but
 * uint32, int64 and uint64 in themselves) and narrowed by `cast` and by `store` only: a `cast` to float32 is
 * where a target rounds. `max` and `min` propagate NaN; `round` is half to even; integer `div` truncates,
 * `mod` has the divisor's sign.
 */
export type Expr =
  | { readonly kind: "constant"; readonly value: Scalar; readonly dtype: DType }
  | { readonly kind: "load"; readonly buffer: Buffer; readonly index: Dim }
  | { readonly kind: "register"; readonly register: Register; readonly index: readonly Dim[] }
  | { readonly kind: "unary"; readonly fn: UnaryFn; readonly x: Expr; readonly dtype: DType }
  | {
      readonly kind: "binary";
      readonly fn: BinaryFn;
      readonly a: Expr;
      readonly b: Expr;
      readonly dtype: DType;
    }
  | {
      readonly kind: "select";
      readonly condition: Expr;
      readonly a: Expr;
      readonly b: Expr;
      readonly dtype: DType;
    }
  | { readonly kind: "cast"; readonly x: Expr; readonly dtype: DType }
  /** The bits of `x`, narrowed to its dtype, seen as a `dtype` of as many; a NaN has those of NumPy's. */
  | { readonly kind: "bits"; readonly x: Expr; readonly dtype: DType }
  /** An index as a number. */
  | { readonly kind: "index"; readonly index: Dim; readonly dtype: DType }
  /** `inside` where every test is >= 0, else `outside`; the other arm is not evaluated (padding). */
  | {
      readonly kind: "guard";
      readonly tests: readonly Dim[];
      readonly inside: Expr;
      readonly outside: Expr;
      readonly dtype: DType;
    };

export type LoopMode = "serial" | "unroll" | "vector";

export interface For {
  readonly kind: "for";
  /**
   * The symbol that counts 0, step, 2*step, ... below `extent`. Differs from every loop around it; loops side
   * by side may share a symbol, and then have the same extent.
   */
  readonly axis: string;
  readonly extent: Dim;
  readonly step: number;
  readonly mode: LoopMode;
  /**
   * Iterations write different elements, so they may be blocked, reordered and run side by side; else a
   * reduction.
   */
  readonly parallel: boolean;
  readonly body: readonly Stmt[];
}

export type Stmt =
  | For
  /**
   * Declares `register` (element `index` of it) with its first value. The declaration belongs to the nearest
   * loop around it that is not unrolled or a vector: tiles outlive the `for` that fills them.
   */
  | {
      readonly kind: "let";
      readonly register: Register;
      readonly index: readonly Dim[];
      readonly value: Expr;
    }
  | {
      readonly kind: "set";
      readonly register: Register;
      readonly index: readonly Dim[];
      readonly value: Expr;
    }
  | { readonly kind: "store"; readonly buffer: Buffer; readonly index: Dim; readonly value: Expr }
  /**
   * Gives a data-dependent integer a symbol that may stand in later indices, with 0 <= symbol < extent made
   * sure: `check` raises a RangeError (saying `what`), `clamp` saturates. A negative value counts from the
   * end if `wrap`.
   */
  | {
      readonly kind: "bind";
      readonly symbol: string;
      readonly value: Expr;
      readonly extent: Dim;
      readonly mode: "check" | "clamp";
      readonly wrap: boolean;
      readonly what: string;
    }
  | { readonly kind: "if"; readonly condition: Expr; readonly body: readonly Stmt[] };

export interface Kernel {
  /** Valid, unique identifier named by op and extents, e.g. `dense_784x256`. */
  readonly name: string;
  /** Buffers in the order a call passes them: what is read, then what is written. */
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
  /** Index symbols passed by the caller: the time step of a scan, open dims. */
  readonly parameters: readonly string[];
  /** Those of `parameters` that are open dims: the same in all calls of a run. */
  readonly open?: readonly string[];
  readonly body: readonly Stmt[];
  /** One comment line: value, shapes, source layers. */
  readonly comment: string;
}
