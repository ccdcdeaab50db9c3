/**
 * GroupQueryAttention of com.microsoft: attention of decoders with a cache of keys and values, whose heads
 * serve several of the query's. Each sequence of the batch has a length of its own; its new keys stand right
 * behind those it had, and a query sees what is not later than itself. What stands behind the end of a
 * sequence in the cache is 0. It follows onnxruntime's CPU kernel, and refuses what that has not: caches of
 * integers, windowed caches and norms of query and key.
 */
import { constant, constantOf, type Dim, max, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { type AttributeSpecs, flag, float, int, required, type ValuesOf, word } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { inHeads, outOfHeads, sharedBy } from "./heads.ts";
import { anglesAt, rotated } from "./rotary.ts";

const kinds = ["NONE", "PER_TENSOR", "PER_CHANNEL"] as const;

const specs = {
  causal: flag(true),
  do_rotary: flag(false),
  k_quant_type: word(kinds, "NONE"),
  kv_cache_bit_width: int(),
  kv_num_heads: required(int()),
  local_window_size: int(-1),
  num_heads: required(int()),
  qk_norm_epsilon: float(1e-6),
  qk_output: int(0),
  rotary_interleaved: flag(false),
  scale: float(0),
  sliding_window_cache: flag(false),
  smooth_softmax: int(-1),
  softcap: float(0),
  v_quant_type: word(kinds, "NONE"),
} satisfies AttributeSpecs;

type Values = ValuesOf<typeof specs>;

/** Operands by their places. */
const place = { key: 1, pastKey: 3, pastValue: 4, ends: 5, total: 6, cos: 7, sin: 8, positions: 9, bias: 10 };
const SINK = 11;
/** Scales of caches, then norms. */
const UNSUPPORTED = [12, 13, 14, 15];

function checked(c: NodeContext, a: Values): void {
  if (a.k_quant_type !== "NONE" || a.v_quant_type !== "NONE" || UNSUPPORTED.some((i) => c.has(i)))
    c.unsupported("quantised caches, or norms of query and key", "export them as nodes of their own");
  if (a.sliding_window_cache)
    c.unsupported("sliding_window_cache", "export with a cache of the whole length");
  if (a.num_heads % a.kv_num_heads !== 0)
    c.wrong(`${a.num_heads} heads of queries for ${a.kv_num_heads} of keys`, "make them a multiple");
}

/** Where the sequences are. */
interface Cache {
  /** Length of the queries, and of the keys that are new. */
  readonly rows: Dim;
  /** Length of the cache as it is given, and as it is returned. */
  readonly before: Dim;
  readonly columns: Dim;
  readonly total: Dim;
  /** How many keys each sequence had, int32 [batch, 1]; undefined where none had any. */
  readonly past: Value | undefined;
}

function cacheOf(c: NodeContext, query: Value): Cache {
  const { ops } = c;
  const [batch, , rows] = ops.shape(query);
  const total = c.dims(place.total)[0]!;
  const before = c.has(place.pastKey) ? ops.shape(c.value(place.pastKey))[2]! : constant(0);
  const isFirst = constantOf(before) === 0 || rows === total;
  const ends = ops.reshape(ops.cast(c.value(place.ends), "int32"), [batch!, 1]);
  const own = sub(rows!, 1);
  const past = isFirst ? undefined : ops.sub(ends, ops.number(own, ends));
  return { rows: rows!, before, columns: max(before, total), total, past };
}

/** Query, key and value in heads; all three may be in one operand. */
function partsOf(c: NodeContext, a: Values): readonly [Value, Value, Value] {
  const { ops } = c;
  const heads = (x: Value, count: number) => inHeads(c, x, count, "num_heads");
  if (c.has(place.key))
    return [
      heads(c.value(0), a.num_heads),
      heads(c.value(1), a.kv_num_heads),
      heads(c.value(2), a.kv_num_heads),
    ];
  const all = heads(c.value(0), a.num_heads + 2 * a.kv_num_heads);
  const take = (from: number, count: number) => ops.slice(all, 1, from, count);
  const { num_heads: own, kv_num_heads: shared } = a;
  return [take(0, own), take(own, shared), take(own + shared, shared)];
}

/** Query and key turned by their positions: those behind what each sequence had. */
function positioned(c: NodeContext, list: readonly Value[], cache: Cache, interleaved: boolean) {
  const { ops } = c;
  const steps = ops.iota("int32", [1, cache.rows], 1);
  const given = c.has(place.positions) ? ops.cast(c.value(place.positions), "int32") : undefined;
  const first = given && ops.slice(ops.reshape(given, [ops.count(given, [0, 1])]), 0, 0, 1);
  const positions = cache.past
    ? (given ?? ops.add(cache.past, steps))
    : ops.add(steps, first ? ops.reshape(first, [1, 1]) : 0);
  const angles = anglesAt(ops, c.value(place.cos), c.value(place.sin), positions);
  return list.map((x) => rotated(ops, x, angles, interleaved));
}

/** The cache with the new keys or values behind what each sequence had, and 0 behind those. */
function extended(c: NodeContext, i: number, fresh: Value, { rows, before, columns, past }: Cache): Value {
  const { ops } = c;
  if (!past) {
    const rest = sub(columns, rows);
    return constantOf(rest) === 0
      ? fresh
      : ops.pad(fresh, [
          [0, 0],
          [0, 0],
          [0, rest],
          [0, 0],
        ]);
  }
  const [batch, heads, , size] = ops.shape(fresh);
  const nothing = ops.fill(0, [batch!, heads!, 1, size!], fresh);
  const all = ops.concat([c.value(i), fresh, nothing], 2);
  const column = ops.iota("int32", [1, columns], 1);
  const isNew = ops.lt(ops.sub(column, past), ops.number(rows, column));
  const moved = ops.add(ops.sub(column, past), ops.number(before, column));
  const last = ops.number(sub(ops.shape(all)[2]!, 1), column);
  const from = ops.select(ops.lt(column, past), column, ops.select(isNew, moved, last));
  return ops.gatherElements(all, ops.broadcast(from, [batch!, heads!, columns, size!], [0, 2]), 2);
}

/** Which keys each query sees: bool [batch or 1, 1, rows, columns]. */
function visible(c: NodeContext, { rows, columns, past }: Cache, a: Values): Value {
  const { ops } = c;
  const column = ops.iota("int32", [1, 1, 1, columns], 3);
  const had = past ? ops.reshape(past, [ops.shape(past)[0]!, 1, 1, 1]) : ops.constant(0, "int32");
  const own = ops.add(ops.iota("int32", [1, 1, rows, 1], 2), had);
  if (!a.causal) {
    const ends = ops.cast(c.value(place.ends), "int32");
    return ops.le(column, ops.reshape(ends, [ops.shape(ends)[0]!, 1, 1, 1]));
  }
  const notLater = ops.le(column, own);
  if (a.local_window_size < 0) return notLater;
  return ops.and(notLater, ops.gt(ops.add(column, a.local_window_size), own));
}

/** What is added to the scores, as wide as the cache. */
function biasOf(c: NodeContext, { columns, total }: Cache): Value | undefined {
  const { ops } = c;
  if (!c.has(place.bias)) return undefined;
  const bias = c.value(place.bias);
  const rest = sub(columns, total);
  return constantOf(rest) === 0
    ? bias
    : ops.pad(bias, [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, rest],
      ]);
}

