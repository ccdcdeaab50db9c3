/**
 * The WebAssembly of a program: one function for each kernel that can be one, and the segments of its steps.
 * A kernel that codegen/wasm has no code for is left to TypeScript, which works on the same memory. The
 * binary multiplies and adds; that with the fused instruction of relaxed SIMD has the same length and differs
 * only in those places (see fuse.ts). The engine decides at instantiation which of the two is run.
 */
import { CompileError } from "../../compiler/diagnostics/index.ts";
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import { visitStmts } from "../../compiler/ir/loop-rewrite.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { callsIn } from "../../compiler/ir/program-walk.ts";
import type { WasmBinaries } from "../../compiler/ir/target.ts";
import { Module } from "./assembler/index.ts";
import type { Host } from "./bind.ts";
import { addKernel } from "./kernel.ts";
import type { MemoryPlan } from "./memory.ts";
import { addSegment, type Segment } from "./steps.ts";

/** Kernels as functions of a module that is not finished yet. */
export interface Kernels {
  readonly module: Module;
  readonly functions: ReadonlyMap<Kernel, number>;
  /** Bytes that must lie below what is passed for a buffer of a kernel: see memory.ts. */
  readonly below: ReadonlyMap<Buffer, number>;
  /** Why the others are not among them. */
  readonly left: ReadonlyMap<Kernel, string>;
  /** What indices from data are for, in the order of the numbers that `refuse` is called with. */
  readonly texts: readonly string[];
  /** Whether the module imports that function. */
  readonly host: boolean;
}

/** The module, and the name in it, of the function that refuses an index. */
export const refuse = { module: "host", name: "refuse" } as const;

/** The kernels that the program calls. */
export function addKernels({ prepare, steps }: Pick<Program, "prepare" | "steps">): Kernels {
  const module = new Module();
  const functions = new Map<Kernel, number>();
  const below = new Map<Buffer, number>();
  const left = new Map<Kernel, string>();
  const kernels = new Set(callsIn([...prepare, ...steps]).map(({ kernel }) => kernel));
  const texts: string[] = [];
  const host = [...kernels].some(isChecked) ? hostOf(module, texts) : undefined;
  for (const kernel of kernels)
    try {
      const options = { exported: false, host };
      const added = module.attempt(() => addKernel(module, kernel, options));
      functions.set(kernel, added.index);
      for (const [buffer, bytes] of added.below) below.set(buffer, bytes);
    } catch (error) {
      left.set(kernel, reasonOf(error));
    }
  return { module, functions, below, left, texts, host: host !== undefined };
}

function isChecked({ body }: Kernel): boolean {
  let checked = false;
  visitStmts(body, (s) => {
    if (s.kind === "bind" && s.mode === "check") checked = true;
  });
  return checked;
}

function hostOf(module: Module, texts: string[]): Host {
  const index = module.importFunc(refuse, { params: ["i32", "f64", "i32", "i32"] });
  return {
    refuse: index,
    textOf: (what) => {
      if (!texts.includes(what)) texts.push(what);
      return texts.indexOf(what);
    },
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof CompileError && error.diagnostics[0]?.code === "E4001")
    return error.diagnostics[0].message;
  throw error;
}

export function encode(
  { module, functions }: Kernels,
  segments: readonly Segment[],
  memory: MemoryPlan,
): Required<WasmBinaries> {
  module.memory({ initial: memory.pages, maximum: memory.pages });
  module.export("memory", "memory");
  for (const segment of segments) addSegment(module, segment, { functions, addresses: memory.addresses });
  return { plain: module.encode(), relaxed: module.encode({ fused: true }) };
}
