import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featureDetect } from "../../../codegen/wasm/assembler/index.ts";
import type { Cuts } from "../../../codegen/wasm/kernel.ts";
import { add, constant, type Dim, floorDiv, mod, mul, sub, symbol } from "../../../compiler/dims/index.ts";
import type { BinaryFn, Buffer, Expr, Kernel, Stmt } from "../../../compiler/ir/loop.ts";
import { printKernel } from "../../../compiler/ir/loop-print.ts";
import { verifyKernel } from "../../../compiler/ir/loop-verify.ts";
import { type Target, targets } from "../../../compiler/ir/target.ts";
import { schedule } from "../../../compiler/lower/schedule/index.ts";
import { numbersIn } from "../../../runtime/elements.ts";
import { interpret, memoryFor } from "../../support/interpret.ts";
import {
  binary,
  buffer,
  conv2d,
  depthwise,
  load,
  loop,
  matmul,
  maxPool,
  number,
  reducedRows,
  relu,
  softmax,
} from "../../support/nests.ts";
import { memoryWithPanels, noise, results } from "../../support/results.ts";
import { encodeKernels, wasmMachine } from "../../support/wasm.ts";

/** What the scheduled kernel writes, run as WebAssembly on poisoned memory. */
function run(naive: Kernel, target: Target, seed: number, cuts?: Cuts): Float32Array {
  const { kernel, panels } = schedule(naive, target);
  const memory = memoryWithPanels(kernel, panels, target, seed);
  const machine = wasmMachine([kernel], target.numerics, (b) => memory.get(b), cuts);
  machine.run(kernel);
  return Float32Array.from(numbersIn(machine.array(kernel.writes[0]!)));
}

function expectExact(naive: Kernel, seed: number): void {
  const [expected] = results(naive, [], targets.wasm, seed);
  expect(run(naive, targets.wasm, seed)).toEqual(expected);
}

const size = fc.integer({ min: 1, max: 15 });

describe("with multiply and add, WebAssembly gives the interpreter's result bit for bit", () => {
  test("for matrix products of every small size", () => {
    const sizes = fc.tuple(size, size, size);
    fc.assert(
      fc.property(sizes, fc.integer(), ([M, K, N], seed) => expectExact(matmul(M, K, N, targets.wasm), seed)),
      { numRuns: 60 },
    );
  });

  test("for convolutions with any stride and kernel", () => {
    const shape = fc.record({
      size: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 13 })),
      channels: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 13 })),
      kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      stride: fc.integer({ min: 1, max: 2 }),
    });
    fc.assert(
      fc.property(shape, fc.integer(), (conv, seed) => expectExact(conv2d(conv, targets.wasm), seed)),
      { numRuns: 40 },
    );
  });

  test("for depthwise convolutions, poolings and elementwise kernels", () => {
    const make = fc.constantFrom(depthwise, maxPool, relu);
    fc.assert(
      fc.property(make, size, size, fc.integer(), (kernelOf, a, b, seed) =>
        expectExact(kernelOf(a, b, targets.wasm), seed),
      ),
      { numRuns: 60 },
    );
  });

  test("for reductions along memory, whose parts are the lanes", () => {
    const long = fc.integer({ min: 1, max: 90 });
    fc.assert(
      fc.property(size, long, fc.constantFrom("add", "max"), fc.integer(), (rows, columns, fn, seed) => {
        const { kernel, panels } = schedule(reducedRows(rows, columns, fn, targets.wasm), targets.wasm);
        const memory = memoryWithPanels(kernel, panels, targets.wasm, seed);
        const machine = wasmMachine([kernel], targets.wasm.numerics, (b) => memory.get(b));
        machine.run(kernel);
        expect([machine.array(kernel.writes[0]!)]).toEqual(results(kernel, panels, targets.wasm, seed));
      }),
      { numRuns: 60 },
    );
  });

  test("for products in chunks of rows: what the loops as they were lowered give", () => {
    const naive = matmul(32, 4096, 24, targets.wasm);
    const machine = wasmMachine([naive], targets.wasm.numerics, (b) =>
      b.space === "output" ? undefined : noise(b, 1),
    );
    machine.run(naive);
    expect(run(naive, targets.wasm, 1)).toEqual(machine.array(naive.writes[0]!));
    expect(printKernel(schedule(naive, targets.wasm).kernel)).toContain("for m.c < 16 step 4");
  });

  test("however many iterations of which loop are a function of their own", () => {
    const nests = [
      matmul(13, 30, 19, targets.wasm),
      conv2d({ size: [3, 9], channels: [7, 11], kernel: [3, 3] }, targets.wasm),
      depthwise(9, 11, targets.wasm),
      maxPool(9, 7, targets.wasm),
      reducedRows(9, 40, "add", targets.wasm),
      softmax(7, 29, targets.wasm),
      relu(13, 37, targets.wasm),
    ];
    const cuts = fc.record({
      hot: fc.integer({ min: 0, max: 500 }),
      worth: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(...nests), cuts, (nest, cuts) => {
        expect(run(nest, targets.wasm, 1, cuts)).toEqual(run(nest, targets.wasm, 1));
      }),
      { numRuns: 40 },
    );
    const { kernel } = schedule(relu(13, 37, targets.wasm), targets.wasm);
    const bytes = encodeKernels([kernel], targets.wasm.numerics, { hot: 0, worth: 9 });
    expect(Buffer.from(bytes).toString("latin1")).toContain(`${kernel.name}_block`);
  });

  test("and kernels share a function that differs in nothing but where it reads and writes", () => {
    const [x, y] = [buffer("x", 4096, "input"), buffer("y", 4096, "output")];
    const [i, v] = [symbol("i"), symbol("v")];
    const kernels = [0, 16, 1000].map((offset, n): Kernel => {
      const index = add(i, v);
      const at = (d: Dim) => add(d, offset);
      const value = binary("mul", load(x, at(index)), load(x, at(index)));
      const store: Stmt = { kind: "store", buffer: y, index: at(index), value };
      const lanes = { ...loop("v", 4, true, [store]), mode: "vector" as const };
      const body = [{ ...loop("i", 2048, true, [lanes]), step: 4 }];
      return { name: `k${n}`, reads: [x], writes: [y], parameters: [], body, comment: "" };
    });
    const cuts = { hot: 0, worth: 9 };
    const bytes = encodeKernels(kernels, targets.wasm.numerics, cuts);
    expect(
      Buffer.from(bytes)
        .toString("latin1")
        .match(/k\d_block/g),
    ).toEqual(["k0_block"]);
    const machine = wasmMachine(kernels, targets.wasm.numerics, (b) => noise(b, 1), cuts);
    for (const kernel of kernels) machine.run(kernel);
    const squares = Float32Array.from(noise(x, 1) as Float32Array, (each) => each * each);
    expect(machine.array(y)).toEqual(
      Float32Array.from(noise(y, 1) as Float32Array, (old, n) => (n < 3048 ? squares[n]! : old)),
    );
  });
});

