/** What moves elements without computing with them: reshapes, slices, joins and picks. */
import {
  constant,
  constantOf,
  type Dim,
  floorDiv,
  min,
  mul,
  neg,
  product,
  sub,
} from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import { anything, flag, int, ints, required } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { sliceBounds } from "../slicing.ts";

const zero = constant(0);
const one = constant(1);

/** 0 keeps the size that stands there, -1 is what is left. */
function reshaped(c: NodeContext, wanted: readonly Dim[], allowZero = false): Value {
  const { ops } = c;
  const x = c.value(0);
  const shape = ops.shape(x);
  const target = wanted.map((d, axis) => {
    if (constantOf(d) === 0 && !allowZero)
      return (
        shape[axis] ??
        c.wrong(`axis ${axis} keeps a size, but the operand has rank ${shape.length}`, "give a size")
      );
    return constantOf(d) === -1 ? ops.unknown("rest") : d;
  });
  return ops.reshape(x, target);
}

/** Everything before `axis` in rows, everything from it on in columns. */
function flatten(c: NodeContext, axis: number): Value {
  const x = c.value(0);
  const shape = c.ops.shape(x);
  const at = axis < 0 ? axis + shape.length : axis;
  return c.ops.reshape(x, [product(shape.slice(0, at)), product(shape.slice(at))]);
}

function squeeze(c: NodeContext, given: readonly number[] | undefined): Value {
  const { ops } = c;
  const x = c.value(0);
  const shape = ops.shape(x);
  const axes = given?.map((axis) => ops.axis(x, axis));
  if (!axes) {
    const open = shape.findIndex((d) => constantOf(d) === undefined);
    if (open >= 0)
      c.open(`axis ${open} has the size ${shape[open]}, which may be 1`, "name the axes, or give a sample");
  }
  const goes = (axis: number) => (axes ? axes.includes(axis) : shape[axis] === one);
  return ops.reshape(
    x,
    shape.filter((_, axis) => !goes(axis)),
  );
}

function unsqueeze(c: NodeContext, given: readonly number[]): Value {
  const x = c.value(0);
  const rest = [...c.ops.shape(x)];
  const rank = rest.length + given.length;
  const axes = given.map((axis) => (axis < 0 ? axis + rank : axis));
  const shape = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? one : rest.shift()));
  if (new Set(axes).size < axes.length || shape.includes(undefined))
    c.wrong(`axes [${given.join(", ")}] for a result of rank ${rank}`, "name each new axis once");
  return c.ops.reshape(x, shape as readonly Dim[]);
}

function transpose(c: NodeContext, perm: readonly number[] | undefined): Value {
  const x = c.value(0);
  return c.ops.transpose(x, perm ?? x.type.shape.map((_, axis) => axis).reverse());
}

function concat(c: NodeContext, axis: number): Value {
  const values = c.values();
  return values.length === 1 ? values[0]! : c.ops.concat(values, axis);
}

/** numpy's broadcasting to a shape, in both directions. */
function expand(c: NodeContext): Value {
  const { ops } = c;
  const x = c.value(0);
  const [shape, wanted] = [ops.shape(x), c.dims(1)];
  const rank = Math.max(shape.length, wanted.length);
  const at = (list: readonly Dim[], axis: number) => list[axis - (rank - list.length)] ?? one;
  const target = Array.from({ length: rank }, (_, axis) =>
    at(wanted, axis) === one ? at(shape, axis) : at(wanted, axis),
  );
  return ops.broadcast(
    x,
    target,
    shape.map((_, i) => rank - shape.length + i),
  );
}

/** Opset 1 named a number of copies and the axis of them. */
function tileAlong(c: NodeContext): Value {
  const x = c.value(0);
  const [axis = 0] = c.ints(2);
  const copied = c.ops.axis(x, axis);
  return tile(
    c,
    c.ops.shape(x).map((_, i) => (i === copied ? (c.dims(1)[0] ?? one) : one)),
  );
}

/** Each axis repeated: [a, b] becomes [n, a, m, b]. */
function tile(c: NodeContext, repeats: readonly Dim[]): Value {
  const { ops } = c;
  const x = c.value(0);
  const shape = ops.shape(x);
  if (repeats.every((d) => d === one)) return x;
  const laid = shape.flatMap((d, axis) => [repeats[axis] ?? one, d]);
  const copies = ops.broadcast(
    x,
    laid,
    shape.map((_, axis) => 2 * axis + 1),
  );
  return ops.reshape(
    copies,
    shape.map((d, axis) => mul(d, repeats[axis] ?? one)),
  );
}

function gather(c: NodeContext, axis: number): Value {
  const { ops } = c;
  const x = c.value(0);
  return ops.gather(x, indices(c, c.value(1), ops.shape(x)[ops.axis(x, axis)]!), axis);
}

/** Indices as int32, negative ones counted from the end. */
export function indices(c: NodeContext, given: Value, length: Dim): Value {
  const { ops } = c;
  const index = ops.cast(given, "int32");
  return ops.select(ops.lt(index, 0), ops.add(index, ops.builder.dimension(length, "int32")), index);
}

