/**
 * What is known of a model, as plain data that can be printed or turned into JSON: before a sample every size
 * as an expression of the inputs' dims and what the network demands of them; with one also the numbers, the
 * work of each layer and the memory of a run. Names of the fields are part of the command's `--json` output:
 * add to them, do not rename.
 */

import { type BindOptions, statedOf } from "../bind-model.ts";
import { bucketsIn } from "../compile-buckets.ts";
import { type LoweredModel, lowerModel, sizeOf } from "../compile-model.ts";
import { checkInspect } from "../compile-options.ts";
import { CompileError } from "../diagnostics/index.ts";
import {
  constant,
  constantOf,
  type Dim,
  kindOf,
  type Shape,
  type Store,
  substitute,
  symbolsOf,
} from "../dims/index.ts";
import type { Network } from "../frontend/index.ts";
import { declarationsIn } from "../frontend/shapes.ts";
import type { BoundModel } from "../infer/bind.ts";
import { measuresIn } from "../infer/measured.ts";
import { type Need, needsOf, type Stands } from "../infer/needs.ts";
import { openParameters } from "../infer/open.ts";
import { isOpOrigin } from "../infer/origins.ts";
import type { Provenance } from "../infer/provenance.ts";
import { reasonsFor } from "../infer/reasons.ts";
import type { Stated } from "../infer/stated.ts";
import { remedyFor, type Underdetermined, underdetermined } from "../infer/underdetermined.ts";
import type { BoundDim, Graph, Node, Value } from "../ir/graph.ts";
import { largest, type OpenDims, relationText, ruleText } from "../ir/open-dims.ts";
import { ops } from "../ops/index.ts";
import { provenanceOf } from "./layers.ts";
import { supposing } from "./supposing.ts";
import { underNeeds } from "./under-needs.ts";

export interface Inspection {
  readonly name: string;
  readonly inputs: readonly InspectedValue[];
  readonly layers: readonly InspectedLayer[];
  readonly outputs: readonly InspectedValue[];
  /** What stateful layers carry from one run to the next: inputs and outputs of the module. */
  readonly states: readonly InspectedValue[];
  /** Dims that the module leaves open, e.g. "1 <= batch <= 64": totals are then the most there can be. */
  readonly open?: readonly string[];
  /** What the model itself declares of dims, e.g. "1 <= seq <= 512". */
  readonly declared?: readonly string[];
  /** Sizes that a run finds in its data. */
  readonly computed?: readonly InspectedComputed[];
  /** What sizes must satisfy so that they pass the network. */
  readonly needs: readonly InspectedNeed[];
  /** Sizes that neither the layers nor a sample determine; something has to be said of them first. */
  readonly undetermined: readonly InspectedGap[];
  /** Every value of the graph, when asked for. */
  readonly nodes?: readonly InspectedNode[];
  /** Once every size is known. */
  readonly totals?: InspectedTotals;
}

