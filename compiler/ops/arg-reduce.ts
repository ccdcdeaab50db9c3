/**
 * The position of the largest or smallest element along one axis, as int32; the first one wins, and a NaN
 * wins over all (numpy.argmax).
 */

import type { Scalar } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { constant, type Dim } from "../dims/index.ts";
import type { Block, Destination, Op, Operand } from "../ir/op.ts";
import { checkAxes, checkDType, defineOp, stateAtLeast } from "./definition.ts";
import { outranks, whole } from "./expressions.ts";
import { nestOver } from "./nest.ts";
import { build, counting, stridesOf } from "./odometer.ts";

export type ArgReduceAttributes = { readonly axis: number };

const rows = [
  { name: "argMax", better: "gt", beats: (x: Scalar, best: Scalar) => x > best },
  { name: "argMin", better: "lt", beats: (x: Scalar, best: Scalar) => x < best },
] as const;

type Row = (typeof rows)[number];

export const argReduceOps: readonly Op[] = rows.map((row) =>
  defineOp<ArgReduceAttributes>({
    name: row.name,
    operands: ["x"],
    attributes: { axis: "int" },
    relate: (context, [x], { axis }) => {
      checkDType(context, row.name, "x", x!, "number");
      checkAxes(context, row.name, "x", x!, [axis]);
      stateAtLeast(
        context,
        x!.shape[axis]!,
        constant(1),
        () => `${row.name} needs an element along axis ${axis} of x`,
      );
      return [{ dtype: "int32", shape: x!.shape.filter((_, i) => i !== axis) }];
    },
    evaluate: ([x], { axis }) => [search(row, x!, axis)],
    lower: ([x], { axis }) => ({
      kind: "kernel",
      build: (block, [result]) => scanAxis(row, x!, axis, block, result!),
    }),
  }),
);

function search(row: Row, x: Tensor, axis: number): Tensor {
  const outer = counting(x.shape.length).filter((i) => i !== axis);
  const [step] = stridesOf(x.shape, [axis]);
  const shape = outer.map((i) => x.shape[i]!);
  return build("int32", shape, [stridesOf(x.shape, outer)], ([start]) => {
    let best = 0;
    for (let i = 1; i < x.shape[axis]!; i++) {
      const [value, leader] = [x.data[start! + i * step!]!, x.data[start! + best * step!]!];
      if (row.beats(value, leader) || (Number.isNaN(value) && !Number.isNaN(leader))) best = i;
    }
    return best;
  });
}

function scanAxis(row: Row, x: Operand, axis: number, block: Block, result: Destination): void {
  const outer = x.shape.filter((_, i) => i !== axis);
  nestOver(block, outer, { parallel: true }, (index) => {
    const at = (along: Dim) => x.at([...index.slice(0, axis), along, ...index.slice(axis)]);
    const best = block.local("best", x.dtype, at(constant(0)));
    const where = block.local("where", "int32", { kind: "constant", value: 0, dtype: "int32" });
    block.for("k", x.shape[axis]!, { parallel: false }, (k) => {
      const value = block.let("value", at(k));
      block.if(outranks(row.better, value, best.get(), x), () => {
        best.set(value);
        where.set(whole(k));
      });
    });
    result.store(index, where.get());
  });
}
