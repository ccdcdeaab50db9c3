/**
 * Takes single elements along one axis (torch.gather, ONNX GatherElements, numpy.take_along_axis): the result
 * has the shape of `indices`, and element i is x at i with the axis replaced by indices[i]. The other axes of
 * `indices` may be shorter than those of x. A negative index counts from the end; one outside the axis is a
 * RangeError at run time.
 */
import type { Scalar } from "../../runtime/dtype.ts";
import { strides } from "../../runtime/tensor.ts";
import { checkAxes, checkIndices, checkRank, defineOp, stateAtLeast } from "./definition.ts";
import { build } from "./odometer.ts";

export type GatherElementsAttributes = { readonly axis: number };

export const gatherElements = defineOp<GatherElementsAttributes>({
  name: "gatherElements",
  operands: ["x", "indices"],
  attributes: { axis: "int" },
  relate: (context, [x, indices], { axis }) => {
    checkAxes(context, "gatherElements", "x", x!, [axis]);
    checkIndices(context, "gatherElements", indices!);
    checkRank(context, "gatherElements", "indices", indices!, x!.shape.length);
    indices!.shape.forEach((d, i) => {
      const clause = () => `axis ${i} of indices lies within axis ${i} of x`;
      if (i !== axis) stateAtLeast(context, x!.shape[i]!, d, clause);
    });
    return [{ dtype: x!.dtype, shape: indices!.shape }];
  },
  evaluate: ([x, indices], { axis }) => {
    const extent = x!.shape[axis]!;
    const own = strides(x!.shape);
    return [
      build(x!.dtype, indices!.shape, [own.with(axis, 0), strides(indices!.shape)], ([at, i]) => {
        const number = placeOf(indices!.data[i!]!, extent, "gatherElements");
        return x!.data[at! + number * own[axis]!]!;
      }),
    ];
  },
  lower: ([x, indices], { axis }) => ({
    kind: "map",
    moves: true,
    binds: true,
    at: (index, block) => {
      const options = { mode: "check", wrap: true, what: "gatherElements index" } as const;
      return x!.at(index.with(axis, block.index(indices!.at(index), x!.shape[axis]!, options)));
    },
  }),
});

/** The place that an index names, negative ones counted from the end. @throws RangeError outside the axis. */
export function placeOf(index: Scalar, extent: number, op: string): number {
  const place = Number(index) + (index < 0 ? extent : 0);
  if (!(place >= 0 && place < extent))
    throw new RangeError(`${op} index ${index} is outside 0 .. ${extent - 1}`);
  return place;
}