export interface InspectOptions extends BindOptions {
  /** Also every value inside the layers; default false. */
  readonly nodes?: boolean;
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

export interface InspectedComputed {
  /** As it stands in shapes: "!result". */
  readonly symbol: string;
  /** The most it can be, of the inputs' dims. */
  readonly most: string;
  /** The layer or node that finds it. */
  readonly by: string;
}

export interface InspectedGap {
  /** The parameter or value that has the size, e.g. "dense.kernel". */
  readonly value: string;
  /** With its own name for the size: "?dense.units". */
  readonly shape: readonly string[];
  readonly symbol: string;
  readonly fix: string;
}

/** One result of a core op. */
export interface InspectedNode extends InspectedValue {
  readonly op: string;
  /** The layer it belongs to. */
  readonly layer: string;
}

export interface InspectedNeed {
  /** E.g. "H % 8 == 0". */
  readonly constraint: string;
  /** What the layers did to the size, then who asks for it. */
  readonly because: readonly string[];
  /** What else would do. */
  readonly alternative?: string;
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
export function inspect(model: Network, options: InspectOptions = {}): Inspection {
  checkInspect(model, options);
  const { nodes: _, ...binding } = options;
  const sampled = binding.sample !== undefined || binding.dims !== undefined;
  const lowered = sampled ? lowerModel(model, binding) : undefined;
  const said = statedOf(binding.constraints ?? []);
  return supposing(model, said, (store) => inspected(model, store, lowered, said, options));
}

function inspected(
  model: Network,
  store: Store,
  lowered: LoweredModel | undefined,
  said: readonly Stated[],
  options: InspectOptions,
): Inspection {
  const graph = model.graph();
  if (!lowered) refuseOpenParameters(model, graph, store);
  const needs = needsOf(store);
  const simple = underNeeds([...needs, ...said.map((one) => ({ ...one, origins: [one.origin] }))]);
  const show = shower((d) => simple(store.resolve(d)), lowered?.bound.symbols);
  const fed = new Set(model.plan().inputs.map(({ name }) => name));
  const value = (name: string, { type }: Value) => ({ name, dtype: type.dtype, ...show(type.shape) });
  const inputs = graph.inputs.map((input) => value(input.name, input));
  const states = inputs.filter(({ name }) => !fed.has(name));
  const provenance = provenanceOf(model);
  const open = lowered ? [...rulesOf(lowered.bound.open), ...bucketRules(options)] : [];
  const declared = model.plan().inputs.flatMap(({ shape }) => declarationsIn(shape));
  const computed = measuresIn(graph).map(({ name, most, by }) => ({
    symbol: name,
    most: String(simple(store.resolve(most))),
    by: provenance.owner(by),
  }));
  return {
    name: model.name,
    inputs: inputs.filter(({ name }) => fed.has(name)),
    layers: layersOf(model, graph, show, lowered && macsByLayer(lowered.bound, provenance.owner)),
    outputs: graph.outputs
      .filter(({ name }) => !states.some((state) => state.name === name))
      .map((output) => value(output.name, output.value)),
    states,
    ...(open.length > 0 && { open }),
    ...(declared.length > 0 && { declared: declared.map(({ origin }) => origin.clause) }),
    ...(computed.length > 0 && { computed }),
    needs: needs.filter((need) => !isOfData(need)).map((need) => inspectedNeed(need, provenance)),
    undetermined: lowered ? [] : underdetermined(graph, store).map(inspectedGap),
    ...(options.nodes && { nodes: nodesOf(graph, provenance, value) }),
    ...(lowered && { totals: totalsOf(lowered.bound.graph, lowered.program) }),
  };
}

/** A parameter that follows a dim which the model declares open is wrong whatever the sample. */
function refuseOpenParameters(model: Network, { parameters }: Graph, store: Store): void {
  const names = new Set(
    model.plan().inputs.flatMap(({ shape }) => declarationsIn(shape).map(({ name }) => name)),
  );
  const problems = names.size > 0 ? openParameters(parameters, (d) => store.resolve(d), names) : [];
  if (problems.length > 0) throw new CompileError(problems);
}

/** What each open dim may be, and what must hold between several. */
const rulesOf = ({ dims, relations }: OpenDims): readonly string[] => [
  ...dims.map(ruleText),
  ...relations.map(relationText),
];

const bucketRules = ({ dims }: InspectOptions): readonly string[] =>
  bucketsIn(dims).map(({ name, sizes }) =>
    ruleText({ name, min: 1, max: sizes.at(-1)!, modulus: 1, residues: [0], buckets: sizes }),
  );

/** The bound of a size that the run finds itself is nothing that anybody could feed. */
const isOfData = ({ origins }: Need): boolean =>
  origins.every((origin) => isOpOrigin(origin) && origin.statement.node.op === "measure");

function inspectedGap(open: Underdetermined): InspectedGap {
  const { symbol, value, shape } = open;
  return { value: value.name, shape: shape.map(String), symbol, fix: remedyFor(open) };
}

/** A demand with the layers that make it. */
export function inspectedNeed(need: Need, provenance: Provenance): InspectedNeed {
  const { constraint, alternative, stands } = need;
  const because = [...reasonsFor(need, provenance), ...(stands ? [standsFor(stands)] : [])];
  return { constraint: String(constraint), because, ...(alternative !== undefined && { alternative }) };
}

/** Both results that a broadcast of two open sizes may have. */
function standsFor({ result, other }: Stands): string {
  const how = symbolsOf(result).length === 1 ? `, which has to be said: --dim ${result}=1` : "";
  return `what follows is ${result} (${other} may be 1 for it), or ${other} where ${result} is 1${how}`;
}

function nodesOf(
  graph: Graph,
  provenance: Provenance,
  value: (name: string, value: Value) => InspectedValue,
): readonly InspectedNode[] {
  return graph.nodes.flatMap(({ op, source, results }) =>
    results.map((result) => ({
      ...value(result.name, result),
      op,
      layer: provenance.owner(source.path),
    })),
  );
}

type Show = (shape: Shape) => Pick<InspectedValue, "shape" | "sizes">;

/** A flex symbol that nothing has decided is a question mark: its name means nothing to a user. */
function shower(simple: (d: Dim) => Dim, symbols: ReadonlyMap<string, number> | undefined): Show {
  return (shape) => {
    const dims = shape.map(simple);
    const text = dims.map((d) => (kindOf(String(d)) === "flex" ? "?" : String(d)));
    if (!symbols) return { shape: text };
    // Where some are left open there are no sizes, but expressions of what is open.
    const known = new Map([...symbols].map(([name, n]) => [name, constant(n)]));
    const left = dims.map((d) => substitute(d, known));
    const sizes = left.flatMap((d) => constantOf(d) ?? []);
    return sizes.length === left.length ? { shape: text, sizes } : { shape: left.map(String) };
  };
}

function layersOf(
  model: Network,
  graph: Graph,
  show: Show,
  work: ReadonlyMap<string, number> | undefined,
): readonly InspectedLayer[] {
  const declared = new Map(graph.parameters.map(({ value }) => [value.name, value.type.shape]));
  return model.describe().map(({ path, kind, outputs, weights, shared }) => ({
    path,
    kind,
    outputs: outputs.map(show),
    parameters: weights.map(({ name, shape }) => ({
      name,
      ...show(declared.get(`${path}.${name}`) ?? shape),
    })),
    shared,
    ...(work && !shared && { macs: work.get(path) ?? 0 }),
  }));
}

/** A node belongs to the innermost layer with a row of its own. */
function macsByLayer(
  { graph, open }: BoundModel,
  owner: (path: string) => string,
): ReadonlyMap<string, number> {
  const work = new Map<string, number>();
  for (const node of graph.nodes) {
    const layer = owner(node.source.path);
    work.set(layer, (work.get(layer) ?? 0) + macsOf(node, open));
  }
  return work;
}

/** At the most, where dims are open. */
function macsOf(node: Node, open: OpenDims): number {
  const { op: name, attributes, operands, results } = node;
  const { body } = attributes;
  if (typeof body === "object" && "nodes" in body)
    return stepsOf(node, open) * sumOf(body.nodes.map((inner) => macsOf(inner, open)));
  const types = (values: readonly Value[]) => values.map(({ type }) => type);
  const count = ops.get(name)?.macs?.(types(operands), attributes, types(results));
  return count ? largest(count, open) : 0;
}

/** A scan runs its body once per step of its first sequence, or of its first stacked output. */
function stepsOf({ attributes, operands, results }: Node, open: OpenDims): number {
  const states = Number(attributes["states"]);
  const sequence = operands[states] ?? results[states];
  return sequence ? largest(sequence.type.shape[0]!, open) : 0;
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

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
