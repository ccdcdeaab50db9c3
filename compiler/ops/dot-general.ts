/**
 * The general contraction: pairs of batch axes stay, pairs of contracted axes are multiplied and summed, all
 * others are free. The result is [batch..., free axes of a..., free axes of b...] (XLA DotGeneral). Matrix
 * products, batched ones, dense layers and attention are this op.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import { type Dim, mul, product } from "../dims/index.ts";
import type { TensorType } from "../ir/graph.ts";
import type { RelationContext } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { identityOf, multiplyAdder } from "./accumulate.ts";
import { checkAxes, checkDType, checkSameDType, defineOp, typeText } from "./definition.ts";
import { build, counting, offsetsOf, stridesOf } from "./odometer.ts";

type AxisPairs = readonly [a: readonly number[], b: readonly number[]];

export type DotGeneralAttributes = {
  readonly batch: AxisPairs;
  readonly contract: AxisPairs;
  /** Names of the axes of a and of b, a letter each, as in "ik,kj". */
  readonly letters?: string | undefined;
};

export const dotGeneral = defineOp<DotGeneralAttributes>({
  name: "dotGeneral",
  operands: ["a", "b"],
  attributes: { batch: "axisPairs", contract: "axisPairs", letters: "label" },
  relate: (context, [a, b], attributes) => {
    check(context, a!, b!, attributes);
    const { batch, contract, letters } = attributes;
    pair(context, a!, b!, batch, "runs beside", letters);
    pair(context, a!, b!, contract, "is contracted with", letters);
    const [freeA, freeB] = freeAxes(a!.shape.length, b!.shape.length, attributes);
    return [{ dtype: a!.dtype, shape: [...pick(a!, batch[0]), ...pick(a!, freeA), ...pick(b!, freeB)] }];
  },
  evaluate: ([a, b], attributes, _results, { numerics }) => [contract(a!, b!, attributes, numerics)],
  lower: ([a, b], attributes) => {
    const [freeA, freeB] = freeAxes(a!.shape.length, b!.shape.length, attributes);
    const [batchA, batchB] = attributes.batch;
    const [overA, overB] = attributes.contract;
    return {
      kind: "reduce",
      over: overA.map((axis) => a!.shape[axis]!),
      identity: 0,
      combine: "add",
      element: (index, over) => {
        const batch = index.slice(0, batchA.length);
        const rows = index.slice(batchA.length, batchA.length + freeA.length);
        const columns = index.slice(batchA.length + freeA.length);
        return {
          kind: "binary",
          fn: "mul",
          a: a!.at(placed([batchA, batch], [freeA, rows], [overA, over])),
          b: b!.at(placed([batchB, batch], [freeB, columns], [overB, over])),
          dtype: a!.dtype,
        };
      },
    };
  },
  macs: ([a], attributes, [result]) => mul(product(result!.shape), product(pick(a!, attributes.contract[0]))),
});

function check(
  context: RelationContext,
  a: TensorType,
  b: TensorType,
  attributes: DotGeneralAttributes,
): void {
  checkDType(context, "dotGeneral", "a", a, "number");
  checkSameDType(context, "dotGeneral", ["a", "b"], a, b);
  const { batch, contract } = attributes;
  checkAxes(context, "dotGeneral", "a", a, [...batch[0], ...contract[0]]);
  checkAxes(context, "dotGeneral", "b", b, [...batch[1], ...contract[1]]);
  if (batch[0].length !== batch[1].length || contract[0].length !== contract[1].length)
    context.fail("E2111", "dotGeneral pairs a different number of axes of a and of b", {
      facts: [
        { subject: "a", value: typeText(a), note: `axes [${[...batch[0], ...contract[0]].join(", ")}]` },
        { subject: "b", value: typeText(b), note: `axes [${[...batch[1], ...contract[1]].join(", ")}]` },
      ],
      fix: "name as many axes of a as of b",
    });
}

function pair(
  context: RelationContext,
  a: TensorType,
  b: TensorType,
  [left, right]: AxisPairs,
  verb: string,
  letters: string | undefined,
): void {
  const names = letters?.split(",");
  const axisOf = (side: 0 | 1, axis: number) =>
    names ? `${names[side]?.[axis]} (axis ${axis})` : `axis ${axis}`;
  left.forEach((axis, i) => {
    const other = right[i]!;
    const [mine, theirs] = [a.shape[axis]!, b.shape[other]!];
    if (mine !== theirs)
      context.equal(mine, theirs, `${axisOf(0, axis)} of a ${verb} ${axisOf(1, other)} of b`);
  });
}

function freeAxes(rankA: number, rankB: number, { batch, contract }: DotGeneralAttributes): AxisPairs {
  const free = (rank: number, side: 0 | 1) =>
    counting(rank).filter((axis) => !batch[side].includes(axis) && !contract[side].includes(axis));
  return [free(rankA, 0), free(rankB, 1)];
}

function pick(type: TensorType, axes: readonly number[]): readonly Dim[] {
  return axes.map((axis) => type.shape[axis]!);
}

/** An index put together from the axes each part belongs to. */
function placed(
  ...parts: readonly (readonly [axes: readonly number[], index: readonly Dim[]])[]
): readonly Dim[] {
  const result: Dim[] = [];
  for (const [axes, index] of parts)
    axes.forEach((axis, i) => {
      result[axis] = index[i]!;
    });
  return result;
}

function contract(a: Tensor, b: Tensor, attributes: DotGeneralAttributes, numerics: Numerics): Tensor {
  const [freeA, freeB] = freeAxes(a.shape.length, b.shape.length, attributes);
  const { batch, contract: over } = attributes;
  const dims = (x: Tensor, axes: readonly number[]) => axes.map((axis) => x.shape[axis]!);
  const still = (axes: readonly number[]) => axes.map(() => 0);
  const outer = [
    [...stridesOf(a.shape, batch[0]), ...stridesOf(a.shape, freeA), ...still(freeB)],
    [...stridesOf(b.shape, batch[1]), ...still(freeA), ...stridesOf(b.shape, freeB)],
  ];
  const lengths = dims(a, over[0]);
  const innerA = offsetsOf(lengths, stridesOf(a.shape, over[0]));
  const innerB = offsetsOf(lengths, stridesOf(b.shape, over[1]));
  const step = multiplyAdder(a.dtype, numerics);
  const shape = [...dims(a, batch[0]), ...dims(a, freeA), ...dims(b, freeB)];
  return build(a.dtype, shape, outer, ([i, j]) => {
    let total = identityOf("add", a.dtype);
    for (let r = 0; r < innerA.length; r++)
      total = step(total, a.data[i! + innerA[r]!]!, b.data[j! + innerB[r]!]!);
    return total;
  });
}
