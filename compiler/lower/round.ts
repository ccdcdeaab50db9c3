/**
 * Rounding of values that never reach memory: what a store would have narrowed must be narrowed where it is
 * inlined.
 */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import { roundedTo } from "../../runtime/elements.ts";
import type { Expr } from "../ir/loop.ts";
import { dtypeOf } from "../ir/loop-rewrite.ts";

/** `e` as a value of `dtype`, with a cast unless it already is one exactly. */
export function rounded(e: Expr, dtype: DType): Expr {
  return isExactly(e, dtype) ? e : { kind: "cast", x: e, dtype };
}

const selections = new Set(["max", "min"]);
const signs = new Set(["neg", "abs", "sign", "floor", "ceil", "round"]);

/** Whether arithmetic is done in a wider type than this one. */
function isNarrow(dtype: DType): boolean {
  const { kind, bytes } = dtypes[dtype];
  return kind === "integer" ? bytes < 4 : kind === "float" && dtype !== "float64";
}

/** Functions of `signs` stay within floats that have both zeros: from -0.5 `ceil` makes -0. */
function hasSigns(dtype: DType): boolean {
  const { kind, format } = dtypes[dtype];
  return kind === "float" && (format?.negativeZero ?? true);
}

/** True when evaluating `e` in the wide type gives a value of `dtype` already. */
function isExactly(e: Expr, dtype: DType): boolean {
  if (dtypeOf(e) !== dtype) return false;
  if (!isNarrow(dtype)) return true;
  switch (e.kind) {
    case "load":
    case "register":
    case "cast":
    case "bits":
      return true;
    case "constant":
      return Object.is(roundedTo(dtype, e.value), e.value);
    case "unary":
      // The least integer has no negative.
      return hasSigns(dtype) && signs.has(e.fn) && isExactly(e.x, dtype);
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
