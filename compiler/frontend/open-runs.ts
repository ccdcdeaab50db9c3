/**
 * `predict` of a model that declares dims (`dim("seq", { max: 512 })`): one program with these dims left open
 * serves all of their sizes, so another length of a sentence is not another compilation. It computes what the
 * program of the size computes, bit for bit. Where there is none (a dim has no max, its memory would be too
 * much, or the model has states) `predict` is left with a program for each shape.
 */
import { CompileError } from "../diagnostics/index.ts";
import { symbolsOf } from "../dims/index.ts";
import type { BoundModel, Sample } from "../infer/bind.ts";
import type { Graph } from "../ir/graph.ts";
import { bindTraced } from "./bind-traced.ts";
import type { Run } from "./executor.ts";
import { valuesIn } from "./parameters.ts";
import type { Traced } from "./plan.ts";
import { shapeOfSample } from "./sample.ts";

export class OpenRuns {
  #runs = new WeakMap<Graph, Map<string, Run | undefined>>();
  #version: number | undefined;

  /** The run for a sample that was bound already; `version` is that of the weights. */
  of(traced: Traced, sample: Sample, version: number, execute: (bound: BoundModel) => Run): Run | undefined {
    if (traced.declared.length === 0 || traced.trace.states.length > 0) return undefined;
    if (version !== this.#version) this.#runs = new WeakMap();
    this.#version = version;
    const open = new Set(traced.declared.map(({ name }) => name));
    const runs = this.#runs.get(traced.graph) ?? new Map<string, Run | undefined>();
    this.#runs.set(traced.graph, runs);
    const key = keyOf(traced, sample, open);
    if (!runs.has(key))
      runs.set(
        key,
        attempt(() => execute(opened(traced, sample))),
      );
    return runs.get(key);
  }
}

const opened = (traced: Traced, sample: Sample): BoundModel =>
  bindTraced(traced, sample, { dims: { declared: [], open: new Set(), sizes: [] } }, undefined);

function attempt(make: () => Run): Run | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

/** All but the sizes of open dims, which differ from run to run. */
function keyOf({ graph, inputs }: Traced, sample: Sample, open: ReadonlySet<string>): string {
  const shapes = inputs.map(({ name, shape }) => {
    const sizes = Object.hasOwn(sample, name) ? shapeOfSample(sample[name]!) : [];
    return sizes.map((n, axis) => (symbolsOf(shape[axis]!).some((each) => open.has(each)) ? null : n));
  });
  const values = Object.entries(valuesIn(sample, graph)).map(([name, { data }]) => [name, data.join()]);
  return JSON.stringify([shapes, values]);
}
