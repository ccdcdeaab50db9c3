/**
 * Binds a symbolic graph to a sample: the sample's sizes become equations, every node's relation is run under
 * them, and what the equations determine is written into the types. The symbolic graph is not changed, so a
 * failed bind leaves the model usable. A node that fails poisons what it feeds, and independent failures are
 * all reported at once.
 */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { CompileError, type Diagnostic, DiagnosticBag, type SourceLocation } from "../diagnostics/index.ts";
import {
  type Conflict,
  constant,
  constantOf,
  type Dim,
  kindOf,
  symbolsOf as namesIn,
  type Origin,
  Store,
} from "../dims/index.ts";
import { mapAttributes } from "../ir/attribute.ts";
import type { BoundDim, Graph, Guard, Node, Value } from "../ir/graph.ts";
import { mapDims } from "../ir/graph-dims.ts";
import type { OpenDims } from "../ir/open-dims.ts";
import { bindValues, undetermined } from "./bind-values.ts";
import { demandsOf } from "./demands.ts";
import { diagnose } from "./diagnose.ts";
import { measuredIn } from "./measured.ts";
import { lacking, missingSamples, strangers } from "./missing-samples.ts";
import {
  type DimBindings,
  declareDims,
  isOpenIn,
  noBindings,
  openDimsOf,
  openParameters,
  type SampledSize,
} from "./open.ts";
import type { SampleOrigin } from "./origins.ts";
import { refusedInput } from "./refused-input.ts";
import { refusedSizes } from "./refused-sizes.ts";
import { boundsAre, refusedStatements, type Said, sizeIs } from "./refused-statements.ts";
import { inferNode, Relations } from "./relations.ts";
import type { Stated } from "./stated.ts";
import { stretched } from "./stretched.ts";
import { underdetermined, underdeterminedDiagnostic } from "./underdetermined.ts";

/** Sizes, or data whose sizes count. */
export interface Sample {
  readonly [input: string]: readonly number[] | Tensor;
}

/** A size that was fixed before this sample (of a weight that was set, say), and how. */
export interface Known {
  readonly dim: Dim;
  readonly value: number;
  readonly origin: SampleOrigin;
}

export interface BindOptions {
  /** What must hold of the sizes, whatever the layers ask. */
  readonly constraints?: readonly Stated[];
  /** Where there are any, sizes of inputs without a sample may follow from them. */
  readonly known?: readonly Known[];
  /** What is said of dims by name, beside the sample. */
  readonly dims?: DimBindings;
  /** The user's line that gave the sample. */
  readonly at?: SourceLocation;
}

export interface BoundModel {
  readonly graph: Graph<BoundDim>;
  /** Every symbol of the inputs and parameters with the value it got. */
  readonly symbols: ReadonlyMap<string, number>;
  /** Which statements fixed a symbol. */
  readonly origins: ReadonlyMap<string, readonly Origin[]>;
  /** What the graph's types may still have symbols of. */
  readonly open: OpenDims;
}

/**
 * Throws CompileError with everything that is wrong (E2102, E2104, E2107, E2108, E2111, E21xx of the nodes).
 */
export function bind(graph: Graph, sample: Sample, options: BindOptions = {}): BoundModel {
  const store = new Store();
  const bag = new DiagnosticBag();
  const { dims = noBindings } = options;
  const measured = measuredIn(graph);
  const open = new Set([...dims.open, ...measured]);
  for (const one of options.known ?? []) assume(store, one);
  for (const problem of declareDims(dims, store)) bag.add(problem);
  bag.throwIfAny();
  for (const { constraint, origin } of options.constraints ?? []) {
    const conflict = store.require(constraint, origin);
    if (conflict) bag.add(contradiction(conflict));
  }
  const { known = [] } = options;
  for (const problem of strangers(graph, sample)) bag.add(problem);
  const isOpen = (name: string) => open.has(name);
  const missing = known.length === 0 ? lacking(graph, sample, store, isOpen) : [];
  const sampled = graph.inputs.flatMap((input) =>
    bindInput(store, input, sampleOf(input, sample), options, bag),
  );
  for (const guard of graph.guards) bindGuard(store, guard, sample, options, bag);
  for (const problem of missingSamples(graph, missing, store, isOpen)) bag.add(problem);
  bag.throwIfAny();
  if (measured.length > 0 || hasEmpty(graph, sample)) allowEmpty(graph, store);
  inferAll(graph, store, bag);
  if (bag.list.length > 0) throw new CompileError(explained(graph, sample, options, bag.list));
  const bound = mapDims(graph, (d) => store.resolve(d)) as Graph<BoundDim>;
  const unsaid = lacking(graph, sample, store, isOpen);
  for (const problem of missingSamples(graph, unsaid, store, isOpen)) bag.add(problem);
  bag.throwIfAny();
  for (const diagnostic of undetermined(bound, open, options.at)) bag.add(diagnostic);
  bag.throwIfAny();
  for (const problem of openParameters(bound.parameters, (d) => d, open)) bag.add(problem);
  for (const gap of underdetermined(bound, store, (name) => !isOpen(name)))
    bag.add(underdeterminedDiagnostic(gap));
  bag.throwIfAny();
  const found = openDimsOf(bound, store, open, sampled);
  for (const problem of found.problems) bag.add(problem);
  bag.throwIfAny();
  return { graph: stretched(bound, found.dims), ...symbolsOf(graph, store), open: found.dims };
}

