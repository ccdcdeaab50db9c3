import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, constant, type Dim, mul, sub, symbol } from "../../compiler/dims/index.ts";
import type { Buffer, Expr, Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { type Target, targets } from "../../compiler/ir/target.ts";
import { canShare } from "../../compiler/lower/in-place.ts";
import { schedule } from "../../compiler/lower/schedule/index.ts";
import type { TypedArray } from "../../runtime/dtype.ts";
import { interpret, memoryFor } from "../support/interpret.ts";
import { binary, buffer, load, loop, matmul, number, relu, softmax } from "../support/nests.ts";
import { noise } from "../support/results.ts";

const allTargets = [targets.ts, targets.wasm, targets["wasm-relaxed"]];

/** A matrix product whose epilogue adds a residual at the index it stores to. */
function residual(M: number, K: number, N: number, target: Target): Kernel {
  const kernel = matmul(M, K, N, target);
  const r = buffer("r", M * N, "arena");
  const plus = (s: Stmt): Stmt => {
    if (s.kind === "for") return { ...s, body: s.body.map(plus) };
    return s.kind === "store" ? { ...s, value: binary("add", s.value, load(r, s.index)) } : s;
  };
  return { ...kernel, reads: [...kernel.reads, r], body: kernel.body.map(plus) };
}

const formal = (kernel: Kernel, name: string) =>
  [...kernel.reads, ...kernel.writes].find((b) => b.name === name)!;

describe("a result may take the place of an operand", () => {
  test("that an elementwise kernel reads, however it is scheduled", () => {
    for (const target of allTargets)
      for (const [rows, columns] of [
        [1, 1],
        [3, 8],
        [7, 13],
      ] as const) {
        // biome-ignore format: a row
        const { kernel } = schedule(relu(rows, columns, target), target);
        expect(canShare(kernel, formal(kernel, "x"), formal(kernel, "y"))).toBe(true);
      }
  });

  test("that an epilogue adds, also where blocks leave rows and columns over", () => {
    for (const target of allTargets)
      for (const [M, K, N] of [
        [1, 3, 4],
        [8, 8, 16],
        [7, 5, 13],
        [5, 3, 7],
      ] as const) {
        // biome-ignore format: a row
        const { kernel } = schedule(residual(M, K, N, target), target);
        expect([M, K, N, canShare(kernel, formal(kernel, "r"), formal(kernel, "y"))]).toEqual([
          M,
          K,
          N,
          true,
        ]);
      }
  });
});

const out = buffer("y", 8, "output");
const x = buffer("x", 8, "arena");
const [i, j] = [symbol("i"), symbol("j")];
const store = (index: Dim, value: Expr, to = out): Stmt => ({ kind: "store", buffer: to, index, value });
const kernelOf = (...body: readonly Stmt[]): Kernel => ({
  name: "k",
  reads: [x],
  writes: [out],
  parameters: [],
  body,
  comment: "",
});
const refused = (...body: readonly Stmt[]) => expect(canShare(kernelOf(...body), x, out)).toBe(false);

describe("a result may not take the place of an operand", () => {
  test("that is read at another index", () => {
    refused(loop("i", 8, true, [store(i, load(x, sub(7, i)))]));
    refused(loop("i", 8, true, [store(i, binary("add", load(x, i), load(x, constant(0))))]));
  });

  test("that is read again in another loop, or after the store", () => {
    const copy = loop("i", 8, true, [store(i, load(x, i))]);
    const again = loop("i", 8, true, [store(i, load(x, i), buffer("z", 8, "output"))]);
    refused(copy, again);
    const register = { name: "t", dtype: "float32", shape: [] } as const;
    refused(
      loop("i", 8, true, [
        store(i, load(x, i)),
        { kind: "let", register, index: [], value: load(x, i) },
        store(i, number(1), buffer("z", 8, "output")),
      ]),
    );
  });

  test("that is read in a loop beside the store's: that is not looked for", () => {
    const register = { name: "t", dtype: "float32", shape: [8] } as const;
    refused(
      loop("i", 8, true, [{ kind: "let", register, index: [i], value: load(x, i) }]),
      loop("i", 8, true, [store(i, { kind: "register", register, index: [i] })]),
    );
  });

  test("where a loop stores to one element again and again", () => {
    refused(loop("i", 8, true, [loop("j", 2, false, [store(i, binary("add", load(x, i), number(1)))])]));
  });

  test("where two stores may meet", () => {
    const copy = (extent: number, from: number) =>
      loop("i", extent, true, [store(add(i, from), load(x, add(i, from)))]);
    refused(copy(5, 0), copy(4, 4));
    expect(canShare(kernelOf(copy(4, 0), copy(4, 4)), x, out)).toBe(true);
  });

  test("that the kernel writes too, or whose elements have another size", () => {
    const body = loop("i", 8, true, [store(i, load(x, i)), store(i, number(0), x)]);
    refused(body);
    const wide = buffer("x", 8, "arena", "float64");
    const kernel = { ...kernelOf(loop("i", 8, true, [store(i, load(wide, i))])), reads: [wide] };
    expect(canShare(kernel, wide, out)).toBe(false);
  });

  test("of which every row is read before its own is written: that is not looked for", () => {
    const kernel = softmax(2, 4, targets.ts);
    expect(canShare(kernel, formal(kernel, "x"), formal(kernel, "y"))).toBe(false);
  });
});

/** Loops over two axes with any of a few indices on either side, in one nest or two. */
const kernels = fc
  .record({
    rows: fc.integer({ min: 1, max: 6 }),
    columns: fc.integer({ min: 1, max: 9 }),
    cut: fc.nat({ max: 8 }),
    overlap: fc.nat({ max: 1 }),
    loads: fc.array(fc.constantFrom(0, 0, 0, 0, 0, 1, 2), { minLength: 1, maxLength: 3 }),
    target: fc.constantFrom<Target>(...allTargets),
  })
  .map(({ rows, columns, cut, overlap, loads, target }) => {
    const [from, to] = [buffer("x", rows * columns, "arena"), buffer("y", rows * columns, "output")];
    const at = (r: Dim, c: Dim) => add(mul(columns, r), c);
    const nest = (first: number, count: number): Stmt => {
      const c = add(j, first);
      const indices = [at(i, c), at(sub(rows - 1, i), c), at(i, sub(columns - 1, c))];
      const value = loads.map((n) => load(from, indices[n]!)).reduce((a, b) => binary("sub", a, b));
      return loop("i", rows, true, [loop("j", count, true, [store(at(i, c), value, to)])]);
    };
    const middle = Math.min(cut, columns);
    const start = Math.max(0, middle - overlap);
    const body = [nest(0, middle), nest(start, columns - start)].filter((s) => s.kind === "for");
    const kernel: Kernel = { name: "k", reads: [from], writes: [to], parameters: [], body, comment: "" };
    return schedule(kernel, target).kernel;
  });

test("where it may, the kernel computes the same in place", () => {
  let shared = 0;
  fc.assert(
    fc.property(kernels, (kernel) => {
      const [from, to] = [kernel.reads[0]!, kernel.writes[0]!];
      if (!canShare(kernel, from, to)) return;
      shared++;
      const run = (place: (b: Buffer) => TypedArray | undefined) => {
        const memory = memoryFor(kernel, place);
        interpret(kernel, memory, targets.ts.numerics);
        return memory.get(to);
      };
      const one = noise(from, 1);
      expect(run(() => one)).toEqual(run((b) => (b === from ? noise(from, 1) : undefined)));
    }),
    { numRuns: 400 },
  );
  expect(shared).toBeGreaterThan(20);
});
