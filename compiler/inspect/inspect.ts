/**
 * What is known of a model, as plain data that can be printed or turned into JSON: before a sample every size
 * as an expression of the inputs' dims and what the network demands of them; with one also the numbers, the
 * work of each layer and the memory of a run. Names of the fields are part of the command's `--json` output:
 * add to them, do not rename.
 */

import type { BindOptions } from "../bind-model.ts";
import { lowerModel, sizeOf } from "../compile-model.ts";
import { checkInspect } from "../compile-options.ts";
import { type Constraint, constantOf, decide, evaluate, kindOf, type Shape, Store } from "../dims/index.ts";
import type { Model } from "../frontend/index.ts";
import { infer } from "../infer/bind.ts";
import type { BoundDim, Graph, Node, Value } from "../ir/graph.ts";
import { ops } from "../ops/index.ts";

export interface Inspection {
  readonly name: string;
  readonly inputs: readonly InspectedValue[];
  readonly layers: readonly InspectedLayer[];
  readonly outputs: readonly InspectedValue[];
  /** What stateful layers carry from one run to the next: inputs and outputs of the module. */
  readonly states: readonly InspectedValue[];
  /** What sizes must satisfy so that they pass the network. */
  readonly needs: readonly InspectedNeed[];
  /** Once every size is known. */
  readonly totals?: InspectedTotals;
}

export interface InspectedValue {
  readonly name: string;
  readonly dtype: string;
  /** Sizes as text: numbers, or expressions such as "floor(H/2)". */
  readonly shape: readonly string[];
  /** Under the sample. */
  readonly sizes?: readonly number[];
}

export interface InspectedLayer {
  readonly path: string;
  /** The layer's factory, e.g. "dense". */
  readonly kind: string;
  readonly outputs: readonly Omit<InspectedValue, "name" | "dtype">[];
  readonly parameters: readonly Omit<InspectedValue, "dtype">[];
  /** Its parameters are those of an earlier row. */
  readonly shared: boolean;
  /** Multiply-accumulates of one run, of all uses of the layer together. */
  readonly macs?: number;
}

export interface InspectedNeed {
  /** E.g. "H % 8 == 0". */
  readonly constraint: string;
  /** Who asks for it. */
  readonly because: readonly string[];
}

export interface InspectedTotals {
  readonly parameters: number;
  readonly parameterBytes: number;
  readonly macs: number;
  readonly arenaBytes: number;
  readonly arenaLowerBound: number;
}

/**
 * With a `sample` (or `dims` that say all) the model is bound by it, as by any first sample.
 * @throws CompileError for a model that does not fit together or a sample that does not fit the model.
 */
export function inspect(model: Model<unknown>, options: BindOptions = {}): Inspection {
  checkInspect(model, options);
  const sampled = options.sample !== undefined || options.dims !== undefined;
  const lowered = sampled ? lowerModel(model, options) : undefined;
  const graph = lowered?.graph ?? model.graph();
  const symbols = lowered?.bound.symbols;
  const fed = new Set(model.plan().inputs.map(({ name }) => name));
  const work = lowered && macsByPath(lowered.bound.graph);
  const resolved = resolvedGraph(graph);
  const inputs = resolved.graph.inputs.map((value) => inspected(value.name, value, symbols));
  const states = inputs.filter(({ name }) => !fed.has(name));
  return {
    name: model.name,
    inputs: inputs.filter(({ name }) => fed.has(name)),
    layers: layersOf(model, resolved.parameters, symbols, work),
    outputs: resolved.graph.outputs
      .filter(({ name }) => !states.some((state) => state.name === name))
      .map(({ name, value }) => inspected(name, value, symbols)),
    states,
    needs: resolved.needs,
    ...(lowered && { totals: totalsOf(lowered.bound.graph, lowered.program) }),
  };
}

function layersOf(
  model: Model<unknown>,
  declared: ReadonlyMap<string, Shape>,
  symbols: ReadonlyMap<string, number> | undefined,
  work: ReadonlyMap<string, number> | undefined,
): readonly InspectedLayer[] {
  const layers = model.describe();
  const paths = new Set(layers.map(({ path }) => path));
  return layers.map(({ path, kind, outputs, weights, shared }) => ({
    path,
    kind,
    outputs: outputs.map((shape) => shapeOf(shape, symbols)),
    parameters: weights.map(({ name, shape }) => ({
      name,
      ...shapeOf(declared.get(`${path}.${name}`) ?? shape, symbols),
    })),
    shared,
    ...(work && !shared && { macs: workOf(path, paths, work) }),
  }));
}

