/** Which elements of an output are outside a tolerance, and how that is said. */
import type { DType, Scalar, TypedArray } from "../dtype.ts";
import { ulpDistance } from "../ulp.ts";
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
