/**
 * Contents of a random array, in bulk: one 32-bit seed and one style make all elements, because an arbitrary
 * per element takes seconds for an image. The generator is mulberry32 (Tommy Ettinger): weak, but tests need
 * variety, not secrecy. Each array has one style, since arrays mixed from everything look alike: it takes
 * whole arrays of zeros, of one value or of few nonzeros to reach a model's corners.
 */
import { type DType, dtypes, type TypedArray } from "../dtype.ts";
import { type Elements, elementOf } from "../elements.ts";
import { numbersOf } from "../float-format.ts";

/** Smallest and largest value of an input, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export const styles = ["zeros", "constant", "whole", "sparse", "uniform", "uniform", "wide"] as const;
export type Style = (typeof styles)[number];

/**
 * The largest magnitude of floats unless a range is given: far beyond activations, far from overflow in a
 * sum.
 */
const large = 2 ** 20;

/** Normal, subnormal and other numbers that break arithmetic; only on request. */
export const specials: readonly number[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e-45,
  -1e-40,
  3.4028234663852886e38,
  -3.4028234663852886e38,
];

/** Values worth meeting in any float input, all of them normal or zero. */
const edges: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.1754943508222875e-38,
  -(2 ** -60),
  2 ** -12,
  large,
  -large,
];

export function defaultRange(dtype: DType): Range {
  const { kind, bytes, lowest, highest, format } = dtypes[dtype];
  if (kind !== "float" && bytes < 4) return { min: Number(lowest), max: Number(highest) };
  if (kind !== "float") return { min: Math.max(Number(lowest), -1000), max: 1000 };
  if (!format) return { min: -large, max: large };
  // A few doublings short of the largest number, for what is summed.
  const max = Math.min(numbersOf(format)[format.highest]! / 64, large);
  return { min: format.sign === 0 ? 1 / large : -max, max };
}

/** Uniform draws in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The value of the range that is nearest to zero: what shrinking drives at. */
export function restOf({ min, max }: Range): number {
  return Math.min(Math.max(0, min), max);
}

/** Fills `data` in place: with codes and bigints where these are the elements. */
export function fill(data: TypedArray, dtype: DType, range: Range, style: Style, seed: number): void {
  const next = mulberry32(seed);
  const draw = dtypes[dtype].kind === "float" ? floats(range, style, next) : integers(range, style, next);
  const elements: Elements = data;
  if (dtypes[dtype].format || dtypes[dtype].big)
    for (let i = 0; i < data.length; i++) elements[i] = elementOf(dtype, draw());
  else for (let i = 0; i < data.length; i++) elements[i] = draw();
}

/** A value worth putting at one position. */
export function edge(dtype: DType, range: Range, withSpecials: boolean, next: () => number): number {
  const float = dtypes[dtype].kind === "float";
  const pool = float ? (withSpecials ? [...specials, ...edges] : edges) : [range.min, range.max, 0, 1, -1];
  const value = pool[Math.floor(next() * pool.length)]!;
  return Number.isFinite(value) ? within(value, range, withSpecials && float) : value;
}

function within(value: number, { min, max }: Range, unbounded: boolean): number {
  return unbounded ? value : value < min ? min : value > max ? max : value;
}

function floats(range: Range, style: Style, next: () => number): () => number {
  const { min, max } = range;
  const rest = restOf(range);
  const near = { min: Math.max(min, -1), max: Math.min(max, 1) };
  const { min: low, max: high } = near.min < near.max ? near : range;
  const uniform = () => low + (high - low) * next();
  const clamp = (x: number) => within(x, range, false);
  switch (style) {
    case "zeros":
      return () => rest;
    case "constant": {
      const value = uniform();
      return () => value;
    }
    case "whole":
      return () => clamp(Math.round(8 * next() - 4));
    case "sparse":
      return () => (next() < 0.05 ? uniform() : rest);
    case "uniform":
      return uniform;
    case "wide":
      return () => clamp((next() < 0.5 ? -1 : 1) * 2 ** (-30 + 50 * next()));
  }
}

function integers(range: Range, style: Style, next: () => number): () => number {
  const { min, max } = range;
  const rest = restOf(range);
  const any = () => Math.min(max, min + Math.floor((max - min + 1) * next()));
  switch (style) {
    case "zeros":
      return () => rest;
    case "constant": {
      const value = any();
      return () => value;
    }
    case "sparse":
      return () => (next() < 0.05 ? any() : rest);
    case "whole":
      return () => within(Math.round(8 * next() - 4), range, false);
    default:
      return any;
  }
}
