/**
 * Layers that carry a state along the sequence: linear attention, the causal convolution that goes with it,
 * and the cache of keys or values that one step writes into.
 */
import { constantOf, floorDiv, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import { float, int, required, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { sharedBy } from "./heads.ts";

interface LinearValues {
  readonly q_num_heads: number;
  readonly kv_num_heads: number;
  readonly scale: number;
  readonly update_rule: string;
}

/**
 * Attention without a softmax: a state [B, heads, Dk, Dv] that each step decays, writes into and reads. The
 * delta rules write what the state does not say yet. Inputs past state (3), decay (4), beta (5).
 */
function linearAttention(c: NodeContext, values: LinearValues): readonly Value[] {
  const { ops } = c;
  const [gated, delta] = ["gated", "delta"].map((word) => values.update_rule.includes(word));
  const byTime = (i: number, heads: number) => {
    const x = c.value(i);
    const [batch, length, all] = ops.shape(x);
    const cut = ops.reshape(x, [batch!, length!, heads, floorDiv(all!, heads)]);
    return ops.cast(ops.transpose(cut, [1, 0, 2, 3]), "float32");
  };
  const [query, key, value] = [
    byTime(0, values.q_num_heads),
    byTime(1, values.kv_num_heads),
    byTime(2, values.kv_num_heads),
  ];
  const [, batch, , keySize] = ops.shape(query);
  const valueSize = ops.shape(value)[3]!;
  const state = c.has(3)
    ? ops.cast(c.value(3), "float32")
    : ops.fill(0, [batch!, values.kv_num_heads, keySize!, valueSize], query);
  const sequences = [query, key, value];
  if (gated) sequences.push(byTime(4, values.kv_num_heads));
  if (delta) sequences.push(betaByTime(c, values.kv_num_heads));
  const scale =
    values.scale === 0
      ? ops.div(1, ops.sqrt(ops.number(keySize!, ops.constant(0, "float32"))))
      : ops.constant(values.scale, "float32");
  const made = ops.scan(
    { states: [state], sequences, invariants: [scale] },
    (inner, [old], now, [factor]) => {
      const [q, k, v, ...rest] = now;
      const decay = gated ? rest.shift() : undefined;
      const beta = rest.shift();
      const decayed = decay ? inner.mul(old!, inner.expandDims(inner.exp(decay), -1)) : old!;
      const column = inner.expandDims(k!, -1);
      const known = () => inner.reduceSum(inner.mul(decayed, column), 2);
      const news = beta ? inner.mul(beta, inner.sub(v!, known())) : v!;
      const next = inner.add(decayed, inner.mul(column, inner.expandDims(news, 2)));
      const read = inner.matmul(inner.expandDims(q!, 2), sharedBy(inner, next, inner.shape(q!)[1]!));
      const output = inner.reshape(read, [...inner.shape(q!).slice(0, 2), inner.shape(next)[3]!]);
      return { states: [next], outputs: [inner.mul(factor!, output)] };
    },
  );
  const { dtype } = c.value(0).type;
  const [length] = ops.shape(query);
  const outputs = ops.transpose(made.outputs[0]!, [1, 0, 2, 3]);
  const flat = ops.reshape(outputs, [batch!, length!, ops.count(outputs, [2, 3])]);
  return [ops.cast(flat, dtype), ops.cast(made.states[0]!, dtype)];
}

/** [B, T, heads], or one for all heads, to [T, B, heads, 1]. */
function betaByTime(c: NodeContext, heads: number): Value {
  const { ops } = c;
  const beta = c.value(5);
  const [batch, length, all] = ops.shape(beta);
  const each = constantOf(all!) === 1 ? 1 : heads;
  const cut = ops.reshape(beta, [batch!, length!, each, 1]);
  return ops.cast(ops.transpose(cut, [1, 0, 2, 3]), "float32");
}

/** A depthwise convolution over time that carries its last inputs: [B, C, T], past [B, C, K - 1]. */
function causalConv(c: NodeContext, activation: string): readonly Value[] {
  const { ops } = c;
  const [x, w] = [c.value(0), c.value(1)];
  const reach = sub(ops.shape(w)[2]!, 1);
  const [batch, channels, length] = ops.shape(x);
  const past = c.optional(3) ?? ops.fill(0, [batch!, channels!, reach], x);
  const all = constantOf(reach) === 0 ? x : ops.concat([past, x], 2);
  const plain = ops.conv(all, ops.transpose(w, [2, 1, 0]), {
    strides: [1],
    padding: [[0, 0]],
    groups: channels!,
    layout: "channelsFirst",
  });
  const bias = c.optional(2);
  const y = bias ? ops.addBias(plain, bias, 1) : plain;
  const wide = ops.cast(y, "float32");
  const isSilu = activation === "silu" || activation === "swish";
  const output = isSilu ? ops.cast(ops.mul(wide, ops.sigmoid(wide)), y.type.dtype) : y;
  return [output, ops.slice(all, 2, length!, reach)];
}

/** Writes `update` into the cache along `axis` from write_indices[b] on; "circular" goes on at the start. */
function tensorScatter(c: NodeContext, axis: number, mode: "linear" | "circular"): Value {
  const { ops } = c;
  const [cache, update] = [c.value(0), c.value(1)];
  const at = ops.axis(cache, axis);
  const shape = ops.shape(update);
  const steps = ops.iota("int32", [shape[at]!]);
  const starts = c.has(2) ? ops.cast(c.value(2), "int32") : ops.fill(0, [shape[0]!], steps);
  const places = ops.add(ops.along(starts, 0, 2), steps);
  const length = ops.number(ops.shape(cache)[at]!, ops.constant(0, "int32"));
  const wrapped = mode === "circular" ? ops.mod(places, length) : places;
  const indices = ops.broadcast(wrapped, shape, [0, at]);
  return ops.scatterElements(cache, indices, update, at, "set");
}

export const stateSpace: readonly Operator[] = [
  operator(
    "LinearAttention",
    since(
      27,
      {
        q_num_heads: required(int()),
        kv_num_heads: required(int()),
        scale: float(0),
        update_rule: word(["linear", "gated", "delta", "gated_delta"], "gated_delta"),
        chunk_size: int(64),
      },
      linearAttention,
    ),
  ),
  operator(
    "CausalConvWithState",
    since(27, { activation: word(["none", "silu", "swish"], "none") }, (c, a) => causalConv(c, a.activation)),
  ),
  operator(
    "TensorScatter",
    since(24, { axis: int(-2), mode: word(["linear", "circular"], "linear") }, (c, a) =>
      tensorScatter(c, a.axis, a.mode),
    ),
  ),
];
