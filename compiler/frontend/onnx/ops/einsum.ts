/**
 * Einsum. The composite `ops.einsum` gives each letter one size; what `...` stands for broadcasts here, as in
 * numpy: an axis of size 1 is repeated to the size that another operand has there.
 */
import { constant, type Dim } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import { required, text } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

const one = constant(1);

/** Where the axes of "..." begin in an operand, and how many there are. */
interface Ellipsis {
  readonly start: number;
  readonly sizes: readonly Dim[];
}

function ellipsisOf(c: NodeContext, term: string, x: Value): Ellipsis | undefined {
  const start = term.indexOf("...");
  if (start < 0) return undefined;
  const count = Math.max(0, c.ops.rank(x) - (term.length - 3));
  return { start, sizes: c.ops.shape(x).slice(start, start + count) };
}

/** The size of each hidden axis, counted from the last: that of the first operand where it is not 1. */
function common(all: readonly (Ellipsis | undefined)[]): readonly Dim[] {
  const rank = Math.max(0, ...all.map((each) => each?.sizes.length ?? 0));
  return Array.from({ length: rank }, (_, i) => {
    const there = all.flatMap((each) => each?.sizes.at(i - rank) ?? []);
    return there.find((d) => d !== one) ?? one;
  });
}

function repeated(c: NodeContext, x: Value, { start, sizes }: Ellipsis, to: readonly Dim[]): Value {
  const shape = c.ops.shape(x);
  const wide = sizes.map((d, i) => (d === one ? to.at(i - sizes.length)! : d));
  const target = [...shape.slice(0, start), ...wide, ...shape.slice(start + sizes.length)];
  if (target.every((d, axis) => d === shape[axis])) return x;
  return c.ops.broadcast(
    x,
    target,
    shape.map((_, axis) => axis),
  );
}

function einsum(c: NodeContext, equation: string): Value {
  const values = c.values();
  const terms = equation.replaceAll(" ", "").split("->")[0]!.split(",");
  const hidden = values.map((x, i) => ellipsisOf(c, terms[i] ?? "", x));
  const sizes = common(hidden);
  const wide = values.map((x, i) => (hidden[i] ? repeated(c, x, hidden[i], sizes) : x));
  return c.ops.einsum(equation, ...wide);
}

export const sums: readonly Operator[] = [
  operator(
    "Einsum",
    since(12, { equation: required(text()) }, (c, { equation }) => einsum(c, equation)),
  ),
];
