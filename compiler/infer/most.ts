/**
 * The largest that integers can be, from what makes them: a limit somebody took the smaller of, positions
 * along an axis, counts of what is true, numbers of few bits. It bounds sizes that a run finds, before
 * anything runs. What is not in the table is not bounded.
 */
import { dtypes } from "../../runtime/dtype.ts";
import { constant, constantOf, type Dim, max, min, mul, product } from "../dims/index.ts";
import type { Node, Value } from "../ir/graph.ts";

export interface Makers {
  producer(value: Value): Node | undefined;
  /** Elements that are known as dims. */
  known(value: Value): readonly Dim[] | undefined;
}

export function mostOf(value: Value, makers: Makers): Dim | undefined {
  const known = makers.known(value);
  if (known) return known.length > 0 ? known.reduce((a, b) => max(a, b)) : undefined;
  const node = makers.producer(value);
  const found = node && rows[node.op]?.(node, (operand) => mostOf(operand, makers));
  if (found) return found;
  const { kind, bytes, highest } = dtypes[value.type.dtype];
  return kind !== "float" && bytes === 1 ? constant(highest) : undefined;
}

type Row = (node: Node, of: (value: Value) => Dim | undefined) => Dim | undefined;

const same: Row = ({ operands }, of) => of(operands[0]!);

const larger: Row = ({ operands }, of) => {
  const ends = operands.map(of);
  return ends.every((end) => end !== undefined) ? ends.reduce((a, b) => max(a, b)) : undefined;
};

const smaller: Row = ({ operands }, of) => {
  const ends = operands.map(of).filter((end) => end !== undefined);
  return ends.length > 0 ? ends.reduce((a, b) => min(a, b)) : undefined;
};

const place: Row = ({ operands, attributes }) => operands[0]!.type.shape[Number(attributes["axis"])];

const movers = ["cast", "reshape", "broadcast", "transpose", "reverse", "slice", "gather", "gatherElements"];

const rows: Readonly<Record<string, Row>> = {
  ...Object.fromEntries([...movers, "gatherNd", "reduceMax", "reduceMin"].map((op) => [op, same])),
  max: larger,
  min: smaller,
  select: ({ operands, ...node }, of) => larger({ ...node, operands: operands.slice(1) }, of),
  concat: larger,
  argMax: place,
  argMin: place,
  measure: ({ attributes }) => attributes["most"] as Dim,
  reduceSum: ({ operands, attributes }, of) => {
    const [x] = operands as [Value];
    const each = of(x);
    const axes = attributes["axes"] as readonly number[];
    // Below zero a sum of fewer is larger.
    if (each === undefined || (constantOf(each) ?? 0) < 0) return undefined;
    return mul(each, product(axes.map((axis) => x.type.shape[axis]!)));
  },
};
