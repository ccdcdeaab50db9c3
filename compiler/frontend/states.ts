/**
 * The states of stateful layers. In a graph a state is an input and an output of the same name; the model
 * feeds what the last call gave back, zeros at first and whenever the batch size changed.
 */
import { allocate } from "../../runtime/dtype.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import { type Dim, evaluate, symbolsOf } from "../dims/index.ts";
import type { BoundModel, Sample } from "../infer/bind.ts";
import type { Traced } from "./plan.ts";
import { shapeOfSample } from "./sample.ts";
import { sameShape, sizesOf } from "./weights.ts";

export class StateStore {
  readonly #values = new Map<string, Tensor>();

  clear(): void {
    this.#values.clear();
  }

  /** The shapes of the states under a sample, as a part of that sample. */
  shapes({ trace, inputs }: Traced, sample: Sample): Sample {
    if (trace.states.length === 0) return {};
    const sizes = new Map<string, number>();
    for (const { name, shape } of inputs)
      shapeOfSample(sample[name] ?? []).forEach((n, axis) => {
        const [symbol] = shape[axis] ? symbolsOf(shape[axis]) : [];
        if (symbol !== undefined && String(shape[axis]) === symbol) sizes.set(symbol, n);
      });
    // Where a dim is left open, so is the state's; nothing says its size before the module is run.
    const isKnown = (d: Dim) => symbolsOf(d).every((symbol) => sizes.has(symbol));
    return Object.fromEntries(
      trace.states.flatMap(({ name, input }) => {
        const shape = trace.builder.resolve(input.type.shape);
        return shape.every(isKnown) ? [[name, shape.map((d) => Number(evaluate(d, sizes)))]] : [];
      }),
    );
  }

  /** What the states are before the next call. */
  for({ trace }: Traced, bound: BoundModel): readonly (readonly [string, Tensor])[] {
    return trace.states.map(({ name }) => {
      const { type } = bound.graph.inputs.find((input) => input.name === name)!;
      const shape = sizesOf(type.shape)!;
      const kept = this.#values.get(name);
      if (kept && sameShape(kept.shape, shape)) return [name, kept];
      return [name, { dtype: type.dtype, shape, data: allocate(type.dtype, size(shape)) }];
    });
  }

  /** Takes the states a call gave back; copied, because a program reuses its outputs. */
  keep({ trace }: Traced, results: ReadonlyMap<string, Tensor>): void {
    for (const { name } of trace.states) {
      const value = results.get(name);
      if (value) this.#values.set(name, { ...value, data: value.data.slice() });
    }
  }
}