/** What is said of the dims, or what the layers demand of them, cannot all be true, whatever their sizes. */
export function contradiction({ core, suggestion }: Conflict): Diagnostic {
  return {
    code: "E2201",
    message: `no sizes satisfy ${core.map(({ clause }) => clause).join(" and ")}`,
    facts: core.map(({ subject, clause }) => ({ subject, value: clause })),
    fix: `drop or change one of them${suggestion ? `: ${suggestion}` : ""}`,
  };
}

/** An input may be called like a property that every object has. */
function sampleOf({ name }: Value, sample: Sample): Sample[string] | undefined {
  return Object.hasOwn(sample, name) ? sample[name] : undefined;
}

const hasEmpty = (graph: Graph, sample: Sample): boolean =>
  graph.inputs.some((input) => {
    const given = sampleOf(input, sample) ?? [];
    return ("shape" in given ? given.shape : given).includes(0);
  });

/**
 * What an empty axis determines may be empty too, and what follows from sizes that the run computes; but a
 * parameter without elements has nothing to learn.
 */
function allowEmpty(graph: Graph, store: Store): void {
  const ofParameters = new Set(graph.parameters.flatMap(({ value }) => value.type.shape.flatMap(namesIn)));
  const declare = (d: Dim): Dim => {
    for (const name of namesIn(d))
      if (kindOf(name) === "flex" && !ofParameters.has(name))
        store.declare(name, { min: 0 }, { subject: "sample", clause: "has an empty axis" });
    return d;
  };
  for (const { results, attributes } of graph.nodes) {
    for (const { type } of results) type.shape.forEach(declare);
    mapAttributes(attributes, declare, (body) => body);
  }
}

/** The failures of nodes, or the demands on the input's sizes that they follow from. */
function explained(
  graph: Graph,
  sample: Sample,
  options: BindOptions,
  failures: readonly Diagnostic[],
): readonly Diagnostic[] {
  const shapes = new Map(
    graph.inputs.flatMap((input) => {
      const given = sampleOf(input, sample);
      return given ? [[input, "shape" in given ? given.shape : given] as const] : [];
    }),
  );
  const demands = demandsOf(graph);
  if (!demands) return failures;
  const refused = refusedSizes(demands, shapes, options.at);
  // A failure that names the sample says more than that the layers leave no choice.
  const blind = failures.every(({ code }) => code === "E2103");
  const told = refused.filter(({ code }) => code !== "E2104" || blind);
  const all = told.length > 0 ? told : refusedStatements(demands, saidIn(options));
  return all.length > 0 ? all : failures;
}

/** All that is said of dims beside the sample. */
const saidIn = ({ constraints = [], dims = noBindings }: BindOptions): readonly Said[] => [
  ...constraints,
  ...dims.declared.map(({ name, origin, ...bounds }) => ({ constraint: boundsAre(name, bounds), origin })),
  ...dims.sizes.map(({ name, size, origin }) => ({ constraint: sizeIs(name, size), origin })),
];

/**
 * Runs every relation of a symbolic graph (one that was parsed, say) and returns it with what could be
 * resolved.
 */
export function infer(graph: Graph, store: Store = new Store()): Graph {
  const bag = new DiagnosticBag();
  inferAll(graph, store, bag);
  bag.throwIfAny();
  return mapDims(graph, (d) => store.resolve(d));
}

function inferAll(graph: Graph, store: Store, bag: DiagnosticBag): void {
  const relations = new Relations(store, new Map(), graph.nodes);
  const poisoned = new Set<Value>();
  for (const node of graph.nodes) {
    if (node.operands.some((operand) => poisoned.has(operand))) {
      for (const result of node.results) poisoned.add(result);
      continue;
    }
    attempt(node, node.results, () => inferNode(relations, node));
  }
  for (const output of graph.outputs)
    if (!poisoned.has(output.value))
      attempt(producerOf(graph, output.value), [], () => relations.declare(output));

  function attempt(node: Node | undefined, results: readonly Value[], body: () => void): void {
    try {
      body();
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      for (const diagnostic of error.diagnostics)
        bag.add(node ? withChain(diagnostic, graph, node) : diagnostic);
      for (const result of results) poisoned.add(result);
    }
  }
}

const producerOf = (graph: Graph, value: Value): Node | undefined =>
  graph.nodes.find(({ results }) => results.includes(value));

/** @throws CompileError for sizes that were fixed before and contradict each other. */
export function assume(store: Store, { dim, value, origin }: Known): void {
  for (const name of namesIn(dim)) store.declare(name, { min: Math.min(value, 1) }, origin);
  const conflict = store.equal(dim, constant(value), origin);
  if (conflict) throw new CompileError([diagnose(conflict, undefined, store)]);
}

