/** Activations, in the formulas of the ONNX operator documentation. */
import { numberAt } from "../../../../runtime/elements.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { float, int, ints, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

type Alpha = (ops: Ops, x: Value, alpha: number) => Value;

const plain = (name: string, version: number, apply: (ops: Ops, x: Value) => Value): Operator => {
  const run = (c: NodeContext) => apply(c.ops, c.value(0));
  const first = since(version, version < 6 ? { consumed_inputs: ints() } : {}, run);
  return version < 6 ? operator(name, first, since(6, {}, run)) : operator(name, first);
};

const withAlpha = (name: string, version: number, fallback: number, apply: Alpha): Operator =>
  operator(
    name,
    since(version, { alpha: float(fallback), consumed_inputs: ints() }, (c, { alpha }) =>
      apply(c.ops, c.value(0), alpha),
    ),
  );

/** x where it is positive, else the second formula. */
const positive = (ops: Ops, x: Value, otherwise: Value) => ops.select(ops.gt(x, 0), x, otherwise);

const elu: Alpha = (ops, x, alpha) => positive(ops, x, ops.mul(ops.expm1(ops.min(x, 0)), alpha));

function selu(ops: Ops, x: Value, alpha: number, gamma: number): Value {
  return ops.mul(elu(ops, x, alpha), gamma);
}

/** max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) */
const celu: Alpha = (ops, x, alpha) => {
  const low = ops.mul(ops.expm1(ops.div(x, alpha)), alpha);
  return ops.add(ops.max(x, 0), ops.min(low, 0));
};

function hardSigmoid(ops: Ops, x: Value, alpha: number, beta: number): Value {
  return ops.clip(ops.add(ops.mul(x, alpha), beta), 0, 1);
}

export function gelu(ops: Ops, x: Value, approximate: "none" | "tanh"): Value {
  if (approximate === "none") return ops.mul(ops.mul(x, 0.5), ops.add(ops.erf(ops.mul(x, Math.SQRT1_2)), 1));
  const cubic = ops.add(x, ops.mul(ops.mul(ops.mul(x, x), x), 0.044715));
  return ops.mul(ops.mul(x, 0.5), ops.add(ops.tanh(ops.mul(cubic, Math.sqrt(2 / Math.PI))), 1));
}

/** The slope broadcasts to x; before opset 7 one slope per channel of [N, C, ...]. */
function prelu(c: NodeContext): Value {
  const [x, slope] = [c.value(0), c.value(1)];
  const { ops } = c;
  const perChannel = c.opset < 7 && ops.rank(slope) === 1 && ops.rank(x) > 1;
  const laid = perChannel ? ops.along(slope, 1, ops.rank(x)) : slope;
  return ops.select(ops.lt(x, 0), ops.mul(x, laid), x);
}

function shrink(ops: Ops, x: Value, bias: number, lambd: number): Value {
  const above = ops.select(ops.gt(x, lambd), ops.sub(x, bias), 0);
  return ops.select(ops.lt(x, -lambd), ops.add(x, bias), above);
}

function clip(c: NodeContext): Value {
  const { ops } = c;
  const low = c.optional(1);
  const high = c.optional(2);
  const raised = low ? ops.max(c.value(0), low) : c.value(0);
  return high ? ops.min(raised, high) : raised;
}

const lowest = -3.4028234663852886e38;

/** Along `axis` alone; before opset 13 along all axes from `axis` on. */
function softmaxLike(name: string, apply: (ops: Ops, x: Value, axes: readonly number[]) => Value): Operator {
  return operator(
    name,
    since(1, { axis: int(1) }, (c, { axis }) => {
      const x = c.value(0);
      const first = c.ops.axis(x, axis);
      return apply(
        c.ops,
        x,
        x.type.shape.map((_, i) => i).filter((i) => i >= first),
      );
    }),
    since(13, { axis: int(-1) }, (c, { axis }) => apply(c.ops, c.value(0), [axis])),
  );
}

