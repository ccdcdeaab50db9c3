/** Losses: the log-probability of each target class, weighted, and what is made of all of them. */
import { constantOf } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { int, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

interface LossValues {
  readonly ignore_index: number | undefined;
  readonly reduction: "none" | "mean" | "sum";
}

const attributes = {
  ignore_index: int(),
  reduction: word(["none", "mean", "sum"], "mean"),
};

/** `x` [N, C, d...] log-probabilities, targets [N, d...] classes. */
function negativeLogLikelihood(c: NodeContext, x: Value, { ignore_index, reduction }: LossValues): Value {
  const { ops } = c;
  const target = ops.cast(c.value(1), "int32");
  const ignored = ignore_index === undefined ? undefined : ops.eq(target, ignore_index);
  const classes = ignored ? ops.select(ignored, 0, target) : target;
  const picked = ops.gatherElements(x, ops.expandDims(classes, 1), 1);
  const loss = ops.neg(ops.reshape(picked, ops.shape(target)));
  const weights = weightsOf(c, x, classes, ignored);
  const weighted = weights ? ops.mul(loss, weights) : loss;
  if (reduction === "none") return weighted;
  const all = target.type.shape.map((_, axis) => axis);
  const total = ops.reduceSum(weighted, all);
  if (reduction === "sum") return total;
  return weights ? ops.div(total, ops.reduceSum(weights, all)) : ops.mean(weighted, all);
}

/** The weight of each target; none where every one counts 1. */
function weightsOf(c: NodeContext, x: Value, classes: Value, ignored: Value | undefined): Value | undefined {
  const { ops } = c;
  const given = c.optional(2);
  const weights = given && ops.gather(given, classes);
  if (!ignored) return weights;
  return ops.select(ignored, 0, weights ?? ops.fill(1, ops.shape(classes), x));
}

/** A loss of no class at all has no axis to take the logarithm along. */
function logProbabilities(ops: Ops, c: NodeContext, x: Value): Value {
  if (ops.rank(x) < 2 || constantOf(ops.shape(x)[1]!) === 0)
    c.wrong(`scores of shape [${ops.shape(x).join(", ")}]`, "give [batch, classes, ...]");
  return ops.logSoftmax(x, 1);
}

function softmaxCrossEntropy(c: NodeContext, values: LossValues): readonly Value[] {
  const logProb = logProbabilities(c.ops, c, c.value(0));
  return [negativeLogLikelihood(c, logProb, values), logProb];
}

export const loss: readonly Operator[] = [
  operator(
    "NegativeLogLikelihoodLoss",
    since(12, attributes, (c, values) => negativeLogLikelihood(c, c.value(0), values)),
  ),
  operator("SoftmaxCrossEntropyLoss", since(12, attributes, softmaxCrossEntropy)),
];
