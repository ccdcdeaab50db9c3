/**
 * A store to a Float32Array rounds, and so does one of float16 codes. Rounding to nearest never reorders two
 * numbers and keeps signs, so a rounding that only max, min, negation, abs or a choice stand between is made
 * twice: fround(max(fround(a), b)) is max(a, b) rounded once, for NaN and the zeros too. Sums and products
 * are not like that and keep their roundings.
 */
import type { Expr } from "../../compiler/ir/loop.ts";
import { dtypeOf } from "../../compiler/ir/loop-rewrite.ts";
import type { DType } from "../../runtime/dtype.ts";
import type { SimpleStmt } from "./sharing.ts";
import { kindOf } from "./values.ts";

/** The statement without the roundings that its store repeats. */
export function roundedOnce(stmt: SimpleStmt): SimpleStmt {
  if (stmt.kind !== "store" || !rounding.has(stmt.buffer.dtype)) return stmt;
  return { ...stmt, value: unrounded(stmt.value, stmt.buffer.dtype) };
}

/** Those with infinities: where the largest number is followed by NaN, rounding does reorder. */
const rounding: ReadonlySet<DType> = new Set(["float32", "float16", "bfloat16"]);

function unrounded(e: Expr, dtype: DType): Expr {
  const go = (x: Expr) => unrounded(x, dtype);
  switch (e.kind) {
    case "cast":
      return e.dtype === dtype && kindOf(dtypeOf(e.x)) === "float" ? go(e.x) : e;
    case "unary":
      return e.fn === "neg" || e.fn === "abs" ? { ...e, x: go(e.x) } : e;
    case "binary":
      return e.fn === "max" || e.fn === "min" ? { ...e, a: go(e.a), b: go(e.b) } : e;
    case "select":
      return { ...e, a: go(e.a), b: go(e.b) };
    case "guard":
      return { ...e, inside: go(e.inside), outside: go(e.outside) };
    default:
      return e;
  }
}
