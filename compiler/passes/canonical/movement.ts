/**
 * Rows of data movement. They read the same elements at the same places, so all are exact; what remains per
 * row is why the indices agree.
 */
import { add, mul, type Shape } from "../../dims/index.ts";
import type { BroadcastAttributes } from "../../ops/broadcast.ts";
import type { PadAttributes } from "../../ops/pad.ts";
import type { ReduceAttributes } from "../../ops/reduce.ts";
import type { SliceAttributes } from "../../ops/slice.ts";
import type { TransposeAttributes } from "../../ops/transpose.ts";
import type { WindowReduceAttributes } from "../../ops/window-reduce.ts";
import { type BoundNode, sameType } from "../rewrite.ts";
import { areAll, by, from, one, type Row, reshaped, zero } from "./row.ts";

const sameAsOperand = (node: BoundNode) => sameType(node.operands[0]!.type, node.results[0]!.type);
const dimsAt = (node: BoundNode, axes: readonly number[]) =>
  axes.map((axis) => node.operands[0]!.type.shape[axis]!);
const ascending = (list: readonly number[]) => list.every((n, i) => i === 0 || n > list[i - 1]!);

export const movement: readonly Row[] = [
  {
    ops: ["reshape"],
    name: "reshape to its own shape -> x",
    apply: (node) => (sameAsOperand(node) ? node.operands : undefined),
  },
  {
    // Order in memory is all a reshape keeps, and the first one kept it.
    ops: ["reshape"],
    name: "reshape of reshape -> reshape",
    apply: (node, scope) => {
      const inner = from(node, scope, "reshape");
      return inner && reshaped(node, inner.operands[0]!);
    },
  },
  {
    ops: ["transpose"],
    name: "transpose of transpose -> transpose",
    apply: (node, scope) => {
      const inner = from(node, scope, "transpose");
      if (!inner) return undefined;
      const { permutation: first } = inner.attributes as TransposeAttributes;
      const { permutation: second } = node.attributes as TransposeAttributes;
      return by(node, "transpose", inner.operands, { permutation: second.map((axis) => first[axis]!) });
    },
  },
  {
    // Axes of one element do not order anything; the others keep their order.
    ops: ["transpose"],
    name: "transpose that moves axes of size 1 only -> reshape",
    apply: (node) => {
      const [x] = node.operands;
      const { permutation } = node.attributes as TransposeAttributes;
      const long = permutation.filter((axis) => x!.type.shape[axis] !== one);
      return ascending(long) ? reshaped(node, x!) : undefined;
    },
  },
  {
    ops: ["broadcast"],
    name: "broadcast of broadcast -> broadcast",
    apply: (node, scope) => {
      const inner = from(node, scope, "broadcast");
      if (!inner) return undefined;
      const { axes: first } = inner.attributes as BroadcastAttributes;
      const { axes: second, shape } = node.attributes as BroadcastAttributes;
      return by(node, "broadcast", inner.operands, { shape, axes: first.map((axis) => second[axis]!) });
    },
  },
  {
    // Nothing is repeated, so the elements are the same in the same order.
    ops: ["broadcast"],
    name: "broadcast that adds axes of size 1 only -> reshape",
    apply: (node) => {
      const [x] = node.operands;
      const { shape, axes } = node.attributes as BroadcastAttributes;
      const same = x!.type.shape.every((d, i) => d === shape[axes[i]!]);
      const added = shape.filter((_, axis) => !axes.includes(axis));
      return same && areAll(added, one) ? reshaped(node, x!) : undefined;
    },
  },
  {
    ops: ["slice"],
    name: "slice of everything -> x",
    apply: (node) => {
      const { start, stride } = node.attributes as SliceAttributes;
      return start === zero && stride === one && sameAsOperand(node) ? node.operands : undefined;
    },
  },
  {
    // x[s + t*i] at i = u + v*j is x[s + t*u + t*v*j].
    ops: ["slice"],
    name: "slice of slice along one axis -> slice",
    apply: (node, scope) => {
      const inner = from(node, scope, "slice");
      const outer = node.attributes as SliceAttributes;
      if (!inner) return undefined;
      const { axis, start, stride } = inner.attributes as SliceAttributes;
      if (axis !== outer.axis) return undefined;
      return by(node, "slice", inner.operands, {
        axis,
        start: add(start, mul(stride, outer.start)),
        size: outer.size,
        stride: mul(stride, outer.stride),
      });
    },
  },
  {
    ops: ["pad"],
    name: "pad by nothing -> x",
    apply: (node) => (sameAsOperand(node) ? node.operands : undefined),
  },
  {
    ops: ["pad"],
    name: "pad of pad with one value -> pad",
    apply: (node, scope) => {
      const inner = from(node, scope, "pad");
      const outer = node.attributes as PadAttributes;
      if (!inner) return undefined;
      const { low, high, value } = inner.attributes as PadAttributes;
      if (!Object.is(value, outer.value)) return undefined;
      const both = (a: Shape, b: Shape) => a.map((d, axis) => add(d, b[axis]!));
      return by(node, "pad", inner.operands, {
        low: both(low, outer.low),
        high: both(high, outer.high),
        value,
      });
    },
  },
  {
    ops: ["reverse"],
    name: "reverse of axes of size 1 -> x",
    apply: (node) => {
      const { axes } = node.attributes as { axes: readonly number[] };
      return areAll(dimsAt(node, axes), one) ? node.operands : undefined;
    },
  },
  {
    ops: ["reverse"],
    name: "reverse of reverse along the same axes -> x",
    apply: (node, scope) => {
      const inner = from(node, scope, "reverse");
      const axesOf = ({ attributes }: BoundNode) =>
        [...(attributes as { axes: readonly number[] }).axes].sort();
      return inner && axesOf(inner).join() === axesOf(node).join() ? inner.operands : undefined;
    },
  },
  {
    ops: ["concat"],
    name: "concat of one -> it",
    apply: (node) => (node.operands.length === 1 ? node.operands : undefined),
  },
  {
    // The identity of a maximum, minimum or product changes no element. A sum starts from 0, which makes 0 of
    // -0.
    ops: ["reduceMax", "reduceMin", "reduceProd"],
    name: "reduction of axes of size 1 -> reshape",
    apply: (node) => {
      const { axes } = node.attributes as ReduceAttributes;
      return areAll(dimsAt(node, axes), one) ? reshaped(node, node.operands[0]!) : undefined;
    },
  },
  {
    ops: ["windowReduce"],
    name: "maximum or minimum of windows of 1 -> x",
    apply: (node) => {
      const { window, combine } = node.attributes as WindowReduceAttributes;
      return combine !== "add" && areAll(window, one) && sameAsOperand(node) && isPlain(node)
        ? node.operands
        : undefined;
    },
  },
];

/** Neither strides nor padding. */
function isPlain({ attributes }: BoundNode): boolean {
  const { strides, padding } = attributes as WindowReduceAttributes;
  return areAll(strides, one) && areAll(padding.flat(), zero);
}
