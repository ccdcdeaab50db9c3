/** Reorders the axes: result axis i is operand axis permutation[i] (numpy.transpose, ONNX Transpose). */
import type { Dim } from "../dims/index.ts";
import { checkAxes, checkCount, defineOp } from "./definition.ts";
import { build, stridesOf } from "./odometer.ts";

export type TransposeAttributes = { readonly permutation: readonly number[] };

export const transpose = defineOp<TransposeAttributes>({
  name: "transpose",
  operands: ["x"],
  attributes: { permutation: "ints" },
  relate: (context, [x], { permutation }) => {
    checkCount(context, "transpose", "entries of the permutation", permutation.length, x!.shape.length);
    checkAxes(context, "transpose", "x", x!, permutation);
    return [{ dtype: x!.dtype, shape: permutation.map((axis) => x!.shape[axis]!) }];
  },
  evaluate: ([x], { permutation }) => {
    const shape = permutation.map((axis) => x!.shape[axis]!);
    return [build(x!.dtype, shape, [stridesOf(x!.shape, permutation)], ([at]) => x!.data[at!]!)];
  },
  lower: ([x], { permutation }) => ({
    kind: "map",
    moves: true,
    at: (index) => {
      const source = new Array<Dim>(index.length);
      permutation.forEach((axis, i) => {
        source[axis] = index[i]!;
      });
      return x!.at(source);
    },
  }),
});
