/**
 * Attention. The scores are those of the operators' function bodies: query and key
 * each carry the root of the scale, the mask is a bias of -infinity, and a row that is masked wholly gives 0.
 */
import type { DType } from "../../../../runtime/dtype.ts";
import { constantOf, type Dim, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { elementType, flag, float, graph, int } from "../attributes.ts";
import type { OnnxGraph } from "../model.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { inHeads, outOfHeads, sharedBy } from "./heads.ts";

interface AttentionValues {
  readonly is_causal: boolean;
  readonly kv_num_heads: number | undefined;
  readonly q_num_heads: number | undefined;
  readonly qk_matmul_output_mode: number;
  readonly scale: number | undefined;
  readonly softcap: number;
  readonly softmax_precision: DType | undefined;
  readonly left_window_size: number;
  readonly right_window_size: number;
}

function attention(c: NodeContext, values: AttentionValues): readonly (Value | undefined)[] {
  const { ops } = c;
  const query = inHeads(c, c.value(0), values.q_num_heads, "q_num_heads");
  const ownKey = inHeads(c, c.value(1), values.kv_num_heads, "kv_num_heads");
  const ownValue = inHeads(c, c.value(2), values.kv_num_heads, "kv_num_heads");
  const before = (past: number, x: Value) => (c.has(past) ? ops.concat([c.value(past), x], 2) : x);
  const [key, value] = [before(4, ownKey), before(5, ownValue)];
  const heads = ops.shape(query)[1]!;
  const raw = scaledScores(c, query, sharedBy(ops, key, heads), values.scale);
  const capped = values.softcap === 0 ? raw : ops.mul(ops.tanh(ops.div(raw, values.softcap)), values.softcap);
  const bias = biasOf(c, query, key, seenBy(c, values));
  const biased = bias ? ops.add(capped, bias) : capped;
  const probabilities = maskedSoftmax(ops, biased, bias, values.softmax_precision);
  const mixed = ops.matmul(probabilities, sharedBy(ops, value, heads));
  const y = ops.rank(c.value(0)) === 3 ? outOfHeads(ops, mixed) : mixed;
  return [y, key, value, [raw, capped, biased, probabilities][values.qk_matmul_output_mode]];
}

/** Query and key both times the root of the scale, 1 / sqrt(size) by default. */
function scaledScores({ ops }: NodeContext, query: Value, key: Value, scale: number | undefined): Value {
  const root = scale === undefined ? undefined : Math.sqrt(scale);
  const factor =
    root ?? ops.sqrt(ops.div(1, ops.sqrt(ops.number(ops.shape(query)[3]!, ops.constant(0, "float32")))));
  const scaled = (x: Value) =>
    ops.mul(x, typeof factor === "number" ? factor : ops.cast(factor, x.type.dtype));
  return ops.dotGeneral(scaled(query), scaled(key), {
    contract: [3, 3],
    batch: [
      [0, 1],
      [0, 1],
    ],
  });
}

/** How many keys before and behind its own place a row may see; undefined is all of them. */
interface Reach {
  readonly before: number | undefined;
  readonly behind: number | undefined;
}

function seenBy(c: NodeContext, { is_causal, left_window_size, right_window_size }: AttentionValues): Reach {
  const sizes = { left_window_size, right_window_size };
  for (const [name, size] of Object.entries(sizes))
    if (size < -1) c.wrong(`${name} is ${size}`, "give a number of keys, or -1 for all");
  const [before, behind] = Object.values(sizes).map((size) => (size === -1 ? undefined : size));
  return { before, behind: is_causal ? 0 : behind };
}

/** What is added to the scores; undefined where nothing is masked. */
function biasOf(c: NodeContext, query: Value, key: Value, reach: Reach): Value | undefined {
  const { ops } = c;
  const [rows, columns] = [ops.shape(query)[2]!, ops.shape(key)[2]!];
  const parts = [
    c.has(3) ? maskBias(c, c.value(3), query, columns) : undefined,
    ...reachBiases(c, query, rows, columns, reach),
    c.has(6) ? paddingBias(ops, c.value(6), query, columns) : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.reduce((a, b) => ops.add(a, b));
}

/** A boolean mask is 0 where true; a mask of fewer columns than there are keys masks the rest. */
function maskBias(c: NodeContext, mask: Value, like: Value, columns: Dim): Value {
  const { ops } = c;
  const bias =
    mask.type.dtype === "bool" ? barred(ops, ops.not(mask), like) : ops.cast(mask, like.type.dtype);
  const own = ops.shape(bias).at(-1)!;
  if (own === columns || constantOf(own) === 1) return bias;
  const padding = ops.shape(bias).map((_, axis): readonly [Dim | number, Dim | number] => {
    return [0, axis === ops.rank(bias) - 1 ? sub(columns, own) : 0];
  });
  return ops.pad(bias, padding, Number.NEGATIVE_INFINITY);
}

/**
 * Row i stands at the column i + offset, where the offset is the past keys, or what is not padding less the
 * rows; it sees the columns within its reach.
 */
function reachBiases(c: NodeContext, like: Value, rows: Dim, columns: Dim, reach: Reach): readonly Value[] {
  const { ops } = c;
  if (reach.before === undefined && reach.behind === undefined) return [];
  const [row, column] = [ops.iota("int32", [rows, 1], 0), ops.iota("int32", [1, columns], 1)];
  const ends = c.has(6) && !c.has(4) ? ops.cast(c.value(6), "int32") : undefined;
  const whole = ops.constant(0, "int32");
  const past = c.has(4) ? ops.number(ops.shape(c.value(4))[2]!, whole) : whole;
  const offset = ends
    ? ops.reshape(ops.sub(ends, ops.number(rows, whole)), [ops.shape(ends)[0]!, 1, 1, 1])
    : past;
  const place = ops.add(row, offset);
  const far = (edge: Value | undefined) => (edge ? [barred(ops, edge, like)] : []);
  const { before, behind } = reach;
  return [
    ...far(behind === undefined ? undefined : ops.lt(ops.add(place, behind), column)),
    ...far(before === undefined ? undefined : ops.lt(column, ops.sub(place, before))),
  ];
}

/** Keys from `ends[b]` on are padding. */
function paddingBias(ops: Ops, ends: Value, like: Value, columns: Dim): Value {
  const column = ops.iota("int32", [1, 1, 1, columns], 3);
  const limit = ops.reshape(ops.cast(ends, "int32"), [ops.shape(ends)[0]!, 1, 1, 1]);
  return barred(ops, ops.ge(column, limit), like);
}

/** -infinity where it is true, 0 elsewhere. */
function barred(ops: Ops, where: Value, { type }: Value): Value {
  const [never, always] = [Number.NEGATIVE_INFINITY, 0].map((n) => ops.constant(n, type.dtype));
  return ops.select(where, never!, always!);
}

function maskedSoftmax(
  ops: Ops,
  scores: Value,
  bias: Value | undefined,
  precision: DType | undefined,
): Value {
  const { dtype } = scores.type;
  const probabilities = ops.cast(ops.softmax(ops.cast(scores, precision ?? dtype)), dtype);
  if (!bias) return probabilities;
  const nothing = ops.eq(ops.reduceMax(bias, -1, true), Number.NEGATIVE_INFINITY);
  return ops.select(nothing, 0, probabilities);
}

interface FlexValues {
  readonly scale: number | undefined;
  readonly score_mod: OnnxGraph | undefined;
  readonly prob_mod: OnnxGraph | undefined;
  readonly softmax_precision: DType | undefined;
}

/** Attention whose scores and probabilities pass through graphs of the model. */
function flexAttention(c: NodeContext, values: FlexValues): Value {
  const { ops } = c;
  const [query, key, value] = [c.value(0), c.value(1), c.value(2)];
  const heads = ops.shape(query)[1]!;
  const { dtype } = query.type;
  const wide = values.softmax_precision ?? (dtype === "float64" ? "float64" : "float32");
  const through = (body: OnnxGraph | undefined, x: Value) => (body ? c.inline(body, [x])[0]! : x);
  const scores = ops.cast(scaledScores(c, query, sharedBy(ops, key, heads), values.scale), wide);
  const probabilities = through(values.prob_mod, ops.softmax(through(values.score_mod, scores)));
  return ops.matmul(ops.cast(probabilities, dtype), sharedBy(ops, value, heads));
}

const attentionAttributes = {
  is_causal: flag(false),
  kv_num_heads: int(),
  q_num_heads: int(),
  qk_matmul_output_mode: int(0),
  scale: float(),
  softcap: float(0),
  softmax_precision: elementType(),
};
const everywhere = { left_window_size: -1, right_window_size: -1 };
const preview = [
  operator(
    "FlexAttention",
    since(
      1,
      { scale: float(), score_mod: graph(), prob_mod: graph(), softmax_precision: elementType() },
      flexAttention,
    ),
  ),
];

export const attentions: readonly Operator[] = [
  operator(
    "Attention",
    since(23, attentionAttributes, (c, a) => attention(c, { ...a, ...everywhere })),
    since(25, { ...attentionAttributes, left_window_size: int(-1), right_window_size: int(-1) }, attention),
  ),
  ...inDomain("ai.onnx.preview", preview),
];
