/**
 * The laws of modules with buckets: for random stacks of layers, each size runs as in the module of its
 * bucket alone, bit for bit, with zeros behind what is shorter.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile-model.ts";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import { nameOf } from "../../compiler/dims/dim.ts";
import { load } from "../../compiler/index.ts";
import { allocate, type TypedArray } from "../../runtime/dtype.ts";
import { copyElements, numbersIn } from "../../runtime/elements.ts";
import { mulberry32 } from "../../runtime/random/noise.ts";
import { checkAll } from "../support/laws-typescript.ts";
import { runs } from "../support/runs.ts";
import { type Stack, type StackInput, stackArbitrary } from "../support/stacks.ts";

type Arrays = Readonly<Record<string, TypedArray>>;

/** Ascending sizes of the batch. */
const bucketsArbitrary = fc
  .uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 })
  .map((sizes) => sizes.sort((a, b) => a - b));

const cases = fc.record({
  stack: stackArbitrary({ layers: 4 }),
  buckets: bucketsArbitrary,
  seed: fc.nat(1e6),
});

const withBatch = (stack: Stack, batch: number) =>
  Object.fromEntries(stack.inputs.map(({ name, shape }) => [name, [batch, ...shape.slice(1)]]));

/** The name of the batch, if the inputs agree on one. */
function batchOf(stack: Stack): string | undefined {
  const graph = stack.build().graph(stack.inputs[0]!.shape.length);
  const names = stack.inputs.map(({ name }) => {
    const first = graph.inputs.find((input) => input.name === name)?.type.shape[0];
    return first && nameOf(first);
  });
  return new Set(names).size === 1 ? names[0] : undefined;
}

function dataFor({ dtype, shape, below }: StackInput, batch: number, seed: number): TypedArray {
  const next = mulberry32(seed);
  const data = allocate(
    dtype,
    shape.slice(1).reduce((a, b) => a * b, batch),
  );
  return numbersIn(data).map(() =>
    below === undefined ? next() * 4 - 2 : Math.floor(next() * below),
  ) as TypedArray;
}

const inputsFor = (stack: Stack, batch: number, seed: number): Arrays =>
  Object.fromEntries(stack.inputs.map((input, i) => [input.name, dataFor(input, batch, seed + i)]));

/** With zeros behind, for a batch of `bucket`. */
function padded(stack: Stack, given: Arrays, bucket: number): Arrays {
  return Object.fromEntries(
    stack.inputs.map(({ name, dtype, shape }) => {
      const whole = allocate(
        dtype,
        shape.slice(1).reduce((a, b) => a * b, bucket),
      );
      copyElements(whole, given[name]!);
      return [name, whole];
    }),
  );
}

/** Arenas and memory for copies are full of NaN before the first run. */
function loadPoisoned(code: string) {
  const poison = "function poisoned(bytes) { return new Uint8Array(bytes).fill(0xff).buffer; }\n";
  return load({ code: poison + code.replaceAll("new ArrayBuffer(", "poisoned("), format: "js" });
}

/** Undefined for what cannot be compiled at all these sizes. */
function modulesFor(stack: Stack, buckets: readonly number[], target: "ts" | "wasm" = "ts") {
  const batch = batchOf(stack);
  if (batch === undefined) return undefined;
  const options = { format: "js", weights: "inline", target } as const;
  // A module with WebAssembly has its arena in a memory of its own.
  const loaded = ({ code }: { readonly code: string }) =>
    target === "wasm" ? load({ code, format: "js" }) : loadPoisoned(code);
  try {
    const alone = buckets.map((size) =>
      loaded(compile(stack.build(), { ...options, sample: withBatch(stack, size) })),
    );
    const dims = { [batch]: buckets };
    const sample = withBatch(stack, buckets[0]!);
    return { alone, together: loaded(compile(stack.build(), { ...options, sample, dims })) };
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

const copied = (outputs: Arrays): Arrays =>
  Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, data.slice()]));

describe("a module with buckets", () => {
  test.each([
    ["ts", 25],
    ["wasm", 8],
  ] as const)(
    "gives for every size what its bucket alone gives, in any order of sizes: %s",
    (target, count) => {
      let compared = 0;
      fc.assert(
        fc.property(cases, ({ stack, buckets, seed }) => {
          const modules = modulesFor(stack, buckets, target);
          if (!modules) return;
          const alone = modules.alone.map((module) => module.instantiate());
          const together = modules.together.instantiate();
          const sizes = Array.from(
            { length: buckets.at(-1)! },
            (_, i) => ((i * 5 + seed) % buckets.at(-1)!) + 1,
          );
          for (const size of sizes) {
            const at = buckets.findIndex((bucket) => bucket >= size);
            const given = inputsFor(stack, size, seed + size);
            const before = copied(given);
            const expected = copied(alone[at]!.run(padded(stack, given, buckets[at]!)));
            const outputs = together.run(given);
            expect(given).toEqual(before);
            for (const [name, whole] of Object.entries(expected)) {
              const { shape } = modules.together.signature.outputs[name]!;
              const rows = typeof shape[0] === "string" && !`${shape[0]}`.endsWith(".bucket");
              const length = rows ? (whole.length / buckets[at]!) * size : whole.length;
              expect(outputs[name]).toEqual(whole.subarray(0, length));
            }
            compared++;
          }
        }),
        runs(count),
      );
      expect(compared).toBeGreaterThan(count / 2);
    },
  );

  test("passes the strictest type checks", () => {
    const codes = fc.sample(cases, runs(12)).flatMap(({ stack, buckets }) => {
      const batch = batchOf(stack);
      if (batch === undefined) return [];
      try {
        const sample = withBatch(stack, buckets[0]!);
        return [compile(stack.build(), { sample, dims: { [batch]: buckets } }).code];
      } catch (error) {
        if (error instanceof CompileError) return [];
        throw error;
      }
    });
    expect(codes.length).toBeGreaterThan(4);
    expect(checkAll(codes)).toEqual([]);
  });
});
