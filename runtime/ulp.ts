/**
 * Comparing floating-point numbers. The distance in ULP (units in the last place) counts the representable
 * numbers between two values, so it means the same at every magnitude (Bruce Dawson, "Comparing floating
 * point numbers"). NaN equals NaN whatever its bits, both zeros are equal, and infinities are equal to
 * themselves only.
 */
import { type DType, dtypes, type Scalar } from "./dtype.ts";
import { codeOf, type FloatFormat } from "./float-format.ts";

const f32 = new Float32Array(1);
const i32 = new Int32Array(f32.buffer);
const f64 = new Float64Array(1);
const i64 = new BigInt64Array(f64.buffer);

/**
 * How many steps from one representable number to the next lie between a and b. Infinity if exactly one is
 * NaN.
 */
export function ulpDistance(a: Scalar, b: Scalar, dtype: DType): number {
  if (typeof a === "bigint" || typeof b === "bigint") return bigDistance(BigInt(a), BigInt(b));
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.POSITIVE_INFINITY;
  if (dtypes[dtype].kind !== "float") return Math.abs(a - b);
  const { format } = dtypes[dtype];
  if (format) return Math.abs(orderIn(format, a) - orderIn(format, b));
  if (dtype === "float32") return Math.abs(order32(a) - order32(b));
  const distance = order64(a) - order64(b);
  return Number(distance < 0n ? -distance : distance);
}

function bigDistance(a: bigint, b: bigint): number {
  return Number(a > b ? a - b : b - a);
}

/** Codes count up from zero in both directions. */
function orderIn(format: FloatFormat, x: number): number {
  return Math.sign(x) * codeOf(format, Math.abs(x));
}

function order32(x: number): number {
  f32[0] = x;
  const bits = i32[0]!;
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

function order64(x: number): bigint {
  f64[0] = x;
  const bits = i64[0]!;
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
}
