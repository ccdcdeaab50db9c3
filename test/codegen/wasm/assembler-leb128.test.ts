import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../../codegen/wasm/assembler/byte-writer.ts";
import { Module } from "../../../codegen/wasm/assembler/index.ts";

function written(write: (out: ByteWriter) => void): number[] {
  const out = new ByteWriter();
  write(out);
  return [...out.finish()];
}

/** LEB128 as its definition says: seven bits a byte, lowest first, the last byte below 0x80. */
function decode(bytes: readonly number[], signed: boolean): bigint {
  expect(bytes.map((byte) => byte >= 0x80)).toEqual(bytes.map((_, i) => i < bytes.length - 1));
  const bits = bytes.reduce((sum, byte, i) => sum + (BigInt(byte & 0x7f) << BigInt(7 * i)), 0n);
  return signed ? BigInt.asIntN(7 * bytes.length, bits) : bits;
}

/** The last byte adds something: without it the number would be another. */
function expectShortest(bytes: readonly number[], signed: boolean): void {
  const [last = 0, previous = 0] = bytes.toReversed();
  if (bytes.length === 1) return;
  const redundant = signed
    ? (last === 0 && (previous & 0x40) === 0) || (last === 0x7f && (previous & 0x40) !== 0)
    : last === 0;
  expect(redundant).toBe(false);
}

/** Every power of two up to `bits` and its neighbours, where the length of the encoding changes. */
const edges = (bits: number) =>
  Array.from({ length: bits + 1 }, (_, i) => [
    2n ** BigInt(i) - 1n,
    2n ** BigInt(i),
    2n ** BigInt(i) + 1n,
  ]).flat();
const near = (bits: number, low: bigint, high: bigint) =>
  fc.oneof(
    fc.bigInt({ min: low, max: high }),
    fc.constantFrom(
      ...edges(bits)
        .flatMap((n) => [n, -n])
        .filter((n) => n >= low && n <= high),
    ),
  );

describe("LEB128", () => {
  test("an unsigned number decodes to itself and is as short as can be", () => {
    fc.assert(
      fc.property(near(32, 0n, 2n ** 32n - 1n), (n) => {
        const bytes = written((out) => out.u32(Number(n)));
        expect(decode(bytes, false)).toBe(n);
        expectShortest(bytes, false);
      }),
      { numRuns: 500 },
    );
  });

  test("a 32-bit constant decodes to the same 32 bits and is as short as can be", () => {
    fc.assert(
      fc.property(near(32, -(2n ** 31n), 2n ** 32n - 1n), (n) => {
        const bytes = written((out) => out.i32(Number(n)));
        expect(decode(bytes, true)).toBe(BigInt.asIntN(32, n));
        expectShortest(bytes, true);
      }),
      { numRuns: 500 },
    );
  });

  test("a 64-bit constant decodes to the same 64 bits and is as short as can be", () => {
    fc.assert(
      fc.property(near(64, -(2n ** 63n), 2n ** 64n - 1n), (n) => {
        const bytes = written((out) => out.i64(n));
        expect(decode(bytes, true)).toBe(BigInt.asIntN(64, n));
        expectShortest(bytes, true);
      }),
      { numRuns: 500 },
    );
  });

  test("numbers outside the format are refused, not wrapped", () => {
    const refused = [
      (out: ByteWriter) => out.u32(-1),
      (out: ByteWriter) => out.u32(2 ** 32),
      (out: ByteWriter) => out.u32(1.5),
      (out: ByteWriter) => out.u32(Number.NaN),
      (out: ByteWriter) => out.i32(-(2 ** 31) - 1),
      (out: ByteWriter) => out.i32(2 ** 32),
      (out: ByteWriter) => out.i32(0.5),
      (out: ByteWriter) => out.i64(2n ** 64n),
      (out: ByteWriter) => out.i64(-(2n ** 63n) - 1n),
    ];
    for (const write of refused) expect(() => written(write)).toThrow(/does not fit/);
  });
});

type Constants = Record<string, () => number | bigint>;

/** Instantiates a module with one exported function per constant and returns what they return. */
function evaluate<T extends number | bigint>(type: "i32" | "i64" | "f32" | "f64", values: readonly T[]): T[] {
  const module = new Module();
  values.forEach((value, i) => {
    const f = module.func({ name: `c${i}`, results: [type], exported: true });
    f.instruction(`${type}.const`, [value as number]).end();
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()));
  return values.map((_, i) => (exports as Constants)[`c${i}`]!() as T);
}

describe("constants as an engine reads them", () => {
  test("i32 and i64 constants return the same bits at every edge", () => {
    const wide = edges(63)
      .flatMap((n) => [n, -n])
      .filter((n) => n >= -(2n ** 63n));
    expect(evaluate("i64", wide)).toEqual(wide.map((n) => BigInt.asIntN(64, n)));
    const narrow = edges(31)
      .flatMap((n) => [Number(n), -Number(n)])
      .filter((n) => n >= -(2 ** 31));
    expect(evaluate("i32", narrow)).toEqual(narrow.map((n) => n | 0));
  });

  test("f32 and f64 constants keep zeros, infinities, NaN and subnormals", () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1, maxLength: 20 }), (values) => {
        const all = [...values, -0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324, 2 ** -149];
        expect(evaluate("f64", all)).toEqual(all);
        expect(evaluate("f32", all)).toEqual(all.map(Math.fround));
      }),
      { numRuns: 20 },
    );
  });

  test("a NaN with a payload is written as the canonical NaN", () => {
    const odd = new Float64Array(new BigUint64Array([0xfff8_0000_0000_0123n]).buffer)[0]!;
    expect(written((out) => out.f64(odd))).toEqual([0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
    expect(written((out) => out.f32(odd))).toEqual([0, 0, 0xc0, 0x7f]);
  });
});
