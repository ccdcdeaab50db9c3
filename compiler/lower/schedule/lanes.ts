/**
 * What can be computed in lanes of 32 bits: four values of consecutive iterations at once. A vector target
 * has a form for every expression that this file lets through; others it would take apart, lane by lane.
 */

import { type DType, dtypes } from "../../../runtime/dtype.ts";
import { strideOf } from "../../ir/affine.ts";
import type { BinaryFn, Expr, UnaryFn } from "../../ir/loop.ts";
import { dtypeOf } from "../../ir/loop-rewrite.ts";

const floatFns = new Set<BinaryFn | UnaryFn>([
  ...(["add", "sub", "mul", "div", "max", "min", "neg", "abs", "sqrt"] as const),
  ...(["floor", "ceil", "round", "sign"] as const),
  ...(["exp", "expm1", "log", "log1p", "tanh", "erf", "pow", "sin", "cos", "tan"] as const),
  ...(["asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh", "atanh"] as const),
]);
const integerFns = new Set<BinaryFn | UnaryFn>([
  ...(["add", "sub", "mul", "max", "min", "and", "or", "xor", "neg", "abs", "sign", "not"] as const),
]);
const shifts = new Set<BinaryFn>(["shiftLeft", "shiftRight"]);
const comparisons = new Set<BinaryFn>(["eq", "ne", "lt", "le", "gt", "ge"]);

/** Whether a value of this type fits a lane, and memory holds it as a number. */
export function isLaneType(dtype: DType): boolean {
  const { bytes, format, packable } = dtypes[dtype];
  return bytes <= 4 && !format && !packable;
}

/** Whether this part alone has a vector form with iterations of `axis` as lanes. */
export function exprHasLanes(e: Expr, axis: string): boolean {
  if (!isLaneType(dtypeOf(e))) return false;
  switch (e.kind) {
    case "load":
    case "index":
      return strideOf(e.index, axis) !== undefined;
    case "guard":
      return e.tests.every((test) => strideOf(test, axis) !== undefined);
    case "unary":
      return fnsOf(dtypeOf(e.x)).has(e.fn);
    case "binary":
      if (comparisons.has(e.fn)) return true;
      return fnsOf(e.dtype).has(e.fn) || (shifts.has(e.fn) && e.b.kind === "constant");
    case "bits":
      return false;
    default:
      return true;
  }
}

const fnsOf = (dtype: DType) => (dtypes[dtype].kind === "float" ? floatFns : integerFns);
