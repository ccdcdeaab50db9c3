/**
 * Operators of onnxruntime's own domain, which its optimiser leaves in the files it writes: an operator with
 * the one behind it, an activation with its bias, a normalisation with the sum before it. Formulas are those
 * of onnxruntime's ContribOperators.md.
 */
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, float, floats, int, text } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { windowSpecs } from "../windows.ts";
import { gelu } from "./activation.ts";
import { type ConvValues, convolve } from "./convolution.ts";
import { matmul } from "./linear.ts";
import { standardized } from "./normalization.ts";

type Activation = (ops: Ops, x: Value, params: readonly number[]) => Value;

const activations: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ["Relu", (ops, x) => ops.relu(x)],
  ["Tanh", (ops, x) => ops.tanh(x)],
  ["Sigmoid", (ops, x) => ops.sigmoid(x)],
  ["LeakyRelu", (ops, x, [alpha = 0.01]) => ops.select(ops.lt(x, 0), ops.mul(x, alpha), x)],
  ["Clip", (ops, x, [low = 0, high = 6]) => ops.clip(x, low, high)],
  ["HardSigmoid", (ops, x, [a = 0.2, b = 0.5]) => ops.clip(ops.add(ops.mul(x, a), b), 0, 1)],
]);

interface FusedConvValues extends ConvValues {
  readonly activation: string;
  readonly activation_params: readonly number[];
}

/** Conv, the sum with `Z`, then the activation. */
function fusedConv(c: NodeContext, values: FusedConvValues): Value {
  const { ops } = c;
  const [bias, other] = [c.optional(2), c.optional(3)];
  const y = convolve(ops, c.value(0), c.value(1), values);
  const biased = bias ? ops.addBias(y, bias, 1) : y;
  const summed = other ? ops.add(biased, other) : biased;
  if (values.activation === "") return summed;
  const apply = activations.get(values.activation);
  if (apply) return apply(ops, summed, values.activation_params);
  return c.unsupported(
    `the activation ${JSON.stringify(values.activation)}`,
    `use one of ${[...activations.keys()].join(", ")}`,
  );
}

interface FusedMatMulValues {
  readonly alpha: number;
  readonly transA: boolean;
  readonly transB: boolean;
}

function fusedMatMul(c: NodeContext, { alpha, transA, transB }: FusedMatMulValues): Value {
  const { ops } = c;
  const [a, b] = [c.value(0), c.value(1)];
  const product = matmul(ops, transA ? turned(ops, a) : a, transB ? turned(ops, b) : b);
  return alpha === 1 ? product : ops.mul(product, alpha);
}

/** The last two axes exchanged; a vector stays itself. */
function turned(ops: Ops, x: Value): Value {
  const axes = x.type.shape.map((_, axis) => axis);
  if (axes.length < 2) return x;
  return ops.transpose(x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
}

function withBias(c: NodeContext): Value {
  const bias = c.optional(1);
  return bias ? c.ops.add(c.value(0), bias) : c.value(0);
}

/** The sum of input, skip and bias, normalised over the last axis; the sum itself is result 3. */
function skipLayerNorm(c: NodeContext, epsilon: number): readonly (Value | undefined)[] {
  const { ops } = c;
  const bias = c.optional(4);
  const pair = ops.add(c.value(0), c.value(1));
  const sum = bias ? ops.add(pair, bias) : pair;
  const { normal, mean, factor } = standardized(ops, sum, [-1], epsilon);
  const scaled = ops.mul(normal, c.value(2));
  const beta = c.optional(3);
  return [beta ? ops.add(scaled, beta) : scaled, mean, factor, sum];
}

/** The same by the root of the mean square. */
function skipSimplified(c: NodeContext, epsilon: number): readonly (Value | undefined)[] {
  const { ops } = c;
  const bias = c.optional(3);
  const pair = ops.add(c.value(0), c.value(1));
  const sum = bias ? ops.add(pair, bias) : pair;
  const factor = ops.rsqrt(ops.add(ops.mean(ops.square(sum), -1, true), epsilon));
  return [ops.mul(ops.mul(sum, factor), c.value(2)), undefined, factor, sum];
}

/** Words, positions and segments looked up, summed and normalised. */
function embedLayerNorm(c: NodeContext, epsilon: number): readonly Value[] {
  const { ops } = c;
  const ids = c.value(0);
  const [batch, length] = ops.shape(ids);
  const row = (table: Value, index: Value) => ops.gather(table, ops.cast(index, "int32"), 0);
  const positions = c.optional(8);
  const place = positions ? row(c.value(3), positions) : ops.slice(c.value(3), 0, 0, length!);
  const words = ops.add(row(c.value(2), ids), place);
  const segments = c.has(1) && c.has(4) ? row(c.value(4), c.value(1)) : undefined;
  const sum = segments ? ops.add(words, segments) : words;
  const { normal } = standardized(ops, sum, [-1], epsilon);
  const mask = c.optional(7);
  const counts = mask
    ? ops.cast(ops.reduceSum(ops.cast(mask, "int32"), 1), "int32")
    : ops.broadcast(ops.constant(0, "int32"), [batch!], []);
  return [ops.add(ops.mul(normal, c.value(5)), c.value(6)), counts, sum];
}

const epsilon = float(1e-12);

export const contrib: readonly Operator[] = inDomain("com.microsoft", [
  operator(
    "FusedConv",
    since(
      1,
      { ...windowSpecs, group: int(1), activation: text(""), activation_params: floats([]) },
      fusedConv,
    ),
  ),
  operator(
    "FusedMatMul",
    since(1, { alpha: float(1), transA: flag(false), transB: flag(false) }, fusedMatMul),
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
  operator(
    "SkipLayerNormalization",
    since(1, { epsilon }, (c, a) => skipLayerNorm(c, a.epsilon)),
  ),
  operator(
    "SkipSimplifiedLayerNormalization",
    since(1, { epsilon }, (c, a) => skipSimplified(c, a.epsilon)),
  ),
  operator(
    "EmbedLayerNormalization",
    since(1, { epsilon, mask_index_type: int(0) }, (c, a) => embedLayerNorm(c, a.epsilon)),
  ),
]);
