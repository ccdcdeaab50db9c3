/**
 * What the laws on emitted modules share: a graph with data, taken through lowering and the emitter and
 * really run, and the reference's answer to compare with. A module that differs fails with the IR of the
 * graph, and the code if asked for.
 */

import { emitTypeScript } from "../../codegen/typescript/index.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { type EmitOptions, type EmittedModule, targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { prepack } from "../../compiler/lower/prepack.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { pipeline, runPasses } from "../../compiler/passes/pipeline.ts";
import type { Scalar, TypedArray } from "../../runtime/dtype.ts";
import { decode } from "../../runtime/elements.ts";
import { numberText } from "../../runtime/fuzz/text.ts";
import { load } from "../../runtime/load.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { wantsCode } from "./runs.ts";

export type Tensors = ReadonlyMap<string, Tensor>;
export type Arrays = Readonly<Record<string, TypedArray>>;

/** A module to run, and how it came about. */
export interface Emitted {
  readonly graph: Graph<BoundDim>;
  readonly program: Program;
  readonly module: EmittedModule;
}

export const inline: EmitOptions = { format: "js", weights: "inline", header: [] };

/**
 * Lowers and emits for the plain-TypeScript target. `data` holds the parameters by name (and may hold the
 * inputs).
 */
export function emitGraph(graph: Graph<BoundDim>, data: Tensors, options: EmitOptions = inline): Emitted {
  const program = lower(graph, { target: targets.ts, parameters: data, symbols: new Map() });
  return { graph, program, module: emitTypeScript(program, options) };
}

/**
 * As `emitGraph`, but as models are compiled: after the passes, of them the exact ones, and with weights laid
 * out.
 */
export function emitOptimised(graph: Graph<BoundDim>, data: Tensors): Emitted {
  const passes = pipeline.filter((pass) => pass.exact);
  const optimised = runPasses(graph, { passes, parameters: data });
  const program = prepack(lower(optimised, { target: targets.ts, parameters: data, symbols: new Map() }));
  return { graph, program, module: emitTypeScript(program, inline) };
}

/** The inputs of a graph as a module takes them; copies, so that a module cannot spoil `data`. */
export function inputsOf(graph: Graph, data: Tensors): Arrays {
  return Object.fromEntries(graph.inputs.map(({ name }) => [name, data.get(name)!.data.slice()]));
}

export function runEmitted({ graph, module }: Emitted, data: Tensors): Arrays {
  return load(module).instantiate().run(inputsOf(graph, data));
}

export function reference(graph: Graph<BoundDim>, data: Tensors): Arrays {
  const outputs = evaluateGraph(graph, data, targets.ts.numerics);
  return Object.fromEntries([...outputs].map(([name, { data }]) => [name, data]));
}

/**
 * The same module with an arena full of NaN (every bit set), so that reading what was never written shows.
 */
export function poisoned({ program, module }: Emitted): EmittedModule {
  const { bytes } = program.arena;
  const arena = `new ArrayBuffer(${bytes})`;
  if (bytes === 0) return module;
  if (!module.code.includes(arena)) throw new Error("the arena is not made where it was expected");
  return { ...module, code: module.code.replace(arena, `new Uint8Array(${bytes}).fill(255).buffer`) };
}

/** Bit for bit, but any NaN is as good as another: JavaScript does not say which bits it has. */
export function firstDifference(graph: Graph, actual: Arrays, expected: Arrays): string | undefined {
  for (const { name, value } of graph.outputs) {
    const { dtype } = value.type;
    const data = expected[name]!;
    const found = actual[name];
    if (found?.constructor !== data.constructor || found.length !== data.length)
      return `output ${name} is ${found?.constructor.name}(${found?.length}), not ${data.constructor.name}(${data.length})`;
    const [is, wanted] = [decode(dtype, found), decode(dtype, data)];
    const at = Array.from<Scalar>(wanted).findIndex((x, i) => !Object.is(x, is[i]));
    if (at >= 0)
      return `output ${name}[${at}] is ${numberText(is[at]!)}, expected ${numberText(wanted[at]!)}`;
  }
  return undefined;
}

export function requireEqual(actual: Arrays, expected: Arrays, emitted: Emitted): void {
  const difference = firstDifference(emitted.graph, actual, expected);
  if (difference) throw new Error(`${difference}\n${printGraph(emitted.graph)}${codeOf(emitted)}`);
}

function codeOf({ module }: Emitted): string {
  return wantsCode ? `\n${module.code}` : "\n(SHAPECAST_CODE=1 adds the emitted code)";
}
