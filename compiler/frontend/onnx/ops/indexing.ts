/** Elements taken and written by number, sorted, counted and set apart. */
import { add, constant, constantOf, type Dim, floorDiv, mul, product, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import type { Combine } from "../../ops/core.ts";
import { elementType, flag, int, ints, required, word } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

/** Indices as the core ops take them. */
const index = (c: NodeContext, i: number): Value => c.ops.cast(c.value(i), "int32");

const reductions = ["none", "add", "mul", "max", "min"] as const;
const combineOf = (reduction: (typeof reductions)[number]): Combine =>
  reduction === "none" ? "set" : reduction;

function scatterElements(c: NodeContext, axis: number, reduction: (typeof reductions)[number]): Value {
  return c.ops.scatterElements(c.value(0), index(c, 1), c.value(2), axis, combineOf(reduction));
}

function scatterNd(c: NodeContext, reduction: (typeof reductions)[number]): Value {
  return c.ops.scatterNd(c.value(0), coordinates(c, 1), c.value(2), combineOf(reduction));
}

/** Indices along several axes, as many as its last one says. */
function coordinates(c: NodeContext, i: number): Value {
  const size = c.ops.shape(c.value(i)).at(-1);
  if (size && constantOf(size) === undefined)
    c.open(`the last axis of its indices has the open size ${size}`, "give a sample with its size");
  return index(c, i);
}

interface TopKValues {
  readonly axis: number;
  readonly largest: boolean;
}

function topK(c: NodeContext, k: Dim, { axis, largest }: TopKValues): readonly Value[] {
  const [values, positions] = c.ops.topK(c.value(0), k, axis, largest);
  return [values, c.ops.cast(positions, INT64)];
}

/** values[1] where the position along the new axis is the index, values[0] elsewhere. */
function oneHot(c: NodeContext, axis: number): Value {
  const { ops } = c;
  const depth = constant(c.ints(1)[0]!);
  const indices = index(c, 0);
  const rank = ops.rank(indices) + 1;
  const at = axis < 0 ? axis + rank : axis;
  const count = ops.number(depth, indices);
  const places = ops.select(ops.lt(indices, 0), ops.add(indices, count), indices);
  const hot = ops.eq(ops.expandDims(places, at), ops.along(ops.iota("int32", [depth]), at, rank));
  const [off, on] = [0, 1].map((i) => ops.reshape(ops.slice(c.value(2), 0, i, 1), []));
  return ops.select(hot, on!, off!);
}

/** 1 on diagonal `k` of a matrix like x. */
function eyeLike(c: NodeContext, k: number, dtype: Value["type"]["dtype"] | undefined): Value {
  const { ops } = c;
  const [rows, columns] = ops.shape(c.value(0));
  const row = ops.iota("int32", [rows!, 1], 0);
  const column = ops.iota("int32", [1, columns!], 1);
  return ops.cast(ops.eq(ops.add(row, k), column), dtype ?? c.value(0).type.dtype);
}

/** Keeps the triangle on one side of diagonal `k` of the last two axes. */
function trilu(c: NodeContext, upper: boolean): Value {
  const { ops } = c;
  const x = c.value(0);
  const [rows, columns] = ops.shape(x).slice(-2);
  const row = ops.iota("int32", [rows!, 1], 0);
  const column = ops.iota("int32", [1, columns!], 1);
  const k = c.has(1) ? ops.reshape(index(c, 1), []) : 0;
  const edge = ops.add(row, k);
  return ops.select(upper ? ops.ge(column, edge) : ops.le(column, edge), x, 0);
}

interface RunningValues {
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

function running(c: NodeContext, op: "cumsum" | "cumprod", values: RunningValues): Value {
  const [axis] = c.ints(1);
  return c.ops[op](c.value(0), axis!, values);
}

/** 1 at the first largest element along the axis, 0 elsewhere. */
function hardmax(ops: Ops, x: Value, axis: number): Value {
  const at = ops.axis(x, axis);
  if (constantOf(ops.shape(x)[at]!) === 0) return x;
  const first = ops.expandDims(ops.argMax(x, at), at);
  const places = ops.along(ops.iota("int32", [ops.shape(x)[at]!]), at, ops.rank(x));
  return ops.cast(ops.eq(places, first), x.type.dtype);
}

/** Until opset 13 everything from the axis on is one axis. */
function flatHardmax(c: NodeContext, axis: number): Value {
  const { ops } = c;
  const x = c.value(0);
  const at = ops.axis(x, axis);
  const axes = ops.shape(x).map((_, i) => i);
  const lead = ops.count(x, axes.slice(0, at));
  const flat = ops.reshape(x, [lead, ops.count(x, axes.slice(at))]);
  return ops.reshape(hardmax(ops, flat, 1), ops.shape(x));
}

/** The first `lengths[b]` elements along the time axis in reverse order. */
function reverseSequence(c: NodeContext, batchAxis: number, timeAxis: number): Value {
  const { ops } = c;
  const x = c.value(0);
  const rank = ops.rank(x);
  const [batch, time] = [ops.axis(x, batchAxis), ops.axis(x, timeAxis)];
  const steps = ops.along(ops.iota("int32", [ops.shape(x)[time]!]), time, rank);
  const lengths = ops.along(index(c, 1), batch, rank);
  const turned = ops.select(ops.lt(steps, lengths), ops.sub(ops.sub(lengths, 1), steps), steps);
  const everywhere = ops.broadcast(
    turned,
    ops.shape(x),
    ops.shape(x).map((_, axis) => axis),
  );
  return ops.gatherElements(x, everywhere, time);
}

/** [N, C, H, W] to [N, C / b^2, H b, W b]. */
function depthToSpace(c: NodeContext, block: number, columnsFirst: boolean): Value {
  const { ops } = c;
  const x = c.value(0);
  const [n, channels, h, w] = ops.shape(x);
  const depth = floorDiv(channels!, block * block);
  const cut = columnsFirst
    ? ops.transpose(ops.reshape(x, [n!, depth, block, block, h!, w!]), [0, 1, 4, 2, 5, 3])
    : ops.transpose(ops.reshape(x, [n!, block, block, depth, h!, w!]), [0, 3, 4, 1, 5, 2]);
  return ops.reshape(cut, [n!, depth, mul(h!, block), mul(w!, block)]);
}

/** [N, C, H, W] to [N, C b^2, H / b, W / b]. */
function spaceToDepth(c: NodeContext, block: number, columnsFirst = false): Value {
  const { ops } = c;
  const x = c.value(0);
  const [n, channels, h, w] = ops.shape(x);
  const [rows, columns] = [floorDiv(h!, block), floorDiv(w!, block)];
  const cut = ops.reshape(x, [n!, channels!, rows, block, columns, block]);
  return ops.reshape(ops.transpose(cut, columnsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]), [
    n!,
    mul(channels!, block * block),
    rows,
    columns,
  ]);
}

/** The product of the diagonal of LU, with the sign of the row exchanges. */
function determinant(c: NodeContext): Value {
  const { ops } = c;
  const x = c.value(0);
  const [matrix, parity] = ops.lu(x);
  const [n] = ops.shape(x).slice(-1);
  const onDiagonal = ops.eq(ops.iota("int32", [n!, 1], 0), ops.iota("int32", [1, n!], 1));
  return ops.mul(ops.reduceProd(ops.select(onDiagonal, matrix, 1), [-2, -1]), parity);
}

/** Cuts or pads each axis about its middle. */
function centerCropPad(c: NodeContext, axes: readonly number[] | undefined): Value {
  const { ops } = c;
  const wanted = c.dims(1);
  let x = c.value(0);
  const list = axes ?? ops.shape(x).map((_, axis) => axis);
  if (wanted.length !== list.length)
    c.wrong(`${wanted.length} sizes for ${list.length} axes`, "give one for each axis");
  for (const [i, given] of list.entries()) {
    const axis = ops.axis(x, given);
    const [have, want] = [constantOf(ops.shape(x)[axis]!), constantOf(wanted[i]!)];
    if (have === undefined || want === undefined)
      return c.open(`axis ${axis} has an open size`, "give a sample with its size");
    x = centered(ops, x, axis, Number(have), Number(want));
  }
  return x;
}

function centered(ops: Ops, x: Value, axis: number, have: number, want: number): Value {
  if (want <= have) return ops.slice(x, axis, Math.floor((have - want) / 2), want);
  const low = Math.floor((want - have) / 2);
  const none: readonly [number, number] = [0, 0];
  return ops.pad(
    x,
    ops.shape(x).map((_, i) => (i === axis ? [low, want - have - low] : none)),
  );
}

interface UnpoolValues {
  readonly kernel_shape: readonly number[];
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** Puts each element at its place in what was pooled, by its flat position there; the other places are 0. */
function maxUnpool(c: NodeContext, { kernel_shape, pads, strides }: UnpoolValues): Value {
  const { ops } = c;
  const x = c.value(0);
  const [batch, channels, ...inputs] = ops.shape(x);
  const spatial = inputs.map((d, i) => {
    const cut = (pads?.[i] ?? 0) + (pads?.[i + inputs.length] ?? 0);
    return add(mul(sub(d, 1), strides?.[i] ?? 1), kernel_shape[i]! - cut);
  });
  const shape = [batch!, channels!, ...spatial];
  const all = (value: Value) =>
    ops.reshape(value, [
      ops.count(
        value,
        value.type.shape.map((_, i) => i),
      ),
    ]);
  const empty = ops.fill(0, [product(shape)], x);
  const y = ops.reshape(ops.scatterElements(empty, all(index(c, 1)), all(x), 0), shape);
  if (!c.has(2)) return y;
  const wanted = c.dims(2);
  return ops.pad(
    y,
    shape.map((d, i) => [0, sub(wanted[i]!, d)]),
  );
}

const axis = int(0);
const k = elementType();

export const indexing: readonly Operator[] = [
  operator(
    "GatherElements",
    since(11, { axis }, (c, a) => c.ops.gatherElements(c.value(0), index(c, 1), a.axis)),
  ),
  operator(
    "GatherND",
    since(11, { batch_dims: int(0) }, (c, a) => c.ops.gatherNd(c.value(0), coordinates(c, 1), a.batch_dims)),
  ),
  operator(
    "Scatter",
    since(9, { axis }, (c, a) => scatterElements(c, a.axis, "none")),
  ),
  operator(
    "ScatterElements",
    since(11, { axis }, (c, a) => scatterElements(c, a.axis, "none")),
    since(16, { axis, reduction: word(reductions, "none") }, (c, a) =>
      scatterElements(c, a.axis, a.reduction),
    ),
  ),
  operator(
    "ScatterND",
    since(11, {}, (c) => scatterNd(c, "none")),
    since(16, { reduction: word(reductions, "none") }, (c, a) => scatterNd(c, a.reduction)),
  ),
  operator(
    "TopK",
    since(1, { axis: int(-1), k: required(int()) }, (c, a) =>
      topK(c, constant(a.k), { axis: a.axis, largest: true }),
    ),
    since(10, { axis: int(-1) }, (c, a) => topK(c, c.dims(1)[0]!, { axis: a.axis, largest: true })),
    since(11, { axis: int(-1), largest: flag(true), sorted: flag(true) }, (c, a) =>
      topK(c, c.dims(1)[0]!, a),
    ),
  ),
  operator(
    "OneHot",
    since(9, { axis: int(-1) }, (c, a) => oneHot(c, a.axis)),
  ),
  operator(
    "EyeLike",
    since(9, { dtype: k, k: int(0) }, (c, a) => eyeLike(c, a.k, a.dtype)),
  ),
  operator(
    "Trilu",
    since(14, { upper: flag(true) }, (c, a) => trilu(c, a.upper)),
  ),
  operator(
    "CumSum",
    since(11, { exclusive: flag(false), reverse: flag(false) }, (c, a) => running(c, "cumsum", a)),
  ),
  operator(
    "CumProd",
    since(26, { exclusive: flag(false), reverse: flag(false) }, (c, a) => running(c, "cumprod", a)),
  ),
  operator(
    "Hardmax",
    since(1, { axis: int(1) }, (c, a) => flatHardmax(c, a.axis)),
    since(13, { axis: int(-1) }, (c, a) => hardmax(c.ops, c.value(0), a.axis)),
  ),
  operator(
    "ReverseSequence",
    since(10, { batch_axis: int(1), time_axis: int(0) }, (c, a) =>
      reverseSequence(c, a.batch_axis, a.time_axis),
    ),
  ),
  operator(
    "DepthToSpace",
    since(1, { blocksize: required(int()) }, (c, a) => depthToSpace(c, a.blocksize, false)),
    since(11, { blocksize: required(int()), mode: word(["DCR", "CRD"], "DCR") }, (c, a) =>
      depthToSpace(c, a.blocksize, a.mode === "CRD"),
    ),
  ),
  operator(
    "SpaceToDepth",
    since(1, { blocksize: required(int()) }, (c, a) => spaceToDepth(c, a.blocksize)),
    since(28, { blocksize: required(int()), mode: word(["DCR", "CRD"], "DCR") }, (c, a) =>
      spaceToDepth(c, a.blocksize, a.mode === "CRD"),
    ),
  ),
  operator("Det", since(11, {}, determinant)),
  operator(
    "CenterCropPad",
    since(18, { axes: ints() }, (c, a) => centerCropPad(c, a.axes)),
  ),
  operator(
    "MaxUnpool",
    since(9, { kernel_shape: required(ints()), pads: ints(), strides: ints() }, maxUnpool),
  ),
];
