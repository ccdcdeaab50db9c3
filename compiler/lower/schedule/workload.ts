/**
 * What a nest does, reduced to what decides its speed: for the innermost loops of its reductions, which
 * addresses they read and how those move with each output axis, how much arithmetic an element costs, and
 * whether lanes are possible.
 */
import { constantOf, type Dim, symbolsOf } from "../../dims/index.ts";
import { affineOf, strideOf } from "../../ir/affine.ts";
import type { BinaryFn, Buffer, Expr, For, Stmt, UnaryFn } from "../../ir/loop.ts";
import { expressionOf, type Load, visitExpr, visitStmts } from "../../ir/loop-rewrite.ts";
import type { Numerics } from "../../ir/target.ts";
import { exprHasLanes, isLaneType } from "./lanes.ts";

/** Perfectly nested parallel loops, outermost first, around a body that is not one parallel loop. */
export interface Nest {
  readonly axes: readonly For[];
  readonly body: readonly Stmt[];
}

export interface Read {
  /** A constant operand: it may be packed, and then moves by one along the innermost axis of the tile. */
  readonly packable: boolean;
  /** A computed operand that may be packed for lanes that lie apart. */
  readonly gathered: boolean;
  /** Read as float32 although values are float64: costs a conversion. */
  readonly narrow: boolean;
  /** Stride along each axis of the nest that moves the address; undefined where that is not constant. */
  readonly strides: ReadonlyMap<string, number | undefined>;
  /** Stride along the innermost loop of the reduction. */
  readonly along: number | undefined;
}

/** One innermost reduction loop. */
export interface Reduction {
  readonly trips: number;
  /** Of its innermost loop. */
  readonly taps: number;
  readonly reads: readonly Read[];
  /** Arithmetic instructions for one element of one iteration. */
  readonly arithmetic: number;
  /** The same where a multiplication and the addition of its product are one. */
  readonly fused: number;
  readonly accumulators: number;
  /** Cycles at the end of it, for each accumulator. */
  readonly combining: number;
}

export interface Workload {
  readonly reductions: readonly Reduction[];
  /** Axes along which every store moves by one and every operation has a vector form. */
  readonly vectorAxes: readonly string[];
}

export function nestOf(loop: For): Nest {
  const [only, ...rest] = loop.body;
  if (only?.kind !== "for" || rest.length > 0 || !only.parallel) return { axes: [loop], body: loop.body };
  const inner = nestOf(only);
  return { axes: [loop, ...inner.axes], body: inner.body };
}

export function workloadOf(nest: Nest, numerics: Numerics): Workload {
  const reductions: Reduction[] = [];
  visitStmts(nest.body, (s, loops) => {
    if (s.kind === "for" && !s.parallel && s.body.every((inner) => inner.kind !== "for"))
      reductions.push(reductionOf(s, loops, nest, numerics));
  });
  const vectorAxes = nest.axes.map((loop) => loop.axis).filter((axis) => hasLanes(nest, axis));
  return { reductions, vectorAxes };
}

/** The same work with its reductions in lanes, and so none of its outputs. */
export function summedInLanes({ reductions }: Workload, lanes: number): Workload {
  const inLanes = reductions.map((each) => ({ ...each, trips: each.trips / lanes, combining: 6 }));
  return { reductions: inLanes, vectorAxes: [] };
}

function reductionOf(loop: For, around: readonly For[], nest: Nest, numerics: Numerics): Reduction {
  const reads = new Map<Dim, Read>();
  let [arithmetic, fused, accumulators] = [0, 0, 0];
  for (const s of loop.body) {
    if (s.kind === "set") accumulators++;
    const value = expressionOf(s);
    if (!value) continue;
    arithmetic += arithmeticOf(value, numerics);
    fused += arithmeticOf(value, { accumulate: "float32-fma" });
    visitExpr(value, (e) => {
      if (e.kind === "load") reads.set(e.index, readOf(e, loop, nest, numerics));
    });
  }
  const trips = [...around, loop].reduce((n, each) => n * (constantOf(each.extent) ?? 64), 1);
  return {
    trips,
    taps: constantOf(loop.extent) ?? trips,
    reads: [...reads.values()],
    arithmetic,
    fused,
    accumulators,
    combining: 0,
  };
}

/** Known when there are weights: these, and factors of integer products that are made of them. */
export function isPackable({ space, dtype }: Buffer): boolean {
  return (space === "weight" && dtype === "float32") || (space === "packed" && dtype === "int16");
}

