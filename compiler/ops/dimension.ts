/**
 * One size as a number that can be computed with (an element of ONNX Shape, the result of Size). A size that
 * is bound becomes a constant; one that is left open is read where the kernel has it as a loop's extent.
 */
import { type DType, dtypes, isDType } from "../../runtime/dtype.ts";
import { constantOf, type Dim } from "../dims/index.ts";
import { limitsOf } from "./accumulate.ts";
import { defineOp, numberOf } from "./definition.ts";
import { build } from "./odometer.ts";

export type DimensionAttributes = { readonly dtype: string; readonly value: Dim };

export const dimension = defineOp<DimensionAttributes>({
  name: "dimension",
  operands: [],
  attributes: { dtype: "string", value: "dim" },
  relate: (context, _operands, { dtype, value }) => {
    if (!isDType(dtype) || dtypes[dtype].kind !== "integer")
      return context.fail("E2107", `a size as ${dtype}, which is no integer dtype`, { fix: "use int32" });
    const size = constantOf(value);
    const [lowest, highest] = limitsOf(dtype);
    if (size !== undefined && (size < lowest || size > highest))
      context.fail("E2107", `the size ${size} as ${dtype}, which holds ${lowest} to ${highest}`, {
        fix: "use a wider dtype, or smaller sizes",
      });
    return [{ dtype, shape: [] }];
  },
  evaluate: (_operands, { dtype, value }) => [build(dtype as DType, [], [], () => numberOf(value))],
  lower: (_operands, { dtype, value }) => ({
    kind: "map",
    elementwise: true,
    moves: true,
    at: () => ({ kind: "index", index: value, dtype: dtype as DType }),
  }),
});
