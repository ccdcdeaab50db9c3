/**
 * Reductions. Their axes were an attribute until opset 13 (ReduceSum) and 18 (all others), and are an input
 * since; none given means all, unless `noop_with_empty_axes` says none.
 */
import { dtypes } from "../../../../runtime/dtype.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, int, ints } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

type Reduce = (ops: Ops, x: Value, axes: readonly number[], keep: boolean) => Value;

interface Formula {
  readonly reduce: Reduce;
  /** What a reduction over no axes does to each element; nothing when absent. */
  readonly element?: (ops: Ops, x: Value) => Value;
}

const all = (x: Value): readonly number[] => x.type.shape.map((_, axis) => axis);

function reduction(name: string, axesAreInput: number, formula: Formula): Operator {
  const byAttribute = { axes: ints(), keepdims: flag(true) };
  const byInput = { keepdims: flag(true), noop_with_empty_axes: flag(false) };
  return operator(
    name,
    since(1, byAttribute, (c, { axes, keepdims }) => {
      const x = c.value(0);
      return formula.reduce(c.ops, x, axes ?? all(x), keepdims);
    }),
    since(axesAreInput, byInput, (c, a) => fromInput(c, formula, a.keepdims, a.noop_with_empty_axes)),
  );
}

function fromInput(c: NodeContext, { reduce, element }: Formula, keep: boolean, noop: boolean): Value {
  const x = c.value(0);
  const axes = c.has(1) ? c.ints(1) : [];
  if (axes.length > 0) return reduce(c.ops, x, axes, keep);
  if (noop) return element ? element(c.ops, x) : x;
  return reduce(c.ops, x, all(x), keep);
}

/** numpy's mean: integers divide truncating, as ONNX Div does. */
const mean: Reduce = (ops, x, axes, keep) => ops.mean(x, axes, keep);
const sumSquare: Reduce = (ops, x, axes, keep) => ops.reduceSum(ops.square(x), axes, keep);

/** log of the sum of powers, shifted so that none overflows; infinities stay themselves. */
function logSumExp(ops: Ops, x: Value, axes: readonly number[], keep: boolean): Value {
  const highest = ops.reduceMax(x, axes, true);
  const finite = ops.lt(ops.abs(highest), Number.POSITIVE_INFINITY);
  const shift = ops.select(finite, highest, 0);
  const total = ops.reduceSum(ops.exp(ops.sub(x, shift)), axes, keep);
  return ops.add(ops.log(total), keep ? shift : ops.reduceMax(shift, axes, false));
}

/** bool is reduced as bytes: any and all. */
function extreme(reduce: Reduce): Reduce {
  return (ops, x, axes, keep) => {
    if (dtypes[x.type.dtype].kind !== "bool") return reduce(ops, x, axes, keep);
    return ops.cast(reduce(ops, ops.cast(x, "uint8"), axes, keep), "bool");
  };
}

type Arg = (ops: Ops, x: Value, axis: number) => Value;

function argReduction(name: string, apply: Arg): Operator {
  const attributes = { axis: int(0), keepdims: flag(true) };
  const run = (c: NodeContext, axis: number, keep: boolean, last: boolean) => {
    const { ops } = c;
    const x = c.value(0);
    const at = ops.axis(x, axis);
    const found = last ? fromTheEnd(ops, x, at, apply) : apply(ops, x, at);
    const index = ops.cast(found, INT64);
    return keep ? ops.expandDims(index, at) : index;
  };
  return operator(
    name,
    since(1, attributes, (c, a) => run(c, a.axis, a.keepdims, false)),
    since(12, { ...attributes, select_last_index: flag(false) }, (c, a) =>
      run(c, a.axis, a.keepdims, a.select_last_index),
    ),
  );
}

/** The last of equal elements: the first one from behind. */
function fromTheEnd(ops: Ops, x: Value, axis: number, apply: Arg): Value {
  const fromBehind = apply(ops, ops.reverse(x, axis), axis);
  const length = ops.builder.dimension(ops.shape(x)[axis]!, "int32");
  return ops.sub(ops.sub(length, 1), fromBehind);
}

export const reductions: readonly Operator[] = [
  reduction("ReduceSum", 13, { reduce: (ops, x, axes, keep) => ops.reduceSum(x, axes, keep) }),
  reduction("ReduceMean", 18, { reduce: mean }),
  reduction("ReduceMax", 18, { reduce: extreme((ops, x, axes, keep) => ops.reduceMax(x, axes, keep)) }),
  reduction("ReduceMin", 18, { reduce: extreme((ops, x, axes, keep) => ops.reduceMin(x, axes, keep)) }),
  reduction("ReduceProd", 18, { reduce: (ops, x, axes, keep) => ops.reduceProd(x, axes, keep) }),
  reduction("ReduceSumSquare", 18, { reduce: sumSquare, element: (ops, x) => ops.square(x) }),
  reduction("ReduceL1", 18, {
    reduce: (ops, x, axes, keep) => ops.reduceSum(ops.abs(x), axes, keep),
    element: (ops, x) => ops.abs(x),
  }),
  reduction("ReduceL2", 18, {
    reduce: (ops, x, axes, keep) => ops.sqrt(sumSquare(ops, x, axes, keep)),
    element: (ops, x) => ops.abs(x),
  }),
  reduction("ReduceLogSum", 18, {
    reduce: (ops, x, axes, keep) => ops.log(ops.reduceSum(x, axes, keep)),
    element: (ops, x) => ops.log(x),
  }),
  reduction("ReduceLogSumExp", 18, { reduce: logSumExp }),
  argReduction("ArgMax", (ops, x, axis) => ops.argMax(x, axis)),
  argReduction("ArgMin", (ops, x, axis) => ops.argMin(x, axis)),
];
