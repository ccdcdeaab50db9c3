/**
 * Casts between all pairs of dtypes, of every element the source has up to 16 bits and of chosen ones beyond,
 * against what ONNX Cast says, worked out here from the bits: once by the reference, once by an emitted
 * module.
 */
import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { allocate, type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { decode, type Elements } from "../../runtime/elements.ts";
import { emitGraph, reference, runEmitted } from "../support/laws.ts";

const names = Object.keys(dtypes) as DType[];

/** Exponent bits, fraction bits, bias; what the largest exponent holds. */
const floats: Partial<Record<DType, readonly [number, number, number, "ieee" | "fn" | "fnuz" | "finite"]>> = {
  float16: [5, 10, 15, "ieee"],
  bfloat16: [8, 7, 127, "ieee"],
  float8e4m3fn: [4, 3, 7, "fn"],
  float8e4m3fnuz: [4, 3, 8, "fnuz"],
  float8e5m2: [5, 2, 15, "ieee"],
  float8e5m2fnuz: [5, 2, 16, "fnuz"],
  float4e2m1: [2, 1, 1, "finite"],
};

const largest: Partial<Record<DType, number>> = {
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float8e4m3fn: 448,
  float8e4m3fnuz: 240,
  float8e5m2: 57344,
  float8e5m2fnuz: 57344,
  float4e2m1: 6,
};

function decoded(dtype: DType, code: number): number {
  if (dtype === "float8e8m0") return code === 255 ? Number.NaN : 2 ** (code - 127);
  const [exponents, fractions, bias, kind] = floats[dtype]!;
  const bits = code.toString(2).padStart(1 + exponents + fractions, "0");
  const [sign, e, f] = [bits[0] === "1" ? -1 : 1, bits.slice(1, 1 + exponents), bits.slice(1 + exponents)];
  const [exponent, fraction] = [Number.parseInt(e, 2), Number.parseInt(f, 2) / 2 ** fractions];
  if (kind === "fnuz" && /^10*$/.test(bits)) return Number.NaN;
  if (kind === "fn" && /^.1*$/.test(bits)) return Number.NaN;
  if (kind === "ieee" && !e.includes("0"))
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

/** Rounded to the target's step at this magnitude, then looked at for overflow. */
function rounded(dtype: DType, x: number): number {
  if (dtype === "float64") return x;
  if (dtype === "float32") return Math.fround(x);
  if (dtype === "float8e8m0") return power(Math.abs(x));
  const [, fractions, bias, kind] = floats[dtype]!;
  const magnitude = Math.abs(x);
  if (Number.isNaN(x)) return kind === "finite" ? 6 : Number.NaN;
  if (magnitude === 0) return kind === "fnuz" ? 0 : x;
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), 1 - bias);
  const step = 2 ** (Math.min(exponent, 1100) - fractions);
  const result = magnitude === Number.POSITIVE_INFINITY ? magnitude : halfEven(magnitude / step) * step;
  const most = largest[dtype]!;
  const kept =
    result <= most
      ? result
      : { ieee: Number.POSITIVE_INFINITY, fn: Number.NaN, fnuz: Number.NaN, finite: most }[kind];
  if (kind === "fnuz" && kept === 0) return 0;
  return x < 0 ? -kept : kept;
}

function power(magnitude: number): number {
  if (!(magnitude < 1.5 * 2 ** 127)) return Number.NaN;
  for (let e = 127; e > -127; e--) if (magnitude >= 1.5 * 2 ** (e - 1)) return 2 ** e;
  return 2 ** -127;
}

function halfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return x - down > 0.5 ? down + 1 : down;
  return down % 2 === 0 ? down : down + 1;
}

const fractionsOf = (dtype: DType): number =>
  floats[dtype]?.[1] ?? (dtype === "float64" ? 52 : dtype === "float32" ? 23 : 0);

/** The nearest number with as many bits as the target keeps; ties to even. */
function shortened(to: DType, x: bigint): number {
  const magnitude = x < 0n ? -x : x;
  const away = BigInt(Math.max(magnitude.toString(2).length - fractionsOf(to) - 1, 0));
  const [kept, rest] = [magnitude >> away, magnitude & ((1n << away) - 1n)];
  const half = away === 0n ? 1n : 1n << (away - 1n);
  const isUp = rest > half || (rest === half && (to === "float8e8m0" || kept % 2n === 1n));
  return Number((isUp ? kept + 1n : kept) << away) * (x < 0n ? -1 : 1);
}

