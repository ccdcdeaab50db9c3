/**
 * Walking and rebuilding loop IR: the one place that knows where statements keep their expressions and
 * expressions their indices. Rewrites give back the same object where nothing changed, so a pass that does
 * nothing costs nothing.
 */
import type { DType } from "../../runtime/dtype.ts";
import { type Dim, substitute, symbol } from "../dims/index.ts";
import type { Expr, For, Kernel, Register, Stmt } from "./loop.ts";

/** A register or the element of a tile that is read or written. */
export interface Place {
  readonly register: Register;
  readonly index: readonly Dim[];
}

/**
 * What to put in place of indices, places and expressions; the last two see what is already rewritten inside.
 */
export interface Rewrite {
  readonly index?: (d: Dim) => Dim;
  readonly place?: (p: Place) => Place;
  readonly expr?: (e: Expr) => Expr;
}

/** Rewrites an expression and every part of it. */
export function rewriteExpr(e: Expr, rewrite: Rewrite): Expr {
  const rebuilt = rewriteParts(e, rewrite);
  return rewrite.expr ? rewrite.expr(rebuilt) : rebuilt;
}

function rewriteParts(e: Expr, rewrite: Rewrite): Expr {
  const go = (x: Expr) => rewriteExpr(x, rewrite);
  const index = rewrite.index ?? same;
  switch (e.kind) {
    case "constant":
      return e;
    case "load":
    case "index":
      return { ...e, index: index(e.index) };
    case "register":
      return { ...e, ...rewritePlace(e, rewrite) };
    case "unary":
    case "cast":
    case "bits":
      return { ...e, x: go(e.x) };
    case "binary":
      return { ...e, a: go(e.a), b: go(e.b) };
    case "select":
      return { ...e, condition: go(e.condition), a: go(e.a), b: go(e.b) };
    case "guard":
      return { ...e, tests: e.tests.map(index), inside: go(e.inside), outside: go(e.outside) };
  }
}

function rewritePlace({ register, index }: Place, rewrite: Rewrite): Place {
  const place = { register, index: rewrite.index ? index.map(rewrite.index) : index };
  return rewrite.place ? rewrite.place(place) : place;
}

const same = <T>(x: T): T => x;

/** Rewrites the expressions and indices of a statement and of those inside it. */
export function rewriteStmt(s: Stmt, rewrite: Rewrite): Stmt {
  const go = (x: Expr) => rewriteExpr(x, rewrite);
  const index = rewrite.index ?? same;
  switch (s.kind) {
    case "for":
      return { ...s, extent: index(s.extent), body: rewriteStmts(s.body, rewrite) };
    case "let":
    case "set":
      return { ...s, ...rewritePlace(s, rewrite), value: go(s.value) };
    case "store":
      return { ...s, index: index(s.index), value: go(s.value) };
    case "bind":
      return { ...s, value: go(s.value), extent: index(s.extent) };
    case "if":
      return { ...s, condition: go(s.condition), body: rewriteStmts(s.body, rewrite) };
  }
}

export function rewriteStmts(stmts: readonly Stmt[], rewrite: Rewrite): readonly Stmt[] {
  return stmts.map((s) => rewriteStmt(s, rewrite));
}

/** Puts `by` in place of the symbol `axis` in every index. */
export function substituteAxis(stmts: readonly Stmt[], axis: string, by: Dim): readonly Stmt[] {
  if (by === symbol(axis)) return stmts;
  const map = new Map([[axis, by]]);
  return rewriteStmts(stmts, { index: (d) => substitute(d, map) });
}

/** Calls `visit` on an expression and every part of it, the whole first. */
export function visitExpr(e: Expr, visit: (e: Expr) => void): void {
  visit(e);
  for (const part of partsOf(e)) visitExpr(part, visit);
}

export function partsOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "unary":
    case "cast":
    case "bits":
      return [e.x];
    case "binary":
      return [e.a, e.b];
    case "select":
      return [e.condition, e.a, e.b];
    case "guard":
      return [e.inside, e.outside];
    default:
      return [];
  }
}

/** What an expression gives: a load what its buffer holds, all others what they say. */
export function dtypeOf(e: Expr): DType {
  if (e.kind === "load") return e.buffer.dtype;
  return e.kind === "register" ? e.register.dtype : e.dtype;
}

/** The expression a statement evaluates itself; loops have none. */
export function expressionOf(s: Stmt): Expr | undefined {
  if (s.kind === "for") return undefined;
  return s.kind === "if" ? s.condition : s.value;
}

/** Calls `visit` on every statement, outer before inner, with the loops around it, outermost first. */
export function visitStmts(
  stmts: readonly Stmt[],
  visit: (s: Stmt, loops: readonly For[]) => void,
  loops: readonly For[] = [],
): void {
  for (const s of stmts) {
    visit(s, loops);
    if (s.kind === "for") visitStmts(s.body, visit, [...loops, s]);
    else if (s.kind === "if") visitStmts(s.body, visit, loops);
  }
}

/** Calls `visit` on every expression in the kernel, with the loops around it. */
export function visitKernel(kernel: Kernel, visit: (e: Expr, loops: readonly For[]) => void): void {
  visitStmts(kernel.body, (s, loops) => {
    const value = expressionOf(s);
    if (value) visitExpr(value, (e) => visit(e, loops));
  });
}

export type Load = Extract<Expr, { kind: "load" }>;

/** Rewrites each load, given the loops around it, outermost first. */
export function rewriteLoads(
  stmts: readonly Stmt[],
  visit: (load: Load, loops: readonly For[]) => Expr,
  loops: readonly For[] = [],
): readonly Stmt[] {
  return stmts.map((s): Stmt => {
    if (s.kind === "for") return { ...s, body: rewriteLoads(s.body, visit, [...loops, s]) };
    const outer = s.kind === "if" ? { ...s, body: rewriteLoads(s.body, visit, loops) } : s;
    const expr = (e: Expr) => (e.kind === "load" ? visit(e, loops) : e);
    return outer.kind === "if"
      ? { ...outer, condition: rewriteExpr(outer.condition, { expr }) }
      : { ...outer, value: rewriteExpr(outer.value, { expr }) };
  });
}
