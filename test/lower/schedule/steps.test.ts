import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, constant, mul, symbol } from "../../../compiler/dims/index.ts";
import type { For, Kernel, Stmt } from "../../../compiler/ir/loop.ts";
import { printStmts } from "../../../compiler/ir/loop-print.ts";
import { verifyKernel } from "../../../compiler/ir/loop-verify.ts";
import { targets } from "../../../compiler/ir/target.ts";
import { mapLoops, unroll, vectorise } from "../../../compiler/lower/schedule/mode.ts";
import { sink } from "../../../compiler/lower/schedule/sink.ts";
import { split } from "../../../compiler/lower/schedule/split.ts";
import { accumulator, binary, buffer, load, loop, matmul, number, read } from "../../support/nests.ts";
import { results } from "../../support/results.ts";

const only = (stmts: readonly Stmt[]) => stmts[0] as For;

const row = (): readonly Stmt[] => {
  const acc = accumulator(targets.ts);
  const [x, y] = [buffer("x", 90, "input"), buffer("y", 10, "output")];
  const [n, k] = [symbol("n"), symbol("k")];
  const term = load(x, add(mul(9, n), k));
  return [
    loop("n", 10, true, [
      { kind: "let", register: acc, index: [], value: number(0) },
      loop("k", 9, false, [{ kind: "set", register: acc, index: [], value: binary("add", read(acc), term) }]),
      { kind: "store", buffer: y, index: n, value: read(acc) },
    ]),
  ];
};

describe("split", () => {
  test("gives whole blocks and a rest with registers of its own", () => {
    const stmts = split(loop("n", 10, true, []), 4, "unroll");
    expect(printStmts(stmts)).toMatchInlineSnapshot(`
      "for n < 8 step 4 parallel
        for n.i < 4 unroll parallel
      for n.r < 2 unroll parallel"
    `);
  });

  test("needs no outer loop for a single block and no loop for a single iteration left over", () => {
    const y = buffer("y", 5, "output");
    const fill = loop("n", 5, true, [{ kind: "store", buffer: y, index: symbol("n"), value: number(1) }]);
    expect(printStmts(split(fill, 4, "serial"))).toMatchInlineSnapshot(`
      "for n.i < 4 parallel
        store y[n.i] = 1
      store y[4] = 1"
    `);
  });

  test("gives as many blocks as fit an extent that is not known, and a loop over the rest", () => {
    const open: For = { ...loop("n", 1, true, []), extent: symbol("batch") };
    expect(printStmts(split(open, 4, "unroll"))).toMatchInlineSnapshot(`
      "for n < 4*floor(batch/4) step 4 parallel
        for n.i < 4 unroll parallel
      for n.r < batch % 4 parallel"
    `);
    const even: For = { ...open, extent: mul(8, symbol("batch")) };
    expect(printStmts(split(even, 4, "unroll"))).toMatchInlineSnapshot(`
      "for n < 8*batch step 4 parallel
        for n.i < 4 unroll parallel"
    `);
  });
});

describe("sink", () => {
  test("turns registers into tiles and passes through the reduction", () => {
    const block = only(split(only(row()), 5, "unroll"));
    expect(printStmts(sink(only(block.body)))).toMatchInlineSnapshot(`
      "for n.i < 5 unroll parallel
        let acc[n.i] = 0
      for k < 9
        for n.i < 5 unroll parallel
          set acc[n.i] = acc[n.i] + x[k + 9*n + 9*n.i]
      for n.i < 5 unroll parallel
        store y[n + n.i] = acc[n.i]"
    `);
  });

  test("refuses loops that carry a value from one iteration to the next", () => {
    const carried = loop("k", 4, false, []);
    expect(sink(carried)).toEqual([carried]);
  });

  test("refuses loops that bind a symbol", () => {
    const indices = buffer("indices", 4, "input", "int32");
    const bind: Stmt = {
      kind: "bind",
      symbol: "row",
      value: load(indices, symbol("n")),
      extent: constant(9),
      mode: "check",
      wrap: false,
      what: "index",
    };
    const gather = loop("n", 4, true, [bind]);
    expect(sink(gather)).toEqual([gather]);
  });
});

test("vectorise makes vectors of one lane width and unrolls what has none", () => {
  expect(vectorise(loop("n", 4, true, []), 4)).toMatchObject({ mode: "vector", axis: "n" });
  expect(printStmts([vectorise(loop("n", 8, true, []), 4)])).toMatchInlineSnapshot(`
    "for n.u < 2 unroll parallel
      for n.v < 4 vector parallel"
  `);
  expect(vectorise(loop("n", 6, true, []), 4)).toEqual(unroll(loop("n", 6, true, [])));
});

const sizes = fc.record({
  M: fc.integer({ min: 1, max: 7 }),
  K: fc.integer({ min: 1, max: 6 }),
  N: fc.integer({ min: 1, max: 7 }),
});
const step = fc.record({
  axis: fc.constantFrom("m", "n", "k"),
  factor: fc.integer({ min: 1, max: 4 }),
  sinks: fc.boolean(),
});

function apply(kernel: Kernel, axis: string, factor: number, sinks: boolean): Kernel {
  const cut = mapLoops(kernel.body, (l) => (l.axis === axis ? split(l, factor, "unroll") : undefined));
  const inner = [`${axis}.i`, `${axis}.r`];
  const sunk = sinks ? mapLoops(cut, (l) => (inner.includes(l.axis) ? sink(l) : undefined)) : cut;
  const body = mapLoops(sunk, (l) => (inner.includes(l.axis) ? [vectorise(l, 2)] : undefined));
  return { ...kernel, body };
}

test("any sequence of split, sink and vectorise keeps every result of a matrix product bit for bit", () => {
  fc.assert(
    fc.property(sizes, fc.array(step, { maxLength: 3 }), fc.integer(), ({ M, K, N }, steps, seed) => {
      const naive = matmul(M, K, N, targets.wasm);
      const scheduled = steps.reduce((kernel, s) => apply(kernel, s.axis, s.factor, s.sinks), naive);
      verifyKernel(scheduled);
      expect(results(scheduled, [], targets.wasm, seed)).toEqual(results(naive, [], targets.wasm, seed));
    }),
    { numRuns: 150 },
  );
});
