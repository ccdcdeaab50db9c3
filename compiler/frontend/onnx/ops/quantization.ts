/**
 * Quantised arithmetic as the operators' definitions have it: x = (q - zero point) * scale. Products of
 * integers are summed as int32; rounding is half to even, results saturate. Scales and zero points are
 * scalars, vectors along an axis, or one per block.
 */
import { type DType, dtypes } from "../../../../runtime/dtype.ts";
import { constant, constantOf, type Dim, floorDiv } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { elementType, flag, int } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { type WindowValues, windowSpecs } from "../windows.ts";
import { castTo } from "./casts.ts";
import { convolve } from "./convolution.ts";
import { matmul } from "./linear.ts";

/** A scale or zero point, laid so that it broadcasts against `x`. One number has no axis: any will do. */
function laid(
  c: NodeContext,
  parameter: Value,
  x: Value,
  { axis: given, block_size = 0 }: LinearValues,
): Value {
  const { ops } = c;
  const [rank, own] = [ops.rank(x), ops.shape(parameter)];
  if (own.length === 0 || (own.length === 1 && constantOf(own[0]!) === 1)) return ops.reshape(parameter, []);
  const axis = ops.axis(x, given);
  if (own.length === 1 && block_size === 0) return ops.along(parameter, axis, rank);
  return repeated(ops, parameter, ops.shape(x), axis, block_size || undefined);
}

/** One value per block of `axis`, repeated for each element of the block; a last block may be cut off. */
function repeated(ops: Ops, x: Value, shape: readonly Dim[], axis: number, block?: number): Value {
  const own = ops.shape(x);
  const times = block === undefined ? floorDiv(shape[axis]!, own[axis]!) : constant(block);
  const apart = [...own.slice(0, axis + 1), constant(1), ...own.slice(axis + 1)];
  const wide = apart.with(axis + 1, times);
  const all = apart.map((_, i) => i);
  const spread = ops.broadcast(ops.reshape(x, apart), wide, all);
  const unknown = own.with(axis, ops.unknown("blocks"));
  return ops.slice(ops.reshape(spread, unknown), axis, 0, shape[axis]!);
}

/** Floats to the nearest of an integer dtype, halves to even, saturated. */
export function saturated(ops: Ops, x: Value, zero: Value | undefined, dtype: DType): Value {
  const rounded = ops.round(x);
  return ops.cast(zero ? ops.add(rounded, ops.cast(zero, x.type.dtype)) : rounded, dtype);
}

interface LinearValues {
  readonly axis: number;
  readonly block_size?: number;
  readonly output_dtype?: DType | undefined;
  readonly precision?: DType | undefined;
  readonly saturate?: boolean;
}

function quantizeLinear(c: NodeContext, values: LinearValues): Value {
  const { ops } = c;
  const x = c.value(0);
  const zero = c.optional(2);
  const dtype = zero?.type.dtype ?? values.output_dtype ?? "uint8";
  const scale = laid(c, c.value(1), x, values);
  const wide = values.precision ?? (x.type.dtype === "float64" ? "float64" : "float32");
  const scaled = ops.div(ops.cast(x, wide), ops.cast(scale, wide));
  if (dtypes[dtype].kind === "float")
    return castTo(ops, scaled, dtype, { saturate: values.saturate ?? true });
  return saturated(ops, scaled, zero && laid(c, zero, x, values), dtype);
}

function dequantizeLinear(c: NodeContext, values: LinearValues): Value {
  const { ops } = c;
  const x = c.value(0);
  const zero = c.optional(2);
  const given = c.value(1);
  const scale = ops.cast(laid(c, given, x, values), "float32");
  const offset = zero && ops.cast(laid(c, zero, x, values), "float32");
  const wide = ops.cast(x, "float32");
  const y = ops.mul(offset ? ops.sub(wide, offset) : wide, scale);
  return ops.cast(y, values.output_dtype ?? given.type.dtype);
}

/** uint8 over the range of the data, 0 included: y, its scale (1 for zeros) and its zero point. */
export function dynamicQuantizeLinear(ops: Ops, x: Value): readonly [y: Value, scale: Value, zero: Value] {
  const all = x.type.shape.map((_, axis) => axis);
  const low = ops.min(ops.reduceMin(x, all), 0);
  const high = ops.max(ops.reduceMax(x, all), 0);
  const range = ops.div(ops.sub(high, low), 255);
  const scale = ops.select(ops.eq(range, 0), 1, range);
  const zero = ops.cast(ops.round(ops.clip(ops.div(ops.neg(low), scale), 0, 255)), "uint8");
  return [saturated(ops, ops.div(x, scale), zero, "uint8"), scale, zero];
}

/** x - zero point in int32. Of a matrix, `side` says whether a vector belongs to its rows or its columns. */
function withoutZero(c: NodeContext, x: Value, zeroAt: number, side: "rows" | "columns"): Value {
  const { ops } = c;
  const wide = ops.cast(x, "int32");
  const zero = c.optional(zeroAt);
  return zero ? ops.sub(wide, ops.cast(perSide(ops, zero, side), "int32")) : wide;
}

