/** Matrix products: MatMul as numpy's, Gemm with its transposes and factors. */
import { constant, type Dim } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, float } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

const one = constant(1);

/** numpy.matmul: vectors are a row or a column, the axes before the last two broadcast. */
export function matmul(ops: Ops, a: Value, b: Value): Value {
  const [isRow, isColumn] = [ops.rank(a) === 1, ops.rank(b) === 1];
  if (isRow || isColumn) {
    const left = isRow ? ops.expandDims(a, 0) : a;
    const right = isColumn ? ops.expandDims(b, 1) : b;
    const whole = matmul(ops, left, right);
    const shape = ops.shape(whole);
    const kept = shape.filter((_, axis) => {
      return !(isRow && axis === shape.length - 2) && !(isColumn && axis === shape.length - 1);
    });
    return ops.reshape(whole, kept);
  }
  if (ops.rank(b) === 2) return ops.dense(a, b);
  const shared = batchShape(ops, a, b);
  return ops.matmul(spread(ops, a, shared), spread(ops, b, shared));
}

function batchShape(ops: Ops, a: Value, b: Value): readonly Dim[] {
  const [left, right] = [ops.shape(a).slice(0, -2), ops.shape(b).slice(0, -2)];
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, axis) => {
    const d = left[axis - (rank - left.length)] ?? one;
    return d === one ? (right[axis - (rank - right.length)] ?? one) : d;
  });
}

function spread(ops: Ops, x: Value, batch: readonly Dim[]): Value {
  const shape = ops.shape(x);
  const target = [...batch, ...shape.slice(-2)];
  if (target.length === shape.length && target.every((d, axis) => d === shape[axis])) return x;
  const missing = target.length - shape.length;
  return ops.broadcast(
    x,
    target,
    shape.map((_, axis) => axis + missing),
  );
}

interface GemmAttributes {
  readonly alpha: number;
  readonly beta: number;
  readonly transA: boolean;
  readonly transB: boolean;
}

/** alpha * A' * B' + beta * C */
function gemm(c: NodeContext, { alpha, beta, transA, transB }: GemmAttributes): Value {
  const { ops } = c;
  const product = ops.dotGeneral(c.value(0), c.value(1), { contract: [transA ? 0 : 1, transB ? 1 : 0] });
  const scaled = alpha === 1 ? product : ops.mul(product, alpha);
  const bias = c.optional(2);
  if (!bias || beta === 0) return scaled;
  return ops.add(scaled, beta === 1 ? bias : ops.mul(bias, beta));
}

const gemmAttributes = { alpha: float(1), beta: float(1), transA: flag(false), transB: flag(false) };

export const linear: readonly Operator[] = [
  operator(
    "MatMul",
    since(1, {}, (c) => matmul(c.ops, c.value(0), c.value(1))),
  ),
  operator(
    "Gemm",
    since(1, { ...gemmAttributes, broadcast: flag(false) }, gemm),
    since(7, gemmAttributes, gemm),
  ),
];
