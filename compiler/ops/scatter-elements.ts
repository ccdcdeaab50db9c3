/**
 * Writes single elements along one axis (torch.scatter, ONNX ScatterElements): a copy of x in which, for
 * every index i of `updates`, the element at i with the axis replaced by indices[i] is updated. `combine`
 * says how: "set" (the last one wins), "add", "mul", "max" or "min"; every step is rounded to the dtype, in
 * row-major order of the updates. A negative index counts from the end; one outside the axis is a RangeError.
 */
import type { DType, Scalar } from "../../runtime/dtype.ts";
import { type Elements, roundedTo } from "../../runtime/elements.ts";
import { strides } from "../../runtime/tensor.ts";
import type { Dim } from "../dims/index.ts";
import type { TensorType } from "../ir/graph.ts";
import type { Expr } from "../ir/loop.ts";
import type { Block, Destination, Operand, RelationContext } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { type Combine, combiner } from "./accumulate.ts";
import {
  checkAxes,
  checkDType,
  checkIndices,
  checkRank,
  checkSameDType,
  defineOp,
  stateAtLeast,
} from "./definition.ts";
import { placeOf } from "./gather-elements.ts";
import { nestOver } from "./nest.ts";
import { walk } from "./odometer.ts";

export type ScatterElementsAttributes = { readonly axis: number; readonly combine: string };

const combines: readonly string[] = ["add", "mul", "max", "min"] satisfies readonly Combine[];

const isCombine = (name: string): name is Combine => combines.includes(name);

export const scatterElements = defineOp<ScatterElementsAttributes>({
  name: "scatterElements",
  operands: ["x", "indices", "updates"],
  attributes: { axis: "int", combine: "string" },
  relate: (context, [x, indices, updates], { axis, combine }) => {
    checkAxes(context, "scatterElements", "x", x!, [axis]);
    checkUpdates(context, "scatterElements", [x!, indices!, updates!], combine);
    checkRank(context, "scatterElements", "indices", indices!, x!.shape.length);
    checkRank(context, "scatterElements", "updates", updates!, x!.shape.length);
    indices!.shape.forEach((d, i) => {
      context.equal(updates!.shape[i]!, d, `there is one update for each index along axis ${i}`);
      const clause = () => `axis ${i} of indices lies within axis ${i} of x`;
      if (i !== axis) stateAtLeast(context, x!.shape[i]!, d, clause);
    });
    return [x!];
  },
  evaluate: ([x, indices, updates], { axis, combine }, _results, { numerics }) => {
    const data = x!.data.slice();
    const elements: Elements = data;
    const update = updater(combine, x!.dtype, numerics);
    const own = strides(x!.shape);
    walk(indices!.shape, [own.with(axis, 0), strides(indices!.shape)], ([at, i]) => {
      const to = at! + placeOf(indices!.data[i!]!, x!.shape[axis]!, "scatterElements") * own[axis]!;
      elements[to] = update(elements[to]!, updates!.data[i!]!);
    });
    return [{ dtype: x!.dtype, shape: x!.shape, data }];
  },
  lower: ([x, indices, updates], { axis, combine }) => ({
    kind: "kernel",
    build: (block, [result]) => {
      copyInto(block, x!, result!);
      nestOver(block, indices!.shape, { parallel: false, name: "k" }, (index) => {
        const options = { mode: "check", wrap: true, what: "scatterElements index" } as const;
        const place = block.index(indices!.at(index), x!.shape[axis]!, options);
        storeUpdate(result!, index.with(axis, place), updates!.at(index), combine);
      });
    },
  }),
});

/** What the scatters refuse alike. */
export function checkUpdates(
  context: RelationContext,
  op: string,
  [x, indices, updates]: readonly [TensorType, TensorType, TensorType],
  combine: string,
): void {
  checkIndices(context, op, indices);
  checkSameDType(context, op, ["x", "updates"], x, updates);
  if (combine === "set") return;
  if (!isCombine(combine))
    context.fail("E2111", `${op} cannot combine by ${combine}`, {
      fix: `use one of set, ${combines.join(", ")}`,
    });
  checkDType(context, op, "x", x, "number");
}

/** How an element and its update make the new element. */
export function updater(
  combine: string,
  dtype: DType,
  numerics: Numerics,
): (old: Scalar, update: Scalar) => Scalar {
  if (combine === "set") return (_old, update) => update;
  if (!isCombine(combine)) throw new Error(`internal: scatter by ${combine}`);
  const step = combiner(combine, dtype, numerics);
  return (old, update) => roundedTo(dtype, step(old, update));
}

export function copyInto(block: Block, x: Operand, result: Destination): void {
  nestOver(block, x.shape, { parallel: true }, (index) => result.store(index, x.at(index)));
}

/** Stores what the update makes of the element at `index`. */
export function storeUpdate(result: Destination, index: readonly Dim[], update: Expr, combine: string): void {
  const { dtype } = result;
  const value: Expr = isCombine(combine)
    ? { kind: "binary", fn: combine, a: result.load(index), b: update, dtype }
    : update;
  result.store(index, value);
}
