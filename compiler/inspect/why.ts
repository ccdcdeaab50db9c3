/**
 * Where one size of one value comes from: `why(net, "dec1.1")` follows axis 1 of the layer dec1 back to the
 * inputs and tells what each layer on the way made of it. An axis is a number, from the end if negative, or
 * the name of a dim that its size is made of.
 */
import { nearest } from "../../runtime/initializers/nearest.ts";
import { type BindOptions, statedOf } from "../bind-model.ts";
import { lowerModel } from "../compile-model.ts";
import { checkInspect } from "../compile-options.ts";
import { fail } from "../diagnostics/index.ts";
import { constantOf, type Dim, evaluate, type Store, symbol, symbolsOf } from "../dims/index.ts";
import type { Network } from "../frontend/index.ts";
import { needsOf } from "../infer/needs.ts";
import type { Place } from "../infer/probe.ts";
import { isChange, type Provenance, type Step } from "../infer/provenance.ts";
import { verb } from "../infer/reasons.ts";
import { type Stated, statedOfDim } from "../infer/stated.ts";
import type { Value } from "../ir/graph.ts";
import { type InspectedNeed, inspectedNeed } from "./inspect.ts";
import { provenanceOf } from "./layers.ts";
import { supposing } from "./supposing.ts";
import { underNeeds } from "./under-needs.ts";

export interface Why {
  readonly value: string;
  readonly axis: number;
  /** E.g. "2*floor(H/2)". */
  readonly dim: string;
  /** The same for sizes that can pass, where that is simpler: "H". */
  readonly simplified?: string;
  /** Under a sample. */
  readonly size?: number;
  /** The layers it went through, first to last. */
  readonly steps: readonly WhyStep[];
  /** What is demanded of the inputs' dims that it is made of. */
  readonly needs: readonly InspectedNeed[];
}

export interface WhyStep {
  /** Path of a layer, or name of an input. */
  readonly layer: string;
  /** The size when it leaves that layer. */
  readonly dim: string;
  readonly size?: number;
  /** False for a layer that only hands it on. */
  readonly changed: boolean;
  /** E.g. "halved", where what the layer did has a name. */
  readonly verb?: string;
  /** The user's line, "unet.ts:12". */
  readonly at?: string;
}

/**
 * With a `sample` the model is bound by it, and every size is a number too. Without one, `dims` and
 * `constraints` are taken as said, and only sizes that follow from them are numbers.
 * @throws CompileError E1002 when the model has no such value or axis, and what `inspect` throws.
 */
export function why(model: Network, dim: string, options: BindOptions = {}): Why {
  checkInspect(model, options);
  const { sample, dims = {}, constraints = [] } = options;
  const bound = sample === undefined ? undefined : lowerModel(model, options).bound.symbols;
  const named = Object.entries(dims).map((each) => statedOfDim(each, "dims"));
  const said = bound ? [] : [...statedOf(constraints), ...named];
  return supposing(model, said, (known) => answer(model, dim, bound ?? numbersIn(known, said)));
}

/** The dims of which a size was said. */
function numbersIn(store: Store, said: readonly Stated[]): ReadonlyMap<string, number> {
  const names = new Set(said.flatMap(({ constraint }) => constraint.symbols()));
  const sizes = [...names].map((name) => [name, constantOf(store.resolve(symbol(name)))] as const);
  return new Map(sizes.flatMap(([name, size]) => (size === undefined ? [] : [[name, size]])));
}

function answer(model: Network, dim: string, symbols: ReadonlyMap<string, number>): Why {
  const { store } = model.traced().trace.builder;
  const provenance = provenanceOf(model);
  const { name, place } = placeNamed(dim, valuesOf(model), provenance);
  const size = provenance.dimOf(place);
  const involved = new Set(symbolsOf(size));
  const needs = needsOf(store);
  const simplified = underNeeds(needs)(size);
  return {
    value: name,
    axis: place.axis,
    ...sized(size, symbols),
    ...(simplified !== size && { simplified: String(simplified) }),
    steps: provenance.steps(place).map((step) => whyStep(step, symbols)),
    needs: needs
      .filter(({ constraint }) => constraint.symbols().some((symbol) => involved.has(symbol)))
      .map((need) => inspectedNeed(need, provenance)),
  };
}

