/**
 * A store to a Float32Array rounds. Rounding to nearest never reorders two numbers and keeps signs, so a
 * rounding that only max, min, negation, abs or a choice stand between is made twice: fround(max(fround(a),
 * b)) is max(a, b) rounded once, for NaN and the zeros too. Sums and products are not like that and keep
 * their roundings.
 */
import type { Expr } from "../../compiler/ir/loop.ts";
import { dtypeOf } from "../../compiler/ir/loop-rewrite.ts";
import type { SimpleStmt } from "./sharing.ts";
import { kindOf } from "./values.ts";

/** The statement without the roundings that its store repeats. */
export function roundedOnce(stmt: SimpleStmt): SimpleStmt {
  if (stmt.kind !== "store" || stmt.buffer.dtype !== "float32") return stmt;
  return { ...stmt, value: unrounded(stmt.value) };
}

function unrounded(e: Expr): Expr {
  switch (e.kind) {
    case "cast":
      return e.dtype === "float32" && kindOf(dtypeOf(e.x)) === "float" ? unrounded(e.x) : e;
    case "unary":
      return e.fn === "neg" || e.fn === "abs" ? { ...e, x: unrounded(e.x) } : e;
    case "binary":
      return e.fn === "max" || e.fn === "min" ? { ...e, a: unrounded(e.a), b: unrounded(e.b) } : e;
    case "select":
      return { ...e, a: unrounded(e.a), b: unrounded(e.b) };
    case "guard":
      return { ...e, inside: unrounded(e.inside), outside: unrounded(e.outside) };
    default:
      return e;
  }
}
