/**
 * Layers around a layer. Bidirectional runs a recurrent layer and its twin backwards; time-distributed folds
 * the time axis into the batch, so that the inner layer sees one step per sample. Keras `Bidirectional`,
 * `TimeDistributed`.
 */
import { mul, type Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { either, type Fields, optional, type Reader, Refusal, required, word } from "../arguments.ts";
import { Configured, Layer, type LayerOps, type LayerOptions } from "../layer.ts";
import { snakeCase } from "../names.ts";
import { Recurrent } from "./recurrent.ts";

export type MergeMode = "concat" | "sum" | "mul" | "ave";

export interface BidirectionalOptions<Out> extends LayerOptions {
  /** A recurrent layer; its outputs and states come first. */
  readonly layer: Layer<Out>;
  /** The layer that runs the other way; default: one like `layer`. */
  readonly backwardLayer?: Layer<Out>;
  /** How the two outputs are joined, default "concat". */
  readonly mergeMode?: MergeMode;
}

export interface TimeDistributedOptions extends LayerOptions {
  /** Applied to every step. */
  readonly layer: Layer<unknown>;
}

type AnyRecurrent = Recurrent<Fields, unknown>;

const recurrent: Reader<AnyRecurrent> = (given) => {
  if (given instanceof Recurrent) return given as AnyRecurrent;
  throw new Refusal("must be a recurrent layer, such as lstm({ units: 8 })");
};
const bidirectionalFields = {
  layer: required(recurrent),
  backwardLayer: optional(recurrent),
  mergeMode: either(word("concat", "sum", "mul", "ave"), "concat"),
};

class Bidirectional<Out> extends Configured<typeof bidirectionalFields, Out> {
  readonly #forward: AnyRecurrent;
  readonly #backward: AnyRecurrent;

  constructor(options: BidirectionalOptions<Out>) {
    super("bidirectional", options, bidirectionalFields);
    this.#forward = this.args.layer;
    this.#backward = this.args.backwardLayer ?? this.#forward.backwards();
  }

  override get minimumRank(): number {
    return 3;
  }

  override get outputCount(): number {
    return this.#forward.outputCount + this.#backward.outputCount - 1;
  }

  override outputRank(): number | undefined {
    return this.#forward.outputRank();
  }

  override call(ops: LayerOps, x: Value, ...initial: Value[]): readonly Value[] {
    const half = initial.length / 2;
    const name = this.#forward.givenName ?? snakeCase(this.#forward.kind);
    const [ahead, ...aheadStates] = ops.applyAs(`forward_${name}`, this.#forward, [
      x,
      ...initial.slice(0, half),
    ]);
    const [back, ...backStates] = ops.applyAs(`backward_${name}`, this.#backward, [
      x,
      ...initial.slice(half),
    ]);
    return [this.#merge(ops, ahead!, this.#inOrder(ops, back!)), ...aheadStates, ...backStates];
  }

  /** A layer the user gave writes its outputs in the order it makes them. */
  #inOrder(ops: LayerOps, outputs: Value): Value {
    return this.args.backwardLayer && ops.rank(outputs) === 3 ? ops.reverse(outputs, 1) : outputs;
  }

  #merge(ops: LayerOps, a: Value, b: Value): Value {
    switch (this.args.mergeMode) {
      case "concat":
        return ops.concat([a, b], -1);
      case "sum":
        return ops.add(a, b);
      case "mul":
        return ops.mul(a, b);
      case "ave":
        return ops.div(ops.add(a, b), 2);
    }
  }
}

const layer: Reader<Layer<unknown>> = (given) => {
  if (given instanceof Layer) return given;
  throw new Refusal("must be a layer");
};
const timeFields = { layer: required(layer) };

class TimeDistributed extends Configured<typeof timeFields> {
  constructor(options: TimeDistributedOptions) {
    super("timeDistributed", options, timeFields);
  }

  override get minimumRank(): number {
    return this.args.layer.minimumRank + 1;
  }

  override get inputDtype() {
    return this.args.layer.inputDtype;
  }

  override outputRank(inputRank: number): number | undefined {
    const inner = this.args.layer.outputRank(inputRank - 1);
    return inner === undefined ? undefined : inner + 1;
  }

  override check(shape: Shape): void {
    this.requireRankFrom(3, shape, "[batch, time, ...]");
  }

  override call(ops: LayerOps, x: Value): Value {
    const [batch, time, ...rest] = ops.shape(x) as [Shape[number], Shape[number], ...Shape];
    const steps = ops.apply(this.args.layer, ops.reshape(x, [mul(batch, time), ...rest]));
    return ops.reshape(steps, [batch, time, ...ops.shape(steps).slice(1)]);
  }
}

/**
 * A recurrent layer in both directions. Weights under forward_<layer> and backward_<layer>. States, if
 * returned, are the forward ones, then the backward ones. Keras `Bidirectional`.
 */
export const bidirectional = <Out>(options: BidirectionalOptions<Out>): Layer<Out> =>
  new Bidirectional(options);
/** `layer` at every step of [batch, time, ...]. Keras `TimeDistributed`. */
export const timeDistributed = (options: TimeDistributedOptions): Layer => new TimeDistributed(options);