function sized(dim: Dim, symbols: ReadonlyMap<string, number>) {
  return {
    dim: String(dim),
    ...(symbols.size > 0 &&
      symbolsOf(dim).every((name) => symbols.has(name)) && { size: Number(evaluate(dim, symbols)) }),
  };
}

function whyStep(step: Step, symbols: ReadonlyMap<string, number>): WhyStep {
  const changed = isChange(step);
  const deed = changed ? verb(step) : undefined;
  return {
    layer: step.path,
    ...sized(step.dim, symbols),
    changed,
    ...(deed !== undefined && { verb: deed }),
    ...(step.at && { at: `${step.at.file}:${step.at.line}` }),
  };
}

/** Everything that has a name: inputs, outputs, layers, parameters, and the values inside layers. */
function valuesOf(model: Network): ReadonlyMap<string, Value> {
  const { graph, trace } = model.traced();
  const values = new Map<string, Value>();
  const add = (name: string, value: Value) => {
    if (!values.has(name)) values.set(name, value);
  };
  for (const input of graph.inputs) add(input.name, input);
  for (const { path, outputs } of trace.uses) {
    add(path, outputs[0]!);
    if (outputs.length > 1) for (const [i, output] of outputs.entries()) add(`${path}[${i}]`, output);
  }
  for (const { name, value } of graph.outputs) add(name, value);
  for (const { value } of graph.parameters) add(value.name, value);
  for (const { results } of graph.nodes) for (const result of results) add(result.name, result);
  return values;
}

interface Named {
  readonly name: string;
  readonly place: Place;
}

/** Names have dots of their own: the value is what stands before the last one. */
function placeNamed(text: string, values: ReadonlyMap<string, Value>, provenance: Provenance): Named {
  const dot = text.lastIndexOf(".");
  const [name, axis] = [text.slice(0, Math.max(dot, 0)), text.slice(dot + 1)];
  const value = values.get(name);
  if (!value) return noValue(text, dot < 0 ? text : name, values);
  const dims = value.type.shape.map((_, i) => provenance.dimOf({ value, axis: i }));
  return { name, place: { value, axis: axisNamed(axis, name, dims) } };
}

function noValue(text: string, name: string, values: ReadonlyMap<string, Value>): never {
  const known = [...values.keys()];
  const exists = values.has(name);
  return fail({
    code: "E1002",
    message: exists
      ? `${JSON.stringify(text)} names a value, but no axis of it`
      : `the model has no value ${JSON.stringify(name)}; did you mean ${JSON.stringify(nearest(name, known)[0])}?`,
    fix: `write a layer, input or output, a dot and an axis, as in ${exists ? name : (nearest(name, known)[0] ?? "x")}.1`,
  });
}

function axisNamed(axis: string, name: string, dims: readonly Dim[]): number {
  const shape = `[${dims.join(", ")}]`;
  if (/^-?\d+$/.test(axis)) {
    const at = Number(axis) < 0 ? Number(axis) + dims.length : Number(axis);
    if (at >= 0 && at < dims.length) return at;
    return noAxis(`${name} has no axis ${axis}: it is ${shape}`, dims);
  }
  const found = dims.flatMap((d, at) => (symbolsOf(d).includes(axis) ? [at] : []));
  if (found.length === 1) return found[0]!;
  const problem = found.length === 0 ? "no axis" : "more than one axis";
  return noAxis(`${name} has ${problem} made of ${JSON.stringify(axis)}: it is ${shape}`, dims);
}

function noAxis(message: string, dims: readonly Dim[]): never {
  const named = [...new Set(dims.flatMap(symbolsOf))].map((symbol) => `, ${symbol}`).join("");
  return fail({ code: "E1002", message, fix: `write one of ${dims.map((_, at) => at).join(", ")}${named}` });
}
