/**
 * Running sums along one axis (numpy.cumsum, ONNX CumSum). `exclusive` leaves out the element itself;
 * `reverse` runs from the end. The running total is kept as the numerics say and rounded only where it is
 * stored.
 */
import { allocate } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { type Dim, sub } from "../dims/index.ts";
import type { Block, Destination, Operand } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { combiner } from "./accumulate.ts";
import { checkAxes, checkDType, defineOp } from "./definition.ts";
import { counting, stridesOf, walk } from "./odometer.ts";

export type CumsumAttributes = {
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
};

export const cumsum = defineOp<CumsumAttributes>({
  name: "cumsum",
  operands: ["x"],
  attributes: { axis: "int", reverse: "boolean", exclusive: "boolean" },
  relate: (context, [x], { axis }) => {
    checkDType(context, "cumsum", "x", x!, "number");
    checkAxes(context, "cumsum", "x", x!, [axis]);
    return [x!];
  },
  evaluate: ([x], attributes, _results, { numerics }) => [runningSums(x!, attributes, numerics)],
  lower: ([x], attributes) => ({
    kind: "kernel",
    build: (block, [result]) => nest(x!, attributes, block, result!, []),
  }),
});

function runningSums(x: Tensor, attributes: CumsumAttributes, numerics: Numerics): Tensor {
  const { axis, reverse, exclusive } = attributes;
  const outer = counting(x.shape.length).filter((i) => i !== axis);
  const length = x.shape[axis]!;
  const step = stridesOf(x.shape, [axis])[0]!;
  const combine = combiner("add", x.dtype, numerics);
  const data = allocate(x.dtype, x.data.length);
  walk(
    outer.map((i) => x.shape[i]!),
    [stridesOf(x.shape, outer)],
    ([start]) => {
      let total = 0;
      for (let i = 0; i < length; i++) {
        const at = start! + (reverse ? length - 1 - i : i) * step;
        if (exclusive) data[at] = total;
        total = combine(total, x.data[at]!);
        if (!exclusive) data[at] = total;
      }
    },
  );
  return { dtype: x.dtype, shape: x.shape, data };
}

function nest(
  x: Operand,
  attributes: CumsumAttributes,
  block: Block,
  result: Destination,
  index: readonly Dim[],
): void {
  const { axis, reverse, exclusive } = attributes;
  const outer = counting(x.shape.length).filter((i) => i !== axis);
  const next = outer[index.length];
  if (next !== undefined) {
    block.for("i", x.shape[next]!, { parallel: true }, (i) =>
      nest(x, attributes, block, result, [...index, i]),
    );
    return;
  }
  const zero = { kind: "constant", value: 0, dtype: x.dtype } as const;
  const total = block.local("total", x.dtype, zero, { accumulator: true });
  block.for("k", x.shape[axis]!, { parallel: false }, (k) => {
    const along = reverse ? sub(sub(x.shape[axis]!, 1), k) : k;
    const at = [...index.slice(0, axis), along, ...index.slice(axis)];
    if (exclusive) result.store(at, total.get());
    total.set({ kind: "binary", fn: "add", a: total.get(), b: x.at(at), dtype: x.dtype });
    if (!exclusive) result.store(at, total.get());
  });
}
