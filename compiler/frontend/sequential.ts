/**
 * A model that is one layer after the other. Its input is called "x"; without a declared shape its rank is
 * that of the sample, and until there is one the lowest rank the first layer accepts.
 */
import { CompileError, callSite, type Diagnostic, fail, type SourceLocation } from "../diagnostics/index.ts";
import { finite, optional, type Reader, Refusal, readArguments } from "./arguments.ts";
import type { Executor } from "./executor.ts";
import { Layer } from "./layer.ts";
import { Model } from "./model.ts";
import type { ModelOptions } from "./model-options.ts";
import { Names } from "./names.ts";
import { outputShapes } from "./output-shapes.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { openShape, type ShapeLike } from "./shapes.ts";

const executor: Reader<Executor> = (given) => {
  if (typeof given === "function") return given as Executor;
  throw new Refusal("must be a function that runs a bound graph");
};

export const modelFields = {
  maxParameterBytes: optional(finite(0)),
  executor: optional(executor),
  outputShape: optional(outputShapes),
};

export class Sequential extends Model {
  readonly #layers: Layer<unknown>[];

  constructor(layers: readonly Layer<unknown>[], options: ModelOptions = {}) {
    super("sequential", given(readArguments("sequential", options, modelFields, callSite())));
    if (!Array.isArray(layers)) refuseLayers(layers, this.at);
    this.#layers = layers.map((layer, i) => checked(layer, i, this.at));
    this.#names();
  }

  get layers(): readonly Layer<unknown>[] {
    return this.#layers;
  }

  /** Appends a layer. Throws E2001 when that is the model itself or holds it. */
  add(layer: Layer<unknown>): void {
    this.#layers.push(checked(layer, this.#layers.length, this.at));
    this.#names();
    if (holds(layer, this)) {
      this.#layers.pop();
      throw new CompileError([cycle(this, layer)]);
    }
    this.forgetTraces();
  }

  override get minimumRank(): number {
    return this.#shape()?.length ?? this.#layers[0]?.minimumRank ?? 2;
  }

  protected override get rankIsOpen(): boolean {
    return this.#shape() === undefined;
  }

  override get inputDtype() {
    return this.#layers[0]?.inputDtype ?? "float32";
  }

  override get outputCount(): number {
    return this.#layers.at(-1)?.outputCount ?? 1;
  }

  override outputRank(inputRank: number): number | undefined {
    return this.#layers.reduce<number | undefined>(
      (rank, layer) => (rank === undefined ? undefined : layer.outputRank(rank)),
      inputRank,
    );
  }

  override plan(rank: number = this.minimumRank): Plan {
    const names = this.#names();
    const shape = this.#shape() ?? openShape(rank);
    const at = this.#layers[0]?.at ?? this.at;
    const x = { kind: "input", givenName: "x", name: "x", shape, dtype: this.inputDtype, at } as const;
    const steps: PlanStep[] = [];
    let next = 1;
    let value = 0;
    for (const layer of this.#layers) {
      steps.push({ layer, name: names.of(layer), inputs: [value], at: layer.at });
      value = next;
      next += layer.outputCount;
    }
    const last = this.#layers.at(-1);
    const stem = last ? names.of(last) : "x";
    const count = last?.outputCount ?? 1;
    const outputs = Array.from({ length: count }, (_, i) => ({
      name: i === 0 ? stem : `${stem}_${i}`,
      value: value + i,
    }));
    return { inputs: [x], steps, outputs };
  }

  #shape(): ShapeLike | undefined {
    return this.declaredInput ?? this.#layers[0]?.declaredInput;
  }

  #names(): Names<Layer<unknown>> {
    const names = new Names(this.#layers);
    if (names.problems.length > 0) throw new CompileError(names.problems);
    return names;
  }
}

/**
 * A model of layers in a row. Throws E2005 for two layers of one name, and with its first use everything that
 * does not fit.
 */
export function sequential(layers: readonly Layer<unknown>[], options: ModelOptions = {}): Sequential {
  return new Sequential(layers, options);
}

/** Arguments without those that were left out. */
export function given<T extends object>(args: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(args).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** Whether `layer` is `model` or a model that holds it. */
function holds(layer: Layer<unknown>, model: Layer<unknown>, seen = new Set<Layer<unknown>>()): boolean {
  if (layer === model && seen.size > 0) return true;
  if (seen.has(layer)) return false;
  seen.add(layer);
  return layer instanceof Sequential && layer.layers.some((inner) => holds(inner, model, seen));
}

function cycle(model: Model, layer: Layer<unknown>): Diagnostic {
  const name = layer === model ? "itself" : (layer.givenName ?? layer.kind);
  return {
    code: "E2001",
    message: `${model.name} cannot be added to a model it contains: it would feed itself`,
    facts: [{ subject: model.name, value: `holds ${name}` }],
    fix: "make a second model for the inner use",
    ...(layer.at && { at: layer.at }),
  };
}

function refuseLayers(given: unknown, at: SourceLocation | undefined): never {
  const shown =
    given instanceof Layer ? `a single one (${given.kind})` : given === null ? "null" : typeof given;
  return fail({
    code: "E1002",
    message: `sequential takes a list of layers, but it was given ${shown}`,
    fix: "write sequential([dense({ units: 10 })])",
    ...(at && { at }),
  });
}

function checked(layer: unknown, i: number, at: SourceLocation | undefined): Layer<unknown> {
  if (layer instanceof Layer) return layer;
  throw new CompileError([
    {
      code: "E2004",
      message: `entry ${i} of the layers is ${layer === null ? "null" : typeof layer}, not a layer`,
      fix: "give layers, such as dense({ units: 10 }), or objects of a class that extends Layer",
      ...(at && { at }),
    },
  ]);
}
