/**
 * Activations as layers: any of Keras's by name, and those with arguments of their own. Keras `Activation`,
 * `Softmax`, `ReLU`, `LeakyReLU` (slope 0.3 as a layer, 0.2 as a name), `PReLU`, `ELU`, and the older
 * `ThresholdedReLU`.
 */
import type { InitializerInput } from "../../../runtime/initializers/index.ts";
import type { Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { type ActivationName, activations, elu as eluOf, leakyRelu as leakyReluOf } from "../activations.ts";
import {
  activation as activationReader,
  anyWhole,
  either,
  type Fields,
  finite,
  initializer,
  optional,
  type Read,
  required,
  some,
} from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";

export interface ActivationOptions extends LayerOptions {
  readonly activation: ActivationName | (string & {});
}

export interface SoftmaxOptions extends LayerOptions {
  /** Default -1. */
  readonly axis?: number | readonly number[];
}

export interface ReluOptions extends LayerOptions {
  /** Default: none. */
  readonly maxValue?: number;
  /** Below the threshold, default 0. */
  readonly negativeSlope?: number;
  /** Default 0. */
  readonly threshold?: number;
}

export interface LeakyReluOptions extends LayerOptions {
  /** Default 0.3. */
  readonly negativeSlope?: number;
}

export interface PreluOptions extends LayerOptions {
  /** Default "zeros". */
  readonly alphaInitializer?: InitializerInput;
  /** Axes along which alpha is one number. */
  readonly sharedAxes?: number | readonly number[];
}

export interface EluOptions extends LayerOptions {
  /** Default 1. */
  readonly alpha?: number;
}

export interface ThresholdingOptions extends LayerOptions {
  /** Default 1. */
  readonly theta?: number;
}

/** A layer without weights: its arguments and a function. */
class Pointwise<F extends Fields> extends Configured<F> {
  readonly #run: (ops: LayerOps, x: Value, args: Read<F>) => Value;

  constructor(
    kind: string,
    options: object,
    fields: F,
    run: (ops: LayerOps, x: Value, args: Read<F>) => Value,
  ) {
    super(kind, options, fields);
    this.#run = run;
  }

  override call(ops: LayerOps, x: Value): Value {
    return this.#run(ops, x, this.args);
  }
}

const preluFields = {
  alphaInitializer: either(initializer, { kind: "zeros" }),
  sharedAxes: either(some(anyWhole), []),
};

class Prelu extends Configured<typeof preluFields> {
  #alpha: Value | undefined;

  constructor(options: PreluOptions) {
    super("prelu", options, preluFields);
  }

  override build(shape: Shape): void {
    const shared = this.args.sharedAxes.map((axis) => (axis < 0 ? axis + shape.length : axis));
    const alphas = shape.slice(1).map((d, i) => (shared.includes(i + 1) ? 1 : d));
    this.#alpha = this.addWeight("alpha", alphas, {
      initializer: this.args.alphaInitializer,
      because: `${this.path} has one alpha per element of x, so it`,
    });
  }

  override call(ops: LayerOps, x: Value): Value {
    return ops.select(ops.gt(x, 0), x, ops.mul(x, this.#alpha!));
  }
}

function reluOf(ops: LayerOps, x: Value, slope: number, most: number | undefined, threshold: number): Value {
  if (slope === 0 && threshold === 0) return most === undefined ? ops.relu(x) : ops.clip(x, 0, most);
  const below = slope === 0 ? 0 : ops.mul(ops.sub(x, threshold), slope);
  const value = ops.select(ops.ge(x, threshold), x, below);
  return most === undefined ? value : ops.min(value, most);
}

/** Any activation by name. Keras `Activation`. */
export const activation = (options: ActivationOptions): Layer =>
  new Pointwise("activation", options, { activation: required(activationReader) }, (ops, x, args) =>
    activations[args.activation](ops, x),
  );

/** exp(x) / sum(exp(x)) along `axis`. Keras `Softmax`. */
export const softmax = (options: SoftmaxOptions = {}): Layer =>
  new Pointwise("softmax", options, { axis: either(some(anyWhole), [-1]) }, (ops, x, args) =>
    ops.softmax(x, args.axis),
  );

const reluFields = {
  maxValue: optional(finite(0)),
  negativeSlope: either(finite(0), 0),
  threshold: either(finite(0), 0),
};

/** max(x, 0), with a ceiling, a slope below and a threshold. Keras `ReLU`. */
export const relu = (options: ReluOptions = {}): Layer =>
  new Pointwise("relu", options, reluFields, (ops, x, args) =>
    reluOf(ops, x, args.negativeSlope, args.maxValue, args.threshold),
  );

/** x where it is positive, negativeSlope x elsewhere. Keras `LeakyReLU`. */
export const leakyRelu = (options: LeakyReluOptions = {}): Layer =>
  new Pointwise("leakyRelu", options, { negativeSlope: either(finite(0), 0.3) }, (ops, x, args) =>
    leakyReluOf(ops, x, args.negativeSlope),
  );

/**
 * x where it is positive, alpha x elsewhere; alpha is learnt per element. Weight alpha [... of x without
 * batch]. Keras `PReLU`.
 */
export const prelu = (options: PreluOptions = {}): Layer => new Prelu(options);

/** x where it is positive, alpha (exp(x) - 1) elsewhere. Keras `ELU`. */
export const elu = (options: EluOptions = {}): Layer =>
  new Pointwise("elu", options, { alpha: either(finite(), 1) }, (ops, x, args) => eluOf(ops, x, args.alpha));

/** x where it is above theta, 0 elsewhere. Keras 2 `ThresholdedReLU`. */
export const thresholding = (options: ThresholdingOptions = {}): Layer =>
  new Pointwise("thresholding", options, { theta: either(finite(0), 1) }, (ops, x, args) =>
    ops.select(ops.gt(x, args.theta), x, 0),
  );