function readOf(e: Load, { axis: along }: For, nest: Nest, numerics: Numerics): Read {
  const packable = isPackable(e.buffer);
  const strides = new Map<string, number | undefined>();
  for (const { axis } of nest.axes)
    if (symbolsOf(e.index).includes(axis)) strides.set(axis, strideOf(e.index, axis));
  const narrow = numerics.accumulate === "float64" && !packable;
  return { packable, gathered: isReused(e, nest), narrow, strides, along: strideOf(e.index, along) };
}

/** Taps of a window that are written out one after the other: more of them are too much code. */
const mostTaps = 5;

/**
 * By how many taps the windows of two outputs side by side are apart, where they overlap: `across` and
 * `along` are the strides from one output, and from one tap, to the next. What both read is loaded once.
 */
export function slide(
  across: number | undefined,
  along: number | undefined,
  taps: number,
): number | undefined {
  if (taps > mostTaps || across === undefined || !along) return undefined;
  const apart = across / along;
  return Number.isInteger(apart) && apart > 0 && apart < taps ? apart : undefined;
}

/** Whether each element serves so many outputs that a copy in the order of the lanes is worth its while. */
function isReused({ buffer, index }: Load, { axes }: Nest): boolean {
  if (buffer.dtype !== "float32" || (buffer.space !== "arena" && buffer.space !== "input")) return false;
  const still = axes.filter(({ axis }) => !symbolsOf(index).includes(axis));
  const outputs = still.reduce((n, { extent }) => n * (constantOf(extent) ?? 0), 1);
  return outputs >= mostlyReused && affineOf(index) !== undefined;
}

/** How many outputs an element must serve before a copy of it for this run is worth its while. */
export const mostlyReused = 16;

/** Instructions of an expression, loads not counted. */
export function arithmeticOf(e: Expr, numerics: Numerics): number {
  let sum = 0;
  visitExpr(e, (part) => {
    sum += costOf(part, numerics);
  });
  return sum;
}

const cheap = new Set<BinaryFn | UnaryFn>([
  ...(["add", "sub", "mul", "max", "min", "eq", "ne", "lt", "le", "gt", "ge", "and", "or"] as const),
  ...(["neg", "abs", "not"] as const),
]);

/** Instructions of this node alone: a call of a transcendental function counts as many. */
function costOf(e: Expr, numerics: Numerics): number {
  if (e.kind === "select" || e.kind === "guard") return 2;
  if (e.kind !== "unary" && e.kind !== "binary") return 0;
  if (numerics.accumulate === "float32-fma" && isMultiplyAdd(e)) return 0;
  if (cheap.has(e.fn)) return 1;
  return e.fn === "div" || e.fn === "sqrt" || e.fn === "floor" || e.fn === "ceil" ? 4 : 40;
}

/** An addition one of whose operands is a product: one instruction where the numerics fuse them. */
function isMultiplyAdd(e: Expr): boolean {
  if (e.kind !== "binary" || e.fn !== "add") return false;
  return [e.a, e.b].some((part) => part.kind === "binary" && part.fn === "mul");
}

/** Whether iterations of `axis` can be lanes: consecutive stores, and only operations with a vector form. */
function hasLanes(nest: Nest, axis: string): boolean {
  let [lanes, stores] = [true, 0];
  visitStmts(nest.body, (s) => {
    if (s.kind === "bind") lanes = false;
    if (s.kind === "if") {
      lanes = lanes && isUniform(s.condition, axis);
      return;
    }
    if (s.kind === "for" && symbolsOf(s.extent).includes(axis)) lanes = false;
    if (s.kind === "store") {
      stores++;
      if (strideOf(s.index, axis) !== 1 || !isLaneType(s.buffer.dtype)) lanes = false;
    }
    const value = expressionOf(s);
    if (value)
      visitExpr(value, (e) => {
        lanes = lanes && exprHasLanes(e, axis);
      });
  });
  return lanes && stores > 0;
}

/** A condition of indices alone that all iterations of the axis decide alike. */
function isUniform(condition: Expr, axis: string): boolean {
  let uniform = true;
  visitExpr(condition, (e) => {
    if (e.kind === "load" || e.kind === "register" || e.kind === "guard") uniform = false;
    if (e.kind === "index" && symbolsOf(e.index).includes(axis)) uniform = false;
  });
  return uniform;
}
