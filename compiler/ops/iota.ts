/** Counts 0, 1, 2, ... along one axis and repeats along the others (XLA Iota, numpy.indices). */
import { type DType, isDType } from "../../runtime/dtype.ts";
import type { Dim } from "../dims/index.ts";
import { checkAxes, checkDType, defineOp, numbersOf } from "./definition.ts";
import { build } from "./odometer.ts";

export type IotaAttributes = {
  readonly dtype: string;
  readonly shape: readonly Dim[];
  readonly axis: number;
};

export const iota = defineOp<IotaAttributes>({
  name: "iota",
  operands: [],
  attributes: { dtype: "string", shape: "dims", axis: "int" },
  relate: (context, _operands, { dtype, shape, axis }) => {
    if (!isDType(dtype))
      return context.fail("E2107", `iota of ${dtype}, which is no dtype`, { fix: "use float32 or int32" });
    checkDType(context, "iota", "the result", { dtype, shape }, "number");
    checkAxes(context, "iota", "the result", { dtype, shape }, [axis]);
    return [{ dtype, shape }];
  },
  evaluate: (_operands, { dtype, shape, axis }) => [
    build(dtype as DType, numbersOf(shape), [], (_, index) => index[axis]!),
  ],
  lower: (_operands, { dtype, axis }) => ({
    kind: "map",
    elementwise: true,
    moves: true,
    at: (index) => ({ kind: "index", index: index[axis]!, dtype: dtype as DType }),
  }),
});
