/**
 * Support vector machines of ai.onnx.ml: a kernel of each row with every support vector, times tables of
 * coefficients. A classifier of several classes compares every pair of them; the votes of the pairs tell the
 * class, and the scores are those of the pairs, or probabilities made of them. Without support vectors it is
 * a linear model. What the specification leaves open is as in onnxruntime, float32 throughout.
 */
import { constantOf } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
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
import { products, rowsOf } from "./linear-models.ts";
import { coupled, pairsOf } from "./pairwise-coupling.ts";
import { countOf, labelled, type Transform, transformed, transforms, twoClasses } from "./scores.ts";

const specs = {
  coefficients: required(floats()),
  kernel_params: floats([]),
  kernel_type: word(["LINEAR", "POLY", "RBF", "SIGMOID"], "LINEAR"),
  post_transform: word(transforms, "NONE"),
  rho: required(floats()),
  support_vectors: floats([]),
} satisfies AttributeSpecs;

type Machine = ValuesOf<typeof specs>;

/** The kernel of each row of x with each of `count` support vectors: [rows, count]. */
function kernels(c: NodeContext, x: Value, machine: Machine, count: number): Value {
  const { ops } = c;
  const { kernel_type: type, kernel_params, support_vectors } = machine;
  const [gamma = 0, offset = 0, degree = 0] = kernel_params;
  if (type === "RBF") return ops.exp(ops.mul(distances(c, x, support_vectors, count), -gamma));
  const dots = products(c, x, support_vectors, count);
  if (type === "LINEAR") return dots;
  const scaled = ops.add(ops.mul(dots, gamma), offset);
  return type === "POLY" ? ops.pow(scaled, degree) : ops.tanh(scaled);
}

/** Squares of the distances of each row to each vector: [rows, count]. */
function distances(c: NodeContext, x: Value, vectors: readonly number[], count: number): Value {
  const { ops } = c;
  const features = featuresOf(c, x);
  if (vectors.length !== count * features)
    c.wrong(`${vectors.length} numbers for ${count} support vectors`, `give ${features} for each`);
  const table = ops.constant(listOf("float32", vectors, [count, features]));
  return ops.reduceSum(ops.square(ops.sub(ops.expandDims(x, 1), table)), 2, false);
}

function featuresOf(c: NodeContext, x: Value): number {
  const features = constantOf(c.ops.shape(x)[1]!);
  return features === undefined
    ? c.open("the number of its features is open", "give a sample")
    : Number(features);
}

/** Rows of float32, whatever the numbers are. */
const samples = (c: NodeContext): Value => c.ops.cast(rowsOf(c), "float32");

const regressorSpecs = { ...specs, n_supports: int(0), one_class: flag(false) } satisfies AttributeSpecs;

function regressor(c: NodeContext, a: ValuesOf<typeof regressorSpecs>): Value {
  const { ops } = c;
  if (a.post_transform !== "NONE")
    c.unsupported(`the transform ${a.post_transform}, which no runtime applies`, "apply it behind the node");
  const x = samples(c);
  const count = a.n_supports;
  const inputs = count > 0 ? kernels(c, x, a, count) : x;
  const sums = ops.add(products(c, inputs, a.coefficients, 1), numberIn(c, "rho", a.rho, 0));
  return a.one_class ? ops.select(ops.gt(sums, 0), 1, -1) : sums;
}

function numberIn(c: NodeContext, name: string, list: readonly number[], at: number): number {
  return list[at] ?? c.wrong(`${name} has ${list.length} numbers`, `give it at least ${at + 1}`);
}

const classifierSpecs = {
  ...specs,
  classlabels_ints: ints(),
  classlabels_strings: texts(),
  prob_a: floats([]),
  prob_b: floats([]),
  vectors_per_class: ints([]),
} satisfies AttributeSpecs;

type Classifier = ValuesOf<typeof classifierSpecs>;

function classifier(c: NodeContext, a: Classifier): readonly (Value | undefined)[] {
  const { ops } = c;
  const labels = { integers: a.classlabels_ints, strings: a.classlabels_strings };
  const count = countOf(labels);
  if (count === 0) c.wrong("it has no labels", "give classlabels_ints or classlabels_strings");
  if (count === 1) c.unsupported("a single label, which nothing decides", "use SVMRegressor with one_class");
  const total = a.vectors_per_class.reduce((sum, n) => sum + n, 0);
  const { classes, scores } = total === 0 ? linear(c, a, count) : compared(c, a, count, total);
  return [labelled(c, classes, labels), ops.cast(scores, "float32")];
}

interface Found {
  /** The number of the class, [rows]. */
  readonly classes: Value;
  readonly scores: Value;
}

