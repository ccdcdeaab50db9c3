/**
 * How references add up, as the target's numerics declare it. `float64` keeps a double and rounds when the
 * total is stored; `float32` rounds every product and every sum; `float32-fma` rounds once per multiply-add.
 * Integers wrap at 32 bits, or at 64.
 *
 * The fused form is emulated in doubles: a product of two float32 is exact there, the sum is rounded to a
 * double and then to float32. That double rounding differs from one rounding by at most half an ulp of
 * float32 more, in about one of 2^29 steps; so the result of n steps is within n ulp of a true FMA chain, and
 * nearly always equal to it.
 */
import { type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { scalarOf, wrapBig } from "../../runtime/elements.ts";
import type { Numerics } from "../ir/target.ts";

export type Combine = "add" | "mul" | "max" | "min";

/** What a total starts from: the value that leaves any other unchanged, in the range of the dtype. */
export function identityOf(combine: Combine, dtype: DType): Scalar {
  if (combine === "add") return scalarOf(dtype, 0);
  if (combine === "mul") return scalarOf(dtype, 1);
  const [lowest, highest] = limitsOf(dtype);
  return combine === "max" ? lowest : highest;
}

/** The lowest and the highest value of a dtype, infinities included. */
export function limitsOf(dtype: DType): readonly [lowest: Scalar, highest: Scalar] {
  const { lowest, highest } = dtypes[dtype];
  return [lowest, highest];
}

type Step<S> = (total: S, x: S) => S;
type Multiply<S> = (total: S, a: S, b: S) => S;

/** One step of a reduction: the total so far and the next element to the new total. */
export function combiner(combine: Combine, dtype: DType, numerics: Numerics): Step<Scalar> {
  const { big } = dtypes[dtype];
  return (big ? bigCombiner(combine, dtype) : numberCombiner(combine, dtype, numerics)) as Step<Scalar>;
}

function bigCombiner(combine: Combine, dtype: DType): Step<bigint> {
  if (combine === "max") return (total, x) => (x > total ? x : total);
  if (combine === "min") return (total, x) => (x < total ? x : total);
  return combine === "add"
    ? (total, x) => wrapBig(dtype, total + x)
    : (total, x) => wrapBig(dtype, total * x);
}

function numberCombiner(combine: Combine, dtype: DType, numerics: Numerics): Step<number> {
  if (combine === "max") return Math.max;
  if (combine === "min") return Math.min;
  if (dtypes[dtype].kind !== "float")
    return combine === "add" ? (total, x) => (total + x) | 0 : (total, x) => Math.imul(total, x);
  const wide = dtype === "float64" || numerics.accumulate === "float64";
  if (combine === "add") return wide ? (total, x) => total + x : (total, x) => Math.fround(total + x);
  return wide ? (total, x) => total * x : (total, x) => Math.fround(total * x);
}

/** One step of a contraction: total + a * b. */
export function multiplyAdder(dtype: DType, numerics: Numerics): Multiply<Scalar> {
  const { big } = dtypes[dtype];
  return (big ? bigMultiplyAdder(dtype) : numberMultiplyAdder(dtype, numerics)) as Multiply<Scalar>;
}

function bigMultiplyAdder(dtype: DType): Multiply<bigint> {
  return (total, a, b) => wrapBig(dtype, total + a * b);
}

/** As `multiplyAdder`, for dtypes whose elements are numbers. */
export function numberMultiplyAdder(dtype: DType, numerics: Numerics): Multiply<number> {
  if (dtypes[dtype].kind !== "float") return (total, a, b) => (total + Math.imul(a, b)) | 0;
  if (dtype === "float64" || numerics.accumulate === "float64") return (total, a, b) => total + a * b;
  if (numerics.accumulate === "float32-fma") return (total, a, b) => Math.fround(total + a * b);
  return (total, a, b) => Math.fround(total + Math.fround(a * b));
}