const centered = (c: NodeContext, i: number, zeroAt: number, side: "rows" | "columns"): Value =>
  withoutZero(c, c.value(i), zeroAt, side);

/** A vector of rows stands upright; scalars, columns and what has a matrix's rank fit as they are. */
export function perSide(ops: Ops, x: Value, side: "rows" | "columns"): Value {
  const shape = ops.shape(x);
  if (shape.length !== 1) return x;
  if (constantOf(shape[0]!) === 1) return ops.reshape(x, []);
  return side === "rows" ? ops.expandDims(x, 1) : x;
}

function matMulInteger(c: NodeContext): Value {
  return matmul(c.ops, centered(c, 0, 2, "rows"), centered(c, 1, 3, "columns"));
}

/** a, scale, zero, b, scale, zero, scale, zero of the result. */
function qLinearMatMul(c: NodeContext): Value {
  const { ops } = c;
  const sums = matmul(ops, centered(c, 0, 2, "rows"), centered(c, 3, 5, "columns"));
  const scale = (i: number, side: "rows" | "columns") => ops.cast(perSide(ops, c.value(i), side), "float32");
  const factor = ops.div(ops.mul(scale(1, "rows"), scale(4, "columns")), scale(6, "columns"));
  const zero = perSide(ops, c.value(7), "columns");
  return saturated(ops, ops.mul(ops.cast(sums, "float32"), factor), zero, zero.type.dtype);
}

export interface ConvValues extends WindowValues {
  readonly group: number;
}

/** x and w without their zero points, which are zeros of the padding too. */
function convSums(c: NodeContext, at: { x: Value; xZero: number; w: number; wZero: number }, a: ConvValues) {
  const { ops } = c;
  const x = withoutZero(c, at.x, at.xZero, "columns");
  const w = ops.cast(c.value(at.w), "int32");
  const zero = c.optional(at.wZero);
  const scalar =
    zero &&
    constantOf(
      ops.count(
        zero,
        zero.type.shape.map((_, i) => i),
      ),
    ) === 1;
  const offset = zero && ops.cast(scalar ? ops.reshape(zero, []) : ops.along(zero, 0, ops.rank(w)), "int32");
  return convolve(ops, x, offset ? ops.sub(w, offset) : w, a);
}

/** x, scale, zero, w, scale, zero, scale and zero of the result, bias in int32. `x` stands for operand 0. */
export function qLinearConv(c: NodeContext, values: ConvValues, x = c.value(0)): Value {
  const { ops } = c;
  const sums = convSums(c, { x, xZero: 2, w: 3, wZero: 5 }, values);
  const bias = c.optional(8);
  const total = bias ? ops.addBias(sums, bias, 1) : sums;
  const perChannel = (x: Value) =>
    constantOf(
      ops.count(
        x,
        x.type.shape.map((_, i) => i),
      ),
    ) === 1
      ? ops.reshape(x, [])
      : ops.along(x, 1, ops.rank(sums));
  const factor = ops.div(ops.mul(ops.reshape(c.value(1), []), c.value(4)), ops.reshape(c.value(6), []));
  const zero = ops.reshape(c.value(7), []);
  const scaled = ops.mul(ops.cast(total, "float32"), ops.cast(perChannel(factor), "float32"));
  return saturated(ops, scaled, zero, zero.type.dtype);
}

const axis = int(1);
const saturate = flag(true);
const block_size = int(0);
const output_dtype = elementType();
export const convolution = { ...windowSpecs, group: int(1) };

export const quantization: readonly Operator[] = [
  operator(
    "QuantizeLinear",
    since(10, {}, (c) => quantizeLinear(c, { axis: 0 })),
    since(13, { axis }, quantizeLinear),
    since(19, { axis, saturate }, quantizeLinear),
    since(21, { axis, saturate, block_size, output_dtype }, quantizeLinear),
    since(23, { axis, saturate, block_size, output_dtype, precision: elementType() }, quantizeLinear),
  ),
  operator(
    "DequantizeLinear",
    since(10, {}, (c) => dequantizeLinear(c, { axis: 0 })),
    since(13, { axis }, dequantizeLinear),
    since(21, { axis, block_size }, dequantizeLinear),
    since(23, { axis, block_size, output_dtype }, dequantizeLinear),
  ),
  operator(
    "DynamicQuantizeLinear",
    since(11, {}, (c) => dynamicQuantizeLinear(c.ops, c.value(0))),
  ),
  operator("MatMulInteger", since(10, {}, matMulInteger)),
  operator("QLinearMatMul", since(10, {}, qLinearMatMul)),
  operator(
    "ConvInteger",
    since(10, convolution, (c, values) => convSums(c, { x: c.value(0), xZero: 2, w: 1, wZero: 3 }, values)),
  ),
  operator(
    "QLinearConv",
    since(10, convolution, (c, values) => qLinearConv(c, values)),
  ),
];
