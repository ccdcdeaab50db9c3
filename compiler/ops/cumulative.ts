/**
 * Running sums and products along one axis (numpy.cumsum and cumprod, ONNX CumSum and CumProd). `exclusive`
 * leaves out the element itself; `reverse` runs from the end. The running total is kept as the numerics say
 * and rounded only where it is stored.
 */
import { allocateNumbers, type Elements } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { sub } from "../dims/index.ts";
import type { Block, Destination, Op, Operand } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { combiner, identityOf } from "./accumulate.ts";
import { checkAxes, checkDType, defineOp } from "./definition.ts";
import { nestOver } from "./nest.ts";
import { counting, stridesOf, walk } from "./odometer.ts";

export type CumulativeAttributes = {
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
};

const rows = [
  { name: "cumsum", combine: "add" },
  { name: "cumprod", combine: "mul" },
] as const;

type Row = (typeof rows)[number];

export const cumulativeOps: readonly Op[] = rows.map((row) =>
  defineOp<CumulativeAttributes>({
    name: row.name,
    operands: ["x"],
    attributes: { axis: "int", reverse: "boolean", exclusive: "boolean" },
    relate: (context, [x], { axis }) => {
      checkDType(context, row.name, "x", x!, "number");
      checkAxes(context, row.name, "x", x!, [axis]);
      return [x!];
    },
    evaluate: ([x], attributes, _results, { numerics }) => [runningTotals(row, x!, attributes, numerics)],
    lower: ([x], attributes) => ({
      kind: "kernel",
      build: (block, [result]) => accumulate(row, x!, attributes, block, result!),
    }),
  }),
);

function runningTotals(row: Row, x: Tensor, attributes: CumulativeAttributes, numerics: Numerics): Tensor {
  const { axis, reverse, exclusive } = attributes;
  const outer = counting(x.shape.length).filter((i) => i !== axis);
  const length = x.shape[axis]!;
  const step = stridesOf(x.shape, [axis])[0]!;
  const combine = combiner(row.combine, x.dtype, numerics);
  const data = allocateNumbers(x.dtype, x.data.length);
  const elements: Elements = data;
  walk(
    outer.map((i) => x.shape[i]!),
    [stridesOf(x.shape, outer)],
    ([start]) => {
      let total = identityOf(row.combine, x.dtype);
      for (let i = 0; i < length; i++) {
        const at = start! + (reverse ? length - 1 - i : i) * step;
        if (exclusive) elements[at] = total;
        total = combine(total, x.data[at]!);
        if (!exclusive) elements[at] = total;
      }
    },
  );
  return { dtype: x.dtype, shape: x.shape, data };
}

function accumulate(
  row: Row,
  x: Operand,
  { axis, reverse, exclusive }: CumulativeAttributes,
  block: Block,
  result: Destination,
): void {
  const outer = x.shape.filter((_, i) => i !== axis);
  const start = { kind: "constant", value: identityOf(row.combine, x.dtype), dtype: x.dtype } as const;
  nestOver(block, outer, { parallel: true }, (index) => {
    const total = block.local("total", x.dtype, start, { accumulator: true });
    block.for("k", x.shape[axis]!, { parallel: false }, (k) => {
      const along = reverse ? sub(sub(x.shape[axis]!, 1), k) : k;
      const at = [...index.slice(0, axis), along, ...index.slice(axis)];
      if (exclusive) result.store(at, total.get());
      total.set({ kind: "binary", fn: row.combine, a: total.get(), b: x.at(at), dtype: x.dtype });
      if (!exclusive) result.store(at, total.get());
    });
  });
}
