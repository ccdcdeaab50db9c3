/**
 * Simpler arrays for a failing one, the boldest first. Works on the value alone, so it also shrinks examples
 * a user wrote down. The elements that are not at rest (zero, or the nearest the range allows) are the
 * evidence: first whole chunks of them are dropped, as in delta debugging (Zeller and Hildebrandt 2002), then
 * what is left is made rounder. Every candidate is strictly simpler than its origin, so shrinking ends; at
 * most about 200 are offered per step.
 */
import { type DType, dtypes, type TypedArray } from "../dtype.ts";
import { type Elements, elementOf, numberAt, roundedTo } from "../elements.ts";
import { type Range, restOf } from "../random/noise.ts";

const mostChunks = 32;
const fewElements = 24;

export function* simplerArrays(data: TypedArray, dtype: DType, range: Range): Generator<TypedArray, void> {
  const rest = restOf(range);
  const array: Shrunk = { data, dtype };
  const live = positionsNotAt(rest, array);
  if (live.length === 0) return;
  yield changed(array, live, () => rest);
  yield* fewer(array, live, rest);
  const simpler = (x: number) => simplerNumbers(x, dtype, range);
  for (let boldness = 0; boldness < 3; boldness++) {
    const next = changed(array, live, (x) => simpler(x)[boldness] ?? x);
    if (live.some((i) => !Object.is(next[i], data[i]))) yield next;
  }
  if (live.length > fewElements) return;
  for (const i of live) for (const x of simpler(valueAt(array, i))) yield changed(array, [i], () => x);
}

/** An array and what its elements are. */
interface Shrunk {
  readonly data: TypedArray;
  readonly dtype: DType;
}

const valueAt = ({ data, dtype }: Shrunk, i: number): number => Number(numberAt(dtype, data, i));

/** Drops, and keeps alone, ever smaller chunks of the live positions. */
function* fewer(array: Shrunk, live: readonly number[], rest: number): Generator<TypedArray, void> {
  for (let chunks = 2; chunks <= Math.min(mostChunks, 2 * live.length); chunks *= 2) {
    const size = Math.ceil(live.length / chunks);
    for (let from = 0; from < live.length; from += size) {
      const chunk = live.slice(from, from + size);
      if (chunk.length < live.length) yield changed(array, chunk, () => rest);
    }
    if (size === 1) return;
  }
}

/** Simpler numbers inside the range: whole before broken, small before large, positive before negative. */
function simplerNumbers(x: number, dtype: DType, range: Range): readonly number[] {
  const candidates = Number.isNaN(x)
    ? [1]
    : [1, Math.trunc(x), Math.trunc(x / 2), x - Math.sign(x), -x, Math.round(x * 16) / 16];
  const narrow = (y: number) => Number(roundedTo(dtype, y));
  const allowed = candidates
    .map(narrow)
    .filter((y) => y >= range.min && y <= range.max && isSimpler(y, x) && y !== restOf(range))
    .filter((y) => dtypes[dtype].kind === "float" || Number.isInteger(y));
  return [...new Set(allowed)];
}

function isSimpler(a: number, b: number): boolean {
  const [x, y] = [complexity(a), complexity(b)];
  const axis = x.findIndex((n, i) => n !== y[i]);
  return axis >= 0 && x[axis]! < y[axis]!;
}

function complexity(x: number): readonly number[] {
  const kind = Number.isInteger(x) ? 0 : Number.isInteger(16 * x) ? 1 : Number.isFinite(x) ? 2 : 3;
  return [kind, Number.isNaN(x) ? Number.POSITIVE_INFINITY : Math.abs(x), x < 0 ? 1 : 0];
}

function positionsNotAt(rest: number, array: Shrunk): readonly number[] {
  const found: number[] = [];
  for (let i = 0; i < array.data.length; i++) if (!Object.is(valueAt(array, i), rest)) found.push(i);
  return found;
}

function changed(array: Shrunk, positions: readonly number[], value: (x: number) => number): TypedArray {
  const copy = array.data.slice();
  const elements: Elements = copy;
  for (const i of positions) elements[i] = elementOf(array.dtype, value(valueAt(array, i)));
  return copy;
}
