/**
 * Repeats the operand along new axes and along those where its dim is 1: operand axis i becomes result axis
 * axes[i] (XLA BroadcastInDim).
 */
import { strides } from "../../runtime/tensor.ts";
import { constant, type Dim } from "../dims/index.ts";
import { checkAxes, checkCount, defineOp, numbersOf } from "./definition.ts";
import { build } from "./odometer.ts";

export type BroadcastAttributes = { readonly shape: readonly Dim[]; readonly axes: readonly number[] };

export const broadcast = defineOp<BroadcastAttributes>({
  name: "broadcast",
  operands: ["x"],
  attributes: { shape: "dims", axes: "ints" },
  relate: (context, [x], { shape, axes }) => {
    const result = { dtype: x!.dtype, shape };
    checkCount(context, "broadcast", "axes", axes.length, x!.shape.length);
    checkAxes(context, "broadcast", "the result", result, axes);
    if (axes.some((axis, i) => i > 0 && axis < axes[i - 1]!))
      context.fail("E2111", `broadcast axes [${axes.join(", ")}] do not increase`, {
        fix: "transpose the operand first",
      });
    x!.shape.forEach((d, i) => {
      const wanted = shape[axes[i]!]!;
      if (d === wanted) return;
      const clause = `axis ${i} of x is repeated along axis ${axes[i]} of the result: the same size, or 1`;
      context.equal(context.broadcast(d, wanted, clause), wanted, clause);
    });
    return [result];
  },
  evaluate: ([x], { shape, axes }) => {
    const steps = shape.map(() => 0);
    strides(x!.shape).forEach((stride, i) => {
      if (x!.shape[i] !== 1) steps[axes[i]!] = stride;
    });
    return [build(x!.dtype, numbersOf(shape), [steps], ([at]) => x!.data[at!]!)];
  },
  lower: ([x], { axes }) => ({
    kind: "map",
    elementwise: true,
    moves: true,
    at: (index) => x!.at(axes.map((axis, i) => (x!.shape[i] === constant(1) ? constant(0) : index[axis]!))),
  }),
});