describe("beyond what schedules make", () => {
  const [i, j, t] = [symbol("i"), symbol("j"), symbol("t")];
  const x = buffer("x", 24, "input");
  const y = buffer("y", 24, "output");

  function expectAsInterpreted(kernel: Kernel, t?: number): void {
    verifyKernel(kernel, { parameters: new Map([["t", { min: 0, max: 5 }]]) });
    const data = new Map(kernel.reads.map((b) => [b, values(b)]));
    const memory = memoryFor(kernel, (b) => data.get(b));
    interpret(kernel, memory, targets.wasm.numerics, t === undefined ? {} : { t });
    const machine = wasmMachine([kernel], targets.wasm.numerics, (b) => data.get(b));
    machine.run(kernel, t === undefined ? [] : [t]);
    for (const b of kernel.writes) expect(machine.array(b)).toEqual(memory.get(b));
  }

  const values = (b: Buffer) =>
    b.dtype === "float32" ? noise(b, 3) : Int32Array.from({ length: b.length }, (_, n) => (n * 7 - 40) | 0);

  const kernelOf = (body: readonly Stmt[], reads = [x], writes = [y], parameters: string[] = []): Kernel => ({
    name: "k",
    reads,
    writes,
    parameters,
    body,
    comment: "",
  });
  const store = (b: Buffer, index: Dim, value: Expr): Stmt => ({ kind: "store", buffer: b, index, value });

  test("a guard keeps an address below the buffer from being read", () => {
    const at = sub(i, 3);
    const tests = [at, sub(20, i)];
    const value: Expr = { kind: "guard", tests, inside: load(x, at), outside: number(7), dtype: "float32" };
    expectAsInterpreted(kernelOf([loop("i", 24, true, [store(y, i, value)])]));
  });

  test("a guard around lanes holds for all of them", () => {
    const at = add(mul(4, sub(j, 1)), i);
    const value: Expr = {
      kind: "guard",
      tests: [sub(j, 1)],
      inside: load(x, at),
      outside: number(7),
      dtype: "float32",
    };
    const lanes: Stmt = { ...loop("i", 4, true, [store(y, add(mul(4, j), i), value)]), mode: "vector" };
    expectAsInterpreted(kernelOf([loop("j", 6, true, [lanes])]));
  });

  test("lanes that lie apart are gathered", () => {
    const lanes: Stmt = { ...loop("i", 4, true, [store(y, i, load(x, add(mul(5, i), 2)))]), mode: "vector" };
    const clear = loop("j", 24, true, [store(y, j, number(0))]);
    expectAsInterpreted(kernelOf([clear, lanes]));
  });

  test("addresses that are not linear are computed where they are used", () => {
    const value = load(x, add(floorDiv(i, 2), mul(3, mod(i, 3))));
    expectAsInterpreted(kernelOf([loop("i", 24, true, [store(y, i, value)])]));
  });

  test("a parameter moves addresses and is a number", () => {
    const clear = loop("j", 24, true, [store(y, j, number(0))]);
    const value = binary("add", load(x, add(mul(4, t), i)), { kind: "index", index: t, dtype: "float32" });
    expectAsInterpreted(
      kernelOf([clear, loop("i", 4, true, [store(y, add(mul(4, t), i), value)])], [x], [y], ["t"]),
      5,
    );
  });

  test("int32 wraps, compares, selects and converts", () => {
    const [a, b] = [buffer("a", 12, "input", "int32"), buffer("b", 12, "output", "int32")];
    const integer = (fn: BinaryFn, p: Expr, q: Expr): Expr => ({
      kind: "binary",
      fn,
      a: p,
      b: q,
      dtype: "int32",
    });
    const large = integer("mul", load(a, i), number(1_000_000_007, "int32"));
    const condition: Expr = { ...integer("lt", load(a, i), number(0, "int32")), dtype: "bool" } as Expr;
    const truncated: Expr = { kind: "cast", x: load(x, i), dtype: "int32" };
    const bits: Expr = { kind: "bits", x: load(x, i), dtype: "int32" };
    const value: Expr = {
      kind: "select",
      condition,
      a: large,
      b: integer("sub", integer("xor", bits, truncated), load(a, i)),
      dtype: "int32",
    };
    expectAsInterpreted(kernelOf([loop("i", 12, true, [store(b, i, value)])], [x, a], [b]));
  });

  const wide = buffer("wide", 24, "weight", "float16");
  const rest: Expr = { kind: "binary", fn: "mod", a: load(x, i), b: load(x, i), dtype: "float32" };

  const row: Stmt = {
    kind: "bind",
    symbol: "r",
    value: { kind: "cast", x: load(x, i), dtype: "int32" },
    extent: constant(24),
    mode: "check",
    wrap: false,
    what: "row of x",
  };

  test.each<[string, readonly Stmt[], Buffer]>([
    ["mod of float32", [store(y, i, rest)], x],
    ["values of float16", [store(y, i, load(wide, i))], wide],
    ["an index from data (row of x)", [row, store(y, i, load(x, symbol("r")))], x],
  ])("%s is refused with E4001", (what, body, read) => {
    const kernel = kernelOf([loop("i", 24, true, body)], [read]);
    const emit = () => encodeKernels([kernel], targets.wasm.numerics);
    expect(emit).toThrow(`E4001 the WebAssembly target cannot emit ${what}`);
    expect(emit).toThrow(/compile this model for the ts target/);
  });
});

