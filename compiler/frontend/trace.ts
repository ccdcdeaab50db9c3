/**
 * Turns a model into a graph: runs every layer once over a GraphBuilder, with the names, paths and source
 * lines that errors and generated comments show, and remembers who declared which weight. A layer that fails
 * is reported and replaced by outputs of unknown size, so that all independent mistakes of a model come at
 * once; what only follows from such a replacement (wrong ranks, dtypes and shapes downstream) is not
 * reported.
 */

import { type InitializerInput, parseInitializer } from "../../runtime/initializers/index.ts";
import {
  type Code,
  CompileError,
  type Diagnostic,
  DiagnosticBag,
  type SourceLocation,
} from "../diagnostics/index.ts";
import type { Dim, Shape } from "../dims/index.ts";
import { GraphBuilder } from "../infer/builder.ts";
import type { InputValues } from "../infer/input-elements.ts";
import type { Graph, Output, TensorType, Value } from "../ir/graph.ts";
import { type Layer, LayerOps, type Scope, type State, type WeightOptions } from "./layer.ts";
import { Names } from "./names.ts";
import { printShape } from "./shapes.ts";

/** A weight as its layer declared it. */
export interface Weight {
  readonly name: string;
  readonly value: Value;
  /** What ties its size to the input, in words. */
  readonly because: string | undefined;
  readonly trainable: boolean;
}

/** One use of a layer in the model. */
export interface Use {
  readonly path: string;
  readonly layer: Layer<unknown>;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** False from the second use of a shared layer on. */
  readonly first: boolean;
  /** The layer it runs inside, if that is no model. */
  readonly inside: boolean;
  readonly at: SourceLocation | undefined;
}

interface Declared {
  readonly path: string;
  readonly weights: Map<string, Weight>;
  readonly inputs: readonly Shape[];
  readonly at: SourceLocation | undefined;
}

export interface TracedState {
  readonly name: string;
  readonly input: Value;
  output: Value | undefined;
}

/** What is wrong with an input's form, not its sizes. */
const formErrors: ReadonlySet<Code> = new Set(["E1002", "E2003", "E2107", "E2111"]);
/** What replaced outputs, of sizes nobody knows, may merely have caused. */
const consequences: ReadonlySet<Code> = new Set(["E2103", "E2107", "E2110"]);
const tieBreaks: ReadonlySet<Code> = new Set(["E2103", "E2104", "E2111", "E2201"]);

export class Trace implements Scope {
  readonly builder: GraphBuilder;
  readonly uses: Use[] = [];
  readonly states: TracedState[] = [];
  readonly #bag = new DiagnosticBag();
  readonly #declared = new Map<Layer<unknown>, Declared>();
  readonly #children = new Map<string, Names<Layer<unknown>>>();
  readonly #producer = new Map<Value, Use>();
  /**
   * Outputs of layers that failed, and what was made of them; whether their rank is what it would have been.
   */
  readonly #replaced = new Map<Value, { readonly rankKnown: boolean }>();
  #path = "";
  #current: Declared | undefined;
  #depth = 0;

  /** `values`: the elements that are known of inputs on which shapes depend. */
  constructor(name: string, values?: InputValues) {
    this.builder = new GraphBuilder(name, undefined, values);
  }

  get path(): string {
    return this.#path;
  }

