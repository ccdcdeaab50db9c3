/**
 * Writes slices by coordinates (tf.tensor_scatter_nd_update, ONNX ScatterND): a copy of x in which the slice
 * that each row of `indices` [rows…, coordinates] names is updated by the slice of `updates`
 * [rows…, slice…]. `combine` is as in scatterElements. Negative coordinates count from the end.
 */
import type { Elements } from "../../runtime/elements.ts";
import { strides } from "../../runtime/tensor.ts";
import { checkRank, defineOp } from "./definition.ts";
import { placeOf } from "./gather-elements.ts";
import { coordinates, coordinatesOf } from "./gather-nd.ts";
import { nestOver } from "./nest.ts";
import { walk } from "./odometer.ts";
import { checkUpdates, copyInto, storeUpdate, updater } from "./scatter-elements.ts";

export type ScatterNdAttributes = { readonly combine: string };

export const scatterNd = defineOp<ScatterNdAttributes>({
  name: "scatterNd",
  operands: ["x", "indices", "updates"],
  attributes: { combine: "string" },
  relate: (context, [x, indices, updates], { combine }) => {
    checkUpdates(context, "scatterNd", [x!, indices!, updates!], combine);
    checkRank(context, "scatterNd", "indices", indices!, 1, Number.POSITIVE_INFINITY);
    const count = coordinatesOf(context, "scatterNd", indices!);
    checkRank(context, "scatterNd", "x", x!, count, Number.POSITIVE_INFINITY);
    const wanted = [...indices!.shape.slice(0, -1), ...x!.shape.slice(count)];
    checkRank(context, "scatterNd", "updates", updates!, wanted.length);
    wanted.forEach((d, axis) => {
      context.equal(updates!.shape[axis]!, d, `updates have a slice of x for every row of indices`);
    });
    return [x!];
  },
  evaluate: ([x, indices, updates], { combine }, _results, { numerics }) => {
    const data = x!.data.slice();
    const elements: Elements = data;
    const update = updater(combine, x!.dtype, numerics);
    const own = strides(x!.shape);
    const count = indices!.shape.at(-1)!;
    const rows = indices!.shape.slice(0, -1);
    const slice = own.slice(count);
    const ofIndices = [...strides(indices!.shape).slice(0, -1), ...slice.map(() => 0)];
    const ofX = [...rows.map(() => 0), ...slice];
    walk(updates!.shape, [ofX, ofIndices, strides(updates!.shape)], ([at, row, from]) => {
      let to = at!;
      for (let k = 0; k < count; k++)
        to += placeOf(indices!.data[row! + k]!, x!.shape[k]!, "scatterNd") * own[k]!;
      elements[to] = update(elements[to]!, updates!.data[from!]!);
    });
    return [{ dtype: x!.dtype, shape: x!.shape, data }];
  },
  lower: ([x, indices, updates], { combine }) => ({
    kind: "kernel",
    build: (block, [result]) => {
      copyInto(block, x!, result!);
      const rows = indices!.shape.slice(0, -1);
      nestOver(block, rows, { parallel: false, name: "k" }, (row) => {
        const where = coordinates(block, indices!, row, x!.shape, "scatterNd");
        nestOver(block, x!.shape.slice(where.length), { parallel: false }, (slice) => {
          storeUpdate(result!, [...where, ...slice], updates!.at([...row, ...slice]), combine);
        });
      });
    },
  }),
});
