/**
 * Graphs taken to WebAssembly modules, and what these must give: what the interpreter makes of the same
 * program, step by step in float32 and with the target's own functions (which have tests of their own). A
 * kernel that stays TypeScript computes in doubles and rounds when it stores.
 */
import { Module } from "../../codegen/wasm/assembler/index.ts";
import { addKernels } from "../../codegen/wasm/binary.ts";
import { emitWasm } from "../../codegen/wasm/emit.ts";
import { isMathFn, type MathFn, mathFunction, takesTwo } from "../../codegen/wasm/math/index.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import { nothingOpen, type OpenDims } from "../../compiler/ir/open-dims.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { type EmitOptions, type EmittedModule, targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { prepack } from "../../compiler/lower/prepack.ts";
import { pipeline, runPasses } from "../../compiler/passes/pipeline.ts";
import type { Arithmetic } from "./interpret.ts";
import type { Arrays, Emitted, Tensors } from "./laws.ts";
import { runProgram } from "./run-program.ts";

export const plain: EmitOptions = { format: "js", weights: "inline", header: [], simd: "plain" };

/** Lowers and emits for WebAssembly, as it is or after the exact passes. */
export function emitForWasm(
  graph: Graph<BoundDim>,
  parameters: Tensors,
  options: { readonly passes?: boolean; readonly open?: OpenDims; readonly emit?: EmitOptions } = {},
): Emitted {
  const { passes = true, open = nothingOpen, emit = plain } = options;
  const target = targets.wasm;
  const exact = pipeline.filter((pass) => pass.exact);
  const optimised = passes ? runPasses(graph, { passes: exact, parameters, target }) : graph;
  const lowered = lower(optimised, { target, parameters, symbols: new Map(), open });
  const program = passes ? prepack(lowered) : lowered;
  return { graph, program, module: emitWasm(program, emit) };
}

/** What the interpreter gives; the memory of open outputs as a whole. */
export function interpreted(program: Program, inputs: Arrays, dims: Record<string, number> = {}): Arrays {
  return runProgram(program, inputs, numericsOf(program), dims);
}

function numericsOf(program: Program): (kernel: Kernel) => Arithmetic {
  const { functions } = addKernels(program);
  return (kernel) => (functions.has(kernel) ? { accumulate: "float32", math } : { accumulate: "float64" });
}

const known = new Map<string, (a: number, b: number) => number>();

/** The target's own functions, one value at a time. */
const math: NonNullable<Arithmetic["math"]> = (fn) => {
  if (!isMathFn(fn)) return undefined;
  const found = known.get(fn) ?? compiledMath(fn);
  known.set(fn, found);
  return found;
};

function compiledMath(fn: MathFn): (a: number, b: number) => number {
  const module = new Module();
  const callee = mathFunction(module, fn);
  const f = module.func({ name: "call", params: ["f32", "f32"], results: ["f32"], exported: true });
  f.local_get(0).f32x4_splat();
  if (takesTwo(fn)) f.local_get(1).f32x4_splat();
  f.call(callee).f32x4_extract_lane(0).end();
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {});
  return exports["call"] as (a: number, b: number) => number;
}

/** The same module with every bit of its memory set before anything is put there. */
export function poisonedMemory(module: EmittedModule): EmittedModule {
  const memory = "const { buffer } = exports.memory;";
  if (!module.code.includes(memory)) throw new Error("the memory is not taken where it was expected");
  return { ...module, code: module.code.replace(memory, `${memory}\nnew Uint8Array(buffer).fill(255);`) };
}
