/**
 * Normalisations as they run when a network is used. Batch normalisation reads its moving averages; layer,
 * group, RMS and unit normalisation look at their own input; `normalization` has its numbers given. Epsilons
 * are Keras 3's.
 */
import type { InitializerInput } from "../../../runtime/initializers/index.ts";
import { tensor } from "../../../runtime/tensor.ts";
import { fail } from "../../diagnostics/index.ts";
import { constantOf, floorDiv, type Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import {
  anyWhole,
  either,
  finite,
  flag,
  initializer,
  optional,
  type Read,
  type Reader,
  Refusal,
  some,
} from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";

type Axes = number | readonly number[];

interface AffineOptions extends LayerOptions {
  /** Added to the variance, default 1e-3. */
  readonly epsilon?: number;
  /** Add beta, default true. */
  readonly center?: boolean;
  /** Multiply by gamma, default true. */
  readonly scale?: boolean;
  /** Default "zeros". */
  readonly betaInitializer?: InitializerInput;
  /** Default "ones". */
  readonly gammaInitializer?: InitializerInput;
}

export interface BatchNormalizationOptions extends AffineOptions {
  /** The axis of the features, default -1. */
  readonly axis?: number;
  /** Of the moving averages in training, default 0.99; without effect here. */
  readonly momentum?: number;
  /** Default "zeros". */
  readonly movingMeanInitializer?: InitializerInput;
  /** Default "ones". */
  readonly movingVarianceInitializer?: InitializerInput;
}

export interface LayerNormalizationOptions extends AffineOptions {
  /** The axes to normalise, default -1. */
  readonly axis?: Axes;
}

export interface GroupNormalizationOptions extends AffineOptions {
  /** Default 32; -1 is one group per channel. Must divide the channels. */
  readonly groups?: number;
  /** The axis of the channels, default -1. */
  readonly axis?: number;
}

export interface RmsNormalizationOptions extends LayerOptions {
  /** The axes to normalise, default -1. */
  readonly axis?: Axes;
  /** Default 1e-6. */
  readonly epsilon?: number;
}

export interface UnitNormalizationOptions extends LayerOptions {
  /** The axes of the length, default -1. */
  readonly axis?: Axes;
}

export interface NormalizationOptions extends LayerOptions {
  /** The axis of the features, default -1; null for one mean and variance for everything. */
  readonly axis?: number | null;
  /** One number, or one per feature; left out, mean and variance are weights, not trained. */
  readonly mean?: number | readonly number[];
  readonly variance?: number | readonly number[];
  /** Undo the normalisation instead, default false. */
  readonly invert?: boolean;
}

const affineFields = {
  epsilon: either(finite(0), 1e-3),
  center: either(flag, true),
  scale: either(flag, true),
  betaInitializer: either(initializer, { kind: "zeros" }),
  gammaInitializer: either(initializer, { kind: "ones" }),
};
const batchFields = {
  ...affineFields,
  axis: either(anyWhole, -1),
  momentum: either(finite(0, 1), 0.99),
  movingMeanInitializer: either(initializer, { kind: "zeros" }),
  movingVarianceInitializer: either(initializer, { kind: "ones" }),
};
const axesField = either(some(anyWhole), [-1]);
const layerNormFields = { ...affineFields, axis: axesField };
const groupCount: Reader<number> = (given) => {
  const count = anyWhole(given);
  if (count >= 1 || count === -1) return count;
  throw new Refusal("must be a whole number >= 1, or -1 for one group per channel");
};
const groupFields = { ...affineFields, groups: either(groupCount, 32), axis: either(anyWhole, -1) };
const rmsFields = { axis: axesField, epsilon: either(finite(0), 1e-6) };
const unitFields = { axis: axesField };
const normalizationFields = {
  axis: either((given: unknown) => (given === null ? null : anyWhole(given)), -1),
  mean: optional(some(finite())),
  variance: optional(some(finite(0))),
  invert: either(flag, false),
};

/** The dims of `axes` counted from the front, and 1 elsewhere. */
function kept(shape: Shape, axes: readonly number[]): readonly (Shape[number] | number)[] {
  const front = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return shape.map((d, axis) => (front.includes(axis) ? d : 1));
}

function dimsAt(shape: Shape, axes: readonly number[]): Shape {
  const front = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return shape.filter((_, axis) => front.includes(axis));
}

/** A parameter over `axes` of x, ready to broadcast against x. */
function laid(ops: LayerOps, parameter: Value, x: Value, axes: readonly number[]): Value {
  const front = ops.axes(x, axes);
  const last = front.every((axis, i) => axis === ops.rank(x) - front.length + i);
  return last ? parameter : ops.reshape(parameter, kept(ops.shape(x), axes));
}

abstract class Normalizing<F extends typeof affineFields> extends Configured<F> {
  readonly #affine: Read<typeof affineFields>;
  #gamma: Value | undefined;
  #beta: Value | undefined;

  constructor(kind: string, options: object, fields: F) {
    super(kind, options, fields);
    this.#affine = this.args as unknown as Read<typeof affineFields>;
  }

  protected addAffine(shape: Shape): void {
    const { scale, center, gammaInitializer, betaInitializer } = this.#affine;
    const because = `${this.path} has one gamma and beta per feature of x, so they`;
    this.#gamma = scale
      ? this.addWeight("gamma", shape, { initializer: gammaInitializer, because })
      : undefined;
    this.#beta = center
      ? this.addWeight("beta", shape, { initializer: betaInitializer, because })
      : undefined;
  }

  protected affine(ops: LayerOps, x: Value, axes: readonly number[]): Value {
    const scaled = this.#gamma ? ops.mul(x, laid(ops, this.#gamma, x, axes)) : x;
    return this.#beta ? ops.add(scaled, laid(ops, this.#beta, x, axes)) : scaled;
  }

  protected checkAxes(shape: Shape, axes: readonly number[]): void {
    for (const axis of axes)
      if (axis >= shape.length || axis < -shape.length)
        this.requireRank(shape, [axis < 0 ? -axis : axis + 1], `with axis ${axis}`);
  }
}

class BatchNormalization extends Normalizing<typeof batchFields> {
  #mean: Value | undefined;
  #variance: Value | undefined;

  constructor(options: BatchNormalizationOptions) {
    super("batchNormalization", options, batchFields);
  }

  override check(shape: Shape): void {
    this.checkAxes(shape, [this.args.axis]);
  }

  override build(shape: Shape): void {
    const { axis, movingMeanInitializer, movingVarianceInitializer } = this.args;
    const features = dimsAt(shape, [axis]);
    const because = `${this.path} has one moving mean and variance per feature of x, so they`;
    this.addAffine(features);
    const fixed = { trainable: false, because };
    this.#mean = this.addWeight("moving_mean", features, { ...fixed, initializer: movingMeanInitializer });
    this.#variance = this.addWeight("moving_variance", features, {
      ...fixed,
      initializer: movingVarianceInitializer,
    });
  }

  override call(ops: LayerOps, x: Value): Value {
    const axes = [this.args.axis];
    const scale = ops.rsqrt(ops.add(this.#variance!, this.args.epsilon));
    const centered = ops.sub(x, laid(ops, this.#mean!, x, axes));
    return this.affine(ops, ops.mul(centered, laid(ops, scale, x, axes)), axes);
  }
}

class LayerNormalization extends Normalizing<typeof layerNormFields> {
  constructor(options: LayerNormalizationOptions) {
    super("layerNormalization", options, layerNormFields);
  }

  override check(shape: Shape): void {
    this.checkAxes(shape, this.args.axis);
  }

  override build(shape: Shape): void {
    this.addAffine(dimsAt(shape, this.args.axis));
  }

  override call(ops: LayerOps, x: Value): Value {
    const { axis, epsilon } = this.args;
    const { mean, variance } = ops.moments(x, axis);
    const normal = ops.mul(ops.sub(x, mean), ops.rsqrt(ops.add(variance, epsilon)));
    return this.affine(ops, normal, axis);
  }
}

class GroupNormalization extends Normalizing<typeof groupFields> {
  constructor(options: GroupNormalizationOptions) {
    super("groupNormalization", options, groupFields);
  }

  override check(shape: Shape): void {
    const { axis, groups } = this.args;
    this.checkAxes(shape, [axis]);
    const channels = constantOf(shape.at(axis)!);
    if (groups < 1 || channels === undefined || channels % groups === 0) return;
    const near = [Math.floor(channels / groups), Math.ceil(channels / groups)].map((n) => n * groups);
    fail({
      code: "E2201",
      message: `${this.path} cannot cut ${channels} channels into ${groups} equal groups`,
      facts: [{ subject: `input of ${this.path}`, value: `[${shape.join(", ")}]` }],
      fix: `give it ${near.filter((n) => n > 0).join(" or ")} channels, or a number of groups that divides ${channels}`,
      layer: this.path,
    });
  }

  override build(shape: Shape): void {
    this.addAffine(dimsAt(shape, [this.args.axis]));
  }

  /** Over everything but the batch, per group: channels are cut into [groups, channels / groups]. */
  override call(ops: LayerOps, x: Value): Value {
    const shape = ops.shape(x);
    const axis = ops.axis(x, this.args.axis);
    const groups = this.args.groups === -1 ? shape[axis]! : this.args.groups;
    const cut = ops.reshape(x, [
      ...shape.slice(0, axis),
      groups,
      floorDiv(shape[axis]!, groups),
      ...shape.slice(axis + 1),
    ]);
    const axes = cut.type.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis);
    const { mean, variance } = ops.moments(cut, axes);
    const normal = ops.mul(ops.sub(cut, mean), ops.rsqrt(ops.add(variance, this.args.epsilon)));
    return this.affine(ops, ops.reshape(normal, shape), [axis]);
  }
}

class RmsNormalization extends Configured<typeof rmsFields> {
  #scale: Value | undefined;

  constructor(options: RmsNormalizationOptions) {
    super("rmsNormalization", options, rmsFields);
  }

  override build(shape: Shape): void {
    this.#scale = this.addWeight("scale", dimsAt(shape, this.args.axis), {
      initializer: "ones",
      because: `${this.path} has one scale per feature of x, so it`,
    });
  }

  override call(ops: LayerOps, x: Value): Value {
    const { axis, epsilon } = this.args;
    const power = ops.mean(ops.square(x), axis, true);
    const normal = ops.mul(x, ops.rsqrt(ops.add(power, epsilon)));
    return ops.mul(normal, laid(ops, this.#scale!, x, axis));
  }
}

class UnitNormalization extends Configured<typeof unitFields> {
  constructor(options: UnitNormalizationOptions) {
    super("unitNormalization", options, unitFields);
  }

  override call(ops: LayerOps, x: Value): Value {
    return ops.l2Normalize(x, this.args.axis, 1e-12);
  }
}

class Normalization extends Configured<typeof normalizationFields> {
  #mean: Value | undefined;
  #variance: Value | undefined;

  constructor(options: NormalizationOptions) {
    super("normalization", options, normalizationFields);
  }

  override build(shape: Shape): void {
    const { axis, mean, variance } = this.args;
    const features = axis === null ? [] : dimsAt(shape, [axis]);
    const because = `${this.path} has one mean and variance per feature of x, so they`;
    const weight = (name: string, initializer: string) =>
      this.addWeight(name, features, { initializer, trainable: false, because });
    this.#mean = mean ? undefined : weight("mean", "zeros");
    this.#variance = variance ? undefined : weight("variance", "ones");
  }

  override call(ops: LayerOps, x: Value): Value {
    const { axis, mean, variance, invert } = this.args;
    const ready = (given: readonly number[] | undefined, weight: Value | undefined) => {
      const value = weight ?? numbers(ops, given ?? [], x);
      return axis === null || ops.rank(value) === 0
        ? value
        : ops.along(value, ops.axis(x, axis), ops.rank(x));
    };
    const center = ready(mean, this.#mean);
    const deviation = ops.max(ops.sqrt(ready(variance, this.#variance)), 1e-7);
    if (invert) return ops.add(center, ops.mul(x, deviation));
    return ops.div(ops.sub(x, center), deviation);
  }
}

/** One number as a scalar, several as a vector. */
function numbers(ops: LayerOps, given: readonly number[], like: Value): Value {
  const { dtype } = like.type;
  return ops.constant(given.length === 1 ? given[0]! : tensor(given, [given.length], dtype), dtype);
}

/**
 * gamma (x - movingMean) / sqrt(movingVariance + epsilon) + beta per feature. Keras `BatchNormalization`,
 * inference.
 */
export const batchNormalization = (options: BatchNormalizationOptions = {}): Layer =>
  new BatchNormalization(options);
/**
 * gamma (x - mean) / sqrt(variance + epsilon) + beta over `axis` of each sample. Keras `LayerNormalization`.
 */
export const layerNormalization = (options: LayerNormalizationOptions = {}): Layer =>
  new LayerNormalization(options);
/** As layer normalisation, over positions and the channels of one group. Keras `GroupNormalization`. */
export const groupNormalization = (options: GroupNormalizationOptions = {}): Layer =>
  new GroupNormalization(options);
/** scale x / sqrt(mean(x^2) + epsilon). Keras `RMSNormalization`. */
export const rmsNormalization = (options: RmsNormalizationOptions = {}): Layer =>
  new RmsNormalization(options);
/** x / |x|. Keras `UnitNormalization`. */
export const unitNormalization = (options: UnitNormalizationOptions = {}): Layer =>
  new UnitNormalization(options);
/** (x - mean) / sqrt(variance) with given numbers. Keras `Normalization`. */
export const normalization = (options: NormalizationOptions = {}): Layer => new Normalization(options);
