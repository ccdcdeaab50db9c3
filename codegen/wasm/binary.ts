/**
 * The WebAssembly of a program: one function for each kernel that can be one, and the segments of its steps.
 * A kernel that codegen/wasm has no code for is left to TypeScript, which works on the same memory. Kernels
 * are written twice where that differs, with multiply and add and with the fused instruction of relaxed SIMD;
 * the engine decides at instantiation which of the two binaries is run.
 */
import { CompileError } from "../../compiler/diagnostics/index.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { callsIn } from "../../compiler/ir/program-walk.ts";
import type { Numerics } from "../../compiler/ir/target.ts";
import { Module } from "./assembler/index.ts";
import { addKernel } from "./kernel.ts";
import type { MemoryPlan } from "./memory.ts";
import { addSegment, type Segment } from "./steps.ts";

/** Kernels as functions of a module that is not finished yet. */
export interface Kernels {
  readonly module: Module;
  readonly functions: ReadonlyMap<Kernel, number>;
  /** Why the others are not among them. */
  readonly left: ReadonlyMap<Kernel, string>;
}

/** The kernels that the program calls; of `only` those. */
export function addKernels(
  { prepare, steps }: Pick<Program, "prepare" | "steps">,
  accumulate: Numerics["accumulate"],
): Kernels {
  const module = new Module();
  const functions = new Map<Kernel, number>();
  const left = new Map<Kernel, string>();
  for (const { kernel } of callsIn([...prepare, ...steps])) {
    if (functions.has(kernel) || left.has(kernel)) continue;
    try {
      functions.set(
        kernel,
        module.attempt(() => addKernel(module, kernel, { accumulate }, false)),
      );
    } catch (error) {
      left.set(kernel, reasonOf(error));
    }
  }
  return { module, functions, left };
}

function reasonOf(error: unknown): string {
  if (error instanceof CompileError && error.diagnostics[0]?.code === "E4001")
    return error.diagnostics[0].message;
  throw error;
}

/** Bytes below a pointer's first that an access may need: see memory.ts. */
export const bytesBelow = (kernels: readonly Kernels[]): number =>
  Math.max(0, ...kernels.map(({ module }) => module.largestOffset));

export function encode(
  { module, functions }: Kernels,
  segments: readonly Segment[],
  memory: MemoryPlan,
): Uint8Array<ArrayBuffer> {
  module.memory({ initial: memory.pages, maximum: memory.pages });
  module.export("memory", "memory");
  for (const segment of segments) addSegment(module, segment, { functions, addresses: memory.addresses });
  return module.encode();
}
