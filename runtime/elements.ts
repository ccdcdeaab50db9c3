/**
 * Stored elements and the numbers they stand for. Most arrays hold their numbers. Codes of small floats have
 * to be decoded before anything is computed, and integers of less than a byte wrapped after it; such dtypes
 * are computed on in a wider array, and rounded or wrapped once when the result is stored.
 */
import {
  allocate,
  type BigArray,
  type DType,
  dtypes,
  type NumberArray,
  type Scalar,
  type TypedArray,
} from "./dtype.ts";
import { codeOf, numbersOf, roundTo } from "./float-format.ts";

/** An array to which an element of either kind may be written: whose kind its dtype says. */
export interface Elements {
  readonly length: number;
  [index: number]: Scalar;
}

/** A zero-filled array to compute `length` elements in. */
export function allocateNumbers(dtype: DType, length: number): TypedArray {
  const { format, packable } = dtypes[dtype];
  if (format) return new Float64Array(length);
  return packable ? new Int32Array(length) : allocate(dtype, length);
}

/** The numbers that stored elements stand for; the same array where it holds them. */
export function decode(dtype: DType, stored: TypedArray): TypedArray {
  const { format } = dtypes[dtype];
  if (!format) return stored;
  const table = numbersOf(format);
  return Float64Array.from(numbersIn(stored), (code) => table[code]!);
}

/**
 * What is stored for numbers in an array of `allocateNumbers`; the same array where it holds the elements.
 */
export function encode(dtype: DType, numbers: TypedArray): TypedArray {
  const { format, packable } = dtypes[dtype];
  if (!format && !packable) return numbers;
  const stored = numbersIn(allocate(dtype, numbers.length));
  numbersIn(numbers).forEach((x, i) => {
    stored[i] = format ? codeOf(format, x) : wrap(dtype, x);
  });
  return stored;
}

/** The array as one of numbers. Throws an internal error for one of bigints, which are no float's. */
export function numbersIn(data: TypedArray): NumberArray {
  if (isBig(data)) throw new Error("internal: bigints where numbers are computed with");
  return data;
}

/** The array as one of bigints; throws an internal error for any other. */
export function bigsIn(data: TypedArray): BigArray {
  if (!isBig(data)) throw new Error("internal: numbers where bigints are computed with");
  return data;
}

export function isBig(data: TypedArray): data is BigArray {
  return data instanceof BigInt64Array || data instanceof BigUint64Array;
}

/** The one value that all elements have; NaN is one value, 0 and -0 are two. */
export function uniformOf(data: TypedArray): Scalar | undefined {
  const [first] = data;
  for (let i = 1; i < data.length; i++) if (!Object.is(data[i], first)) return undefined;
  return first;
}

/** Copies elements between arrays of one class. */
export function copyElements(target: TypedArray, source: TypedArray, at = 0): void {
  if (isBig(target)) target.set(bigsIn(source), at);
  else target.set(numbersIn(source), at);
}

/** An integer as an element of the dtype: a bigint if its elements are. */
export function scalarOf(dtype: DType, x: Scalar): Scalar {
  if (dtypes[dtype].big) return BigInt(x);
  return Number(x);
}

/** The integer of a dtype below 32 bits that `x` wraps to. */
export function wrap(dtype: DType, x: number): number {
  const [lowest, highest] = [Number(dtypes[dtype].lowest), Number(dtypes[dtype].highest)];
  const count = highest - lowest + 1;
  return ((((x - lowest) % count) + count) % count) + lowest;
}

/** The 64-bit integer that `x` wraps to. */
export function wrapBig(dtype: DType, x: bigint): bigint {
  return dtypes[dtype].lowest === 0n ? BigInt.asUintN(64, x) : BigInt.asIntN(64, x);
}

/**
 * `x` as an element of the dtype holds it; integers of whole bytes, which their arrays wrap, are given as
 * they are.
 */
export function roundedTo(dtype: DType, x: Scalar): Scalar {
  if (typeof x === "bigint") return x;
  if (dtype === "float32") return Math.fround(x);
  const { format, packable } = dtypes[dtype];
  if (format) return roundTo(format, x);
  return packable ? wrap(dtype, x) : x;
}

/** What is stored for a number: a whole one, where the dtype is an integer's. */
export function elementOf(dtype: DType, x: number): Scalar {
  const { format, big } = dtypes[dtype];
  if (format) return codeOf(format, x);
  return big ? BigInt(x) : x;
}

/** Numbers as elements of the dtype: rounded to a float, cut and wrapped to an integer. */
export function storedNumbers(dtype: DType, numbers: ArrayLike<number>): TypedArray {
  const computed = allocateNumbers(dtype, numbers.length);
  const elements: Elements = computed;
  const { big } = dtypes[dtype];
  for (let i = 0; i < numbers.length; i++) elements[i] = big ? BigInt(Math.trunc(numbers[i]!)) : numbers[i]!;
  return encode(dtype, computed);
}

/** The number one stored element stands for. */
export function numberAt(dtype: DType, stored: TypedArray, at: number): Scalar {
  const { format } = dtypes[dtype];
  const element = stored[at]!;
  return format ? numbersOf(format)[Number(element)]! : element;
}

/**
 * A double that rounds to every float of fewer bits as the integer does: where the integer has more bits than
 * a double, the last bit says whether anything was cut off (rounding to odd, Boldo and Melquiond 2008).
 */
export function oddNumber(x: bigint): number {
  const magnitude = x < 0n ? -x : x;
  if (magnitude < 2n ** 53n) return Number(x);
  const kept = magnitude >> 11n;
  const odd = kept << 11n === magnitude ? kept : kept | 1n;
  return (x < 0n ? -2048 : 2048) * Number(odd);
}