interface Cut {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

/** One axis: python's slice, where `start` and `end` may lie outside. */
function cut(c: NodeContext, x: Value, { axis, start, end, step }: Cut): Value {
  const { ops } = c;
  const length = ops.shape(x)[axis]!;
  const { from, count } = sliceBounds(ops.builder.store, length, start, end, step);
  if (step > 0)
    return from === zero && count === length && step === 1 ? x : ops.slice(x, axis, from, count, step);
  // Backwards: the same elements forwards, turned round.
  const lowest = sub(from, mul(sub(count, 1), -step));
  return ops.reverse(ops.slice(x, axis, lowest, count, -step), axis);
}

function slice(
  c: NodeContext,
  starts: readonly Dim[],
  ends: readonly Dim[],
  axes?: readonly number[],
  steps?: readonly number[],
): Value {
  let x = c.value(0);
  starts.forEach((start, i) => {
    const axis = c.ops.axis(x, axes?.[i] ?? i);
    x = cut(c, x, { axis, start, end: ends[i]!, step: steps?.[i] ?? 1 });
  });
  return x;
}

const numbers = (list: readonly number[]) => list.map((n) => constant(n));

function split(
  c: NodeContext,
  axis: number,
  sizes: readonly Dim[] | undefined,
  parts: number,
): readonly Value[] {
  const { ops } = c;
  const x = c.value(0);
  const length = ops.shape(x)[ops.axis(x, axis)]!;
  // The last piece is smaller when the length does not divide.
  const chunk = sizes ? undefined : floorDiv(sub(length, neg(constant(parts - 1))), parts);
  const left = (from: Dim) => (constantOf(sub(length, from)) === undefined ? undefined : sub(length, from));
  let start: Dim = zero;
  return Array.from({ length: sizes?.length ?? parts }, (_, i) => {
    const rest = left(start);
    const whole = rest ? min(chunk ?? zero, rest) : chunk!;
    const size = sizes?.[i] ?? (i < parts - 1 ? whole : sub(length, start));
    const piece = ops.slice(x, axis, start, size);
    start = sub(start, neg(size));
    return piece;
  });
}

export const movement: readonly Operator[] = [
  operator(
    "Identity",
    since(1, {}, (c) => c.value(0)),
  ),
  operator(
    "Reshape",
    since(1, { shape: ints([]), consumed_inputs: anything() }, (c, { shape }) => reshaped(c, numbers(shape))),
    since(5, {}, (c) => reshaped(c, c.dims(1))),
    since(14, { allowzero: flag(false) }, (c, { allowzero }) => reshaped(c, c.dims(1), allowzero)),
  ),
  operator(
    "Flatten",
    since(1, { axis: int(1) }, (c, { axis }) => flatten(c, axis)),
  ),
  operator(
    "Squeeze",
    since(1, { axes: ints() }, (c, { axes }) => squeeze(c, axes)),
    since(13, {}, (c) => squeeze(c, c.has(1) ? c.ints(1) : undefined)),
  ),
  operator(
    "Unsqueeze",
    since(1, { axes: required(ints()) }, (c, { axes }) => unsqueeze(c, axes)),
    since(13, {}, (c) => unsqueeze(c, c.ints(1))),
  ),
  operator(
    "Transpose",
    since(1, { perm: ints() }, (c, { perm }) => transpose(c, perm)),
  ),
  operator(
    "Concat",
    since(1, { axis: int(1) }, (c, { axis }) => concat(c, axis)),
    since(4, { axis: required(int()) }, (c, { axis }) => concat(c, axis)),
  ),
  operator("Expand", since(8, {}, expand)),
  operator(
    "Tile",
    since(1, {}, tileAlong),
    since(6, {}, (c) => tile(c, c.dims(1))),
  ),
  operator(
    "Gather",
    since(1, { axis: int(0) }, (c, { axis }) => gather(c, axis)),
  ),
  operator(
    "Slice",
    since(1, { starts: required(ints()), ends: required(ints()), axes: ints() }, (c, a) =>
      slice(c, numbers(a.starts), numbers(a.ends), a.axes),
    ),
    since(10, {}, (c) =>
      slice(c, c.dims(1), c.dims(2), c.has(3) ? c.ints(3) : undefined, c.has(4) ? c.ints(4) : undefined),
    ),
  ),
  operator(
    "Split",
    since(1, { axis: int(0), split: ints() }, (c, a) =>
      split(c, a.axis, c.has(1) ? c.dims(1) : a.split && numbers(a.split), c.node.outputs.length),
    ),
    since(2, { axis: int(0), split: ints() }, (c, a) =>
      split(c, a.axis, a.split && numbers(a.split), c.node.outputs.length),
    ),
    since(13, { axis: int(0) }, (c, { axis }) =>
      split(c, axis, c.has(1) ? c.dims(1) : undefined, c.node.outputs.length),
    ),
    since(18, { axis: int(0), num_outputs: int() }, (c, a) => {
      const parts = c.node.outputs.length;
      if (a.num_outputs !== undefined && a.num_outputs !== parts)
        c.wrong(`num_outputs is ${a.num_outputs}, but it has ${parts} outputs`, "give as many");
      return split(c, a.axis, c.has(1) ? c.dims(1) : undefined, parts);
    }),
  ),
];
