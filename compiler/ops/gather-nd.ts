/**
 * Takes slices by coordinates (tf.gather_nd, ONNX GatherND). The first `batchDims` axes are shared; the last
 * axis of `indices` holds the coordinates of as many axes of x after them; what is left of x is the slice:
 * result [batch…, rows of indices…, slice…]. Negative coordinates count from the end.
 */
import { strides as stridesOfShape, type Tensor } from "../../runtime/tensor.ts";
import { constant, constantOf, type Dim, type Shape } from "../dims/index.ts";
import type { TensorType } from "../ir/graph.ts";
import type { Block, Operand, RelationContext } from "../ir/op.ts";
import { checkIndices, checkRank, defineOp, typeText } from "./definition.ts";
import { placeOf } from "./gather-elements.ts";
import { build, counting } from "./odometer.ts";

export type GatherNdAttributes = { readonly batchDims: number };

export const gatherNd = defineOp<GatherNdAttributes>({
  name: "gatherNd",
  operands: ["x", "indices"],
  attributes: { batchDims: "int" },
  relate: (context, [x, indices], { batchDims }) => {
    checkIndices(context, "gatherNd", indices!);
    checkRank(context, "gatherNd", "indices", indices!, batchDims + 1, Number.POSITIVE_INFINITY);
    const count = coordinatesOf(context, "gatherNd", indices!);
    checkRank(context, "gatherNd", "x", x!, batchDims + count, Number.POSITIVE_INFINITY);
    for (const axis of counting(batchDims))
      context.equal(x!.shape[axis]!, indices!.shape[axis]!, `batch axis ${axis} of x meets that of indices`);
    return [
      { dtype: x!.dtype, shape: [...indices!.shape.slice(0, -1), ...x!.shape.slice(batchDims + count)] },
    ];
  },
  evaluate: ([x, indices], { batchDims }) => [takeSlices(x!, indices!, batchDims)],
  lower: ([x, indices], { batchDims }) => ({
    kind: "map",
    moves: true,
    binds: true,
    at: (index, block) => {
      const rows = indices!.shape.length - 1;
      const batch = index.slice(0, batchDims);
      const extents = x!.shape.slice(batchDims);
      const where = coordinates(block, indices!, index.slice(0, rows), extents, "gatherNd");
      return x!.at([...batch, ...where, ...index.slice(rows)]);
    },
  }),
});

/** How many coordinates a row of `indices` holds: the op's shape depends on it, so it has to be known. */
export function coordinatesOf(context: RelationContext, op: string, indices: TensorType): number {
  const last = context.resolve(indices.shape.at(-1)!);
  const count = constantOf(last);
  if (count !== undefined) return count;
  return context.fail("E2111", `${op} needs the last axis of indices to be a number, but it is ${last}`, {
    facts: [{ subject: "indices", value: typeText(indices) }],
    because: "it decides how many axes of the other operand are indexed",
    fix: "declare the number of coordinates",
  });
}

/** The coordinates that a row of indices holds, bound to lie within `extents`. */
export function coordinates(
  block: Block,
  indices: Operand,
  row: readonly Dim[],
  extents: Shape,
  op: string,
): readonly Dim[] {
  return counting(Number(constantOf(indices.shape.at(-1)!))).map((k) =>
    block.index(indices.at([...row, constant(k)]), extents[k]!, {
      mode: "check",
      wrap: true,
      what: `${op} index`,
    }),
  );
}

function takeSlices(x: Tensor, indices: Tensor, batchDims: number): Tensor {
  const count = indices.shape.at(-1)!;
  const rows = indices.shape.slice(0, -1);
  const own = stridesOfShape(x.shape);
  const slice = x.shape.slice(batchDims + count);
  const shape = [...rows, ...slice];
  const ofX = shape.map((_, axis) => {
    if (axis < batchDims) return own[axis]!;
    return axis < rows.length ? 0 : own[axis - rows.length + batchDims + count]!;
  });
  const ofIndices = [...stridesOfShape(indices.shape).slice(0, -1), ...slice.map(() => 0)];
  return build(x.dtype, shape, [ofX, ofIndices], ([at, row]) => {
    let from = at!;
    for (let k = 0; k < count; k++) {
      const axis = batchDims + k;
      from += placeOf(indices.data[row! + k]!, x.shape[axis]!, "gatherNd") * own[axis]!;
    }
    return x.data[from]!;
  });
}
