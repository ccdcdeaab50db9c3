/**
 * Quantised operators of com.microsoft. The QLinear family computes with the numbers that the integers stand
 * for, in float32, and quantises the result; products of integers are summed as int32.
 */
import { constantOf } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { type AttributeSpecs, flag, float, int, required, type ValuesOf } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { matmul } from "./linear.ts";
import { averaged, type PoolValues, poolSpecs } from "./pooling.ts";
import {
  type ConvValues,
  convolution,
  dynamicQuantizeLinear,
  perSide,
  qLinearConv,
  quantization,
  saturated,
} from "./quantization.ts";
import { directionOf, lstm, type Products, recurrentAttributes, recurrentLayer } from "./recurrent.ts";

/** Operand `i` as numbers: its scale and zero point (which may be left out) stand behind it. */
function numbers(c: NodeContext, i: number): Value {
  const { ops } = c;
  const zero = c.optional(i + 2);
  const x = ops.cast(c.value(i), "float32");
  const centered = zero ? ops.sub(x, ops.cast(scalar(ops, zero), "float32")) : x;
  return ops.mul(centered, scalar(ops, c.value(i + 1)));
}

/** A tensor of one element is one for all; a vector belongs to the last axis. */
function scalar(ops: Ops, x: Value): Value {
  return ops.rank(x) === 1 && constantOf(ops.shape(x)[0]!) === 1 ? ops.reshape(x, []) : x;
}

/** `x` in the scale and zero point that are operands `i` and `i + 1`. */
function quantized(c: NodeContext, x: Value, i: number, dtype: Value["type"]["dtype"]): Value {
  const { ops } = c;
  const zero = c.optional(i + 1);
  const scaled = ops.div(x, scalar(ops, c.value(i)));
  return saturated(ops, scaled, zero && scalar(ops, zero), zero?.type.dtype ?? dtype);
}

const two = (name: string, apply: (ops: Ops, a: Value, b: Value) => Value): Operator =>
  operator(
    name,
    since(1, {}, (c) => quantized(c, apply(c.ops, numbers(c, 0), numbers(c, 3)), 6, c.value(0).type.dtype)),
  );

const one = (c: NodeContext, apply: (x: Value) => Value): Value =>
  quantized(c, apply(numbers(c, 0)), 3, c.value(0).type.dtype);

/** With the channels behind the spatial axes, or behind the batch as `apply` has them. */
function channelsSecond(ops: Ops, x: Value, last: boolean, apply: (x: Value) => Value): Value {
  if (!last) return apply(x);
  const rank = ops.rank(x);
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  const y = apply(ops.transpose(x, [0, rank - 1, ...spatial]));
  return ops.transpose(y, [0, ...spatial.map((axis) => axis + 1), 1]);
}

interface QuantizedPool extends Omit<PoolValues, "dilations"> {
  readonly channels_last: boolean;
}

function averagePool(c: NodeContext, values: QuantizedPool): Value {
  const whole = { ...values, dilations: undefined };
  return one(c, (x) => channelsSecond(c.ops, x, values.channels_last, (each) => averaged(c, each, whole)));
}

function globalAverage(c: NodeContext, last: boolean): Value {
  const axes = (x: Value) => x.type.shape.map((_, axis) => axis).slice(2);
  return one(c, (x) => channelsSecond(c.ops, x, last, (each) => c.ops.mean(each, axes(each), true)));
}

/** Scale and zero point of the result, then each operand with its own. */
function concatenated(c: NodeContext, axis: number): Value {
  const count = (c.node.inputs.length - 2) / 3;
  const parts = Array.from({ length: count }, (_, i) => numbers(c, 2 + 3 * i));
  return quantized(c, c.ops.concat(parts, axis), 0, c.value(2).type.dtype);
}

/** Before opset 13 of the model one softmax over all axes from `axis` on. */
function softmax(c: NodeContext, axis: number, opset: number): Value {
  return one(c, (x) => {
    const first = c.ops.axis(x, axis);
    const all = x.type.shape.map((_, i) => i).filter((i) => i >= first);
    return c.ops.softmax(x, opset < 13 ? all : [first]);
  });
}

interface Factor {
  /** Integers without their zero point, as int32. */
  readonly centered: Value;
  readonly scale: Value;
}

function factor(ops: Ops, x: Value, scale: Value, zero: Value | undefined, side: "rows" | "columns"): Factor {
  const wide = ops.cast(x, "int32");
  const centered = zero ? ops.sub(wide, ops.cast(perSide(ops, zero, side), "int32")) : wide;
  return { centered, scale: perSide(ops, scale, side) };
}

function product(ops: Ops, a: Factor, b: Factor, bias: Value | undefined): Value {
  const sums = ops.cast(matmul(ops, a.centered, b.centered), "float32");
  const y = ops.mul(sums, ops.mul(a.scale, b.scale));
  return bias ? ops.add(y, bias) : y;
}

/** A, B, scales, zero points, bias. */
function integerToFloat(c: NodeContext): Value {
  const { ops } = c;
  const a = factor(ops, c.value(0), c.value(2), c.optional(4), "rows");
  const b = factor(ops, c.value(1), c.value(3), c.optional(5), "columns");
  return product(ops, a, b, c.optional(6));
}

