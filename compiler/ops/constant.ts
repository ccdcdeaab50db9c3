/**
 * A tensor that is part of the model. The lowering of programs stores it as a weight; only a constant whose
 * elements are all equal is an expression, which is what a fused kernel wants (the 0 of a relu).
 */
import { decode, uniformOf } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { constant as constantDim } from "../dims/index.ts";
import { defineOp } from "./definition.ts";

export type ConstantAttributes = { readonly value: Tensor };

export const constant = defineOp<ConstantAttributes>({
  name: "constant",
  operands: [],
  attributes: { value: "tensor" },
  relate: (_context, _operands, { value }) => [
    { dtype: value.dtype, shape: value.shape.map((dim) => constantDim(dim)) },
  ],
  evaluate: (_operands, { value }) => [{ ...value, data: decode(value.dtype, value.data).slice() }],
  lower: (_operands, { value }) => {
    const { dtype } = value;
    const first = uniformOf(decode(dtype, value.data));
    if (first === undefined)
      throw new Error("internal: a constant with different elements is a weight, not an expression");
    return {
      kind: "map",
      elementwise: true,
      moves: true,
      at: () => ({ kind: "constant", value: first, dtype }),
    };
  },
});
