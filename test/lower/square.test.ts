import { expect, test } from "vitest";
import { symbol } from "../../compiler/dims/index.ts";
import type { Expr, Kernel } from "../../compiler/ir/loop.ts";
import { printKernel } from "../../compiler/ir/loop-print.ts";
import { type Target, targets } from "../../compiler/ir/target.ts";
import { KernelCache } from "../../compiler/lower/kernel-cache.ts";
import { binary, buffer, load, loop, number } from "../support/nests.ts";

const [x, y] = [buffer("x", 8, "input"), buffer("y", 8, "output")];
const at = symbol("i");

/** What a target makes of y[i] = value. */
function made(value: Expr, target: Target): string {
  const body = [loop("i", 8, true, [{ kind: "store", buffer: y, index: at, value } as const])];
  const kernel: Kernel = { name: "k", reads: [x], writes: [y], parameters: [], body, comment: "" };
  const cache = new KernelCache(target);
  cache.call(kernel, [x, y], []);
  return printKernel(cache.kernels[0]!);
}

test("a square is a product where functions have a bound, and a power where bits count", () => {
  const square = binary("pow", load(x, at), number(2));
  expect(made(square, targets.wasm)).toContain("x[i + i.i] * x[i + i.i]");
  expect(made(square, targets.ts)).toContain("pow(x[i], 2)");
});

test("another power, and the square of what would be computed twice, stay", () => {
  expect(made(binary("pow", load(x, at), number(3)), targets.wasm)).toContain("pow(");
  const sum = binary("add", load(x, at), number(1));
  expect(made(binary("pow", sum, number(2)), targets.wasm)).toContain("pow(");
});