/** A is quantised by its own range when it runs; B, its scale, its zero point, bias. */
function dynamicProduct(c: NodeContext): Value {
  const { ops } = c;
  const a = factor(ops, ...dynamicQuantizeLinear(ops, c.value(0)), "rows");
  const b = factor(ops, c.value(1), c.value(2), c.optional(3), "columns");
  return product(ops, a, b, c.optional(4));
}

/**
 * The products of an LSTM whose W [D, I, 4*H] and R [D, H, 4*H] are integers, with scales and zero points
 * (operands 8 to 11) per direction or per column; x is quantised by its range, h by its own in every step.
 */
function dynamicProducts(c: NodeContext, x: Value, d: number): Products {
  const { ops } = c;
  const weights = (i: number, scaleAt: number) => {
    const scale = directionOf(ops, c.value(scaleAt), d);
    const zero = directionOf(ops, c.value(scaleAt + 1), d);
    return factor(ops, directionOf(ops, c.value(i), d), scale, zero, "columns");
  };
  const recurrence = weights(2, 10);
  return {
    input: product(ops, factor(ops, ...dynamicQuantizeLinear(ops, x), "rows"), weights(1, 8), undefined),
    held: [recurrence.centered, recurrence.scale],
    recurrent(inner, h, [centered, scale], { from, count, hidden }) {
      const columns = (w: Value) =>
        inner.rank(w) === 0 ? w : inner.slice(w, -1, from * hidden, count * hidden);
      const left = factor(inner, ...dynamicQuantizeLinear(inner, h), "rows");
      return product(inner, left, { centered: columns(centered!), scale: columns(scale!) }, undefined);
    },
  };
}

/** A, scale, zero, B, scale, zero, C in int32, scale and zero of the result, without which it is float32. */
function quantizedGemm(c: NodeContext, a: ValuesOf<typeof gemmSpecs>): Value {
  const { ops } = c;
  const turned = (x: Value, isTurned: boolean) => (isTurned ? ops.transpose(x, [1, 0]) : x);
  const left = factor(ops, turned(c.value(0), a.transA), c.value(1), c.optional(2), "rows");
  const right = factor(ops, turned(c.value(3), a.transB), c.value(4), c.optional(5), "columns");
  const sums = matmul(ops, left.centered, right.centered);
  const bias = c.optional(6);
  const total = ops.cast(bias ? ops.add(sums, bias) : sums, "float32");
  const y = ops.mul(total, ops.mul(ops.mul(left.scale, right.scale), a.alpha));
  return c.has(7) ? quantized(c, y, 7, c.value(0).type.dtype) : y;
}

function convolved(c: NodeContext, values: ConvValues & { readonly channels_last: boolean }): Value {
  return channelsSecond(c.ops, c.value(0), values.channels_last, (x) => qLinearConv(c, values, x));
}

const gemmSpecs = { alpha: float(1), transA: flag(false), transB: flag(false) } satisfies AttributeSpecs;

/** The rows of the default domain's operators that know blocks. */
const linear = quantization
  .filter(({ name }) => name === "QuantizeLinear" || name === "DequantizeLinear")
  .map(({ name, rows }) => operator(name, { ...rows.find((row) => row.since === 21)!, since: 1 }));

export const contribQuantization: readonly Operator[] = inDomain("com.microsoft", [
  ...linear,
  two("QLinearAdd", (ops, a, b) => ops.add(a, b)),
  two("QLinearMul", (ops, a, b) => ops.mul(a, b)),
  operator(
    "QLinearSigmoid",
    since(1, {}, (c) => one(c, (x) => c.ops.sigmoid(x))),
  ),
  operator(
    "QLinearLeakyRelu",
    since(1, { alpha: float(0.01) }, (c, { alpha }) =>
      one(c, (x) => c.ops.select(c.ops.lt(x, 0), c.ops.mul(x, alpha), x)),
    ),
  ),
  operator("QLinearAveragePool", since(1, { ...poolSpecs, channels_last: flag(false) }, averagePool)),
  operator(
    "QLinearGlobalAveragePool",
    since(1, { channels_last: flag(false) }, (c, a) => globalAverage(c, a.channels_last)),
  ),
  operator(
    "QLinearConcat",
    since(1, { axis: required(int()) }, (c, a) => concatenated(c, a.axis)),
  ),
  operator(
    "QLinearSoftmax",
    since(1, { axis: int(-1), opset: required(int()) }, (c, a) => softmax(c, a.axis, a.opset)),
  ),
  operator(
    "QLinearWhere",
    since(1, {}, (c) =>
      quantized(c, c.ops.select(c.value(0), numbers(c, 1), numbers(c, 4)), 7, c.value(1).type.dtype),
    ),
  ),
  operator("QLinearConv", since(1, { ...convolution, channels_last: flag(false) }, convolved)),
  operator("QGemm", since(1, gemmSpecs, quantizedGemm)),
  operator("MatMulIntegerToFloat", since(1, {}, integerToFloat)),
  operator(
    "DynamicQuantizeLSTM",
    since(1, { ...recurrentAttributes, input_forget: flag(false) }, (c, a) => {
      const hidden_size = a.hidden_size ?? Number(c.ops.shape(c.value(2))[1]);
      const products = (x: Value, d: number) => dynamicProducts(c, x, d);
      return recurrentLayer(c, lstm(a.input_forget), { ...a, hidden_size }, products);
    }),
  ),
  operator("DynamicQuantizeMatMul", since(1, {}, dynamicProduct)),
]);