function castTo(from: DType, to: DType, x: Scalar): Scalar {
  const { kind, lowest, highest, big } = dtypes[to];
  if (kind === "bool") return Number(x !== 0 && x !== 0n);
  if (kind === "float") return rounded(to, typeof x === "bigint" ? shortened(to, x) : x);
  if (dtypes[from].kind === "float") {
    if (Number.isNaN(x)) return big ? 0n : 0;
    return x >= highest ? highest : x <= lowest ? lowest : exactly(big, Math.trunc(Number(x)));
  }
  const bits = Math.round(Math.log2(Number(highest) - Number(lowest) + 1));
  const wrapped = Number(lowest) === 0 ? BigInt.asUintN(bits, BigInt(x)) : BigInt.asIntN(bits, BigInt(x));
  return big ? wrapped : Number(wrapped);
}

const exactly = (big: true | undefined, x: number): Scalar => (big ? BigInt(x) : x === 0 ? 0 : x);

const chosenFloats = [
  ...[
    0, -0, 0.5, -0.5, 1.5, 2.5, -2.5, 255.9, 256, -129, 65519.999, 65520, 447, 464, 464.1, 480, 61439, 61440,
  ],
  ...[2147483647, 2147483648, 4294967295, 4294967296, -2147483649, 2 ** 53, 2 ** 63, -(2 ** 63), 2 ** 64],
  ...[1e300, -1e300, 1e-300, 2 ** -24, 2 ** -25, 2 ** -25 * 1.0000001, 2 ** -133, 2 ** -134, 3 * 2 ** -134],
  ...[3.3895313892515355e38, 3.3961775292304601e38, 3.4e38, 1.5 * 2 ** 127, 1.4999999999999998 * 2 ** 127],
  ...[1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40, 1 + 2 ** -8, 1 + 2 ** -8 + 2 ** -50, 1 + 2 ** -24 + 2 ** -50],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];
const chosenIntegers = [
  ...[
    0n,
    1n,
    -1n,
    7n,
    8n,
    -9n,
    127n,
    128n,
    255n,
    256n,
    32768n,
    65504n,
    65520n,
    2n ** 24n + 1n,
    2n ** 31n,
    -(2n ** 31n),
  ],
  ...[
    2n ** 32n - 1n,
    2n ** 53n + 1n,
    2n ** 62n + 2n ** 38n + 1n,
    2n ** 62n + 2n ** 38n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ],
  ...[2n ** 62n + 2n ** 51n + 1n, 2n ** 61n + 2n ** 53n + 1n, 2n ** 64n - 1n, -(2n ** 62n) - 2n ** 38n - 1n],
];

/** Every element of a narrow dtype, chosen ones of a wide one, as they are stored; and their values. */
function elementsOf(dtype: DType): {
  readonly stored: ReturnType<typeof allocate>;
  readonly values: readonly Scalar[];
} {
  const { bytes, kind, format, lowest, highest, big } = dtypes[dtype];
  if (bytes <= 2) {
    const count = format
      ? dtype === "float4e2m1"
        ? 16
        : 256 ** bytes
      : Number(highest) - Number(lowest) + 1;
    const stored = allocate(dtype, count);
    const elements: Elements = stored;
    for (let i = 0; i < count; i++) elements[i] = format ? i : Number(lowest) + i;
    const values = Array.from<Scalar, Scalar>(stored, (x) => (format ? decoded(dtype, Number(x)) : x));
    return { stored, values };
  }
  const chosen = kind === "float" ? chosenFloats : chosenIntegers;
  const stored = allocate(dtype, chosen.length);
  const elements: Elements = stored;
  chosen.forEach((x, i) => {
    elements[i] = kind === "float" ? x : big ? x : Number(BigInt.asIntN(32, BigInt(x)));
  });
  return { stored, values: Array.from<Scalar>(stored) };
}

/** x cast to every dtype. */
function castsOf(dtype: DType, count: number): Graph<BoundDim> {
  const g = new GraphBuilder("casts");
  const x = g.input("x", { dtype, shape: [constant(count)] });
  return g.finish(
    names.map((to) => ({ name: to, value: g.node("cast", [x], { dtype: to })[0]! })),
  ) as Graph<BoundDim>;
}

describe.each(names)("casts from %s", (from) => {
  const { stored, values } = elementsOf(from);
  const graph = castsOf(from, values.length);
  const data = new Map([["x", { dtype: from, shape: [values.length], data: stored }]]);
  const expected = new Map(
    names.map((to) => [to, values.map((x) => (from === to ? x : castTo(from, to, x)))]),
  );

  test.each([
    ["by the reference", () => reference(graph, data)],
    ["by an emitted module", () => runEmitted(emitGraph(graph, data), data)],
  ])("give what the bits say, %s", (_by, run) => {
    const outputs = run();
    const wrong: string[] = [];
    for (const to of names) {
      const found = decode(to, outputs[to]!);
      expected.get(to)!.forEach((x, i) => {
        if (!Object.is(found[i], x)) wrong.push(`${values[i]} to ${to} is ${found[i]}, not ${x}`);
      });
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });
});
