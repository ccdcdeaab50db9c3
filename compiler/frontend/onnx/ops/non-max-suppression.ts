/**
 * NonMaxSuppression: of boxes that overlap the one with the best score stays. All batches and classes go side
 * by side: their boxes are sorted, a scan looks at the best, the second best, ..., as far as scores
 * are good enough, and keeps one unless it overlaps one kept before; `compress` then takes those that were
 * kept, as many as the run finds. Limits and thresholds are numbers of the run.
 */
import { type Dim, max, product } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { int } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { coordinates } from "./data-dependent.ts";

interface Box {
  readonly low: readonly Value[];
  readonly high: readonly Value[];
}

/** Boxes [..., 4] as their lower and upper ends along both axes, [...] each. */
function cornersOf(ops: Ops, boxes: Value, isCentered: boolean): Box {
  const shape = ops.shape(boxes).slice(0, -1);
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => ops.reshape(ops.slice(boxes, -1, i, 1), shape));
  if (!isCentered)
    return { low: [ops.min(a!, c!), ops.min(b!, d!)], high: [ops.max(a!, c!), ops.max(b!, d!)] };
  const half = [ops.div(c!, 2), ops.div(d!, 2)];
  return {
    low: [ops.sub(a!, half[0]!), ops.sub(b!, half[1]!)],
    high: [ops.add(a!, half[0]!), ops.add(b!, half[1]!)],
  };
}

/** The area both cover, by the area that at least one covers; no boxes without area overlap. */
function isOverlap(ops: Ops, one: Box, other: Box, threshold: Value): Value {
  const area = ({ low, high }: Box) => ops.mul(ops.sub(high[0]!, low[0]!), ops.sub(high[1]!, low[1]!));
  const sides = [0, 1].map((i) =>
    ops.max(ops.sub(ops.min(one.high[i]!, other.high[i]!), ops.max(one.low[i]!, other.low[i]!)), 0),
  );
  const both = ops.mul(sides[0]!, sides[1]!);
  const any = ops.sub(ops.add(area(one), area(other)), both);
  const isReal = ops.and(ops.gt(both, 0), ops.and(ops.gt(area(one), 0), ops.gt(area(other), 0)));
  return ops.and(isReal, ops.gt(ops.div(both, any), threshold));
}

/** The elements of one number, or what it is when it is left out. */
function scalar(c: NodeContext, i: number, otherwise: number): Value {
  const { ops } = c;
  return c.has(i) ? ops.reshape(ops.cast(c.value(i), "float32"), []) : ops.constant(otherwise);
}

/** How many boxes of a class are kept at the most: none unless somebody says so. */
function limitOf(c: NodeContext, boxes: Dim): Value {
  const { ops } = c;
  if (!c.has(2)) return ops.constant(0, "int32");
  const given = ops.reshape(ops.cast(c.value(2), INT64), []);
  return ops.cast(ops.min(given, ops.builder.dimension(boxes, INT64)), "int32");
}

/** Corners of boxes as [..., 4], and back. */
const cornersIn = (ops: Ops, { low, high }: Box): Value =>
  ops.concat(
    [...low, ...high].map((x) => ops.expandDims(x, -1)),
    -1,
  );

function boxOf(ops: Ops, corners: Value): Box {
  const shape = ops.shape(corners).slice(0, -1);
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => ops.reshape(ops.slice(corners, -1, i, 1), shape));
  return { low: [a!, b!], high: [c!, d!] };
}

/** How many boxes have to be looked at: the most of any class whose scores are above the least one. */
function candidates(c: NodeContext): Dim {
  const { ops } = c;
  const scores = c.value(1);
  const all = ops.shape(scores)[2]!;
  if (!c.has(4)) return all;
  const counts = ops.reduceSum(ops.cast(ops.gt(scores, scalar(c, 4, 0)), "int32"), 2);
  return ops.builder.measured(ops.max(ops.reduceMax(counts, [0, 1]), 0), all, "candidates");
}

/**
 * For the boxes that are looked at, in the order of their scores, whether each is kept: bool [seen, batch,
 * class]. Each is compared with those that were kept before, of which there are at most as many as the limit.
 */
function kept(c: NodeContext, sorted: Value, scores: Value, isCentered: boolean): Value {
  const { ops } = c;
  const [, batch, classes] = ops.shape(scores);
  const threshold = scalar(c, 3, 0);
  const limit = limitOf(c, ops.shape(c.value(1))[2]!);
  const slots = max(ops.builder.measured(limit, ops.shape(c.value(1))[2]!, "kept"), 1);
  const isGood = c.has(4)
    ? ops.gt(scores, scalar(c, 4, 0))
    : ops.cast(ops.fill(1, ops.shape(scores), limit), "bool");
  const places = ops.iota("int32", [slots, 1, 1]);
  const boxes = ops.fill(0, [slots, batch!, classes!, 4], sorted);
  const none = ops.fill(0, [batch!, classes!], limit);
  const { outputs } = ops.scan(
    {
      states: [boxes, none],
      sequences: [sorted, isGood],
      invariants: [places, threshold, limit],
    },
    (inner, [before, count], [box, good], [place, least, most]) => {
      const own = inner.expandDims(cornersIn(inner, cornersOf(inner, box!, isCentered)), 0);
      const hit = isOverlap(inner, boxOf(inner, own), boxOf(inner, before!), least!);
      const hits = inner.and(hit, inner.lt(place!, inner.expandDims(count!, 0)));
      const isFree = inner.eq(inner.reduceSum(inner.cast(hits, "int32"), 0), 0);
      const stays = inner.and(inner.and(good!, isFree), inner.lt(count!, most!));
      const here = inner.and(inner.eq(place!, inner.expandDims(count!, 0)), inner.expandDims(stays, 0));
      const now = inner.select(inner.expandDims(here, -1), own, before!);
      return { states: [now, inner.add(count!, inner.cast(stays, "int32"))], outputs: [stays] };
    },
  );
  return outputs[0]!;
}

/** [count, 3]: batch, class and number of each box that is kept; in that order, then by falling score. */
function nonMaxSuppression(c: NodeContext, isCentered: boolean): Value {
  const { ops } = c;
  const [boxes, scores] = [c.value(0), c.value(1)];
  const [batch, classes, n] = ops.shape(scores);
  const seen = candidates(c);
  const [values, order] = ops.topK(scores, seen, 2);
  // [batch, class, seen, 4], the best first.
  const spread = ops.broadcast(boxes, [batch!, classes!, n!, 4], [0, 2, 3]);
  const sorted = ops.gatherNd(spread, ops.expandDims(order, -1), 2);
  const flags = kept(c, ops.transpose(sorted, [2, 0, 1, 3]), ops.transpose(values, [2, 0, 1]), isCentered);
  const mask = ops.reshape(ops.transpose(flags, [1, 2, 0]), [product([batch!, classes!, seen])]);
  const all = ops.iota("int32", ops.shape(mask));
  const numbers = ops.reshape(order, ops.shape(mask));
  const [places, taken] = ops.compress([all, numbers], mask, c.node.outputs[0]!);
  const [inBatch, inClass] = coordinates(ops, places!, [batch!, classes!, seen]);
  const columns = [inBatch!, inClass!, taken!].map((column) => ops.expandDims(column, 1));
  return ops.cast(ops.concat(columns, 1), INT64);
}

export const suppression: readonly Operator[] = [
  operator(
    "NonMaxSuppression",
    since(10, { center_point_box: int(0) }, (c, a) => nonMaxSuppression(c, a.center_point_box === 1)),
  ),
];
