import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import { printKernel, printStmts } from "../../../compiler/ir/loop-print.ts";
import { verifyKernel } from "../../../compiler/ir/loop-verify.ts";
import { type Target, targets } from "../../../compiler/ir/target.ts";
import { schedule } from "../../../compiler/lower/schedule/index.ts";
import { sumInLanes } from "../../../compiler/lower/schedule/lane-sum.ts";
import { reducedRows } from "../../support/nests.ts";
import { results } from "../../support/results.ts";

const scheduled = (naive: Kernel, target: Target, seed: number) => {
  const { kernel, panels } = schedule(naive, target);
  verifyKernel(kernel);
  return results(kernel, panels, target, seed)[0] as Float32Array;
};

const vectors = fc.constantFrom<Target>(targets.wasm, targets["wasm-relaxed"]);
const [rows, columns] = [fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 200 })];

describe("a reduction in lanes", () => {
  test("has four parts, what is left over apart, and one sum at the end", () => {
    expect(printStmts(sumInLanes(reducedRows(1, 18, "add", targets.wasm).body, 4)!)).toMatchInlineSnapshot(`
      "let acc = 0
      for r.l < 4 vector parallel
        let acc.l[r.l] = 0
      for r < 4
        for r.l < 4 vector parallel
          set acc.l[r.l] = acc.l[r.l] + x[4*r + r.l] * w[4*r + r.l]
      for r.r < 2 unroll
        set acc = acc + x[r.r + 16] * w[r.r + 16]
      set acc = acc + (acc.l[0] + acc.l[1] + (acc.l[2] + acc.l[3]))
      store y[0] = acc + 1"
    `);
  });

  test("finds the largest element exactly", () => {
    fc.assert(
      fc.property(rows, columns, vectors, fc.integer(), (m, n, target, seed) => {
        const naive = reducedRows(m, n, "max", target);
        expect(scheduled(naive, target, seed)).toEqual(results(naive, [], target, seed)[0]);
      }),
      { numRuns: 60 },
    );
  });

  test("differs from the sum in order by no more than the roundings of both", () => {
    fc.assert(
      fc.property(rows, columns, vectors, fc.integer(), (m, n, target, seed) => {
        const naive = reducedRows(m, n, "add", target);
        const expected = results(naive, [], target, seed)[0]!;
        scheduled(naive, target, seed).forEach((value, i) => {
          expect(Math.abs(value - Number(expected[i]))).toBeLessThanOrEqual((n + 1) ** 2 * 2 ** -23);
        });
      }),
      { numRuns: 60 },
    );
  });

  test("is not for a target that keeps the reference's order, nor for a short sum", () => {
    const text = (kernel: Kernel, target: Target) => printKernel(schedule(kernel, target).kernel);
    expect(text(reducedRows(8, 64, "add", targets.ts), targets.ts)).not.toContain("acc.l");
    expect(text(reducedRows(8, 15, "add", targets.wasm), targets.wasm)).not.toContain("acc.l");
    expect(text(reducedRows(8, 64, "add", targets.wasm), targets.wasm)).toContain("acc.l");
  });
});
