/**
 * Rounding of values that never reach memory: what a store would have narrowed must be narrowed where it is
 * inlined.
 */
import type { DType } from "../../runtime/dtype.ts";
import type { Expr } from "../ir/loop.ts";
import { dtypeOf } from "../ir/loop-rewrite.ts";

/** `e` as a value of `dtype`, with a cast unless it already is one exactly. */
export function rounded(e: Expr, dtype: DType): Expr {
  return isExactly(e, dtype) ? e : { kind: "cast", x: e, dtype };
}

const selections = new Set(["max", "min"]);
const signs = new Set(["neg", "abs", "sign", "floor", "ceil", "round"]);

/** Arithmetic on the others is done in their own type. */
const narrow = new Set<DType>(["float32", "int8", "uint8"]);

/** True when evaluating `e` in the wide type gives a value of `dtype` already. */
function isExactly(e: Expr, dtype: DType): boolean {
  if (dtypeOf(e) !== dtype) return false;
  if (!narrow.has(dtype)) return true;
  switch (e.kind) {
    case "load":
    case "register":
    case "cast":
      return true;
    case "constant":
      return dtype !== "float32" || Object.is(Math.fround(e.value), e.value);
    case "unary":
      // The least integer has no negative.
      return dtype === "float32" && signs.has(e.fn) && isExactly(e.x, dtype);
    case "binary":
      return selections.has(e.fn) && isExactly(e.a, dtype) && isExactly(e.b, dtype);
    case "select":
      return isExactly(e.a, dtype) && isExactly(e.b, dtype);
    case "guard":
      return isExactly(e.inside, dtype) && isExactly(e.outside, dtype);
    default:
      return false;
  }
}
