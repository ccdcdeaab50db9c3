/**
 * Changes the dtype. To a float: rounds to nearest. Float to integer: truncates toward zero and saturates at
 * the ends of the range, NaN gives 0 (WebAssembly's trunc_sat; where NumPy leaves the result open). Integer
 * to a narrower integer: wraps, as NumPy. To bool: whether the value is not 0, so NaN is true.
 */
import { type DType, dtypes, isDType, type Scalar } from "../../runtime/dtype.ts";
import { oddNumber, wrapBig } from "../../runtime/elements.ts";
import { strides } from "../../runtime/tensor.ts";
import type { Expr } from "../ir/loop.ts";
import { limitsOf } from "./accumulate.ts";
import { defineOp } from "./definition.ts";
import { build } from "./odometer.ts";

export type CastAttributes = { readonly dtype: string };

export const cast = defineOp<CastAttributes>({
  name: "cast",
  operands: ["x"],
  attributes: { dtype: "string" },
  relate: (context, [x], { dtype }) => {
    if (!isDType(dtype))
      return context.fail("E2107", `cast to ${dtype}, which is no dtype`, {
        fix: `use one of ${Object.keys(dtypes).join(", ")}`,
      });
    return [{ dtype, shape: x!.shape }];
  },
  evaluate: ([x], { dtype }) => {
    const to = dtype as DType;
    const convert = converter(x!.dtype, to);
    return [build(to, x!.shape, [strides(x!.shape)], ([at]) => convert(x!.data[at!]!))];
  },
  lower: ([x], { dtype }) => ({
    kind: "map",
    elementwise: true,
    // Registers hold either as an int32: whoever reads the element reads the narrow one.
    ...(x!.dtype === "int16" && dtype === "int32" && { moves: true }),
    at: (index) => castExpr(x!.at(index), x!.dtype, dtype as DType),
  }),
});

function converter(from: DType, to: DType): (x: Scalar) => Scalar {
  const [source, target] = [dtypes[from], dtypes[to]];
  if (target.kind === "bool") return (x) => Number(x !== 0 && x !== 0n);
  if (target.kind === "float") return target.bytes === 8 ? Number : nearest;
  if (source.kind === "float") return (x) => saturated(Number(x), to);
  return target.big ? (x) => wrapBig(to, BigInt(x)) : (x) => Number(BigInt.asIntN(32, BigInt(x)));
}

/** What rounds to every float below 64 bits as `x` itself does. */
const nearest = (x: Scalar): number => (typeof x === "bigint" ? oddNumber(x) : x);

/** NaN is 0; comparisons of numbers and bigints are exact. */
function saturated(x: number, to: DType): Scalar {
  const [lowest, highest] = limitsOf(to);
  if (Number.isNaN(x)) return 0;
  if (x >= highest) return highest;
  return x <= lowest ? lowest : Math.trunc(x);
}

/**
 * Clamps before it converts: a loop-IR cast makes NaN 0, but of a float outside the integer's range it
 * promises nothing, except to 64 bits. The highest int32 is no float32, so a target that computes in those
 * cannot clamp to it.
 */
function castExpr(x: Expr, from: DType, to: DType): Expr {
  if (from === to) return x;
  const { kind } = dtypes[from];
  if (to === "bool") return { kind: "binary", fn: "ne", a: x, b: number(0, from), dtype: "bool" };
  if (dtypes[to].kind !== "integer" || kind !== "float" || dtypes[to].big)
    return { kind: "cast", x, dtype: to };
  const [lowest, highest] = limitsOf(to).map(Number) as [number, number];
  const wide = from === "float64" ? from : "float32";
  const limited = (fn: "max" | "min", a: Expr, limit: number): Expr => ({
    kind: "binary",
    fn,
    a,
    b: number(limit, wide),
    dtype: wide,
  });
  const raised = limited("max", x, lowest);
  if (Math.fround(highest) === highest)
    return { kind: "cast", x: limited("min", raised, highest), dtype: to };
  const above: Expr = { kind: "binary", fn: "ge", a: x, b: number(highest + 1, from), dtype: "bool" };
  const b: Expr = { kind: "cast", x: raised, dtype: to };
  return { kind: "select", condition: above, a: number(highest, to), b, dtype: to };
}

const number = (value: number, dtype: DType): Expr => ({ kind: "constant", value, dtype });
