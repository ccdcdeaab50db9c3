/** Loop-IR expressions that kernels of several ops write. */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import type { Dim } from "../dims/index.ts";
import type { BinaryFn, Expr } from "../ir/loop.ts";

/** A comparison, or a connection of two. */
export const test = (fn: BinaryFn, a: Expr, b: Expr): Expr => ({ kind: "binary", fn, a, b, dtype: "bool" });

export const not = (x: Expr): Expr => ({ kind: "unary", fn: "not", x, dtype: "bool" });

/** Of an int32 and a number. */
export const calculated = (fn: BinaryFn, a: Expr, b: number): Expr => {
  return { kind: "binary", fn, a, b: { kind: "constant", value: b, dtype: "int32" }, dtype: "int32" };
};

/** An index as an int32. */
export const whole = (index: Dim): Expr => ({ kind: "index", index, dtype: "int32" });

/**
 * Whether `a` comes before `b`, of which equals do not. A NaN comes before every number, or behind them all.
 */
export function outranks(
  fn: "gt" | "lt",
  a: Expr,
  b: Expr,
  { dtype, nan = "first" }: { readonly dtype: DType; readonly nan?: "first" | "last" },
): Expr {
  const better = test(fn, a, b);
  if (dtypes[dtype].kind !== "float") return better;
  const [one, other] = nan === "first" ? [a, b] : [b, a];
  return test("or", better, test("and", test("ne", one, one), test("eq", other, other)));
}