  /** Every weight, in the order of declaration. */
  get weights(): readonly Weight[] {
    return [...this.#declared.values()].flatMap(({ weights }) => [...weights.values()]);
  }

  /** The weights that were declared at or below each of `paths`. */
  weightsBelow(paths: ReadonlySet<string>): ReadonlyMap<string, readonly Weight[]> {
    const below = new Map<string, Weight[]>();
    for (const { path, weights } of this.#declared.values()) {
      let owner = path;
      while (owner !== "" && !paths.has(owner)) owner = owner.slice(0, Math.max(owner.lastIndexOf("."), 0));
      const list = below.get(owner) ?? [];
      below.set(owner, list);
      list.push(...weights.values());
    }
    return below;
  }

  /** Adds something that is wrong; it is thrown with the rest. */
  report(diagnostic: Diagnostic): void {
    this.#bag.add(diagnostic);
  }

  run(layer: Layer<unknown>, name: string, inputs: readonly Value[], at?: SourceLocation): readonly Value[] {
    const tainted = inputs.flatMap((input) => this.#replaced.get(input) ?? []);
    const rankKnown = tainted.every((one) => one.rankKnown);
    try {
      const outputs = this.#enter(layer, name, inputs, at);
      if (tainted.length > 0) for (const output of outputs) this.#replaced.set(output, { rankKnown });
      return outputs;
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      for (const diagnostic of error.diagnostics)
        if (tainted.length === 0 || this.#isNews(diagnostic, rankKnown))
          this.report(this.#placed(diagnostic, layer, name, inputs, at));
      const sound = rankKnown && !error.diagnostics.some(({ code }) => formErrors.has(code));
      return this.#replacements(layer, inputs, sound);
    }
  }

  apply(layer: Layer<unknown>, inputs: readonly Value[], name?: string): readonly Value[] {
    const names = this.#children.get(this.#path) ?? new Names<Layer<unknown>>([]);
    this.#children.set(this.#path, names);
    this.#depth++;
    try {
      return this.#enter(layer, name ?? names.of(layer), inputs, undefined);
    } finally {
      this.#depth--;
    }
  }

  unknown(hint: string): Dim {
    return this.builder.unknown(hint);
  }

  weight(name: string, shape: Shape, options: WeightOptions & { readonly trainable: boolean }): Value {
    const declared = this.#current;
    if (!declared) throw new Error("internal: a weight outside a layer");
    const { trainable, initializer = "zeros", dtype = "float32", because } = options;
    const known = declared.weights.get(name);
    if (known) throw new CompileError([twice(`${declared.path}.${name}`)]);
    const type = { dtype, shape: this.builder.resolve(shape) };
    const spec = parseInitializer(initializer as InitializerInput);
    const value = this.builder.parameter(`${declared.path}.${name}`, type, spec, { trainable });
    declared.weights.set(name, { name, value, because, trainable });
    return value;
  }

  weightsOf(layer: Layer<unknown>): ReadonlyMap<string, Value> | undefined {
    const declared = this.#declared.get(layer);
    return declared && new Map([...declared.weights].map(([name, weight]) => [name, weight.value]));
  }

  /** The line that first used `layer`. */
  placeOf(layer: Layer<unknown>): SourceLocation | undefined {
    return this.#declared.get(layer)?.at;
  }

  state(name: string, type: TensorType): State {
    const input = this.builder.input(`${this.#path}.${name}`, type);
    const traced: TracedState = { name: input.name, input, output: undefined };
    this.states.push(traced);
    return {
      before: input,
      after(value) {
        traced.output = value;
      },
    };
  }

  /** The graph, or every problem that was met. */
  finish(outputs: readonly Output[]): Graph {
    this.#bag.throwIfAny();
    const states = this.states.flatMap(({ name, output }) => (output ? [{ name, value: output }] : []));
    return this.builder.finish([...outputs, ...states]);
  }

  /** Layers from an input of the model to `values`, first to last, along the first operands. */
  chain(values: readonly Value[]): readonly string[] {
    const paths: string[] = [];
    let use = this.#producer.get(values[0]!);
    while (use) {
      paths.unshift(use.path);
      use = use.inputs.map((input) => this.#producer.get(input)).find((found) => found !== undefined);
    }
    return paths;
  }

  #enter(
    layer: Layer<unknown>,
    name: string,
    inputs: readonly Value[],
    at: SourceLocation | undefined,
  ): readonly Value[] {
    const [outerPath, outerDeclared] = [this.#path, this.#current];
    this.#path = outerPath === "" ? name : `${outerPath}.${name}`;
    const place = at ?? layer.at;
    try {
      return this.builder.within({ path: name, ...(place && { at: place }) }, () =>
        this.#call(layer, inputs, place),
      );
    } finally {
      this.#path = outerPath;
      this.#current = outerDeclared;
    }
  }

  #call(layer: Layer<unknown>, inputs: readonly Value[], at: SourceLocation | undefined): readonly Value[] {
    const path = this.#path;
    const inside = this.#depth > 0;
    const shapes = inputs.map((input) => this.builder.resolve(input.type.shape));
    const earlier = this.#declared.get(layer);
    if (!earlier) layer.enter(this);
    layer.check(...shapes);
    this.#current = earlier ?? { path, weights: new Map(), inputs: shapes, at };
    if (!earlier) {
      this.#declared.set(layer, this.#current);
      layer.declareIn(shapes);
    }
    const made = layer.call(new LayerOps(this.builder, this), ...inputs);
    const outputs = outputsOf(made, path);
    const use = { path, layer, inputs, outputs, first: !earlier, inside, at };
    this.uses.push(use);
    for (const output of outputs) if (!inputs.includes(output)) this.#producer.set(output, use);
    return outputs;
  }

  /** Whether an error of a layer behind a failed one is a mistake of its own. */
  #isNews({ code }: Diagnostic, rankKnown: boolean): boolean {
    return !consequences.has(code) && (rankKnown || !formErrors.has(code));
  }

  #replacements(layer: Layer<unknown>, inputs: readonly Value[], sound: boolean): readonly Value[] {
    const inputRank = Math.max(inputs[0]?.type.shape.length ?? 0, layer.minimumRank);
    const outputRank = layer.outputRank(inputRank);
    const rank = outputRank ?? inputRank;
    const rankKnown = sound && outputRank !== undefined;
    return Array.from({ length: layer.outputCount }, () => {
      const shape = Array.from({ length: rank }, () => this.builder.unknown("failed"));
      const value = this.builder.input("failed", { dtype: "float32", shape });
      this.#replaced.set(value, { rankKnown });
      return value;
    });
  }

  #placed(
    diagnostic: Diagnostic,
    layer: Layer<unknown>,
    name: string,
    inputs: readonly Value[],
    at: SourceLocation | undefined,
  ): Diagnostic {
    const path = this.#path === "" ? name : `${this.#path}.${name}`;
    const chain = [...this.chain(inputs), path];
    const place = diagnostic.at ?? at ?? layer.at;
    const earlier = this.#declared.get(layer);
    const shared = earlier && (earlier.path !== path || earlier.at !== (at ?? layer.at));
    const about =
      shared && tieBreaks.has(diagnostic.code)
        ? this.#tied(diagnostic, earlier, path, inputs, at)
        : diagnostic;
    return {
      layer: path,
      ...about,
      ...(chain.length > 1 && { chain: about.chain ?? chain }),
      ...(place && { at: place }),
    };
  }

  /** The second use of a shared layer does not fit the weights that the first one decided. */
  #tied(
    diagnostic: Diagnostic,
    first: Declared,
    path: string,
    inputs: readonly Value[],
    at: SourceLocation | undefined,
  ): Diagnostic {
    const where = (place: SourceLocation | undefined) => (place ? ` at ${place.file}:${place.line}` : "");
    const list = (shapes: readonly Shape[]) => shapes.map((shape) => printShape(shape)).join(", ");
    const now = list(inputs.map((input) => this.builder.resolve(input.type.shape)));
    const before = list(first.inputs);
    return {
      ...diagnostic,
      code: "E2110",
      message: `${path} is used for ${before} and for ${now}, but both uses share its weights`,
      facts: [
        { subject: first.path, value: before, note: `first used${where(first.at)}` },
        { subject: path, value: now, note: `used again${where(at)}` },
      ],
      because: diagnostic.message,
      fix: `give both uses the same size, or make a second layer for one of them`,
    };
  }
}

/** What `call` returned, which may be code of the user's: E1002 for what is no value. */
function outputsOf(made: unknown, path: string): readonly Value[] {
  const list: readonly unknown[] = Array.isArray(made) ? made : [made];
  const odd = list.findIndex((one) => typeof one !== "object" || one === null || !("id" in one));
  if (odd < 0) return list as readonly Value[];
  throw new CompileError([
    {
      code: "E1002",
      message: `the call of ${path} returned ${list[odd] === null ? "null" : `a thing of type ${typeof list[odd]}`}, not a value`,
      fix: "return what an op gave, such as ops.add(x, y), or a list of such values",
    },
  ]);
}

function twice(path: string): Diagnostic {
  return {
    code: "E2005",
    message: `${path} is added twice`,
    fix: "give each addWeight of a layer its own name",
  };
}
