/**
 * How far the outputs of a module are from what they should be. Against vectors that were stored with a
 * model the bound is that of ONNX's backend tests, per element; against another runtime, which sums in
 * another order, it is a part of the output's range, zero included, because an element near zero has no
 * accuracy of its own there. Integers and booleans are equal or wrong.
 */
import { type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { numberAt } from "../../runtime/elements.ts";
import { numbersOf } from "../../runtime/float-format.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { ulpDistance } from "../../runtime/ulp.ts";

/** An element passes within `absolute + relative * |expected| + ofRange * (largest - least)`. */
export interface Bound {
  readonly absolute: number;
  readonly relative: number;
  readonly ofRange: number;
}

/** rtol and atol of onnx.backend.test. */
export const storedBound: Bound = { absolute: 1e-5, relative: 1e-3, ofRange: 0 };

/**
 * The part of the range, or four steps of a small float at one, whichever is more; and a few steps at one
 * where all outputs are far from it: runtimes know sigmoid(-16) no better.
 */
export function runtimeBound(dtype: DType): Bound {
  const { format } = dtypes[dtype];
  const step = format ? stepAtOne(dtype) : 0;
  return { absolute: 1e-6, relative: 0, ofRange: Math.max(1e-4, 4 * step) };
}

export interface Place {
  readonly index: number;
  readonly actual: Scalar;
  readonly expected: Scalar;
}

/** What is known of one output after one run or several. */
export interface Deviation {
  readonly name: string;
  /** Largest |actual - expected|. */
  readonly absolute: number;
  /** The same as a part of the output's range. */
  readonly relative: number;
  readonly ulp: number;
  /** Elements outside the bound. */
  readonly outside: number;
  /** The first run of several that has one; else 0. */
  readonly run: number;
  /** The first of them. */
  readonly first?: Place;
  /** Another dtype or shape; no element was looked at then. */
  readonly form?: string;
}

/** One output of several runs. The range is that of all of them: a model may answer with one number. */
export interface Runs {
  readonly actual: readonly Tensor[];
  readonly expected: readonly Tensor[];
}

export function deviation(name: string, { actual, expected }: Runs, bound: Bound): Deviation {
  const range = rangeOf(expected);
  return worst(
    name,
    actual.map((tensor, i) => ({ ...ofOneRun(name, [tensor, expected[i]!], bound, range), run: i })),
  );
}

function ofOneRun(
  name: string,
  [actual, expected]: readonly [Tensor, Tensor],
  bound: Bound,
  range: number,
): Deviation {
  const form = formProblem(actual, expected);
  if (form !== undefined) return { ...exact(name), outside: 1, form };
  const exactly = dtypes[expected.dtype].kind !== "float";
  let [absolute, ulp, outside] = [0, 0, 0];
  let first: Place | undefined;
  for (let index = 0; index < expected.data.length; index++) {
    const [a, b] = [actual, expected].map((t) => numberAt(t.dtype, t.data, index)) as [Scalar, Scalar];
    const steps = ulpDistance(a, b, expected.dtype);
    if (steps === 0) continue;
    const error = Number.isFinite(Number(b)) ? Math.abs(Number(a) - Number(b)) : Number.POSITIVE_INFINITY;
    const distance = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    absolute = Math.max(absolute, distance);
    ulp = Math.max(ulp, steps);
    const allowed = bound.absolute + bound.relative * Math.abs(Number(b)) + bound.ofRange * range;
    if (!exactly && distance <= allowed) continue;
    outside++;
    first ??= { index, actual: a, expected: b };
  }
  const relative = absolute === 0 ? 0 : absolute / range;
  return { ...exact(name), absolute, relative, ulp, outside, ...(first && { first }) };
}

/** The worse of each figure, and the first place that is outside. */
function worst(name: string, deviations: readonly Deviation[]): Deviation {
  return deviations.reduce((a, b) => ({
    name,
    absolute: Math.max(a.absolute, b.absolute),
    relative: Math.max(a.relative, b.relative),
    ulp: Math.max(a.ulp, b.ulp),
    outside: a.outside + b.outside,
    run: a.outside > 0 ? a.run : b.outside > 0 ? b.run : 0,
    ...((a.first ?? b.first) && { first: a.first ?? b.first! }),
    ...((a.form ?? b.form) !== undefined && { form: a.form ?? b.form! }),
  }));
}

const exact = (name: string): Deviation => ({ name, absolute: 0, relative: 0, ulp: 0, outside: 0, run: 0 });

function formProblem(actual: Tensor, expected: Tensor): string | undefined {
  const text = ({ dtype, shape }: Tensor) => `${dtype} [${shape.join(", ")}]`;
  if (text(actual) !== text(expected)) return `is ${text(actual)} where ${text(expected)} is expected`;
  if (actual.data.length === expected.data.length) return undefined;
  return `has ${actual.data.length} elements where ${expected.data.length} are expected`;
}

/** From the least to the largest finite element, zero included. */
function rangeOf(tensors: readonly Tensor[]): number {
  let [least, largest] = [0, 0];
  for (const { dtype, data } of tensors)
    for (let i = 0; i < data.length; i++) {
      const x = Number(numberAt(dtype, data, i));
      if (Number.isFinite(x)) [least, largest] = [Math.min(least, x), Math.max(largest, x)];
    }
  return largest - least;
}

/** From 1 to the next larger number. */
function stepAtOne(dtype: DType): number {
  const numbers = Array.from(numbersOf(dtypes[dtype].format!));
  return Math.min(...numbers.filter((x) => x > 1)) - 1;
}
