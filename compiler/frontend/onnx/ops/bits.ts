/** Integers as bits: logic bit by bit, shifts. Bits that are shifted out are lost, and zeros come in. */
import { word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

function shift(c: NodeContext, direction: "LEFT" | "RIGHT"): ReturnType<NodeContext["value"]> {
  const [x, by] = [c.value(0), c.value(1)];
  return direction === "LEFT" ? c.ops.shiftLeft(x, by) : c.ops.shiftRight(x, by);
}

const bitwise = (name: string, fn: "and" | "or" | "xor"): Operator =>
  operator(
    name,
    since(18, {}, (c) => c.ops[fn](c.value(0), c.value(1))),
  );

export const bits: readonly Operator[] = [
  bitwise("BitwiseAnd", "and"),
  bitwise("BitwiseOr", "or"),
  bitwise("BitwiseXor", "xor"),
  operator(
    "BitwiseNot",
    since(18, {}, (c) => c.ops.not(c.value(0))),
  ),
  operator(
    "BitShift",
    since(11, { direction: word(["LEFT", "RIGHT"], "LEFT") }, (c, a) => shift(c, a.direction)),
  ),
];
