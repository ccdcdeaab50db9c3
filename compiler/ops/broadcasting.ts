/**
 * NumPy broadcasting, three times over: as a relation between shapes, as strides for references, as an index
 * for lowerings.
 */
import { strides } from "../../runtime/tensor.ts";
import { constant, type Dim, type Shape } from "../dims/index.ts";
import type { TensorType } from "../ir/graph.ts";
import type { Expr } from "../ir/loop.ts";
import type { Operand, RelationContext } from "../ir/op.ts";

/** The common shape of the operands, aligned at the last axis. */
export function relateBroadcast(
  context: RelationContext,
  op: string,
  names: readonly string[],
  types: readonly TensorType[],
): Shape {
  let shape: Shape = [];
  let so = "";
  types.forEach(({ shape: next }, i) => {
    const before = so;
    shape = joined(
      context,
      shape,
      next,
      () => `${op} pairs the last axes of ${before} with those of ${names[i]}`,
    );
    so = so === "" ? names[i]! : `${so}, ${names[i]}`;
  });
  return shape;
}

function joined(context: RelationContext, a: Shape, b: Shape, clause: () => string): Shape {
  const one = constant(1);
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const lead = long.length - short.length;
  return long.map((d, axis) => {
    if (axis < lead) return d;
    const other = short[axis - lead]!;
    const [left, right] = long === a ? [d, other] : [other, d];
    if (left === right || right === one) return left;
    if (left === one) return right;
    return context.broadcast(left, right, `${clause()} (axis ${axis - long.length})`);
  });
}

/** The common shape of concrete shapes. */
export function broadcastShape(shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return dims.find((dim) => dim !== 1) ?? 1;
  });
}

/** Strides that read a tensor of `shape` as if it had `rank` axes: 0 along what is repeated. */
export function broadcastSteps(shape: readonly number[], rank: number): readonly number[] {
  const own = strides(shape);
  return Array.from({ length: rank }, (_, axis) => {
    const at = axis - rank + shape.length;
    return at < 0 || shape[at] === 1 ? 0 : own[at]!;
  });
}

/** The operand's element that belongs to `index` of the result. */
export function broadcastAt(operand: Operand, index: readonly Dim[]): Expr {
  const lead = index.length - operand.shape.length;
  return operand.at(operand.shape.map((d, axis) => (d === constant(1) ? constant(0) : index[axis + lead]!)));
}
