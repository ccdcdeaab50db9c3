import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featureDetect } from "../../../codegen/wasm/assembler/index.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import { type Target, targets } from "../../../compiler/ir/target.ts";
import { schedule } from "../../../compiler/lower/schedule/index.ts";
import { conv2d, depthwise, matmul, maxPool, relu } from "../../support/nests.ts";
import { memoryWithPanels, results } from "../../support/results.ts";
import { wasmMachine } from "../../support/wasm.ts";

/** What the scheduled kernel writes, run as WebAssembly on poisoned memory. */
function run(naive: Kernel, target: Target, seed: number): Float32Array {
  const { kernel, panels } = schedule(naive, target);
  const memory = memoryWithPanels(kernel, panels, target, seed);
  const machine = wasmMachine([kernel], target.numerics, (b) => memory.get(b));
  machine.run(kernel);
  return Float32Array.from(machine.array(kernel.writes[0]!));
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

  test("for products large enough that their block is a function of its own", () => {
    expectExact(matmul(13, 300, 19, targets.wasm), 1);
    expectExact(conv2d({ size: [3, 9], channels: [33, 11], kernel: [3, 3] }, targets.wasm), 2);
  });
});

test("fused multiply-add stays within one unit in the last place of the interpreter's", (context) => {
  if (!featureDetect("relaxedSimd")) context.skip("this engine has no relaxed SIMD");
  const target = targets["wasm-relaxed"];
  fc.assert(
    fc.property(fc.tuple(size, size, size), fc.integer(), ([M, K, N], seed) => {
      const naive = matmul(M, K, N, target, true);
      const [expected] = results(naive, [], target, seed) as [Float32Array];
      const actual = run(naive, target, seed);
      // An error of one rounding at each step: K additions of terms below 1 in sums below K.
      actual.forEach((x, i) => {
        expect(Math.abs(x - expected[i]!)).toBeLessThanOrEqual(K * K * 2 ** -24);
      });
    }),
    { numRuns: 30 },
  );
});
