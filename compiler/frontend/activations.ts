/**
 * Every activation of Keras 3 by name, as a row of a table: a function from a value to core ops. Names are
 * tfjs's camelCase; case and underscores do not matter, so Keras's `hard_sigmoid` is known too. Formulas and
 * constants: the functions of the same name in keras/src/activations; sparsemax: Martins and Astudillo 2016,
 * without the sort.
 */
import { nearest } from "../../runtime/initializers/nearest.ts";
import { floorDiv } from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Ops } from "./ops/composites.ts";

export type Activation = (ops: Ops, x: Value) => Value;

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

export const relu6: Activation = (ops, x) => ops.clip(x, 0, 6);
export const elu = (ops: Ops, x: Value, alpha = 1) =>
  ops.select(ops.gt(x, 0), x, scaled(ops, ops.expm1(x), alpha));
export const leakyRelu = (ops: Ops, x: Value, slope: number) =>
  ops.select(ops.ge(x, 0), x, ops.mul(x, slope));
const hardSigmoid: Activation = (ops, x) => ops.div(relu6(ops, ops.add(x, 3)), 6);
const silu: Activation = (ops, x) => ops.mul(x, ops.sigmoid(x));
const hardSilu: Activation = (ops, x) => ops.mul(x, hardSigmoid(ops, x));

/** Hendrycks and Gimpel 2016; `approximate` is the tanh form. */
export function gelu(ops: Ops, x: Value, approximate = false): Value {
  const half = ops.mul(x, 0.5);
  if (!approximate) return ops.mul(half, ops.add(1, ops.erf(ops.mul(x, Math.SQRT1_2))));
  const cubed = ops.mul(ops.mul(ops.square(x), x), 0.044715);
  return ops.mul(half, ops.add(1, ops.tanh(ops.mul(ops.add(x, cubed), Math.sqrt(2 / Math.PI)))));
}

/**
 * The projection onto the simplex along the last axis. Element i belongs to the support when 1 + k z_i
 * exceeds the sum of the k elements that are at least z_i; comparing all pairs counts and sums them without
 * sorting.
 */
function sparsemax(ops: Ops, x: Value): Value {
  const mine = ops.expandDims(x, -1);
  const others = ops.expandDims(x, -2);
  const above = ops.ge(others, mine);
  const count = ops.reduceSum(ops.cast(above, x.type.dtype), -1);
  const total = ops.reduceSum(ops.select(above, others, 0), -1);
  const inSupport = ops.gt(ops.add(ops.mul(count, x), 1), total);
  const size = ops.reduceSum(ops.cast(inSupport, x.type.dtype), -1, true);
  const sum = ops.reduceSum(ops.select(inSupport, x, 0), -1, true);
  return ops.relu(ops.sub(x, ops.div(ops.sub(sum, 1), size)));
}

/** Two halves side by side, as a reshape: it refuses an odd number of channels. */
function glu(ops: Ops, x: Value): Value {
  const shape = ops.shape(x);
  const [outer, half] = [shape.slice(0, -1), floorDiv(shape.at(-1)!, 2)];
  const halves = ops.reshape(x, [...outer, 2, half]);
  const [value, gate] = [ops.slice(halves, -2, 0, 1), ops.slice(halves, -2, 1, 1)];
  return ops.reshape(ops.mul(value, ops.sigmoid(gate)), [...outer, half]);
}

export const activations = {
  linear: (_, x) => x,
  relu: (ops, x) => ops.relu(x),
  relu6,
  leakyRelu: (ops, x) => leakyRelu(ops, x, 0.2),
  elu: (ops, x) => elu(ops, x),
  selu: (ops, x) => ops.mul(elu(ops, x, SELU_ALPHA), SELU_SCALE),
  celu: (ops, x) => ops.add(ops.relu(x), ops.expm1(ops.min(x, 0))),
  gelu: (ops, x) => gelu(ops, x),
  glu,
  sigmoid: (ops, x) => ops.sigmoid(x),
  hardSigmoid,
  logSigmoid: (ops, x) => ops.neg(ops.softplus(ops.neg(x))),
  sparseSigmoid: (ops, x) => ops.clip(ops.mul(ops.add(x, 1), 0.5), 0, 1),
  silu,
  swish: silu,
  hardSilu,
  hardSwish: hardSilu,
  mish: (ops, x) => ops.mul(x, ops.tanh(ops.softplus(x))),
  softmax: (ops, x) => ops.softmax(x),
  logSoftmax: (ops, x) => ops.logSoftmax(x),
  sparsemax,
  softplus: (ops, x) => ops.softplus(x),
  softsign: (ops, x) => ops.div(x, ops.add(ops.abs(x), 1)),
  squareplus: (ops, x) => ops.mul(ops.add(x, ops.sqrt(ops.add(ops.square(x), 4))), 0.5),
  sparsePlus: (ops, x) => ops.select(ops.ge(x, 1), x, ops.mul(ops.square(ops.relu(ops.add(x, 1))), 0.25)),
  exponential: (ops, x) => ops.exp(x),
  tanh: (ops, x) => ops.tanh(x),
  hardTanh: (ops, x) => ops.clip(x, -1, 1),
  tanhShrink: (ops, x) => ops.sub(x, ops.tanh(x)),
  hardShrink: (ops, x) => ops.select(ops.gt(ops.abs(x), 0.5), x, 0),
  softShrink: (ops, x) => ops.sub(x, ops.clip(x, -0.5, 0.5)),
} satisfies Readonly<Record<string, Activation>>;

export type ActivationName = keyof typeof activations;

const plain = (name: string) => name.replaceAll("_", "").toLowerCase();
const byPlainName = new Map(
  Object.keys(activations).map((name) => [plain(name), name as ActivationName] as const),
);

/** The name in its own spelling, or undefined when Keras has no such activation. */
export function activationNamed(name: string): ActivationName | undefined {
  return byPlainName.get(plain(name));
}

/** The known names closest to a misspelt one. */
export const nearestActivations = (name: string) => nearest(name, Object.keys(activations));

function scaled(ops: Ops, x: Value, factor: number): Value {
  return factor === 1 ? x : ops.mul(x, factor);
}