describe.skipIf(!featureDetect("relaxedSimd"))(
  "with fused multiply-add (needs an engine with relaxed SIMD)",
  () => {
    const target = targets["wasm-relaxed"];

    test("results are within one rounding of the largest partial sum of the interpreter's", () => {
      fc.assert(
        fc.property(fc.tuple(size, size, size), fc.integer(), ([M, K, N], seed) => {
          const naive = matmul(M, K, N, target, true);
          const [expected] = results(naive, [], target, seed) as [Float32Array];
          // The interpreter may round one step twice; partial sums stay below K.
          run(naive, target, seed).forEach((value, i) => {
            expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(K * 2 ** -23);
          });
        }),
        { numRuns: 30 },
      );
    });

    test("the product is not rounded before it is added", () => {
      const { kernel } = schedule(matmul(1, 2, 4, target, true), target);
      const [x, w, y] = [kernel.reads[0]!, kernel.reads[1]!, kernel.writes[0]!];
      const [near, square] = [1 + 2 ** -12, 1 + 2 ** -11];
      const data = new Map([
        [x, Float32Array.of(1, near)],
        [w, Float32Array.of(-square, -square, -square, -square, near, near, near, near)],
      ]);
      const machine = wasmMachine([kernel], target.numerics, (b) => data.get(b));
      machine.run(kernel);
      expect([...machine.array(y)]).toEqual([2 ** -24, 2 ** -24, 2 ** -24, 2 ** -24]);
    });
  },
);
