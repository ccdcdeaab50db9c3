/** Flips the order along some axes (numpy.flip). */
import { strides as stridesOfShape } from "../../runtime/tensor.ts";
import { sub } from "../dims/index.ts";
import { checkAxes, defineOp } from "./definition.ts";
import { build } from "./odometer.ts";

export type ReverseAttributes = { readonly axes: readonly number[] };

export const reverse = defineOp<ReverseAttributes>({
  name: "reverse",
  operands: ["x"],
  attributes: { axes: "ints" },
  relate: (context, [x], { axes }) => {
    checkAxes(context, "reverse", "x", x!, axes);
    return [x!];
  },
  evaluate: ([x], { axes }) => {
    const steps = stridesOfShape(x!.shape);
    return [
      build(x!.dtype, x!.shape, [], (_, index) => {
        const at = index.reduce(
          (sum, i, axis) => sum + (axes.includes(axis) ? x!.shape[axis]! - 1 - i : i) * steps[axis]!,
          0,
        );
        return x!.data[at]!;
      }),
    ];
  },
  lower: ([x], { axes }) => ({
    kind: "map",
    moves: true,
    at: (index) => x!.at(index.map((i, axis) => (axes.includes(axis) ? sub(sub(x!.shape[axis]!, 1), i) : i))),
  }),
});