/** Scores -Infinity are not seen. `sink` is one more score, of a key without a value. */
function probabilities(ops: Ops, scores: Value, sink: Value | undefined): Value {
  if (!sink) return ops.softmax(scores);
  const most = ops.max(ops.reduceMax(scores, -1, true), sink);
  const powers = ops.exp(ops.sub(scores, most));
  return ops.div(powers, ops.add(ops.reduceSum(powers, -1, true), ops.exp(ops.sub(sink, most))));
}

function sinkOf(c: NodeContext, a: Values): Value | undefined {
  const { ops } = c;
  if (c.has(SINK)) return ops.reshape(c.value(SINK), [1, a.num_heads, 1, 1]);
  return a.smooth_softmax === 1 ? ops.constant(0, c.value(0).type.dtype) : undefined;
}

function groupQuery(c: NodeContext, a: Values): readonly (Value | undefined)[] {
  const { ops } = c;
  checked(c, a);
  const [plainQuery, plainKey, freshValue] = partsOf(c, a);
  const cache = cacheOf(c, plainQuery);
  const [query, freshKey] = a.do_rotary
    ? positioned(c, [plainQuery, plainKey], cache, a.rotary_interleaved)
    : [plainQuery, plainKey];
  const key = extended(c, place.pastKey, freshKey!, cache);
  const value = extended(c, place.pastValue, freshValue, cache);
  const batch = [0, 1];
  const heads = constant(a.num_heads);
  const raw = ops.dotGeneral(query!, sharedBy(ops, key, heads), { contract: [3, 3], batch: [batch, batch] });
  const root = () => ops.sqrt(ops.number(ops.shape(query!)[3]!, raw));
  const scaled = a.scale === 0 ? ops.div(raw, root()) : ops.mul(raw, a.scale);
  const capped = a.softcap > 0 ? ops.mul(ops.tanh(ops.div(scaled, a.softcap)), a.softcap) : scaled;
  const bias = biasOf(c, cache);
  const biased = bias ? ops.add(capped, bias) : capped;
  const shown = ops.select(visible(c, cache, a), biased, Number.NEGATIVE_INFINITY);
  const weights = probabilities(ops, shown, sinkOf(c, a));
  const y = outOfHeads(ops, ops.matmul(weights, sharedBy(ops, value, heads)));
  return [y, key, value, undefined];
}

export const groupQueries: readonly Operator[] = inDomain("com.microsoft", [
  operator("GroupQueryAttention", since(1, specs, groupQuery)),
]);
