/**
 * Every format against a second definition: the numbers written out from the bits of each code, and rounding
 * by exact integer arithmetic on the bits of the double.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { typesFor } from "../../codegen/source/index.ts";
import {
  type FormatName,
  formatFunction,
  formatFunctions,
  formatTable,
} from "../../codegen/typescript/float-formats.source.ts";
import { runtimeFunctions, withRequired } from "../../codegen/typescript/functions.ts";
import { codeOf, type FloatFormat, formats, numbersOf, roundTo } from "../../runtime/float-format.ts";

const names = Object.keys(formats) as FormatName[];

/** A double as sign * significand * 2^exponent. */
function exactly(x: number): { readonly significand: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(x));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  return biased === 0
    ? { significand: fraction, exponent: -1074 }
    : { significand: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** The magnitude in units of 2^-1200, exact. */
const scaled = (x: number): bigint => {
  const { significand, exponent } = exactly(x);
  return significand << BigInt(exponent + 1200);
};

const scales = new Map<FloatFormat, bigint[]>();

/** The numbers of the codes without sign, and one more where infinity begins. */
function scaleOf(format: FloatFormat): bigint[] {
  const { highest, powers } = format;
  const known = scales.get(format);
  if (known) return known;
  const finite = Array.from(numbersOf(format).subarray(0, highest + 1), scaled);
  const last = finite[highest]!;
  finite.push(powers ? 2n * last : 2n * last - finite[highest - 1]!);
  scales.set(format, finite);
  return finite;
}

/** The nearest code by comparing distances with all finite numbers of the format. */
function nearest(format: FloatFormat, x: number): number {
  const { highest, powers } = format;
  const target = scaled(x);
  const finite = scaleOf(format);
  let best = 0;
  const distance = (code: number) => {
    const d = finite[code]! - target;
    return d < 0n ? -d : d;
  };
  for (let code = 1; code < finite.length; code++) {
    const [d, least] = [distance(code), distance(best)];
    if (d < least || (d === least && (powers === true || code % 2 === 0))) best = code;
  }
  return target > finite[highest + 1]! ? highest + 1 : best;
}

function expectedNumber(format: FloatFormat, x: number): number {
  if (Number.isNaN(x)) return format.nan === undefined ? numbersOf(format)[format.highest]! : Number.NaN;
  const code = Number.isFinite(x) ? nearest(format, x) : format.highest + 1;
  const numbers = numbersOf(format);
  const overflow =
    format.infinity !== undefined
      ? Number.POSITIVE_INFINITY
      : format.nan !== undefined
        ? Number.NaN
        : numbers[format.highest]!;
  const magnitude = code > format.highest ? overflow : numbers[code]!;
  const isNegative = (x < 0 || Object.is(x, -0)) && format.sign !== 0;
  return isNegative && (magnitude !== 0 || format.negativeZero) ? -magnitude : magnitude;
}

/** The functions of generated modules, run. */
function emitted(name: FormatName): Record<"to" | "from" | "round", (x: number) => number> {
  const [to, from, round] = (["to", "from", "round"] as const).map((what) => formatFunction(what, name));
  const text = withRequired(new Set([round!])).map((fn) => runtimeFunctions[fn](typesFor("js")));
  const make = new Function(`${text.join("\n")}\nreturn { to: ${to}, from: ${from}, round: ${round} };`);
  return make() as ReturnType<typeof emitted>;
}

const doubles = (format: FloatFormat) => {
  const numbers = numbersOf(format).filter(Number.isFinite);
  const near = fc
    .tuple(fc.constantFrom(...numbers), fc.constantFrom(...numbers), fc.integer({ min: -2, max: 2 }))
    .map(([a, b, ulps]) => nudged((a + b) / 2, ulps));
  const between = fc
    .tuple(fc.nat(numbers.length - 2), fc.integer({ min: -2, max: 2 }))
    .map(([i, ulps]) => nudged((numbers[i]! + numbers[i + 1]!) / 2, ulps));
  return fc.oneof(fc.double(), near, between, fc.constantFrom(...numbers));
};

/** `x` and the doubles beside it. */
function nudged(x: number, ulps: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  if (Number.isFinite(x) && x !== 0) view.setBigInt64(0, view.getBigInt64(0) + BigInt(ulps));
  return view.getFloat64(0);
}

test.each([
  ["float16", 0x3c01, 1.0009765625],
  ["float16", 0x0001, 2 ** -24],
  ["float16", 0xfbff, -65504],
  ["bfloat16", 0x3f81, 1.0078125],
  ["bfloat16", 0x7f7f, 3.3895313892515355e38],
  ["float8e4m3fn", 0x7e, 448],
  ["float8e4m3fn", 0x01, 2 ** -9],
  ["float8e4m3fnuz", 0x7f, 240],
  ["float8e4m3fnuz", 0x01, 2 ** -10],
  ["float8e5m2", 0x7b, 57344],
  ["float8e5m2", 0xfc, Number.NEGATIVE_INFINITY],
  ["float8e5m2fnuz", 0x7f, 57344],
  ["float8e5m2fnuz", 0x80, Number.NaN],
  ["float8e8m0", 127, 1],
  ["float8e8m0", 0, 2 ** -127],
  ["float8e8m0", 255, Number.NaN],
  ["float4e2m1", 0x5, 3],
  ["float4e2m1", 0xf, -6],
] as const)("%s has for %i the number %d", (name, code, number) => {
  expect(numbersOf(formats[name])[code]).toBe(number);
});

describe.each(names)("%s", (name) => {
  const format: FloatFormat = formats[name];
  const numbers = numbersOf(format);
  const functions = emitted(name);

  test("rounds every number of its own to itself, in the runtime and in modules", () => {
    const wrong: number[] = [];
    numbers.forEach((x, code) => {
      const found = codeOf(format, x);
      const isKept = Number.isNaN(x) ? Number.isNaN(numbers[found]!) : found === code;
      if (!isKept || !Object.is(functions.from(code), x) || !Object.is(numbers[functions.to(x)], x))
        wrong.push(code);
    });
    expect(wrong).toEqual([]);
  });

  test("is a table of all its numbers where modules load it from memory", () => {
    const table = formatTable(name);
    const text = withRequired(new Set([table])).map((fn) => runtimeFunctions[fn](typesFor("js")));
    const found: Float32Array = new Function(`${text.join("\n")}\nreturn ${table};`)();
    expect(Array.from(found)).toEqual(Array.from(numbers));
  });

  test("is all float32 numbers", () => {
    expect(numbers.every((x) => Object.is(Math.fround(x), x))).toBe(true);
  });

  test("rounds doubles as exact arithmetic does", () => {
    const exact = name === "float16" || name === "bfloat16" ? 60 : 300;
    fc.assert(
      fc.property(doubles(format), (x) => {
        expect(roundTo(format, x)).toBe(expectedNumber(format, x));
      }),
      { numRuns: exact, seed: 1 },
    );
  });

  test("is rounded to in modules as in the runtime", () => {
    fc.assert(
      fc.property(doubles(format), (x) => {
        expect(functions.to(x)).toBe(codeOf(format, x));
        expect(functions.round(x)).toBe(roundTo(format, x));
      }),
      { numRuns: 3000, seed: 2 },
    );
  });
});

test("every format has its three functions and its table", () => {
  expect(Object.keys(formatFunctions)).toHaveLength(4 * names.length);
});
