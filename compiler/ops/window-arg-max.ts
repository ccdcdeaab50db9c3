/**
 * Where the largest element of each sliding window lies: its row-major position in x as int32 (the indices of
 * ONNX MaxPool and of torch's max_pool with return_indices). Padding is never chosen; the first of equals
 * wins, and a NaN wins over all.
 */
import { strides as stridesOfShape, type Tensor } from "../../runtime/tensor.ts";
import { add, constant, type Dim, mul, type Shape } from "../dims/index.ts";
import type { Expr } from "../ir/loop.ts";
import type { Block, Destination, Operand } from "../ir/op.ts";
import { limitsOf } from "./accumulate.ts";
import { defineOp, numberOf } from "./definition.ts";
import { outranks, test, whole } from "./expressions.ts";
import { nestOver } from "./nest.ts";
import { build, walk } from "./odometer.ts";
import {
  placeIn,
  relateWindows,
  type WindowAttributes,
  windowAt,
  windowAttributes,
} from "./window-reduce.ts";
import { placesOf } from "./windows.ts";

export const windowArgMax = defineOp<WindowAttributes>({
  name: "windowArgMax",
  operands: ["x"],
  attributes: windowAttributes,
  relate: (context, [x], attributes) => [
    { dtype: "int32", shape: relateWindows(context, "windowArgMax", x!, attributes) },
  ],
  evaluate: ([x], attributes) => [search(x!, attributes)],
  lower: ([x], attributes) => ({
    kind: "kernel",
    build: (block, [result]) => findEach(block, x!, attributes, result!),
  }),
});

function search(x: Tensor, attributes: WindowAttributes): Tensor {
  const windows = x.shape.map((dim, axis) => windowAt(dim, attributes, axis, numberOf));
  const steps = stridesOfShape(x.shape);
  const lengths = windows.map(({ size }) => size);
  return build("int32", windows.map(placesOf), [], (_, index) => {
    let best = -1;
    walk(lengths, [], (_none, over) => {
      const position = windows.map((w, axis) => index[axis]! * w.stride + over[axis]! * w.dilation - w.low);
      if (position.some((p, axis) => p < 0 || p >= x.shape[axis]!)) return;
      const at = position.reduce((sum, p, axis) => sum + p * steps[axis]!, 0);
      const [value, leader] = [x.data[at]!, best < 0 ? Number.NEGATIVE_INFINITY : x.data[best]!];
      if (best < 0 || value > leader || (Number.isNaN(value) && !Number.isNaN(leader))) best = at;
    });
    return Math.max(best, 0);
  });
}

/** A window that lies wholly in the padding has no largest element; its position is 0. */
function findEach(block: Block, x: Operand, attributes: WindowAttributes, result: Destination): void {
  const lowest: Expr = { kind: "constant", value: limitsOf(x.dtype)[0], dtype: x.dtype };
  nestOver(block, result.shape, { parallel: true }, (index) => {
    const best = block.local("best", x.dtype, lowest);
    const found = block.local("found", "int32", whole(constant(0)));
    const where = block.local("where", "int32", whole(constant(0)));
    nestOver(block, attributes.window, { parallel: false, name: "r" }, (over) => {
      const { source, tests } = placeIn(x, attributes, index, over);
      const inside = x.at(source);
      const guarded: Expr =
        tests.length === 0 ? inside : { kind: "guard", tests, inside, outside: lowest, dtype: x.dtype };
      const value = block.let("value", guarded);
      const beats = test(
        "or",
        test("eq", found.get(), whole(constant(0))),
        outranks("gt", value, best.get(), x),
      );
      const isInside = tests.map((d) => test("ge", whole(d), whole(constant(0))));
      const wins = isInside.reduce((all, one) => test("and", all, one), beats);
      block.if(wins, () => {
        best.set(value);
        found.set(whole(constant(1)));
        where.set(whole(flat(x.shape, source)));
      });
    });
    result.store(index, where.get());
  });
}

function flat(shape: Shape, index: readonly Dim[]): Dim {
  return shape.reduce((at, extent, axis) => add(mul(at, extent), index[axis]!), constant(0));
}
