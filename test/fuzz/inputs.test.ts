import * as fc from "fast-check";
import { type InputsOf, inputs } from "shapecast/fuzz";
import { describe, expect, expectTypeOf, test } from "vitest";
import { simplerArrays } from "../../runtime/fuzz/shrink.ts";
import { arrayText } from "../../runtime/fuzz/text.ts";

const signature = {
  inputs: {
    x: { dtype: "float32", shape: [2, 20] },
    tokens: { dtype: "int32", shape: [7] },
    keep: { dtype: "bool", shape: [] },
  },
  outputs: { logits: { dtype: "float32", shape: [10] } },
} as const;

describe("inputs of a signature", () => {
  test("have one array of the right class and length per input", () => {
    fc.assert(
      fc.property(inputs(signature), ({ x, tokens, keep }) => {
        expect([x.constructor, x.length]).toEqual([Float32Array, 40]);
        expect([tokens.constructor, tokens.length]).toEqual([Int32Array, 7]);
        expect([keep.constructor, keep.length]).toEqual([Uint8Array, 1]);
        expect(keep[0]! <= 1).toBe(true);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("have types as precise as the literal signature", () => {
    type Found = InputsOf<typeof signature>;
    expectTypeOf<Found["x"]>().toEqualTypeOf<Float32Array>();
    expectTypeOf<Found["tokens"]>().toEqualTypeOf<Int32Array>();
    expectTypeOf<keyof Found>().toEqualTypeOf<"x" | "tokens" | "keep">();
  });

  test("stay inside the ranges given", () => {
    const ranges = { tokens: { min: 3, max: 5 }, x: { min: 0, max: 1 } };
    const seen = new Set<number>();
    fc.assert(
      fc.property(inputs(signature, { ranges }), ({ x, tokens }) => {
        expect(x.every((v) => v >= 0 && v <= 1)).toBe(true);
        expect(tokens.every((v) => v >= 3 && v <= 5)).toBe(true);
        for (const v of tokens) seen.add(v);
      }),
      { seed: 2, numRuns: 200 },
    );
    expect([...seen].sort()).toEqual([3, 4, 5]);
  });

  test("are finite and normal unless specials are asked for", () => {
    const odd = (v: number) => !Number.isFinite(v) || (v !== 0 && Math.abs(v) < 2 ** -126);
    const found = (specials: boolean) =>
      fc
        .sample(inputs(signature, { specials }), { seed: 3, numRuns: 300 })
        .flatMap(({ x }) => [...x])
        .filter(odd);
    expect(found(false)).toEqual([]);
    const kinds = new Set(
      found(true).map((v) => (Number.isNaN(v) ? "NaN" : Number.isFinite(v) ? "denormal" : `${v}`)),
    );
    expect([...kinds].sort()).toEqual(["-Infinity", "Infinity", "NaN", "denormal"]);
  });

  test("include zeros of both signs, tiny and large numbers", () => {
    const values = fc.sample(inputs(signature), { seed: 4, numRuns: 300 }).flatMap(({ x }) => [...x]);
    expect(values.some((v) => Object.is(v, -0))).toBe(true);
    expect(values.some((v) => v !== 0 && Math.abs(v) < 1e-30)).toBe(true);
    expect(values.some((v) => Math.abs(v) > 1e5)).toBe(true);
  });

  test("are the same for the same seed", () => {
    const draw = () => fc.sample(inputs(signature), { seed: 5, numRuns: 20 });
    expect(draw()).toEqual(draw());
  });

  test("of an input called __proto__ are found under that name", () => {
    const hostile = { inputs: { ["__proto__"]: { dtype: "float32", shape: [1] } }, outputs: {} } as const;
    const [input] = fc.sample(inputs(hostile), { seed: 6, numRuns: 1 });
    expect(Object.keys(input!)).toEqual(["__proto__"]);
  });

  test("refuse a range that is empty or names no input", () => {
    expect(() => inputs(signature, { ranges: { tokens: { min: 2, max: 1 } } })).toThrow(
      /"tokens" is empty: 2 to 1/,
    );
    const misspelt = { token: { min: 0, max: 1 } } as object;
    expect(() => inputs(signature, { ranges: misspelt })).toThrow(
      /"token", but the inputs are "x", "tokens"/,
    );
  });
});

describe("shrinking inputs", () => {
  const big = { inputs: { x: { dtype: "float32", shape: [100_000] } }, outputs: {} } as const;

  test("of 100,000 elements ends at the one element that matters", () => {
    const result = fc.check(
      fc.property(inputs(big), ({ x }) => !x.subarray(50_000).some((v) => v > 0.5)),
      { seed: 7, numRuns: 50 },
    );
    expect(result.failed).toBe(true);
    const [{ x }] = result.counterexample!;
    expect(arrayText(x)).toMatch(/^Object\.assign\(new Float32Array\(100000\), \{ \d+: 1 \}\)$/);
  });

  test("keeps the two elements that matter together", () => {
    const result = fc.check(
      fc.property(inputs(signature), ({ x }) => !(x[3]! > 2 && x[30]! < 0)),
      { seed: 8, numRuns: 2000 },
    );
    const [{ x, tokens, keep }] = result.counterexample!;
    expect(arrayText(x)).toBe("Object.assign(new Float32Array(40), { 3: 3, 30: -1 })");
    expect([...tokens, ...keep].every((v) => v === 0)).toBe(true);
  });

  test("ends at the value of the range nearest to zero", () => {
    const result = fc.check(
      fc.property(
        inputs(signature, { ranges: { tokens: { min: 5, max: 9 } } }),
        ({ tokens }) => tokens[2]! < 7,
      ),
      { seed: 9, numRuns: 100 },
    );
    expect([...result.counterexample![0].tokens]).toEqual([5, 5, 7, 5, 5, 5, 5]);
  });

  test("offers nothing below zeros, and only arrays of the range", () => {
    const range = { min: -2, max: 3 };
    expect([...simplerArrays(new Float32Array(9), "float32", range)]).toEqual([]);
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, maxLength: 9, min: -2, max: 3, noNaN: true }), (x) => {
        for (const y of simplerArrays(x, "float32", range)) {
          expect(y.every((v) => v >= -2 && v <= 3)).toBe(true);
          expect(y).not.toEqual(x);
        }
      }),
      { seed: 10, numRuns: 200 },
    );
  });

  test("prints a counter-example as code that makes it", () => {
    expect(arrayText(Float32Array.of(1, -0, Number.NaN))).toBe("Float32Array.of(1, -0, NaN)");
    expect(arrayText(new Int32Array(99))).toBe("new Int32Array(99)");
    const [example] = fc.sample(inputs(big), { seed: 11, numRuns: 1 });
    expect(fc.stringify(example).length).toBeLessThan(1000);
  });
});