/** Gives the sizes that stand where dims are open: they bind nothing. */
function bindInput(
  store: Store,
  input: Value,
  given: readonly number[] | Tensor | undefined,
  options: BindOptions,
  bag: DiagnosticBag,
): readonly SampledSize[] {
  if (given === undefined) return [];
  const open = options.dims?.open ?? noBindings.open;
  const shape = "shape" in given ? given.shape : given;
  const subject = `input "${input.name}"`;
  const problem =
    wrongDtype(input, "dtype" in given ? given.dtype : undefined) ??
    wrongSizes(input, shape) ??
    wrongRank(input, shape);
  if (problem) {
    bag.add({ ...problem, ...(options.at && { at: options.at }) });
    return [];
  }
  const text = `[${shape.join(", ")}]`;
  return shape.flatMap((n, axis) => {
    const declared = input.type.shape[axis]!;
    if (isOpenIn(declared, open)) return [{ input, axis, size: n }];
    const origin: SampleOrigin = {
      kind: "sample",
      subject,
      shape: text,
      axis,
      value: n,
      clause: "this call",
      ...(options.at && { at: options.at }),
    };
    if (n === 0) for (const name of namesIn(declared)) store.declare(name, { min: 0 }, origin);
    const conflict = store.equal(declared, constant(n), origin);
    if (conflict) bag.add(refusedInput(input, shape, axis, conflict, store));
    return [];
  });
}

function bindGuard(
  store: Store,
  guard: Guard,
  sample: Sample,
  { at }: BindOptions,
  bag: DiagnosticBag,
): void {
  const given = sampleOf(guard.input, sample);
  if (given && "data" in given)
    for (const diagnostic of bindValues(store, guard, given, at)) bag.add(diagnostic);
}

function wrongDtype(input: Value, dtype: DType | undefined): Diagnostic | undefined {
  if (dtype === undefined || dtype === input.type.dtype) return undefined;
  return {
    code: "E2107",
    message: `input "${input.name}" is declared ${input.type.dtype}, but the sample is ${dtype}`,
    facts: [
      { subject: input.name, value: input.type.dtype, note: "declared" },
      { subject: "sample", value: dtype },
    ],
    fix: `give the sample as ${input.type.dtype}, in a ${dtypes[input.type.dtype].array.name}`,
  };
}

function wrongSizes(input: Value, shape: readonly number[]): Diagnostic | undefined {
  const axis = shape.findIndex((n) => !Number.isSafeInteger(n) || n < 0);
  if (axis < 0) return undefined;
  return {
    code: "E2108",
    message: `input "${input.name}" has size ${shape[axis]} at axis ${axis}; sizes are whole numbers >= 0`,
    facts: [{ subject: input.name, value: `[${shape.join(", ")}]`, note: "the sample" }],
    fix: "pass the sizes of real data",
  };
}

function wrongRank(input: Value, shape: readonly number[]): Diagnostic | undefined {
  const rank = input.type.shape.length;
  if (shape.length === rank) return undefined;
  return {
    code: "E2111",
    message: `input "${input.name}" has rank ${rank}, but the sample has rank ${shape.length}`,
    facts: [
      { subject: input.name, value: `[${input.type.shape.join(", ")}]`, note: "declared" },
      { subject: "sample", value: `[${shape.join(", ")}]` },
    ],
    fix: `give a sample with ${rank} dims`,
  };
}

/** The layers that lead to `node`, first to last. */
function withChain(diagnostic: Diagnostic, graph: Graph, node: Node): Diagnostic {
  const producer = new Map(graph.nodes.flatMap((n) => n.results.map((r) => [r, n] as const)));
  const chain: string[] = [];
  for (let at: Node | undefined = node; at && chain.length < 8; ) {
    const path = at.source.path || at.op;
    if (chain[0] !== path) chain.unshift(path);
    const next: Node | undefined = at.operands.map((o) => producer.get(o)).find((n) => n !== undefined);
    at = next;
  }
  const told = { ...diagnostic, message: inTheLayersNames(diagnostic.message, node) };
  return chain.length > 1 && !diagnostic.chain ? { ...told, chain } : told;
}

/** An op speaks of itself by a name of its own. */
function inTheLayersNames(message: string, { op, source }: Node): string {
  const own = source.path !== "" && message.startsWith(`${op} `);
  return own ? source.path + message.slice(op.length) : message;
}

function symbolsOf(graph: Graph, store: Store): Pick<BoundModel, "symbols" | "origins"> {
  const symbols = new Map<string, number>();
  const origins = new Map<string, readonly Origin[]>();
  const values = [...graph.inputs, ...graph.parameters.map((p) => p.value)];
  const elements = graph.guards.flatMap((guard) => guard.elements.filter((one) => typeof one !== "number"));
  const dims = [...values.flatMap((value) => value.type.shape), ...elements];
  for (const name of new Set(dims.flatMap(namesIn))) {
    const value = store.valueOf(name);
    const n = value && constantOf(value);
    if (n === undefined) continue;
    symbols.set(name, n);
    origins.set(name, store.whyOf(name));
  }
  return { symbols, origins };
}
