/**
 * Puts its operands behind each other along one axis; all other dims agree (numpy.concatenate, ONNX Concat).
 */
import { allocateNumbers, copyElements } from "../../runtime/elements.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import { constant, type Dim, sub, sum } from "../dims/index.ts";
import type { TensorType } from "../ir/graph.ts";
import type { Expr } from "../ir/loop.ts";
import type { Operand, RelationContext } from "../ir/op.ts";
import { checkAxes, checkRank, checkSameDType, defineOp } from "./definition.ts";

export type ConcatAttributes = { readonly axis: number };

export const concat = defineOp<ConcatAttributes>({
  name: "concat",
  operands: ["x..."],
  attributes: { axis: "int" },
  relate: (context, types, { axis }) => {
    const first = types[0];
    if (first === undefined)
      return context.fail("E2111", "concat has no operands", { fix: "give it at least one" });
    checkAxes(context, "concat", "x0", first, [axis]);
    types.forEach((type, i) => {
      if (i > 0) agree(context, first, type, i, axis);
    });
    const total = sum(types.map((type) => type.shape[axis]!));
    return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? total : d)) }];
  },
  evaluate: (operands, { axis }) => [join(operands, axis)],
  lower: (operands, { axis }) => ({
    kind: "map",
    moves: true,
    guards: operands.length > 1,
    at: (index) => pick(operands, axis, index),
  }),
});

function agree(context: RelationContext, first: TensorType, type: TensorType, i: number, axis: number): void {
  const name = `x${i}`;
  checkRank(context, "concat", name, type, first.shape.length);
  checkSameDType(context, "concat", ["x0", name], first, type);
  type.shape.forEach((d, at) => {
    if (at !== axis && d !== first.shape[at])
      context.equal(
        first.shape[at]!,
        d,
        `concat along axis ${axis} needs axis ${at} of x0 and ${name} to agree`,
      );
  });
}

/** Each operand is a run of whole rows: what lies at or behind the axis is contiguous in it. */
function join(operands: readonly Tensor[], axis: number): Tensor {
  const first = operands[0]!;
  const total = operands.reduce((sum, operand) => sum + operand.shape[axis]!, 0);
  const shape = first.shape.map((dim, i) => (i === axis ? total : dim));
  const data = allocateNumbers(first.dtype, size(shape));
  let position = 0;
  for (let outer = 0; outer < size(shape.slice(0, axis)); outer++)
    for (const operand of operands) {
      const run = size(operand.shape.slice(axis));
      copyElements(data, operand.data.subarray(outer * run, (outer + 1) * run), position);
      position += run;
    }
  return { dtype: first.dtype, shape, data };
}

/** Nested guards: inside the first operand, else inside the second, ... */
function pick(operands: readonly Operand[], axis: number, index: readonly Dim[]): Expr {
  const at = index[axis]!;
  let start: Dim = constant(0);
  const pieces = operands.map((operand) => {
    const end = sum([start, operand.shape[axis]!]);
    const local = sub(at, start);
    start = end;
    return { operand, end, local };
  });
  const last = pieces.at(-1)!;
  const value = ({ operand, local }: (typeof pieces)[number]) =>
    operand.at(index.map((i, other) => (other === axis ? local : i)));
  return pieces.slice(0, -1).reduceRight<Expr>(
    (outside, piece) => ({
      kind: "guard",
      tests: [sub(sub(piece.end, 1), at)],
      inside: value(piece),
      outside,
      dtype: piece.operand.dtype,
    }),
    value(last),
  );
}
