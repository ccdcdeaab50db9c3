/**
 * Sum, product, maximum and minimum over some axes (numpy.sum and friends, ONNX Reduce*). Elements are
 * combined in row-major order from the identity, so that every target can give the same bits. An empty
 * reduction gives the identity.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import { constant, type Dim } from "../dims/index.ts";
import type { Op } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { type Combine, combiner, identityOf } from "./accumulate.ts";
import { checkAxes, checkDType, defineOp } from "./definition.ts";
import { build, counting, offsetsOf, stridesOf } from "./odometer.ts";

export type ReduceAttributes = { readonly axes: readonly number[]; readonly keepDims: boolean };

const rows: readonly (readonly [name: string, combine: Combine])[] = [
  ["reduceSum", "add"],
  ["reduceProd", "mul"],
  ["reduceMax", "max"],
  ["reduceMin", "min"],
];

export const reduceOps: readonly Op[] = rows.map(([name, combine]) =>
  defineOp<ReduceAttributes>({
    name,
    operands: ["x"],
    attributes: { axes: "ints", keepDims: "boolean" },
    relate: (context, [x], { axes, keepDims }) => {
      checkDType(context, name, "x", x!, "number");
      checkAxes(context, name, "x", x!, axes);
      const dims = x!.shape.map((d, axis) => (axes.includes(axis) ? constant(1) : d));
      return [{ dtype: x!.dtype, shape: keepDims ? dims : without(x!.shape, axes) }];
    },
    evaluate: ([x], { axes, keepDims }, _results, { numerics }) => {
      const reduced = reduce(x!, axes, combine, numerics);
      const shape = x!.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      return [keepDims ? { ...reduced, shape } : reduced];
    },
    lower: ([x], { axes, keepDims }) => {
      const sorted = x!.shape.map((_, axis) => axis).filter((axis) => axes.includes(axis));
      return {
        kind: "reduce",
        over: sorted.map((axis) => x!.shape[axis]!),
        identity: identityOf(combine, x!.dtype),
        combine,
        once: true,
        element: (index, over) => x!.at(merged(index, over, sorted, keepDims)),
      };
    },
  }),
);

function without<T>(list: readonly T[], axes: readonly number[]): readonly T[] {
  return list.filter((_, axis) => !axes.includes(axis));
}

function reduce(x: Tensor, axes: readonly number[], combine: Combine, numerics: Numerics): Tensor {
  const kept = without(counting(x.shape.length), axes);
  const gone = without(counting(x.shape.length), kept);
  const step = combiner(combine, x.dtype, numerics);
  const inner = offsetsOf(
    gone.map((axis) => x.shape[axis]!),
    stridesOf(x.shape, gone),
  );
  const shape = kept.map((axis) => x.shape[axis]!);
  return build(x.dtype, shape, [stridesOf(x.shape, kept)], ([start]) => {
    let total = identityOf(combine, x.dtype);
    for (let r = 0; r < inner.length; r++) total = step(total, x.data[start! + inner[r]!]!);
    return total;
  });
}

/** The operand's index from the result's and the reduced one; `axes` ascending. */
function merged(
  index: readonly Dim[],
  over: readonly Dim[],
  axes: readonly number[],
  keepDims: boolean,
): readonly Dim[] {
  const rank = keepDims ? index.length : index.length + over.length;
  let next = 0;
  return counting(rank).map((axis) => {
    const reduced = axes.indexOf(axis);
    if (reduced >= 0) {
      if (keepDims) next++;
      return over[reduced]!;
    }
    return index[next++]!;
  });
}