/** A node belongs to the innermost layer with a row of its own. */
function workOf(path: string, paths: ReadonlySet<string>, work: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const [source, macs] of work) {
    let owner = source;
    while (owner !== "" && !paths.has(owner)) owner = owner.slice(0, Math.max(0, owner.lastIndexOf(".")));
    if (owner === path) total += macs;
  }
  return total;
}

function macsByPath(graph: Graph<BoundDim>): ReadonlyMap<string, number> {
  const work = new Map<string, number>();
  for (const node of graph.nodes)
    work.set(node.source.path, (work.get(node.source.path) ?? 0) + macsOf(node));
  return work;
}

function macsOf(node: Node): number {
  const { op: name, attributes, operands, results } = node;
  const { body } = attributes;
  if (typeof body === "object" && "nodes" in body) return stepsOf(node) * sumOf(body.nodes.map(macsOf));
  const types = (values: readonly Value[]) => values.map(({ type }) => type);
  const count = ops.get(name)?.macs?.(types(operands), attributes, types(results));
  return count ? constantOf(count)! : 0;
}

/** A scan runs its body once per step of its first sequence, or of its first stacked output. */
function stepsOf({ attributes, operands, results }: Node): number {
  const states = Number(attributes["states"]);
  const sequence = operands[states] ?? results[states];
  return sequence ? constantOf(sequence.type.shape[0]!)! : 0;
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

interface Resolved {
  readonly graph: Graph;
  /** Shapes of the parameters by path. */
  readonly parameters: ReadonlyMap<string, Shape>;
  readonly needs: readonly InspectedNeed[];
}

/**
 * The graph with everything written in terms of the inputs' dims, and what remains to be demanded of these.
 */
function resolvedGraph(graph: Graph): Resolved {
  const store = new Store();
  const resolved = infer(graph, store);
  const parameters = new Map(resolved.parameters.map(({ value }) => [value.name, value.type.shape]));
  const needs = new Map<string, Set<string>>();
  for (const { constraint, origins } of store.residuals()) {
    const text = simplest(constraint);
    if (text === undefined) continue;
    const because = needs.get(text) ?? new Set();
    needs.set(text, because);
    for (const { subject, clause } of origins) because.add(`${subject}: ${clause}`);
  }
  return {
    graph: resolved,
    parameters,
    needs: [...needs].map(([constraint, because]) => ({ constraint, because: [...because] })),
  };
}

/** "H == 2*floordiv(H, 2)" is "H % 2 == 0" in other words; undefined for what every size satisfies. */
function simplest(constraint: Constraint): string | undefined {
  const [clause, ...more] = constraint.clauses;
  if (clause?.kind !== "relation" || more.length > 0) return String(constraint);
  const verdict = decide(clause.relation, clause.left, clause.right);
  if (verdict.kind === "always") return undefined;
  return String(verdict.kind === "iff" ? verdict.constraint : constraint);
}

function totalsOf(
  graph: Graph<BoundDim>,
  {
    arena,
    macs,
  }: { readonly arena: { readonly bytes: number; readonly lowerBound: number }; readonly macs: number },
): InspectedTotals {
  const sizes = graph.parameters.map(sizeOf);
  return {
    parameters: sumOf(sizes.map(({ count }) => count)),
    parameterBytes: sumOf(sizes.map(({ bytes }) => bytes)),
    macs,
    arenaBytes: arena.bytes,
    arenaLowerBound: arena.lowerBound,
  };
}

function inspected(
  name: string,
  { type }: Value,
  symbols: ReadonlyMap<string, number> | undefined,
): InspectedValue {
  return { name, dtype: type.dtype, ...shapeOf(type.shape, symbols) };
}

/** A flex symbol that nothing has decided is a question mark: its name means nothing to a user. */
function shapeOf(
  shape: Shape,
  symbols: ReadonlyMap<string, number> | undefined,
): { readonly shape: readonly string[]; readonly sizes?: readonly number[] } {
  const text = shape.map((d) => (kindOf(String(d)) === "flex" ? "?" : String(d)));
  return { shape: text, ...(symbols && { sizes: shape.map((d) => Number(evaluate(d, symbols))) }) };
}
