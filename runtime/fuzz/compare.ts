/**
 * Comparing floating-point outputs. The distance in ULP (units in the last place) counts the representable
 * numbers between two values, so it means the same at every magnitude (Bruce Dawson, "Comparing floating
 * point numbers"). NaN equals NaN whatever its bits, both zeros are equal, and infinities are equal to
 * themselves only.
 */
import { type DType, dtypes, type Scalar, type TypedArray } from "../dtype.ts";
import { codeOf, type FloatFormat } from "../float-format.ts";
import { numberText } from "./text.ts";

/** An element passes if it meets any of the bounds given; without one it must be equal. */
export interface Tolerance {
  /** Largest distance in units in the last place of the output's dtype. */
  readonly ulp?: number;
  /** Largest |actual - expected| as a part of |expected|. Added to `atol`, as numpy.isclose does. */
  readonly rtol?: number;
  /** Largest |actual - expected|. */
  readonly atol?: number;
}

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

export interface Difference {
  readonly index: number;
  readonly actual: Scalar;
  readonly expected: Scalar;
  readonly ulp: number;
}

/**
 * The element that is farthest outside the tolerance, in ULP, and how many are outside; undefined when none
 * is.
 */
export function worstDifference(
  actual: TypedArray,
  expected: ArrayLike<Scalar>,
  dtype: DType,
  tolerance: Tolerance,
): { readonly worst: Difference; readonly count: number } | undefined {
  let worst: Difference | undefined;
  let count = 0;
  for (let index = 0; index < actual.length; index++) {
    const [a, b] = [actual[index]!, expected[index]!];
    const ulp = ulpDistance(a, b, dtype);
    if (ulp === 0 || accepts(a, b, ulp, tolerance)) continue;
    count++;
    if (!worst || ulp > worst.ulp) worst = { index, actual: a, expected: b, ulp };
  }
  return worst && { worst, count };
}

function accepts(
  a: Scalar,
  b: Scalar,
  distance: number,
  { ulp = 0, rtol = 0, atol = 0 }: Tolerance,
): boolean {
  return (
    distance <= ulp ||
    (Number.isFinite(Number(b)) && Math.abs(Number(a) - Number(b)) <= atol + rtol * Math.abs(Number(b)))
  );
}

export function differenceText(
  { index, actual, expected, ulp }: Difference,
  shape: readonly number[],
): string {
  const at = shape.length > 1 ? ` ${placeText(index, shape)}` : "";
  const far = Number.isFinite(ulp) ? `, ${ulp} ulp apart` : "";
  return `element ${index}${at} is ${numberText(actual)}, expected ${numberText(expected)}${far}`;
}

/** The flat index as one index per axis. */
function placeText(index: number, shape: readonly number[]): string {
  const place: number[] = [];
  let rest = index;
  for (const dim of [...shape].reverse()) {
    place.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return `[${place.join(", ")}]`;
}
