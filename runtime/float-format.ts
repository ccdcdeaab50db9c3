/**
 * Floats that JavaScript has no array for: how a code, a small unsigned integer, makes a number, and which
 * code a double is rounded to. The formats are those of IEEE 754 (float16), of "FP8 Formats for Deep
 * Learning" (Micikevicius et al. 2022) with the variants of Graphcore and AMD (fnuz), and of the OCP
 * Microscaling formats (float4e2m1, float8e8m0), as ONNX uses them.
 *
 * Rounding goes straight from the double to the format, to nearest and ties to even, so nothing is rounded
 * twice. What is too large becomes infinity, where there is none NaN, where there is none either the largest
 * number; a cast that saturates clamps first. All numbers of all formats are float32 numbers too.
 *
 * Here the nearest code is searched in the list of all numbers: slow, and plain enough to be the reference
 * for what compiled modules do with bits.
 */

export interface FloatFormat {
  /** Bits of the significand that are stored. */
  readonly fraction: number;
  /** Exponent of the smallest normal number. */
  readonly least: number;
  /** Code of the largest number. */
  readonly highest: number;
  readonly infinity?: number;
  readonly nan?: number;
  /** The bit that is the sign; 0 where all numbers are positive. */
  readonly sign: number;
  /** Whether the sign of zero is kept. */
  readonly negativeZero: boolean;
  /** No code is zero: every code is a power of two, and ties are rounded up. */
  readonly powers?: boolean;
}

const signed8 = { sign: 0x80, negativeZero: true };

export const formats = {
  float16: {
    ...{ fraction: 10, least: -14, highest: 0x7bff, infinity: 0x7c00, nan: 0x7e00 },
    ...{ sign: 0x8000, negativeZero: true },
  },
  bfloat16: {
    ...{ fraction: 7, least: -126, highest: 0x7f7f, infinity: 0x7f80, nan: 0x7fc0 },
    ...{ sign: 0x8000, negativeZero: true },
  },
  float8e4m3fn: { fraction: 3, least: -6, highest: 0x7e, nan: 0x7f, ...signed8 },
  float8e4m3fnuz: { fraction: 3, least: -7, highest: 0x7f, nan: 0x80, ...signed8, negativeZero: false },
  float8e5m2: { fraction: 2, least: -14, highest: 0x7b, infinity: 0x7c, nan: 0x7f, ...signed8 },
  float8e5m2fnuz: { fraction: 2, least: -15, highest: 0x7f, nan: 0x80, ...signed8, negativeZero: false },
  float8e8m0: {
    ...{ fraction: 0, least: -127, highest: 0xfe, nan: 0xff },
    ...{ sign: 0, negativeZero: false, powers: true },
  },
  float4e2m1: { fraction: 1, least: 0, highest: 0x7, sign: 0x8, negativeZero: true },
} as const satisfies Readonly<Record<string, FloatFormat>>;

const tables = new Map<FloatFormat, Float64Array>();

/** The numbers of all codes, in their order. */
export function numbersOf(format: FloatFormat): Float64Array {
  const known = tables.get(format);
  if (known) return known;
  const length = format.sign === 0 ? 256 : 2 * format.sign;
  const table = Float64Array.from({ length }, (_, code) => numberOf(format, code));
  tables.set(format, table);
  return table;
}

function numberOf(format: FloatFormat, code: number): number {
  const { fraction, least, highest, infinity, sign, powers } = format;
  if (code === format.nan) return Number.NaN;
  if (powers) return 2 ** (least + code);
  const magnitude = code % sign;
  const direction = code < sign ? 1 : -1;
  if (magnitude === infinity) return direction * Number.POSITIVE_INFINITY;
  if (magnitude > highest) return Number.NaN;
  const exponent = Math.floor(magnitude / 2 ** fraction);
  const significand = (magnitude % 2 ** fraction) / 2 ** fraction;
  if (exponent === 0) return direction * significand * 2 ** least;
  return direction * (1 + significand) * 2 ** (least + exponent - 1);
}

/** The code of the number nearest to `x`. */
export function codeOf(format: FloatFormat, x: number): number {
  const { highest, infinity, nan = highest, sign, negativeZero, powers } = format;
  if (Number.isNaN(x)) return nan;
  const magnitude = Math.abs(x);
  const numbers = numbersOf(format);
  const below = lastUpTo(numbers, highest, magnitude);
  const step = below < highest ? numbers[below + 1]! - numbers[below]! : stepAt(numbers, highest, format);
  const over = magnitude - numbers[below]! - step / 2;
  const code = over > 0 || (over === 0 && (powers || below % 2 === 1)) ? below + 1 : below;
  if (code > highest && infinity === undefined && format.nan !== undefined) return nan;
  const found = code > highest ? (infinity ?? highest) : code;
  const isNegative = x < 0 || Object.is(x, -0);
  return isNegative && (found > 0 || negativeZero) ? found + sign : found;
}

/** The number of the format that is nearest to `x`. */
export function roundTo(format: FloatFormat, x: number): number {
  return numbersOf(format)[codeOf(format, x)]!;
}

/** How far from the largest number the next would be. */
function stepAt(numbers: Float64Array, highest: number, { powers }: FloatFormat): number {
  return powers ? numbers[highest]! : numbers[highest]! - numbers[highest - 1]!;
}

/** The last of the codes 0 .. highest whose number is at most `x`; 0 where none is. */
function lastUpTo(numbers: Float64Array, highest: number, x: number): number {
  let [low, high] = [0, highest];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (numbers[middle]! <= x) low = middle;
    else high = middle - 1;
  }
  return low;
}
