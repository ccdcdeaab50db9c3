/** Views of a traced model that binding and summaries are made from. */
import type { Tensor } from "../../runtime/tensor.ts";
import type { SourceLocation } from "../diagnostics/index.ts";
import { Store } from "../dims/index.ts";
import { assume, type Known, type Sample } from "../infer/bind.ts";
import type { DimBindings } from "../infer/open.ts";
import type { SampleOrigin } from "../infer/origins.ts";
import type { Stated } from "../infer/stated.ts";
import type { Graph } from "../ir/graph.ts";
import type { Layer } from "./layer.ts";
import type { Expected } from "./mismatch.ts";
import { checkNames } from "./option-names.ts";
import type { Traced } from "./plan.ts";
import { dataIn, shapeOfSample } from "./sample.ts";
import type { Trace, Use } from "./trace.ts";
import { type Fixed, list, sizesOf } from "./weights.ts";

/**
 * The uses that stand for themselves: not those inside another layer, and for a nested model those of its
 * layers.
 */
export function rows(trace: Trace, isModel: (layer: Layer<unknown>) => boolean): readonly Use[] {
  return trace.uses.filter(({ layer, inside }) => !inside && !isModel(layer));
}

/** A parameter, with its shape if that is known. */
export interface MaybeSized {
  readonly path: string;
  readonly shape: readonly number[] | undefined;
  readonly dtype: Tensor["dtype"];
}

/** The parameters of a traced model, sized as far as its declared inputs say. */
export function sizesOfParameters({ trace, graph }: Traced): readonly MaybeSized[] {
  return graph.parameters.map(({ value }) => ({
    path: value.name,
    shape: sizesOf(trace.builder.resolve(value.type.shape)),
    dtype: value.type.dtype,
  }));
}

/** The sizes of parameters whose shape is fixed. They say something of the inputs, before any sample. */
export function fixedSizes(graph: Graph, fixed: (path: string) => Fixed | undefined): readonly Known[] {
  return graph.parameters.flatMap(({ value }) => {
    const known = fixed(value.name);
    return (known?.shape ?? []).map((size, axis): Known => {
      const origin: SampleOrigin = {
        kind: "known",
        subject: value.name,
        shape: list(known!.shape),
        axis,
        value: size,
        clause: `${size} fixed by ${known!.by}`,
        ...(known!.at && { at: known!.at }),
      };
      return { dim: value.type.shape[axis]!, value: size, origin };
    });
  });
}

/** A store that knows these sizes. Throws CompileError where they contradict each other. */
export function storeOf(known: readonly Known[]): Store {
  const store = new Store();
  for (const each of known) assume(store, each);
  return store;
}

/** What is known of a parameter, for an error about its size. */
export function expectation({ trace, graph }: Traced, path: string): Expected {
  const weight = trace.weights.find(({ value }) => value.name === path);
  const value = graph.parameters.find((p) => p.value.name === path)?.value;
  const use = trace.uses.find((one) => path.startsWith(`${one.path}.`) && one.first && !one.inside);
  return {
    path,
    shape: value ? trace.builder.resolve(value.type.shape) : [],
    because: weight?.because,
    chain: use ? [...trace.chain(use.inputs), use.path] : [],
  };
}

/** "the sample [2, 20]". */
export function sampleName(sample: Sample): string {
  const shapes = Object.entries(sample).map(([name, value]) => [name, list(shapeOfSample(value))] as const);
  const [only] = shapes;
  if (!only) return "the sizes of its dims";
  if (shapes.length === 1) return `the sample ${only[1]}`;
  return `the sample { ${shapes.map(([name, shape]) => `${name}: ${shape}`).join(", ")} }`;
}

/** What a bind may be asked beside its sample. */
export interface BindRequest {
  /** Replaces the model's budget for this once. */
  readonly maxParameterBytes?: number | undefined;
  readonly constraints?: readonly Stated[];
  /** Dims that are left open, or have a size by name; those that the model declares come on top. */
  readonly dims?: DimBindings | undefined;
  /** Sizes of parameters that were fixed before. */
  readonly known?: readonly Known[];
}

export const checkRequest = (request: BindRequest, at: SourceLocation | undefined): void =>
  checkNames("bind", request, ["maxParameterBytes", "constraints", "dims"], at);

/** The dims that are said to be 1 by name. */
export function onesIn({ dims, constraints = [] }: BindRequest): ReadonlySet<string> {
  const named = dims?.sizes.flatMap(({ name, size }) => (size === 1 ? [name] : [])) ?? [];
  const clauses = constraints.flatMap(({ constraint }) => constraint.clauses);
  const said = clauses.flatMap((c) => (c.kind === "domain" && c.min === 1 && c.max === 1 ? [c.symbol] : []));
  return new Set([...named, ...said]);
}

export const lacksInput = ({ inputs }: Graph, sample: Sample): boolean =>
  inputs.some(({ name }) => !Object.hasOwn(sample, name));

/** Equal for samples that bind a graph the same way. */
export function keyOf(sample: Sample, constraints: readonly Stated[], graph: Graph): string {
  const inputs = Object.entries(sample).map(([name, value]) => [
    name,
    shapeOfSample(value),
    "dtype" in value ? value.dtype : "",
  ]);
  const values = Object.entries(valuesIn(sample, graph)).map(([name, { data }]) => [name, data.join()]);
  return JSON.stringify([inputs, values, constraints.map(({ origin }) => origin.clause)]);
}

/** The part of a sample that holds values on which the shapes of a graph depend. */
export function valuesIn(sample: Sample, { guards }: Graph): Readonly<Record<string, Tensor>> {
  const entries = guards.flatMap(({ input: { name } }) => {
    const value = dataIn(sample, name);
    return value ? [[name, value] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** Puts a value into a map that holds the last `most`. */
export function remember<T>(map: Map<string, T>, key: string, value: T, most: number): T {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
  return value;
}