/** One row of coefficients for each class. Of two classes the second wins with any score that is positive. */
function linear(c: NodeContext, a: Classifier, count: number): Found {
  const { ops } = c;
  const raw = ops.add(products(c, samples(c), a.coefficients, count), numberIn(c, "rho", a.rho, 0));
  const best = ops.argMax(raw, 1);
  const scores = count > 1 || a.post_transform === "PROBIT" ? transformed(ops, raw, a.post_transform) : raw;
  if (count !== 2 || a.prob_a.length > 0) return { classes: best, scores };
  const isPositive = a.coefficients.every((x) => x >= 0);
  const most = ops.reduceMax(raw, 1, false);
  const isSecond = isPositive ? ops.ge(most, 0.5) : ops.gt(most, 0);
  return { classes: ops.select(isSecond, 1, best), scores };
}

/** Every pair of classes by its own sum over the support vectors of the two. */
function compared(c: NodeContext, a: Classifier, count: number, total: number): Found {
  const { ops } = c;
  const pairs = pairsOf(count);
  const table = ops.constant(listOf("float32", coefficientsOf(c, a, count, total), [pairs.length, total]));
  const rho = pairs.map((_, at) => numberIn(c, "rho", a.rho, at));
  const sums = ops.dotGeneral(kernels(c, samples(c), a, total), table, { contract: [1, 1] });
  const scores = ops.add(sums, ops.constant(listOf("float32", rho, [pairs.length])));
  return { classes: ops.argMax(votes(ops, scores, count), 1), scores: finalScores(c, scores, a, count) };
}

/** [pairs, vectors]: of the pair i, j row j - 1 of the file for the vectors of i, row i for those of j. */
function coefficientsOf(c: NodeContext, a: Classifier, count: number, total: number): readonly number[] {
  const { coefficients, vectors_per_class: own } = a;
  const given = own.length === count && own.every((n) => n >= 0);
  if (!given) c.wrong(`${own.length} vectors_per_class for ${count} labels`, "give one for each");
  const wanted = (count - 1) * total;
  if (coefficients.length !== wanted)
    c.wrong(`${coefficients.length} coefficients for ${count} labels`, `give ${wanted}`);
  const classOf = own.flatMap((n, label) => Array.from({ length: n }, () => label));
  return pairsOf(count).flatMap(([i, j]) =>
    classOf.map((label, m) => {
      if (label === i) return coefficients[(j - 1) * total + m]!;
      return label === j ? coefficients[i * total + m]! : 0;
    }),
  );
}

/** How many pairs each class wins: the first of a pair with a positive score, else the second. */
function votes(ops: Ops, scores: Value, count: number): Value {
  const pairs = pairsOf(count);
  const isFirst = ops.cast(ops.gt(scores, 0), "int32");
  const gains = pairs.flatMap(([i, j]) =>
    Array.from({ length: count }, (_, k) => Number(k === i) - Number(k === j)),
  );
  const table = ops.constant(listOf("int32", gains, [pairs.length, count]));
  const won = Array.from({ length: count }, (_, k) => pairs.filter(([, j]) => j === k).length);
  const base = ops.constant(listOf("int32", won, [count]));
  return ops.add(ops.dotGeneral(isFirst, table, { contract: [1, 0] }), base);
}

function finalScores(c: NodeContext, scores: Value, a: Classifier, count: number): Value {
  const { ops } = c;
  const { post_transform: transform } = a;
  if (a.prob_a.length > 0 || a.prob_b.length > 0)
    return transformed(ops, probabilities(c, scores, a, count), transform);
  return count === 2 ? ofOnePair(c, scores, transform) : transformed(ops, scores, transform);
}

/**
 * A single pair has two scores: without a transform the negative and itself, else what is left to 1 and
 * itself, of which only LOGISTIC is applied.
 */
function ofOnePair(c: NodeContext, score: Value, transform: Transform): Value {
  if (transform === "PROBIT")
    c.unsupported("PROBIT of a single score", "apply it behind the node, or give prob_a and prob_b");
  const own = transform === "LOGISTIC" ? c.ops.sigmoid(score) : score;
  return twoClasses(c.ops, own, transform !== "NONE");
}

/** By the sigmoid that was fitted to each pair (Platt 1999), then for all classes. */
function probabilities(c: NodeContext, scores: Value, a: Classifier, count: number): Value {
  const { ops } = c;
  const pairs = pairsOf(count);
  const row = (name: "prob_a" | "prob_b") =>
    ops.constant(
      listOf(
        "float32",
        pairs.map((_, at) => numberIn(c, name, a[name], at)),
        [pairs.length],
      ),
    );
  const raw = ops.sub(1, ops.sigmoid(ops.add(ops.mul(scores, row("prob_a")), row("prob_b"))));
  return coupled(ops, ops.clip(raw, 1e-7, 1 - 1e-7), count);
}

export const supportVectors: readonly Operator[] = inDomain("ai.onnx.ml", [
  operator("SVMRegressor", since(1, regressorSpecs, regressor)),
  operator("SVMClassifier", since(1, classifierSpecs, classifier)),
]);
