/** topK of more elements than are kept by insertion, emitted and run, against its reference. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import type { DType } from "../../runtime/dtype.ts";
import { storedNumbers } from "../../runtime/elements.ts";
import { emitGraph, firstDifference, reference, runEmitted } from "../support/laws.ts";

interface Case {
  readonly dtype: DType;
  readonly rows: number;
  readonly length: number;
  readonly columns: number;
  readonly k: number;
  readonly largest: boolean;
}

function graphOf({ dtype, rows, length, columns, k, largest }: Case): Graph<BoundDim> {
  const g = new GraphBuilder("sort");
  const x = g.input("x", { dtype, shape: [rows, length, columns].map((n) => constant(n)) });
  const [values, positions] = g.node("topK", [x], { axis: 1, k: constant(k), largest });
  const outputs = [
    { name: "values", value: values! },
    { name: "positions", value: positions! },
  ];
  return g.finish(outputs) as Graph<BoundDim>;
}

const some = fc.record({
  dtype: fc.constantFrom<DType>("float32", "int32", "float16", "int64", "uint8"),
  rows: fc.integer({ min: 1, max: 2 }),
  length: fc.integer({ min: 17, max: 90 }),
  columns: fc.integer({ min: 1, max: 2 }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  largest: fc.boolean(),
  /** Few different numbers make many equal ones. */
  range: fc.constantFrom(1, 4, 1000),
  seed: fc.integer({ min: 0, max: 1 << 20 }),
});

test("is what the reference gives, for sorts and for parts of them, with equal elements and NaN", () => {
  fc.assert(
    fc.property(some, ({ share, range, seed, ...sizes }) => {
      const k = 17 + Math.round(share * (sizes.length - 17));
      const graph = graphOf({ ...sizes, k });
      const count = sizes.rows * sizes.length * sizes.columns;
      let state = seed;
      const numbers = Array.from({ length: count }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        const n = Math.floor((state / 2 ** 32) * range);
        return n === 3 && sizes.dtype.startsWith("float") ? Number.NaN : n;
      });
      const shape = [sizes.rows, sizes.length, sizes.columns];
      const x = { dtype: sizes.dtype, shape, data: storedNumbers(sizes.dtype, numbers) };
      const data = new Map([["x", x]]);
      const emitted = emitGraph(graph, data);
      expect(firstDifference(graph, runEmitted(emitted, data), reference(graph, data))).toBeUndefined();
    }),
    { numRuns: 20 },
  );
});

test("sorts a list in a number of comparisons that grows as n log n, whatever its order is", () => {
  const length = 1 << 14;
  const graph = graphOf({ dtype: "float32", rows: 1, length, columns: 1, k: length, largest: false });
  for (const order of [(i: number) => i, (i: number) => -i, (i: number) => Math.imul(i, 7919) % 65_537]) {
    const numbers = Array.from({ length }, (_, i) => order(i));
    const x = { dtype: "float32" as const, shape: [1, length, 1], data: Float32Array.from(numbers) };
    const data = new Map([["x", x]]);
    const sorted = runEmitted(emitGraph(graph, data), data)["values"]!;
    expect(sorted).toEqual(Float32Array.from(numbers).sort());
  }
});
