/**
 * The rows of x, along axis 0, at which a mask is true, in their order (numpy.compress, ONNX Compress). How
 * many they are is `count`, a size that `measure` has made of the mask's sum. One pass: the place of the next
 * row is counted while rows are copied.
 */
import { allocateNumbers, copyElements } from "../../runtime/elements.ts";
import { constant, type Dim } from "../dims/index.ts";
import { checkDTypeIs, checkRank, defineOp, stateAtLeast } from "./definition.ts";
import { nestOver } from "./nest.ts";
import { counting } from "./odometer.ts";

export type CompressAttributes = { readonly count: Dim };

export const compress = defineOp<CompressAttributes>({
  name: "compress",
  operands: ["x", "mask"],
  attributes: { count: "dim" },
  relate: (context, [x, mask], { count }) => {
    checkRank(context, "compress", "x", x!, 1, Number.POSITIVE_INFINITY);
    checkRank(context, "compress", "mask", mask!, 1);
    checkDTypeIs(context, "compress", "mask", mask!, "bool");
    const [rows, ...row] = x!.shape;
    context.equal(rows!, mask!.shape[0]!, "axis 0 of x meets the mask of compress");
    stateAtLeast(context, rows!, count, () => `compress takes ${count} rows of x`);
    return [{ dtype: x!.dtype, shape: [count, ...row] }];
  },
  evaluate: ([x, mask]) => {
    const taken = counting(mask!.data.length).filter((i) => Boolean(mask!.data[i]));
    const row = x!.shape.slice(1).reduce((a, b) => a * b, 1);
    const data = allocateNumbers(x!.dtype, taken.length * row);
    taken.forEach((from, to) => {
      copyElements(data, x!.data.slice(from * row, (from + 1) * row), to * row);
    });
    return [{ dtype: x!.dtype, shape: [taken.length, ...x!.shape.slice(1)], data }];
  },
  lower: ([x, mask], { count }) => ({
    kind: "kernel",
    build: (block, [result]) => {
      const [rows, ...row] = x!.shape;
      const place = block.local("place", "int32", { kind: "constant", value: 0, dtype: "int32" });
      block.for("i", rows!, { parallel: false }, (i) => {
        block.if(mask!.at([i]), () => {
          const to = block.index(place.get(), count, { mode: "check", what: "row of compress" });
          nestOver(block, row, { parallel: true, name: "j" }, (rest) =>
            result!.store([to, ...rest], x!.at([i, ...rest])),
          );
          const one = { kind: "index", index: constant(1), dtype: "int32" } as const;
          place.set({ kind: "binary", fn: "add", a: place.get(), b: one, dtype: "int32" });
        });
      });
    },
  }),
});
