/** Fusions of com.microsoft: products and convolutions with what stands behind them, and the GELUs. */
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { type AttributeSpecs, flag, float, floats, int, text, type ValuesOf } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { windowSpecs } from "../windows.ts";
import { gelu } from "./activation.ts";
import { convolve } from "./convolution.ts";
import { matmul } from "./linear.ts";

type Activate = (ops: Ops, x: Value, parameters: readonly number[]) => Value;

const activations: Readonly<Record<string, Activate>> = {
  Relu: (ops, x) => ops.relu(x),
  Tanh: (ops, x) => ops.tanh(x),
  Sigmoid: (ops, x) => ops.sigmoid(x),
  LeakyRelu: (ops, x, [alpha = 0.01]) => ops.select(ops.lt(x, 0), ops.mul(x, alpha), x),
  Clip: (ops, x, [low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY]) => ops.clip(x, low, high),
  HardSigmoid: (ops, x, [alpha = 0.2, beta = 0.5]) => ops.clip(ops.add(ops.mul(x, alpha), beta), 0, 1),
  Softplus: (ops, x) => ops.softplus(x),
};

function activated(c: NodeContext, x: Value, name: string, parameters: readonly number[]): Value {
  if (name === "") return x;
  const apply = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (apply) return apply(c.ops, x, parameters);
  return c.unsupported(
    `the activation ${JSON.stringify(name)}`,
    `use one of ${Object.keys(activations).join(", ")}`,
  );
}

const convSpecs = {
  ...windowSpecs,
  group: int(1),
  activation: text(""),
  activation_params: floats([]),
} satisfies AttributeSpecs;

/** activation(conv(x, w) + bias + z) */
function fusedConv(c: NodeContext, a: ValuesOf<typeof convSpecs>): Value {
  const { ops } = c;
  const [bias, z] = [c.optional(2), c.optional(3)];
  const sums = convolve(ops, c.value(0), c.value(1), a);
  const biased = bias ? ops.addBias(sums, bias, 1) : sums;
  return activated(c, z ? ops.add(biased, z) : biased, a.activation, a.activation_params);
}

const gemmSpecs = {
  activation: text(""),
  activation_alpha: float(),
  activation_beta: float(),
  activation_gamma: float(),
  alpha: float(1),
  beta: float(1),
  transA: flag(false),
  transB: flag(false),
} satisfies AttributeSpecs;

/** activation(alpha * A' * B' + beta * C) */
function fusedGemm(c: NodeContext, a: ValuesOf<typeof gemmSpecs>): Value {
  const { ops } = c;
  const product = ops.dotGeneral(c.value(0), c.value(1), { contract: [a.transA ? 0 : 1, a.transB ? 1 : 0] });
  const scaled = ops.mul(product, a.alpha);
  const bias = c.optional(2);
  const sum = bias ? ops.add(scaled, ops.mul(bias, a.beta)) : scaled;
  const parameters = [a.activation_alpha, a.activation_beta].filter((n) => n !== undefined);
  return activated(c, sum, a.activation, parameters);
}

const productSpecs = {
  alpha: float(1),
  transA: flag(false),
  transB: flag(false),
  transBatchA: flag(false),
  transBatchB: flag(false),
} satisfies AttributeSpecs;

/** alpha * A' * B', where the batch axes may be all but the last one, in front of the rows. */
function fusedMatMul(c: NodeContext, a: ValuesOf<typeof productSpecs>): Value {
  const { ops } = c;
  const left = turned(ops, c.value(0), a.transA, a.transBatchA);
  const right = turned(ops, c.value(1), a.transB, a.transBatchB);
  return ops.mul(matmul(ops, left, right), a.alpha);
}

/** With `batch` the axes are [rows, batch..., columns]; vectors stay as they are. */
function turned(ops: Ops, x: Value, transpose: boolean, batch: boolean): Value {
  const rank = ops.rank(x);
  if (rank < 2) return x;
  const axes = x.type.shape.map((_, axis) => axis);
  const [row, column] = batch ? [0, rank - 1] : [rank - 2, rank - 1];
  const rest = axes.filter((axis) => axis !== row && axis !== column);
  return ops.transpose(x, transpose ? [...rest, column, row] : [...rest, row, column]);
}

function withBias(c: NodeContext): Value {
  const bias = c.optional(1);
  return bias ? c.ops.add(c.value(0), bias) : c.value(0);
}

export const fused: readonly Operator[] = inDomain("com.microsoft", [
  operator("FusedConv", since(1, convSpecs, fusedConv)),
  operator("FusedGemm", since(1, gemmSpecs, fusedGemm)),
  operator("FusedMatMul", since(1, productSpecs, fusedMatMul)),
  operator(
    "TransposeMatMul",
    since(1, { alpha: float(1), transA: flag(false), transB: flag(false) }, (c, a) =>
      fusedMatMul(c, { ...a, transBatchA: false, transBatchB: false }),
    ),
  ),
  operator(
    "Gelu",
    since(1, {}, (c) => gelu(c.ops, c.value(0), "none")),
  ),
  operator(
    "BiasGelu",
    since(1, {}, (c) => gelu(c.ops, withBias(c), "none")),
  ),
  operator(
    "FastGelu",
    since(1, {}, (c) => gelu(c.ops, withBias(c), "tanh")),
  ),
  operator(
    "QuickGelu",
    since(1, { alpha: float(1.702) }, (c, { alpha }) => {
      const x = c.value(0);
      return c.ops.mul(x, c.ops.sigmoid(c.ops.mul(x, alpha)));
    }),
  ),
]);
