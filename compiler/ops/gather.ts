/**
 * Takes slices along one axis by number (numpy.take, ONNX Gather): the indices' shape takes the place of the
 * axis. An index outside the axis, negative ones included, is a RangeError at run time: the sizes of a
 * compiled model are fixed, so such an index is always a mistake in the data.
 */
import { strides as stridesOfShape } from "../../runtime/tensor.ts";
import { checkAxes, checkIndices, defineOp } from "./definition.ts";
import { build } from "./odometer.ts";

export type GatherAttributes = { readonly axis: number };

export const gather = defineOp<GatherAttributes>({
  name: "gather",
  operands: ["x", "indices"],
  attributes: { axis: "int" },
  relate: (context, [x, indices], { axis }) => {
    checkAxes(context, "gather", "x", x!, [axis]);
    checkIndices(context, "gather", indices!);
    return [
      {
        dtype: x!.dtype,
        shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)],
      },
    ];
  },
  evaluate: ([x, indices], { axis }) => {
    const extent = x!.shape[axis]!;
    const own = stridesOfShape(x!.shape);
    const still = indices!.shape.map(() => 0);
    const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
    const ofX = [...own.slice(0, axis), ...still, ...own.slice(axis + 1)];
    const ofIndices = shape.map(() => 0);
    stridesOfShape(indices!.shape).forEach((step, i) => {
      ofIndices[axis + i] = step;
    });
    return [
      build(x!.dtype, shape, [ofX, ofIndices], ([at, i]) => {
        const number = Number(indices!.data[i!]!);
        if (number < 0 || number >= extent)
          throw new RangeError(`gather index ${number} is outside 0 .. ${extent - 1}`);
        return x!.data[at! + number * own[axis]!]!;
      }),
    ];
  },
  lower: ([x, indices], { axis }) => ({
    kind: "map",
    moves: true,
    binds: true,
    at: (index, block) => {
      const behind = axis + indices!.shape.length;
      const number = block.index(indices!.at(index.slice(axis, behind)), x!.shape[axis]!, {
        mode: "check",
        what: "gather index",
      });
      return x!.at([...index.slice(0, axis), number, ...index.slice(behind)]);
    },
  }),
});
