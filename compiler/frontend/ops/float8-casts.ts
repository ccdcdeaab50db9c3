/**
 * Casts to float8 as ONNX Cast (opset 19, 25) and QuantizeLinear have them. The core op `cast` rounds to
 * nearest and makes what is too large infinity or NaN, which is ONNX's `saturate = 0`; here the value is
 * brought within the range first. float8e8m0 holds powers of two only, and has rounding modes of its own.
 */
import { type DType, dtypes } from "../../../runtime/dtype.ts";
import { numbersOf } from "../../../runtime/float-format.ts";
import type { Value } from "../../ir/graph.ts";
import type { Ops } from "./composites.ts";

/** "up" is away from zero; "nearest" rounds ties up. */
export type PowerRounding = "up" | "down" | "nearest";

/** Infinity and what is beyond the largest number become the largest number; NaN stays. */
export function castSaturating(ops: Ops, x: Value, dtype: DType): Value {
  const { format } = dtypes[dtype];
  if (!format) return ops.cast(x, dtype);
  const largest = numbersOf(format)[format.highest]!;
  return ops.cast(ops.clip(wide(ops, x), -largest, largest), dtype);
}

/**
 * To float8e8m0, which has no sign and no zero: the magnitude is rounded, 0 becomes 2^-127. Infinity is NaN;
 * a finite number beyond 2^127 is 2^127 if `saturate`, else NaN where it is not rounded down to it.
 */
export function castToPowers(ops: Ops, x: Value, mode: PowerRounding, saturate: boolean): Value {
  const magnitude = ops.abs(wide(ops, x));
  const within = ops.min(magnitude, 2 ** 127);
  const near = ops.cast(ops.cast(within, "float8e8m0"), magnitude.type.dtype);
  const rounded = {
    nearest: near,
    up: ops.select(ops.lt(near, within), ops.mul(near, 2), near),
    down: ops.select(ops.gt(near, within), ops.mul(near, 0.5), near),
  }[mode];
  const isBeyond = {
    nearest: ops.ge(magnitude, 1.5 * 2 ** 127),
    up: ops.gt(magnitude, 2 ** 127),
    down: ops.ge(magnitude, Number.POSITIVE_INFINITY),
  }[saturate ? "down" : mode];
  return ops.cast(ops.select(isBeyond, Number.NaN, ops.min(rounded, 2 ** 127)), "float8e8m0");
}

/**
 * As a float that can hold the ends of every range: small floats are float32 numbers, int32 are float64's.
 */
function wide(ops: Ops, x: Value): Value {
  const { kind, format } = dtypes[x.type.dtype];
  if (kind !== "float") return ops.cast(x, "float64");
  return format ? ops.cast(x, "float32") : x;
}
