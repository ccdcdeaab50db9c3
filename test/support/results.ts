/**
 * Runs kernels on seeded inputs in the interpreter, with memory poisoned by NaN, and gives what they wrote.
 */

import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import type { Target } from "../../compiler/ir/target.ts";
import type { Panel } from "../../compiler/lower/schedule/index.ts";
import type { TypedArray } from "../../runtime/dtype.ts";
import { interpret, type Memory, memoryFor } from "./interpret.ts";

/** Values in [-1, 1) with a full mantissa; the same for the same buffer name, length and seed. */
export function noise(b: Buffer, seed: number): Float32Array {
  let state = [...b.name].reduce((h, c) => Math.imul(h, 31) + c.charCodeAt(0), seed ^ b.length) | 1;
  return Float32Array.from({ length: b.length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
}

/** Prepares the panels of a scheduled kernel, and fills its inputs and weights with noise. */
export function memoryWithPanels(
  kernel: Kernel,
  panels: readonly Panel[],
  target: Target,
  seed: number,
): Memory {
  const memory = memoryFor(kernel, (b) =>
    b.space === "packed" || kernel.writes.includes(b) ? undefined : noise(b, seed),
  );
  for (const { source, packed, prepare } of panels) {
    const inner = new Map([
      [source, noise(source, seed)],
      [packed, memory.get(packed)!],
    ]);
    interpret(prepare, inner, target.numerics);
  }
  return memory;
}

export function results(
  kernel: Kernel,
  panels: readonly Panel[],
  target: Target,
  seed: number,
): readonly TypedArray[] {
  const memory = memoryWithPanels(kernel, panels, target, seed);
  interpret(kernel, memory, target.numerics);
  return kernel.writes.map((b) => memory.get(b)!);
}
