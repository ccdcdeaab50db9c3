/**
 * What classifiers and regressors of ai.onnx.ml do last: scores of [rows, classes] are transformed, and a
 * class is told by its label. PROBIT is the approximation that the operators' runtimes share (Winitzki 2008,
 * "A handy approximation for the error function and its inverse").
 */
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { INT64 } from "../element-types.ts";
import type { NodeContext } from "../operator.ts";
import { listOf } from "./constants.ts";

export const transforms = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"] as const;
export type Transform = (typeof transforms)[number];

/** `scores` [rows, classes]. */
export function transformed(ops: Ops, scores: Value, transform: Transform): Value {
  switch (transform) {
    case "NONE":
      return scores;
    case "SOFTMAX":
      return ops.softmax(scores, [1]);
    case "LOGISTIC":
      return ops.sigmoid(scores);
    case "SOFTMAX_ZERO":
      return softmaxZero(ops, scores);
    case "PROBIT":
      return probit(ops, scores);
  }
}

/** A softmax in which scores of 0 stay 0; a row of zeros gives 0.5 for each. */
function softmaxZero(ops: Ops, scores: Value): Value {
  const largest = ops.reduceMax(scores, 1, true);
  const isZero = ops.le(ops.abs(scores), 1e-7);
  const zeros = ops.mul(scores, ops.exp(ops.neg(largest)));
  const powers = ops.select(isZero, zeros, ops.exp(ops.sub(scores, largest)));
  const sum = ops.reduceSum(powers, 1, true);
  const nothing = ops.eq(sum, 0);
  return ops.select(nothing, 0.5, ops.div(powers, ops.select(nothing, 1, sum)));
}

/** The quantile of the normal distribution. */
function probit(ops: Ops, scores: Value): Value {
  const x = ops.sub(ops.mul(scores, 2), 1);
  const log = ops.log(ops.mul(ops.sub(1, x), ops.add(x, 1)));
  const middle = ops.add(ops.mul(log, 0.5), 2 / (Math.PI * 0.147));
  const root = ops.sqrt(ops.sub(ops.mul(middle, middle), ops.div(log, 0.147)));
  const size = ops.sqrt(ops.sub(root, middle));
  return ops.mul(ops.select(ops.lt(x, 0), ops.neg(size), size), Math.SQRT2);
}

export interface ClassLabels {
  readonly integers: readonly number[] | undefined;
  readonly strings: readonly string[] | undefined;
}

export const countOf = ({ integers, strings }: ClassLabels): number =>
  Math.max(integers?.length ?? 0, strings?.length ?? 0);

/** The label of each class number. Where the file has text for labels, nobody may read them. */
export function labelled(c: NodeContext, classes: Value, labels: ClassLabels): Value | undefined {
  const { integers } = labels;
  if (integers?.length) {
    return c.ops.gather(c.ops.constant(listOf(INT64, integers, [integers.length])), classes, 0);
  }
  if (!labels.strings?.length) return c.ops.cast(classes, INT64);
  if (!c.wants(0)) return undefined;
  return c.unsupported(
    "its labels are strings, and strings are not computed with",
    "export the model with integers for labels, or take only the scores",
  );
}

/** One score [rows, 1] as that of two classes: the first one gets its complement, or its negative. */
export function twoClasses(ops: Ops, score: Value, complement: boolean): Value {
  return ops.concat([complement ? ops.sub(1, score) : ops.neg(score), score], 1);
}

/** Numbers to compute with: integers become float32. */
export function asFloats(c: NodeContext, i: number): Value {
  const x = c.value(i);
  return x.type.dtype === "float64" ? x : c.ops.cast(x, "float32");
}
