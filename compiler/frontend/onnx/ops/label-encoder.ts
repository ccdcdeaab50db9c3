/** LabelEncoder of ai.onnx.ml: numbers told by a table of keys and values. */
import { decode } from "../../../../runtime/elements.ts";
import type { Value } from "../../../ir/graph.ts";
import { float, floats, int, ints, tensor, text, texts } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import type { OnnxTensor } from "../model.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { listOf } from "./constants.ts";

interface EncoderValues {
  readonly default_float: number;
  readonly default_int64: number;
  readonly default_string?: string;
  readonly default_tensor?: OnnxTensor | undefined;
  readonly keys_floats?: readonly number[] | undefined;
  readonly keys_int64s?: readonly number[] | undefined;
  readonly keys_strings?: readonly string[] | undefined;
  readonly keys_tensor?: OnnxTensor | undefined;
  readonly values_floats?: readonly number[] | undefined;
  readonly values_int64s?: readonly number[] | undefined;
  readonly values_strings?: readonly string[] | undefined;
  readonly values_tensor?: OnnxTensor | undefined;
}

interface List {
  readonly dtype: Value["type"]["dtype"];
  readonly numbers: readonly number[];
}

function listIn(
  c: NodeContext,
  given: OnnxTensor | undefined,
  floatList: readonly number[] | undefined,
  intList: readonly number[] | undefined,
): List {
  if (given) {
    const { dtype, data } = c.attribute(given);
    return { dtype, numbers: Array.from(decode(dtype, data) as ArrayLike<number | bigint>, Number) };
  }
  if (floatList) return { dtype: "float32", numbers: floatList };
  if (intList) return { dtype: INT64, numbers: intList };
  return c.unsupported("it encodes strings", "export the model with numbers on both sides");
}

/** The value beside the key that x equals, NaN being equal to NaN; else the default. */
function encoded(c: NodeContext, a: EncoderValues): Value {
  const { ops } = c;
  const x = c.value(0);
  const keys = listIn(c, a.keys_tensor, a.keys_floats, a.keys_int64s);
  const values = listIn(c, a.values_tensor, a.values_floats, a.values_int64s);
  const count = keys.numbers.length;
  if (count !== values.numbers.length)
    return c.wrong(`${count} keys, but ${values.numbers.length} values`, "give one value for each key");
  const fallback = a.default_tensor
    ? listIn(c, a.default_tensor, undefined, undefined).numbers[0]!
    : values.dtype === INT64
      ? a.default_int64
      : a.default_float;
  const known = ops.constant(listOf(x.type.dtype, keys.numbers, [count]));
  const each = ops.expandDims(x, -1);
  const same = ops.eq(each, known);
  const nan = keys.numbers.some(Number.isNaN)
    ? ops.or(same, ops.and(ops.ne(each, each), ops.ne(known, known)))
    : same;
  const places = ops.iota("int32", [count]);
  const first = ops.reduceMin(ops.select(nan, places, count), ops.rank(x));
  const table = listOf(values.dtype, [...values.numbers, fallback], [count + 1]);
  return ops.gather(ops.constant(table), first, 0);
}

const strings = { keys_strings: texts(), values_strings: texts(), default_string: text("_Unused") };
const encoder = {
  ...strings,
  default_float: float(-0),
  default_int64: int(-1),
  keys_floats: floats(),
  keys_int64s: ints(),
  values_floats: floats(),
  values_int64s: ints(),
};

export const labelEncoders: readonly Operator[] = inDomain("ai.onnx.ml", [
  operator(
    "LabelEncoder",
    since(2, encoder, encoded),
    since(
      4,
      { ...encoder, default_tensor: tensor(), keys_tensor: tensor(), values_tensor: tensor() },
      encoded,
    ),
  ),
]);
