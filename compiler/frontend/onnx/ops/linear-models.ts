/** Linear models of ai.onnx.ml: one row of coefficients per class or target. */
import { constantOf } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import {
  type AttributeSpecs,
  flag,
  floats,
  int,
  ints,
  required,
  texts,
  type ValuesOf,
  word,
} from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { listOf } from "./constants.ts";
import { asFloats, countOf, labelled, transformed, transforms, twoClasses } from "./scores.ts";

const specs = {
  coefficients: required(floats()),
  intercepts: floats(),
  post_transform: word(transforms, "NONE"),
} satisfies AttributeSpecs;

/** x [rows, features] (a vector is one row) times `count` rows of coefficients. */
export function products(c: NodeContext, x: Value, coefficients: readonly number[], count: number): Value {
  const { ops } = c;
  const features = coefficients.length / count;
  const known = constantOf(ops.shape(x)[1]!);
  if (!Number.isInteger(features) || (known !== undefined && known !== features))
    c.wrong(
      `${coefficients.length} coefficients for ${count} results`,
      `give one for each of ${known} features`,
    );
  const table = ops.constant(listOf(x.type.dtype, coefficients, [count, features]));
  return ops.dotGeneral(x, table, { contract: [1, 1] });
}

export function rowsOf(c: NodeContext): Value {
  const x = asFloats(c, 0);
  return c.ops.rank(x) === 1 ? c.ops.expandDims(x, 0) : x;
}

function linear(c: NodeContext, x: Value, a: ValuesOf<typeof specs>, count: number): Value {
  const sums = products(c, x, a.coefficients, count);
  const { intercepts } = a;
  if (!intercepts?.length) return sums;
  return c.ops.add(sums, c.ops.constant(listOf(sums.type.dtype, intercepts, [intercepts.length])));
}

function regressor(c: NodeContext, a: ValuesOf<typeof specs> & { readonly targets: number }): Value {
  return transformed(c.ops, linear(c, rowsOf(c), a, a.targets), a.post_transform);
}

const classifierSpecs = {
  ...specs,
  classlabels_ints: ints(),
  classlabels_strings: texts(),
  multi_class: flag(false),
} satisfies AttributeSpecs;

/** One row of coefficients for two labels is that of the second: the first one's score is its negative. */
function classifier(c: NodeContext, a: ValuesOf<typeof classifierSpecs>): readonly (Value | undefined)[] {
  const { ops } = c;
  const labels = { integers: a.classlabels_ints, strings: a.classlabels_strings };
  const x = rowsOf(c);
  const features = Number(
    constantOf(ops.shape(x)[1]!) ?? c.open("its number of features is open", "give a sample with its size"),
  );
  const rows = a.coefficients.length / features;
  const sums = linear(c, x, a, rows);
  const scores = rows === 1 && countOf(labels) === 2 ? twoClasses(ops, sums, false) : sums;
  const classes = ops.argMax(scores, 1);
  return [labelled(c, classes, labels), transformed(ops, ops.cast(scores, "float32"), a.post_transform)];
}

export const linearModels: readonly Operator[] = inDomain("ai.onnx.ml", [
  operator("LinearRegressor", since(1, { ...specs, targets: int(1) }, regressor)),
  operator("LinearClassifier", since(1, classifierSpecs, classifier)),
]);
