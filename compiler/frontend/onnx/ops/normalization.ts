/**
 * Normalisations at inference. Statistics of 16-bit floats are computed in float32 (`stash_type`), as the
 * operators ask for.
 */
import { constant, type Dim, floorDiv } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { elementType, flag, float, int, ints, required } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

const others = (x: Value, axis: number): readonly number[] =>
  x.type.shape.map((_, i) => i).filter((i) => i !== axis);

/** (x - mean) / sqrt(variance + epsilon) * scale + bias, each a vector over the channels (axis 1). */
function batchNormalized(ops: Ops, x: Value, epsilon: number, vectors: readonly Value[]): Value {
  const rank = ops.rank(x);
  const laid = vectors.map((vector) =>
    ops.along(ops.cast(vector, x.type.dtype), Math.min(1, rank - 1), rank),
  );
  const [scale, bias, mean] = laid;
  const deviation = ops.rsqrt(ops.add(vectors[3]!, epsilon));
  const factor = ops.along(ops.cast(deviation, x.type.dtype), Math.min(1, rank - 1), rank);
  return ops.add(ops.mul(ops.mul(ops.sub(x, mean!), factor), scale!), bias!);
}

function batchNormalization(c: NodeContext, epsilon: number): Value {
  return batchNormalized(
    c.ops,
    c.value(0),
    epsilon,
    [1, 2, 3, 4].map((i) => c.value(i)),
  );
}

/** The statistics of this batch, and the running ones they are mixed into. */
function batchTraining(c: NodeContext, epsilon: number, momentum: number): readonly Value[] {
  const { ops } = c;
  const x = c.value(0);
  const { mean, variance } = ops.moments(x, others(x, 1));
  const flat = (v: Value) => ops.reshape(v, [ops.shape(x)[1]!]);
  const [batchMean, batchVariance] = [flat(mean), flat(variance)];
  const y = batchNormalized(ops, x, epsilon, [c.value(1), c.value(2), batchMean, batchVariance]);
  const mixed = (running: Value, now: Value) =>
    ops.add(ops.mul(running, momentum), ops.mul(ops.cast(now, running.type.dtype), 1 - momentum));
  return [y, mixed(c.value(3), batchMean), mixed(c.value(4), batchVariance)];
}

function instanceNormalization(c: NodeContext, epsilon: number): Value {
  const { ops } = c;
  const x = c.value(0);
  const axes = x.type.shape.map((_, axis) => axis).slice(2);
  const normal = standardized(ops, x, axes, epsilon).normal;
  return affine(ops, normal, c.value(1), c.value(2));
}

function affine(ops: Ops, x: Value, scale: Value, bias: Value): Value {
  const rank = ops.rank(x);
  return ops.add(ops.mul(x, ops.along(scale, 1, rank)), ops.along(bias, 1, rank));
}

interface Standardized {
  readonly normal: Value;
  readonly mean: Value;
  /** 1 / sqrt(variance + epsilon) */
  readonly factor: Value;
}

function standardized(ops: Ops, x: Value, axes: readonly number[], epsilon: number): Standardized {
  const { mean, variance } = ops.moments(x, axes);
  const factor = ops.rsqrt(ops.add(variance, epsilon));
  return { normal: ops.mul(ops.sub(x, mean), factor), mean, factor };
}

type Stash = Value["type"]["dtype"];

function layerNormalization(c: NodeContext, axis: number, epsilon: number, stash: Stash): readonly Value[] {
  const { ops } = c;
  const x = c.value(0);
  const axes = x.type.shape.map((_, i) => i).slice(ops.axis(x, axis));
  const { normal, mean, factor } = standardized(ops, ops.cast(x, stash), axes, epsilon);
  const scaled = ops.mul(ops.cast(normal, x.type.dtype), c.value(1));
  const bias = c.optional(2);
  return [bias ? ops.add(scaled, bias) : scaled, mean, factor];
}

function rmsNormalization(c: NodeContext, axis: number, epsilon: number, stash: Stash): Value {
  const { ops } = c;
  const x = c.value(0);
  const axes = x.type.shape.map((_, i) => i).slice(ops.axis(x, axis));
  const wide = ops.cast(x, stash);
  const factor = ops.rsqrt(ops.add(ops.mean(ops.square(wide), axes, true), epsilon));
  return ops.mul(ops.cast(ops.mul(wide, factor), x.type.dtype), c.value(1));
}

