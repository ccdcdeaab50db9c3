/**
 * Operators that find as many things as there are in the data: Compress, NonZero, Unique. Each is a mask over
 * all that could be found, and `compress`, which gives the result a size that the run computes.
 *
 * Unique sorts rows by a stable sort for each column, the last one first (a radix sort), so that equal rows
 * stand together and the first of them in x stands first. What the file itself says is not computed in the
 * run: a Compress by an initialiser is a gather.
 */
import { decode } from "../../../../runtime/elements.ts";
import { tensor } from "../../../../runtime/tensor.ts";
import { constantOf, type Dim, product } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, int } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

/** Row-major elements. */
const flat = (ops: Ops, x: Value): Value => ops.reshape(x, [product(ops.shape(x))]);

const isTrue = (ops: Ops, x: Value): Value => (x.type.dtype === "bool" ? x : ops.ne(x, 0));

/** The axis before all others. */
function inFront(ops: Ops, x: Value, axis: number): Value {
  const others = x.type.shape.map((_, i) => i).filter((i) => i !== axis);
  return ops.transpose(x, [axis, ...others]);
}

/** The first axis at `axis` again. */
function putBack(ops: Ops, x: Value, axis: number): Value {
  const order = x.type.shape.map((_, i) => i).slice(1);
  return ops.transpose(x, order.toSpliced(axis, 0, 0));
}

/** A condition may be shorter than the axis: what is behind it is left out. */
function compress(c: NodeContext, axis: number | undefined): Value {
  const { ops } = c;
  const at = axis === undefined ? 0 : ops.axis(c.value(0), axis);
  const rows = axis === undefined ? flat(ops, c.value(0)) : inFront(ops, c.value(0), at);
  const known = c.known(1);
  if (known) {
    const taken = Array.from(decode("bool", known.data) as ArrayLike<number>).flatMap((n, i) =>
      n ? [i] : [],
    );
    const indices = ops.constant(tensor(taken, [taken.length], "int32"));
    return putBack(ops, ops.gather(rows, indices), at);
  }
  const mask = c.value(1);
  const reached = ops.slice(rows, 0, 0, ops.shape(mask)[0]!);
  return putBack(ops, ops.compress([reached], mask, c.node.outputs[0]!)[0]!, at);
}

/** Positions [count] along the flattened shape as coordinates [rank, count]. */
export function coordinates(ops: Ops, positions: Value, shape: readonly Dim[]): readonly Value[] {
  return shape.map((extent, axis) => {
    const stride = product(shape.slice(axis + 1));
    const along = ops.div(positions, ops.max(ops.builder.dimension(stride), 1));
    return axis === 0 ? along : ops.mod(along, ops.max(ops.builder.dimension(extent), 1));
  });
}

function nonZero(c: NodeContext): Value {
  const { ops } = c;
  const x = c.value(0);
  const mask = flat(ops, isTrue(ops, x));
  const all = ops.iota("int32", [ops.shape(mask)[0]!]);
  const [positions] = ops.compress([all], mask, c.node.outputs[0]!);
  const rows = coordinates(ops, positions!, ops.shape(x)).map((row) => ops.expandDims(row, 0));
  if (rows.length > 0) return ops.cast(ops.concat(rows, 0), INT64);
  const count = ops.shape(positions!)[0]!;
  return ops.fill(0, [0, count], ops.constant(0, INT64));
}

/** The order of the rows of x [n, m], stable: positions [n]. */
function order(ops: Ops, x: Value): Value {
  const [rows, columns] = ops.shape(x);
  const keys = x.type.dtype === "bool" ? ops.cast(x, "int32") : x;
  const sorted = (column: Value, within: Ops) => within.topK(column, rows!, 0, false)[1];
  if (constantOf(columns!) === 1) return sorted(ops.reshape(keys, [rows!]), ops);
  const start = ops.iota("int32", [rows!]);
  const { states } = ops.scan(
    { states: [start], sequences: [ops.transpose(keys, [1, 0])], reverse: true },
    (inner, [soFar], [column]) => ({
      states: [inner.gather(soFar!, sorted(inner.gather(column!, soFar!), inner))],
      outputs: [],
    }),
  );
  return states[0]!;
}

/** Whether the rows of a and b [n, m] differ, NaN being NaN: [n]. */
function differ(ops: Ops, a: Value, b: Value): Value {
  const apart = ops.ne(a, b);
  const nan = (x: Value) => ops.ne(x, x);
  const elements = ops.and(apart, ops.not(ops.and(nan(a), nan(b))));
  return ops.gt(ops.reduceSum(ops.cast(elements, "int32"), 1), 0);
}

interface Found {
  readonly first: Value;
  readonly inverse: Value;
  readonly counts: Value;
}

/** What is different among the rows of x [n, m], in their order or in that of x. */
function distinct(c: NodeContext, x: Value, sorted: boolean): Found {
  const { ops } = c;
  const [n] = ops.shape(x);
  const at = order(ops, x);
  const places = ops.iota("int32", [n!]);
  const rows = ops.gather(x, at);
  const before = ops.gather(rows, ops.max(ops.sub(places, 1), 0));
  const starts = ops.or(ops.eq(places, 0), differ(ops, rows, before));
  const numbers = ops.sub(ops.cumsum(ops.cast(starts, "int32"), 0), 1);
  const zeros = ops.fill(0, [n!], places);
  const inverse = ops.scatterElements(zeros, at, numbers, 0);
  const hint = c.node.outputs[0] || "unique";
  const ones = ops.fill(1, [n!], places);
  const count = (first: Value, group: Value): Value =>
    ops.scatterElements(ops.fill(0, [ops.shape(first)[0]!], places), group, ones, 0, "add");
  if (sorted) {
    const [first] = ops.compress([at], starts, hint);
    return { first: first!, inverse, counts: count(first!, inverse) };
  }
  // The first row of each group, by the group's number; then for each row of x.
  const beyond = ops.broadcast(ops.builder.dimension(n!), [n!], []);
  const firsts = ops.scatterElements(beyond, inverse, places, 0, "min");
  const own = ops.gather(firsts, inverse);
  const isFirst = ops.eq(own, places);
  const rank = ops.sub(ops.cumsum(ops.cast(isFirst, "int32"), 0), 1);
  const group = ops.gather(rank, own);
  const [first] = ops.compress([places], isFirst, hint);
  return { first: first!, inverse: group, counts: count(first!, group) };
}

function unique(c: NodeContext, axis: number | undefined, sorted: boolean): readonly Value[] {
  const { ops } = c;
  const x = c.value(0);
  const at = axis === undefined ? 0 : ops.axis(x, axis);
  const rows = axis === undefined ? flat(ops, x) : inFront(ops, x, at);
  const [n, ...row] = ops.shape(rows);
  const { first, inverse, counts } = distinct(c, ops.reshape(rows, [n!, product(row)]), sorted);
  const values = putBack(ops, ops.gather(rows, first), at);
  return [values, ...[first, inverse, counts].map((each) => ops.cast(each, INT64))];
}

const axis = int();

export const dataDependent: readonly Operator[] = [
  operator(
    "Compress",
    since(9, { axis }, (c, a) => compress(c, a.axis)),
  ),
  operator("NonZero", since(9, {}, nonZero)),
  operator(
    "Unique",
    since(11, { axis, sorted: flag(true) }, (c, a) => unique(c, a.axis, a.sorted)),
  ),
];
