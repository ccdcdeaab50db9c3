/**
 * Graphs with open dims, taken to a module that serves all their sizes, and what it must give: the answer of
 * the graph bound to the sizes of one run.
 */
import { emitTypeScript } from "../../codegen/typescript/index.ts";
import { Constraint, constantOf, evaluate, symbolsOf } from "../../compiler/dims/index.ts";
import { bind } from "../../compiler/infer/bind.ts";
import { noBindings } from "../../compiler/infer/open.ts";
import type { BoundDim, Graph, Value } from "../../compiler/ir/graph.ts";
import { areMet, type OpenDims } from "../../compiler/ir/open-dims.ts";
import { type EmitOptions, targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { prepack } from "../../compiler/lower/prepack.ts";
import { pipeline, runPasses } from "../../compiler/passes/pipeline.ts";
import { fill } from "./arbitrary/tensors.ts";
import { type Emitted, inline, type Tensors } from "./laws.ts";

/** What one of the dims may be at most; 0 is a size only where `min` says so. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Parameters whose shape follows an open dim become inputs: a module with open dims has none such. */
export function withoutOpenParameters(graph: Graph): Graph {
  const isOpen = ({ value }: { readonly value: Value }) =>
    value.type.shape.some((d) => symbolsOf(d).length > 0);
  const moved = graph.parameters.filter(isOpen).map(({ value }) => value);
  const parameters = graph.parameters.filter((parameter) => !isOpen(parameter));
  return { ...graph, inputs: [...graph.inputs, ...moved], parameters };
}

/** The graph with these dims left open. */
export function opened(
  graph: Graph,
  bounds: Readonly<Record<string, Bounds>>,
): { readonly graph: Graph<BoundDim>; readonly open: OpenDims } {
  const declared = Object.entries(bounds).map(([name, { min, max }]) => ({
    name,
    min,
    max,
    origin: { subject: "the test", clause: `${min} <= ${name} <= ${max}` },
  }));
  const open = new Set(Object.keys(bounds));
  return bind(graph, {}, { dims: { ...noBindings, declared, open } });
}

/** Lowered after the exact passes, and emitted. */
export function emitOpen(
  { graph, open }: ReturnType<typeof opened>,
  parameters: Tensors,
  options: EmitOptions = inline,
): Emitted {
  const passes = pipeline.filter((pass) => pass.exact);
  const optimised = runPasses(graph, { passes, parameters });
  const program = prepack(lower(optimised, { target: targets.ts, parameters, symbols: new Map(), open }));
  return { graph, program, module: emitTypeScript(program, options) };
}

export const parametersOf = (graph: Graph<BoundDim>): Tensors =>
  fill({ ...graph, inputs: [] }, { style: "normal", seed: 3 });

export type Sizes = ReadonlyMap<string, number>;

/** The shapes of the inputs under the sizes. */
export function sampleOf(graph: Graph, sizes: Sizes): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(
    graph.inputs.map(({ name, type }) => [name, type.shape.map((d) => Number(evaluate(d, sizes)))]),
  );
}

/** Whether a module of the opened graph has to take the sizes. */
export function isLegal({ graph, open }: ReturnType<typeof opened>, original: Graph, sizes: Sizes): boolean {
  const { dims, relations } = open;
  const domains = dims.map(({ name, ...domain }) => ({ kind: "domain" as const, symbol: name, ...domain }));
  if (!new Constraint(domains).holds(sizes) || !areMet(relations, sizes)) return false;
  // What the network leaves no choice of is a number by now.
  return graph.inputs.every(({ type }, i) =>
    type.shape.every((d, axis) => {
      const n = constantOf(d);
      return n === undefined || n === Number(evaluate(original.inputs[i]!.type.shape[axis]!, sizes));
    }),
  );
}