/** [N, C, ...] in groups of channels; until opset 21 one scale per group. */
function groupNormalization(
  c: NodeContext,
  groups: number,
  epsilon: number,
  perGroup: boolean,
  stash: Stash,
): Value {
  const { ops } = c;
  const x = c.value(0);
  const [batch, channels, ...spatial] = ops.shape(x);
  const cut = ops.reshape(x, [batch!, groups, floorDiv(channels!, groups), ...spatial]);
  const axes = cut.type.shape.map((_, axis) => axis).slice(2);
  const normal = ops.cast(standardized(ops, ops.cast(cut, stash), axes, epsilon).normal, x.type.dtype);
  if (perGroup) return ops.reshape(affine(ops, normal, c.value(1), c.value(2)), ops.shape(x));
  return affine(ops, ops.reshape(normal, ops.shape(x)), c.value(1), c.value(2));
}

interface ResponseValues {
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
  readonly size: number;
}

/** x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta */
function localResponse(c: NodeContext, { alpha, beta, bias, size }: ResponseValues): Value {
  const { ops } = c;
  const x = c.value(0);
  const along = <T>(value: T, other: T) => x.type.shape.map((_, axis) => (axis === 1 ? value : other));
  const low = constant(Math.floor((size - 1) / 2));
  const high = constant(Math.ceil((size - 1) / 2));
  const none: readonly [Dim, Dim] = [constant(0), constant(0)];
  const total = ops.windowReduce(ops.square(x), "add", {
    window: along(size, 1),
    strides: along(1, 1),
    padding: along<readonly [Dim, Dim]>([low, high], none),
  });
  return ops.div(x, ops.pow(ops.add(ops.mul(total, alpha / size), bias), beta));
}

function meanVariance(c: NodeContext, axes: readonly number[]): Value {
  const { ops } = c;
  const x = c.value(0);
  const centered = ops.sub(x, ops.mean(x, axes, true));
  const deviation = ops.sqrt(ops.mean(ops.square(centered), axes, true));
  return ops.div(centered, ops.add(deviation, 1e-9));
}

/** Where the norm is 0 the result is 0. */
function lpNormalization(c: NodeContext, axis: number, p: number): Value {
  const { ops } = c;
  const x = c.value(0);
  const norm =
    p === 1 ? ops.reduceSum(ops.abs(x), axis, true) : ops.sqrt(ops.reduceSum(ops.square(x), axis, true));
  return ops.select(ops.eq(norm, 0), 0, ops.div(x, ops.select(ops.eq(norm, 0), 1, norm)));
}

const epsilon = float(1e-5);
const momentum = float(0.9);
const stash_type = elementType("float32");

export const normalization: readonly Operator[] = [
  operator(
    "BatchNormalization",
    since(1, { epsilon, momentum, is_test: int(0), spatial: int(1), consumed_inputs: ints() }, (c, a) =>
      batchNormalization(c, a.epsilon),
    ),
    since(6, { epsilon, momentum, is_test: int(0), spatial: int(1) }, (c, a) =>
      batchNormalization(c, a.epsilon),
    ),
    since(7, { epsilon, momentum, spatial: int(1) }, (c, a) => batchNormalization(c, a.epsilon)),
    since(9, { epsilon, momentum }, (c, a) => batchNormalization(c, a.epsilon)),
    since(14, { epsilon, momentum, training_mode: flag(false) }, (c, a) =>
      a.training_mode ? batchTraining(c, a.epsilon, a.momentum) : batchNormalization(c, a.epsilon),
    ),
  ),
  operator(
    "InstanceNormalization",
    since(1, { epsilon, consumed_inputs: ints() }, (c, a) => instanceNormalization(c, a.epsilon)),
    since(6, { epsilon }, (c, a) => instanceNormalization(c, a.epsilon)),
  ),
  operator(
    "LayerNormalization",
    since(17, { axis: int(-1), epsilon, stash_type }, (c, a) =>
      layerNormalization(c, a.axis, a.epsilon, a.stash_type),
    ),
  ),
  operator(
    "RMSNormalization",
    since(23, { axis: int(-1), epsilon, stash_type }, (c, a) =>
      rmsNormalization(c, a.axis, a.epsilon, a.stash_type),
    ),
  ),
  operator(
    "GroupNormalization",
    since(18, { epsilon, num_groups: required(int()) }, (c, a) =>
      groupNormalization(c, a.num_groups, a.epsilon, true, c.value(0).type.dtype),
    ),
    since(21, { epsilon, num_groups: required(int()), stash_type }, (c, a) =>
      groupNormalization(c, a.num_groups, a.epsilon, false, a.stash_type),
    ),
  ),
  operator(
    "LRN",
    since(1, { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: required(int()) }, localResponse),
  ),
  operator(
    "MeanVarianceNormalization",
    since(9, { axes: ints([0, 2, 3]) }, (c, { axes }) => meanVariance(c, axes)),
  ),
  operator(
    "LpNormalization",
    since(1, { axis: int(-1), p: int(2) }, (c, { axis, p }) => lpNormalization(c, axis, p)),
  ),
];
