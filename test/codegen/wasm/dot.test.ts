import fc from "fast-check";
import { expect, test } from "vitest";
import { add, type Dim, mul, symbol } from "../../../compiler/dims/index.ts";
import type { Expr, Kernel, Register } from "../../../compiler/ir/loop.ts";
import { targets } from "../../../compiler/ir/target.ts";
import { schedule } from "../../../compiler/lower/schedule/index.ts";
import { interpret, memoryFor } from "../../support/interpret.ts";
import { buffer, load, loop, number, read } from "../../support/nests.ts";
import { encodeKernels, wasmMachine } from "../../support/wasm.ts";

const target = targets.wasm;
const [m, n, k] = ["m", "n", "k"].map(symbol) as [Dim, Dim, Dim];

/** y = a b of int16 factors, summed as int32. */
function product(M: number, K: number, N: number): Kernel {
  const [a, b] = [buffer("a", M * K, "input", "int16"), buffer("b", K * N, "input", "int16")];
  const y = buffer("y", M * N, "output", "int32");
  const acc: Register = { name: "acc", dtype: "int32", shape: [] };
  const wide = (x: Expr): Expr => ({ kind: "cast", x, dtype: "int32" });
  const term: Expr = {
    kind: "binary",
    fn: "mul",
    a: wide(load(a, add(mul(K, m), k))),
    b: wide(load(b, add(mul(N, k), n))),
    dtype: "int32",
  };
  const sum: Expr = { kind: "binary", fn: "add", a: read(acc), b: term, dtype: "int32" };
  const body = loop("m", M, true, [
    loop("n", N, true, [
      { kind: "let", register: acc, index: [], value: number(0, "int32") },
      loop("k", K, false, [{ kind: "set", register: acc, index: [], value: sum }]),
      { kind: "store", buffer: y, index: add(mul(N, m), n), value: read(acc) },
    ]),
  ]);
  return { name: "k", reads: [a, b], writes: [y], parameters: [], body: [body], comment: "" };
}

/** Whether the module has the bytes of i32x4.dot_i16x8_s. */
function hasDots(kernel: Kernel): boolean {
  const bytes = encodeKernels([kernel], target.numerics);
  return bytes.some((byte, i) => byte === 0xfd && bytes[i + 1] === 0xba && bytes[i + 2] === 0x01);
}

test("products of 16-bit integers are added in pairs, and give what the interpreter gives", () => {
  const size = fc.integer({ min: 1, max: 13 });
  fc.assert(
    fc.property(size, size, size, fc.nat(), (M, K, N, seed) => {
      const { kernel } = schedule(product(M, K, N), target);
      const extremes = [-32_768, 32_767, -1, 0, 255];
      const data = new Map(
        kernel.reads.map((b, which) => [
          b,
          Int16Array.from({ length: b.length }, (_, i) => {
            const pick = Math.imul(i + which + 1, 2_654_435_761 ^ seed) >>> 9;
            return pick % 3 === 0 ? extremes[pick % extremes.length]! : pick;
          }),
        ]),
      );
      const memory = memoryFor(kernel, (b) => data.get(b));
      interpret(kernel, memory, target.numerics);
      const machine = wasmMachine([kernel], target.numerics, (b) => data.get(b));
      machine.run(kernel);
      expect(machine.array(kernel.writes[0]!)).toEqual(memory.get(kernel.writes[0]!));
    }),
    { numRuns: 60 },
  );
});

test.each([
  [4, 8, 8],
  [4, 9, 8],
  [1, 64, 16],
])("a product %i x %i x %i has such pairs", (M, K, N) => {
  expect(hasDots(schedule(product(M, K, N), target).kernel)).toBe(true);
});
