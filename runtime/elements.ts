/**
 * Stored elements and the numbers they stand for. Most arrays hold their numbers. Codes of small floats have
 * to be decoded before anything is computed, and integers of less than a byte wrapped after it; such dtypes
 * are computed on in a wider array, and rounded or wrapped once when the result is stored.
 */
import { allocate, type DType, dtypes, type TypedArray } from "./dtype.ts";
import { codeOf, numbersOf, roundTo } from "./float-format.ts";

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
  const numbers = new Float64Array(stored.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = table[stored[i]!]!;
  return numbers;
}

/**
 * What is stored for numbers in an array of `allocateNumbers`; the same array where it holds the elements.
 */
export function encode(dtype: DType, numbers: TypedArray): TypedArray {
  const { format, packable } = dtypes[dtype];
  if (!format && !packable) return numbers;
  const stored = allocate(dtype, numbers.length);
  for (let i = 0; i < stored.length; i++)
    stored[i] = format ? codeOf(format, numbers[i]!) : wrap(dtype, numbers[i]!);
  return stored;
}

/** The integer of a dtype below 32 bits that `x` wraps to. */
export function wrap(dtype: DType, x: number): number {
  const { lowest, highest } = dtypes[dtype];
  const count = highest - lowest + 1;
  return ((((x - lowest) % count) + count) % count) + lowest;
}

/**
 * `x` as an element of the dtype holds it; integers of whole bytes, which their arrays wrap, are given as
 * they are.
 */
export function roundedTo(dtype: DType, x: number): number {
  if (dtype === "float32") return Math.fround(x);
  const { format, packable } = dtypes[dtype];
  if (format) return roundTo(format, x);
  return packable ? wrap(dtype, x) : x;
}

/** The number one stored element stands for. */
export function numberAt(dtype: DType, stored: TypedArray, at: number): number {
  const { format } = dtypes[dtype];
  const element = stored[at]!;
  return format ? numbersOf(format)[element]! : element;
}
