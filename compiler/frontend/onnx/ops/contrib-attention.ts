/**
 * Attention of com.microsoft: scores times the scale, plus masks, through a softmax, times the values. Keys
 * that are masked get `mask_filter_value` added, later ones than the query the lowest number; so a row that
 * is masked wholly still mixes, as in onnxruntime.
 */
import { add, constant, constantOf, type Dim, floorDiv, product, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { type AttributeSpecs, flag, float, int, ints, required, type ValuesOf } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { inHeads, outOfHeads } from "./heads.ts";

const LOWEST = -3.4028234663852886e38;

interface Scores {
  /** All [B, heads, length, size]. */
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  readonly scale: number | undefined;
  /** Added to the scores. */
  readonly biases: readonly (Value | undefined)[];
  /** Where it is true a key is not seen at all. */
  readonly barred?: Value | undefined;
}

/** [B, S, heads * size] */
function mixed(ops: Ops, { query, key, value, scale, biases, barred }: Scores): Value {
  const batch = [0, 1];
  const raw = ops.dotGeneral(query, key, { contract: [3, 3], batch: [batch, batch] });
  const root = () => ops.sqrt(ops.number(ops.shape(query)[3]!, raw));
  const scaled = scale ? ops.mul(raw, scale) : ops.div(raw, root());
  const biased = biases.reduce<Value>((sum, bias) => (bias ? ops.add(sum, bias) : sum), scaled);
  const seen = barred ? ops.select(barred, ops.constant(LOWEST, raw.type.dtype), biased) : biased;
  return outOfHeads(ops, ops.matmul(ops.softmax(seen), value));
}

/** True where the key is later than the query; queries stand at the end of the keys. */
function later(ops: Ops, rows: Dim, columns: Dim): Value {
  const past = ops.number(sub(columns, rows), ops.constant(0, "int32"));
  const row = ops.add(ops.iota("int32", [rows, 1], 0), past);
  return ops.lt(row, ops.iota("int32", [1, columns], 1));
}

/** A mask of [B] lengths, [2 B] ends and starts, [B, T], [B, S, T] or [B, 1, M, M] as what is added. */
function maskBias(c: NodeContext, i: number, query: Value, columns: Dim, filter: number): Value | undefined {
  const { ops } = c;
  if (!c.has(i)) return undefined;
  const mask = ops.cast(c.value(i), "int32");
  const [batch, , rows] = ops.shape(query);
  const bias = (hidden: Value) => {
    const [masked, shown] = [filter, 0].map((x) => ops.constant(x, query.type.dtype));
    return ops.select(hidden, masked!, shown!);
  };
  const shape = ops.shape(mask);
  const column = ops.iota("int32", [1, 1, 1, columns], 3);
  const beyond = (end: Value) => ops.ge(column, ops.reshape(end, [batch!, 1, 1, 1]));
  switch (shape.length) {
    case 1: {
      if (shape[0] === batch) return bias(beyond(mask));
      const count = constantOf(shape[0]!);
      const known = constantOf(batch!);
      if (count === undefined || known === undefined || count !== 2 * known)
        return c.unsupported(
          "a mask of another length than batch or 2 * batch",
          "give one of [batch, length]",
        );
      const start = ops.reshape(ops.slice(mask, 0, batch!, batch!), [batch!, 1, 1, 1]);
      return bias(ops.or(beyond(ops.slice(mask, 0, 0, batch!)), ops.lt(column, start)));
    }
    case 2:
      return bias(ops.eq(ops.reshape(mask, [batch!, 1, 1, columns]), 0));
    case 3:
      return bias(ops.eq(ops.reshape(mask, [batch!, 1, rows!, columns]), 0));
    default: {
      const first = ops.slice(ops.slice(mask, 3, 0, columns), 2, sub(columns, rows!), rows!);
      return bias(ops.eq(first, 0));
    }
  }
}

const attentionSpecs = {
  do_rotary: flag(false),
  mask_filter_value: float(-10000),
  num_heads: required(int()),
  past_present_share_buffer: flag(false),
  qkv_hidden_sizes: ints(),
  rotary_embedding_dim: int(0),
  scale: float(),
  unidirectional: flag(false),
} satisfies AttributeSpecs;

/** x, weights of query, key and value side by side, bias, mask, past [2, B, heads, P, size], score bias. */
function attention(c: NodeContext, a: ValuesOf<typeof attentionSpecs>): readonly (Value | undefined)[] {
  const { ops } = c;
  if (a.do_rotary) return c.unsupported("do_rotary", "export RotaryEmbedding as a node of its own");
  if (a.past_present_share_buffer) return c.unsupported("past_present_share_buffer", "export without it");
  const product = ops.dense(c.value(0), c.value(1));
  const bias = c.optional(2);
  const all = bias ? ops.add(product, bias) : product;
  const third = floorDiv(ops.shape(all)[2]!, 3);
  const sizes = a.qkv_hidden_sizes?.map((size) => constant(size)) ?? [third, third, third];
  const starts = [constant(0), sizes[0]!, add(sizes[0]!, sizes[1]!)];
  const part = (i: number) => inHeads(c, ops.slice(all, 2, starts[i]!, sizes[i]!), a.num_heads, "num_heads");
  const [query, ownKey, ownValue] = [part(0), part(1), part(2)];
  const past = (i: number) => ops.reshape(ops.slice(c.value(4), 0, i, 1), ops.shape(c.value(4)).slice(1));
  const key = c.has(4) ? ops.concat([past(0), ownKey], 2) : ownKey;
  const value = c.has(4) ? ops.concat([past(1), ownValue], 2) : ownValue;
  const [rows, columns] = [ops.shape(query)[2]!, ops.shape(key)[2]!];
  const y = mixed(ops, {
    query,
    key,
    value,
    scale: a.scale,
    biases: [maskBias(c, 3, query, columns, a.mask_filter_value), c.optional(5)],
    barred: a.unidirectional ? later(ops, rows, columns) : undefined,
  });
  return [y, c.wants(1) ? ops.concat([ops.expandDims(key, 0), ops.expandDims(value, 0)], 0) : undefined];
}

const multiHeadSpecs = {
  mask_filter_value: float(-10000),
  num_heads: required(int()),
  scale: float(),
  unidirectional: flag(false),
} satisfies AttributeSpecs;

/** query, key, value, their bias, key mask, bias of scores, past key and value. */
function multiHead(c: NodeContext, a: ValuesOf<typeof multiHeadSpecs>): readonly (Value | undefined)[] {
  const { ops } = c;
  if (c.has(8)) return c.unsupported("a shared buffer of past keys", "export without past_sequence_length");
  const [query, ownKey, ownValue] = headsOf(c, a.num_heads);
  const key = c.has(6) ? ops.concat([c.value(6), ownKey!], 2) : ownKey!;
  const value = c.has(7) ? ops.concat([c.value(7), ownValue!], 2) : ownValue!;
  const [rows, columns] = [ops.shape(query!)[2]!, ops.shape(key)[2]!];
  const y = mixed(ops, {
    query: query!,
    key,
    value,
    scale: a.scale,
    biases: [maskBias(c, 4, query!, columns, a.mask_filter_value), c.optional(5)],
    barred: a.unidirectional ? later(ops, rows, columns) : undefined,
  });
  return [y, key, value];
}

/** Query, key and value; three may be packed as [B, S, heads, 3, size], or two as [B, L, heads, 2, size]. */
function apart(c: NodeContext): readonly Value[] {
  const { ops } = c;
  const split = (packed: Value) => {
    const [batch, length, heads, parts, size] = ops.shape(packed);
    return Array.from({ length: Number(parts?.value) }, (_, i) =>
      ops.reshape(ops.slice(packed, 3, i, 1), [batch!, length!, product([heads!, size!])]),
    );
  };
  if (!c.has(1)) return split(c.value(0));
  return c.has(2) ? [0, 1, 2].map((i) => c.value(i)) : [c.value(0), ...split(c.value(1))];
}

/** Query, key and value [B, length, heads * size], plus their biases side by side, in heads. */
function headsOf(c: NodeContext, heads: number): readonly Value[] {
  const { ops } = c;
  const bias = c.optional(3);
  const own = apart(c);
  const widths = own.map((x) => ops.count(x, ops.rank(x) === 4 ? [1, 3] : [2]));
  const starts = [constant(0), widths[0]!, add(widths[0]!, widths[1]!)];
  return own.map((x, i) => {
    if (ops.rank(x) === 4) return x;
    const biased = bias ? ops.add(x, ops.slice(bias, 0, starts[i]!, widths[i]!)) : x;
    return inHeads(c, biased, heads, "num_heads");
  });
}

export const contribAttentions: readonly Operator[] = inDomain("com.microsoft", [
  operator("Attention", since(1, attentionSpecs, attention)),
  operator("MultiHeadAttention", since(1, multiHeadSpecs, multiHead)),
]);
