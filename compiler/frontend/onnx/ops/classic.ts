/**
 * Operators of `ai.onnx.ml` on numbers before and after a model: scaling, thresholds, columns.
 * Their tables are attributes.
 */
import { dtypes } from "../../../../runtime/dtype.ts";
import { tensor } from "../../../../runtime/tensor.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import {
  type AttributeSpecs,
  flag,
  float,
  floats,
  int,
  ints,
  texts,
  type ValuesOf,
  word,
} from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { listOf } from "./constants.ts";

/** Numbers of an attribute as a vector of float32. */
const vector = (ops: Ops, numbers: readonly number[]): Value =>
  ops.constant(tensor(Float32Array.from(numbers), [numbers.length]));

/** (x - offset) * scale; one number serves all columns. */
function scaled(c: NodeContext, offset: readonly number[], scale: readonly number[]): Value {
  const { ops } = c;
  return ops.mul(ops.sub(ops.cast(c.value(0), "float32"), vector(ops, offset)), vector(ops, scale));
}

/** Rows by their largest value, the sum of their magnitudes, or their length; a row of zeros stays. */
function normalized(c: NodeContext, norm: "MAX" | "L1" | "L2"): Value {
  const { ops } = c;
  const x = ops.cast(c.value(0), "float32");
  const sizes = {
    MAX: () => ops.reduceMax(x, -1, true),
    L1: () => ops.reduceSum(ops.abs(x), -1, true),
    L2: () => ops.sqrt(ops.reduceSum(ops.square(x), -1, true)),
  };
  const size = sizes[norm]();
  return ops.div(x, ops.select(ops.eq(size, 0), 1, size));
}

/** Columns picked by number; a vector is one row. */
function picked(c: NodeContext): Value {
  const { ops } = c;
  const x = c.value(0);
  const wanted = c.value(1);
  const all = wanted.type.shape.map((_, axis) => axis);
  const index = ops.reshape(ops.cast(wanted, "int32"), [ops.count(wanted, all)]);
  return ops.gather(ops.rank(x) === 1 ? ops.expandDims(x, 0) : x, index, -1);
}

const imputer = {
  imputed_value_floats: floats(),
  imputed_value_int64s: ints(),
  replaced_value_float: float(0),
  replaced_value_int64: int(0),
} satisfies AttributeSpecs;

/** NaN, or one value, replaced by a number for each column: floats by floats, integers by integers. */
function imputed(c: NodeContext, a: ValuesOf<typeof imputer>): Value {
  const { ops } = c;
  const x = c.value(0);
  const { dtype } = x.type;
  const isFloat = dtypes[dtype].kind === "float";
  const values = isFloat ? a.imputed_value_floats : a.imputed_value_int64s;
  const name = isFloat ? "imputed_value_floats" : "imputed_value_int64s";
  if (!values?.length) return c.wrong(`${dtype} without ${name}`, `give ${name}`);
  const known = ops.constant(listOf(dtype, values, [values.length]));
  const replaced = isFloat ? a.replaced_value_float : a.replaced_value_int64;
  return ops.select(Number.isNaN(replaced) ? ops.ne(x, x) : ops.eq(x, replaced), known, x);
}

/** A new last axis with a place for each category; numbers are compared as integers. */
function oneHotEncoded(c: NodeContext, categories: readonly number[] | undefined, zeros: boolean): Value {
  const { ops } = c;
  if (!categories)
    return c.unsupported("it encodes strings", "export the model with categories that are integers");
  if (!zeros) c.unsupported("it fails on other categories", "export it with zeros = 1");
  const list = ops.constant(listOf(INT64, categories, [categories.length]));
  return ops.cast(ops.eq(ops.expandDims(ops.cast(c.value(0), INT64), -1), list), "float32");
}

/** Columns side by side, as float32. */
function joined(c: NodeContext): Value {
  const { ops } = c;
  const columns = c.values().map((x) => ops.cast(ops.rank(x) === 1 ? ops.expandDims(x, 0) : x, "float32"));
  return columns.length === 1 ? columns[0]! : ops.concat(columns, 1);
}

function binarized(c: NodeContext, threshold: number): Value {
  const { dtype } = c.value(0).type;
  const limit = dtypes[dtype].kind === "float" ? threshold : Math.floor(threshold);
  return c.ops.cast(c.ops.gt(c.value(0), limit), dtype);
}

export const classic: readonly Operator[] = inDomain("ai.onnx.ml", [
  operator("ArrayFeatureExtractor", since(1, {}, picked)),
  operator(
    "Binarizer",
    since(1, { threshold: float(0) }, (c, { threshold }) => binarized(c, threshold)),
  ),
  operator(
    "FeatureVectorizer",
    since(1, { inputdimensions: ints() }, (c) => joined(c)),
  ),
  operator("Imputer", since(1, imputer, imputed)),
  operator(
    "OneHotEncoder",
    since(1, { cats_int64s: ints(), cats_strings: texts(), zeros: flag(true) }, (c, a) =>
      oneHotEncoded(c, a.cats_int64s, a.zeros),
    ),
  ),
  operator(
    "Normalizer",
    since(1, { norm: word(["MAX", "L1", "L2"], "MAX") }, (c, { norm }) => normalized(c, norm)),
  ),
  operator(
    "Scaler",
    since(1, { offset: floats([0]), scale: floats([1]) }, (c, a) => scaled(c, a.offset, a.scale)),
  ),
]);
