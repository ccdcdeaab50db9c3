/**
 * Every stride-th element of one axis: start, start + stride, ... (`size` of them). Start and size may be
 * symbolic; stride >= 1.
 */

import { allocateNumbers, type Elements } from "../../runtime/elements.ts";
import { size as sizeOf, strides as stridesOfShape } from "../../runtime/tensor.ts";
import { add, constant, constantOf, type Dim, mul, sub } from "../dims/index.ts";
import type { RelationContext } from "../ir/op.ts";
import { checkAxes, defineOp, numberOf, stateAtLeast } from "./definition.ts";
import { walk } from "./odometer.ts";

export type SliceAttributes = {
  readonly axis: number;
  readonly start: Dim;
  readonly size: Dim;
  readonly stride: Dim;
};

export const slice = defineOp<SliceAttributes>({
  name: "slice",
  operands: ["x"],
  attributes: { axis: "int", start: "dim", size: "dim", stride: "dim" },
  relate: (context, [x], { axis, start, size, stride }) => {
    checkAxes(context, "slice", "x", x!, [axis]);
    const d = x!.shape[axis]!;
    stateAtLeast(context, start, constant(0), () => `the slice of axis ${axis} starts inside x`);
    stateLeft(context, d, { axis, start, size, stride });
    stateAtLeast(context, stride, constant(1), () => `the slice of axis ${axis} steps forward`);
    stateAtLeast(
      context,
      d,
      add(start, mul(sub(size, 1), stride), 1),
      () => `the slice of ${size} from ${start} ends inside axis ${axis} of x`,
    );
    return [{ dtype: x!.dtype, shape: x!.shape.map((whole, i) => (i === axis ? size : whole)) }];
  },
  evaluate: ([x], attributes) => {
    const { axis } = attributes;
    const [start, size, stride] = [attributes.start, attributes.size, attributes.stride].map(numberOf);
    const shape = x!.shape.map((dim, i) => (i === axis ? size! : dim));
    const data = allocateNumbers(x!.dtype, sizeOf(shape));
    const elements: Elements = data;
    const own = stridesOfShape(x!.shape);
    const steps = own.map((step, i) => (i === axis ? step * stride! : step));
    let position = 0;
    walk(
      shape,
      [steps],
      ([at]) => {
        elements[position++] = x!.data[at!]!;
      },
      [start! * own[axis]!],
    );
    return [{ dtype: x!.dtype, shape, data }];
  },
  lower: ([x], { axis, start, stride }) => ({
    kind: "map",
    moves: true,
    at: (index) => x!.at(index.map((i, at) => (at === axis ? add(start, mul(i, stride)) : i))),
  }),
});

/**
 * What is left of an axis of `d` elements, which is how a crop is told: by what goes away before and after.
 * @throws E2201 when that is more than there is.
 */
function stateLeft(context: RelationContext, d: Dim, { axis, start, size, stride }: SliceAttributes): void {
  const [whole, left] = [context.resolve(d), context.resolve(size)];
  const cut = () => {
    const after = context.resolve(sub(whole, add(start, mul(left, stride))));
    return `${start} before and ${after} after are cut from axis ${axis} of x`;
  };
  if ((constantOf(left) ?? 0) < 0)
    context.fail("E2201", `${cut()}, which has only ${whole}`, {
      facts: [{ subject: "x", value: `${whole}`, note: `elements along axis ${axis}` }],
      fix: `cut at most ${whole} in all, or feed at least ${sub(whole, left)}`,
    });
  stateAtLeast(context, left, constant(0), cut);
}
