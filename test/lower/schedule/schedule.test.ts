import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import { printKernel } from "../../../compiler/ir/loop-print.ts";
import { verifyKernel } from "../../../compiler/ir/loop-verify.ts";
import { type Target, targets } from "../../../compiler/ir/target.ts";
import { schedule } from "../../../compiler/lower/schedule/index.ts";
import { conv2d, depthwise, matmul, maxPool, relu, softmax } from "../../support/nests.ts";
import { results } from "../../support/results.ts";

const allTargets = fc.constantFrom<Target>(targets.ts, targets.wasm, targets["wasm-relaxed"]);

function expectSameResults(naive: Kernel, target: Target, seed: number): void {
  verifyKernel(naive);
  const { kernel, panels } = schedule(naive, target);
  verifyKernel(kernel);
  for (const panel of panels) verifyKernel(panel.prepare);
  expect(results(kernel, panels, target, seed)).toEqual(results(naive, [], target, seed));
}

describe("a schedule keeps every result bit for bit", () => {
  test("of matrix products of every small size", () => {
    const size = fc.integer({ min: 1, max: 15 });
    fc.assert(
      fc.property(size, size, size, allTargets, fc.integer(), (M, K, N, target, seed) => {
        expectSameResults(matmul(M, K, N, target), target, seed);
      }),
      { numRuns: 50 },
    );
  });

  test("of convolutions with any stride and kernel", () => {
    const size = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 9 }));
    const channels = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }));
    const kernel = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }));
    const shape = fc.record({ size, channels, kernel, stride: fc.integer({ min: 1, max: 2 }) });
    fc.assert(
      fc.property(shape, allTargets, fc.integer(), (conv, target, seed) => {
        expectSameResults(conv2d(conv, target), target, seed);
      }),
      { numRuns: 40 },
    );
  });

  test("of depthwise convolutions, poolings, softmaxes and elementwise kernels", () => {
    const extent = fc.integer({ min: 1, max: 11 });
    const make = fc.constantFrom(depthwise, maxPool, softmax, relu);
    fc.assert(
      fc.property(make, extent, extent, allTargets, fc.integer(), (kernelOf, a, b, target, seed) => {
        expectSameResults(kernelOf(a, b, target), target, seed);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the tile", () => {
  const tileOf = (kernel: Kernel, target: Target) =>
    [...printKernel(schedule(kernel, target).kernel).matchAll(/for ([\w.]+) < \d+ step (\d+) parallel/g)].map(
      ([, axis, step]) => `${axis}/${step}`,
    );

  test("of a matrix product has two axes, of a matrix-vector product one", () => {
    expect(tileOf(matmul(64, 64, 96, targets.ts), targets.ts)).toEqual(["m/2", "n/3"]);
    expect(tileOf(matmul(64, 64, 96, targets.wasm), targets.wasm)).toEqual(["m/4", "n/8"]);
    expect(tileOf(matmul(1, 784, 256, targets.ts), targets.ts)).toEqual(["n/8"]);
    const fused = targets["wasm-relaxed"];
    expect(tileOf(matmul(1, 784, 256, fused), fused)).toEqual(["n/32"]);
  });

  test("of a convolution lies along a row of the image and the channels", () => {
    const conv = conv2d({ size: [56, 56], channels: [64, 64], kernel: [3, 3] }, targets["wasm-relaxed"]);
    expect(tileOf(conv, targets["wasm-relaxed"])).toEqual(["ow/4", "co/8"]);
  });

  test("is narrow rather than one row of many vectors: panels stream from the cache", () => {
    const conv = conv2d({ size: [7, 7], channels: [64, 64], kernel: [3, 3] }, targets["wasm-relaxed"]);
    expect(tileOf(conv, targets["wasm-relaxed"])).toEqual(["co/8", "co/8"]);
    expect(printKernel(schedule(conv, targets["wasm-relaxed"]).kernel)).toContain("for ow.i < 4 unroll");
  });

  test("goes along the rows of weights that no cache holds, column by column", () => {
    const fused = targets["wasm-relaxed"];
    expect(tileOf(matmul(12, 2048, 256, fused), fused)).toEqual(["n/8", "m/4"]);
    expect(tileOf(matmul(12, 250, 256, fused), fused)).toEqual(["m/4", "n/8"]);
    expectSameResults(matmul(2, 257, 256, fused), fused, 1);
  });

  test("goes along them once for each chunk of rows that a cache holds", () => {
    const fused = targets["wasm-relaxed"];
    expect(tileOf(matmul(128, 1024, 256, fused), fused)).toEqual(["m/64", "n/8", "m.c/4"]);
  });

  test("fills the units of engines with fused multiply-add although a row is left over", () => {
    for (const rows of [49, 169])
      expect(tileOf(matmul(rows, 96, 160, targets.wasm), targets.wasm)).toContain("m/4");
    expect(tileOf(matmul(1, 128, 512, targets.wasm), targets.wasm)).toEqual(["n/24"]);
  });

  test("of overlapping windows has their taps written out, and what they share loaded once", () => {
    const { kernel } = schedule(depthwise(14, 32, targets.wasm), targets.wasm);
    expect(printKernel(kernel)).toContain("for kw.i < 3 unroll");
    expect(printKernel(kernel)).toContain("for kh < 3\n");
    expect(printKernel(schedule(depthwise(14, 32, targets.ts), targets.ts).kernel)).toContain("for kw < 3\n");
  });

  test("of an elementwise kernel is its lanes", () => {
    expect(tileOf(relu(4, 20, targets.wasm), targets.wasm)).toEqual(["j/4"]);
    expect(tileOf(relu(4, 16, targets.wasm), targets.wasm)).toEqual(["j/8"]);
    expect(tileOf(relu(4, 48, targets.wasm), targets.wasm)).toEqual(["j/16"]);
    expect(tileOf(relu(4, 16, targets.ts), targets.ts)).toEqual([]);
  });
});

test("a weight is packed in the order the kernel reads it, and the panel is read in its place", () => {
  const { kernel, panels } = schedule(matmul(1, 3, 36, targets.ts, true), targets.ts);
  expect(kernel.reads.map((b) => b.name)).toEqual(["x", "matmul_1x3x36_w"]);
  expect(panels.map((panel) => panel.source.name)).toEqual(["w"]);
  expect(lines(panels[0]!.prepare)).toMatchInlineSnapshot(`
    "  // w in the order matmul_1x3x36 reads it
      for n < 36 step 6 parallel
        for k < 3 parallel
          for n.i < 6 parallel
            store matmul_1x3x36_w[6*k + 3*n + n.i] = w[36*k + n + n.i]"
  `);
  expect(lines(kernel)).toMatchInlineSnapshot(`
    "  // matmul_1x3x36: 1x36
      for n < 36 step 6 parallel
        for n.i < 6 unroll parallel
          let acc[n.i] = 0
        for k.i < 3 unroll
          for n.i < 6 unroll parallel
            set acc[n.i] = acc[n.i] + x[k.i] * matmul_1x3x36_w[6*k.i + 3*n + n.i]
        for n.i < 6 unroll parallel
          store y[n + n.i] = acc[n.i]"
  `);
});

/** Without the line of buffers. */
function lines(kernel: Kernel): string {
  return printKernel(kernel).split("\n").slice(1).join("\n");
}

test("a kernel with nothing to gain comes back as it was", () => {
  const plain = relu(3, 5, targets.ts);
  expect(printKernel(schedule(plain, targets.ts).kernel)).toBe(printKernel(plain));
});