export const activation: readonly Operator[] = [
  plain("Relu", 1, (ops, x) => ops.relu(x)),
  plain("Sigmoid", 1, (ops, x) => ops.sigmoid(x)),
  plain("Tanh", 1, (ops, x) => ops.tanh(x)),
  plain("Softplus", 1, (ops, x) => ops.softplus(x)),
  plain("Softsign", 1, (ops, x) => ops.div(x, ops.add(ops.abs(x), 1))),
  plain("HardSwish", 14, (ops, x) => ops.mul(x, hardSigmoid(ops, x, 1 / 6, 0.5))),
  plain("Mish", 18, (ops, x) => ops.mul(x, ops.tanh(ops.softplus(x)))),
  withAlpha("LeakyRelu", 1, 0.01, (ops, x, alpha) => ops.select(ops.lt(x, 0), ops.mul(x, alpha), x)),
  withAlpha("Elu", 1, 1, elu),
  withAlpha("Celu", 12, 1, celu),
  withAlpha("ThresholdedRelu", 10, 1, (ops, x, alpha) => ops.select(ops.gt(x, alpha), x, 0)),
  withAlpha("Swish", 24, 1, (ops, x, alpha) => ops.mul(x, ops.sigmoid(ops.mul(x, alpha)))),
  operator(
    "SwiGLU",
    since(28, { alpha: float(1) }, (c, { alpha }) => {
      const [gate, x] = [c.value(0), c.value(1)];
      return c.ops.mul(c.ops.mul(gate, c.ops.sigmoid(c.ops.mul(gate, alpha))), x);
    }),
  ),
  operator(
    "Selu",
    since(1, { alpha: float(1.6732), gamma: float(1.0507), consumed_inputs: ints() }, (c, a) =>
      selu(c.ops, c.value(0), a.alpha, a.gamma),
    ),
    since(6, { alpha: float(1.6732631921768188), gamma: float(1.0507010221481323) }, (c, a) =>
      selu(c.ops, c.value(0), a.alpha, a.gamma),
    ),
  ),
  operator(
    "HardSigmoid",
    since(1, { alpha: float(0.2), beta: float(0.5), consumed_inputs: ints() }, (c, a) =>
      hardSigmoid(c.ops, c.value(0), a.alpha, a.beta),
    ),
  ),
  operator(
    "Gelu",
    since(20, { approximate: word(["none", "tanh"], "none") }, (c, { approximate }) =>
      gelu(c.ops, c.value(0), approximate),
    ),
  ),
  operator("PRelu", since(1, { consumed_inputs: ints() }, prelu), since(6, {}, prelu)),
  operator(
    "Shrink",
    since(9, { bias: float(0), lambd: float(0.5) }, (c, a) => shrink(c.ops, c.value(0), a.bias, a.lambd)),
  ),
  operator(
    "Clip",
    since(1, { min: float(lowest), max: float(-lowest), consumed_inputs: ints() }, (c, a) =>
      c.ops.clip(c.value(0), a.min, a.max),
    ),
    since(11, {}, clip),
  ),
  softmaxLike("Softmax", (ops, x, axes) => ops.softmax(x, axes)),
  softmaxLike("LogSoftmax", (ops, x, axes) => ops.logSoftmax(x, axes)),
  operator(
    "Dropout",
    since(1, { consumed_inputs: ints(), is_test: int(0), ratio: float(0.5) }, dropout),
    since(7, { ratio: float(0.5) }, dropout),
    since(12, { seed: int() }, dropout),
  ),
];

/** Inference, and training that drops nothing: the input, and a mask that keeps everything. */
function dropout(c: NodeContext): readonly (Value | undefined)[] {
  const x = c.value(0);
  const keepsAll = () => c.has(1) && Number(numberAt(c.value(1).type.dtype, c.constant(1).data, 0)) === 0;
  if (c.has(2) && c.ints(2)[0] !== 0 && !keepsAll())
    c.unsupported("training_mode is on", "export the model for inference; nothing random is compiled");
  if (!c.wants(1)) return [x];
  return [x, c.ops.broadcast(c.ops.constant(1, "bool"), c.ops.shape(x), [])];
}
