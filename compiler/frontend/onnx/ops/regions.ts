/**
 * Regions of images (RoiAlign of Mask R-CNN, MaxRoiPool of Fast R-CNN), each cut into bins. How many samples
 * a bin has may depend on its region; then no sample is taken by itself. The average of bilinear samples is
 * linear in the image and in each axis apart, so it is two products with tables of weights, and the weights
 * of any number of equally spaced samples are sums of arithmetic series. A largest element is that along one
 * axis, then along the other.
 */
import type { Dim } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { float, int, ints, required, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { type SampleValues, sampled } from "./sampling.ts";

interface RoiValues {
  readonly output_height: number;
  readonly output_width: number;
  readonly sampling_ratio: number;
  readonly spatial_scale: number;
  readonly mode: "avg" | "max";
  readonly half: boolean;
}

/** Averages (or takes the largest) of samples on a regular grid in each bin of each region. */
function roiAlign(c: NodeContext, values: RoiValues): Value {
  const { ops } = c;
  const { sampling_ratio: ratio } = values;
  if (ratio <= 0) return roiAverage(c, values);
  const [x, rois] = [c.value(0), c.value(1)];
  const [count] = ops.shape(rois);
  const image = ops.gather(x, ops.cast(c.value(2), "int32"), 0);
  const along = (low: number, bins: number) => {
    const { start, length } = sideOf(c, low, values);
    const step = ops.div(length, bins);
    const bin = ops.iota(rois.type.dtype, [1, bins, 1], 1);
    const sample = ops.div(ops.add(ops.iota(rois.type.dtype, [1, 1, ratio], 2), 0.5), ratio);
    return ops.reshape(ops.add(start, ops.mul(ops.add(bin, sample), step)), [count!, bins * ratio]);
  };
  const [rows, columns] = [along(1, values.output_height), along(0, values.output_width)];
  const shape = [count!, values.output_height * ratio, values.output_width * ratio];
  const places = [ops.broadcast(rows, shape, [0, 1]), ops.broadcast(columns, shape, [0, 2])];
  const { near, isIn } = withinImage(ops, places, ops.shape(x).slice(2));
  const border: SampleValues = { mode: "linear", padding: "border", corners: true };
  const taken = sampled(ops, image, near, border, values.mode === "max" ? "max" : "add");
  const samples = ops.select(ops.expandDims(isIn, 1), taken, 0);
  const [, channels] = ops.shape(x);
  const binned = [count!, channels!, values.output_height, ratio, values.output_width, ratio];
  const cut = ops.reshape(samples, binned);
  return values.mode === "max" ? ops.reduceMax(cut, [3, 5]) : ops.mean(cut, [3, 5]);
}

/** Samples further out than one element count as 0; others are moved to the edge. */
function withinImage(ops: Ops, places: readonly Value[], sizes: readonly Dim[]) {
  const inside = places.map((place, i) =>
    ops.and(ops.ge(place, -1), ops.le(place, ops.number(sizes[i]!, place))),
  );
  const near = places.map((place, i) => ops.clip(place, 0, ops.sub(ops.number(sizes[i]!, place), 1)));
  return { near, isIn: ops.and(inside[0]!, inside[1]!) };
}

/** Where the regions start along an axis and how long they are there: [count, 1, 1]. */
function sideOf(c: NodeContext, low: number, values: RoiValues) {
  const { ops } = c;
  const rois = c.value(1);
  const edge = (i: number) => {
    const scaled = ops.mul(
      ops.reshape(ops.slice(rois, 1, i, 1), [ops.shape(rois)[0]!, 1, 1]),
      values.spatial_scale,
    );
    return values.half ? ops.sub(scaled, 0.5) : scaled;
  };
  const start = edge(low);
  const extent = ops.sub(edge(low + 2), start);
  return { start, length: values.half ? extent : ops.max(extent, 1) };
}

/** Averages of as many samples as each region needs: one for each element of a bin, rounded up. */
function roiAverage(c: NodeContext, values: RoiValues): Value {
  const { ops } = c;
  if (values.mode === "max")
    return c.unsupported("the largest of as many samples as each region needs", "give a sampling_ratio");
  const [x, batch] = [c.value(0), ops.cast(c.value(2), "int32")];
  const [, , height, width] = ops.shape(x);
  const rows = binWeights(c, 1, values.output_height, height!, values);
  const columns = binWeights(c, 0, values.output_width, width!, values);
  const image = ops.cast(ops.gather(x, batch, 0), "float64");
  const across = ops.dotGeneral(image, columns, { contract: [3, 2], batch: [[0], [0]] });
  const y = ops.dotGeneral(across, rows, { contract: [2, 2], batch: [[0], [0]] });
  return ops.cast(ops.transpose(y, [0, 1, 3, 2]), x.type.dtype);
}

/**
 * What each of `size` elements counts in each bin of each region: [count, bins, size], in float64. Samples
 * lie at a, a + d, ...; those further out than one element count nothing, others are moved to the edge. With
 * F(t) the sum of t - s over all samples s below t, F's second difference is the sum of tents around t.
 */
function binWeights(c: NodeContext, low: number, bins: number, size: Dim, values: RoiValues): Value {
  const { ops } = c;
  const { start, length } = sideOf(c, low, values);
  const step = ops.div(length, bins);
  const [bin, taken] = [ops.cast(step, "float64"), ops.cast(ops.max(ops.ceil(step), 0), "float64")];
  const d = ops.div(bin, ops.max(taken, 1));
  const first = ops.add(ops.cast(start, "float64"), ops.mul(bin, ops.iota("float64", [1, bins, 1], 1)));
  const a = ops.add(first, ops.mul(d, 0.5));
  const count = (ends: Value) => ops.clip(ends, 0, taken);
  const below = (t: Value | number) => count(ops.ceil(ops.div(ops.sub(t, a), d)));
  const upTo = (t: Value) => count(ops.add(ops.floor(ops.div(ops.sub(t, a), d)), 1));
  const total = (t: Value) => {
    const k = below(t);
    return ops.sub(ops.mul(k, ops.sub(t, a)), ops.mul(ops.mul(d, 0.5), ops.mul(k, ops.sub(k, 1))));
  };
  const t = ops.iota("float64", [1, 1, size], 2);
  const end = ops.number(size, d);
  const slope = (from: Value) => {
    const inside = ops.sub(total(ops.add(from, 1)), total(from));
    const isLast = ops.ge(from, ops.sub(end, 1));
    return ops.select(ops.lt(from, 0), below(-1), ops.select(isLast, upTo(end), inside));
  };
  const sums = ops.sub(slope(t), slope(ops.sub(t, 1)));
  return ops.select(ops.gt(d, 0), ops.div(sums, ops.max(taken, 1)), 0);
}

interface PoolValues {
  readonly pooled_shape: readonly number[];
  readonly spatial_scale: number;
}

/** The largest element of each bin; regions [number of the image, x1, y1, x2, y2] are rounded to elements. */
function maxRoiPool(c: NodeContext, values: PoolValues): Value {
  const { ops } = c;
  const [x, rois] = [c.value(0), c.value(1)];
  const { pooled_shape: bins } = values;
  const [count] = ops.shape(rois);
  const [, , height, width] = ops.shape(x);
  if (bins.length !== 2) c.wrong(`a pooled_shape of ${bins.length} sizes`, "give its height and width");
  const column = (i: number) => ops.reshape(ops.slice(rois, 1, i, 1), [count!]);
  const image = ops.gather(x, ops.cast(column(0), "int32"), 0);
  const edge = (i: number) => awayFromZero(ops, ops.mul(column(i), values.spatial_scale));
  const inRows = insideBins(ops, edge(2), edge(4), bins[0]!, height!);
  const inColumns = insideBins(ops, edge(1), edge(3), bins[1]!, width!);
  const lowest = Number.NEGATIVE_INFINITY;
  // [count, C, bins of rows, W], then [count, C, bins of rows, bins of columns].
  const ofRows = ops.reduceMax(
    ops.select(ops.expandDims(ops.expandDims(inRows, 1), -1), ops.expandDims(image, 2), lowest),
    3,
  );
  const largest = ops.reduceMax(
    ops.select(ops.expandDims(ops.expandDims(inColumns, 1), 1), ops.expandDims(ofRows, 3), lowest),
    4,
  );
  return ops.select(ops.eq(largest, lowest), 0, largest);
}

/** Which elements lie in which bin of each region: bool [count, bins, size]. */
function insideBins(ops: Ops, start: Value, end: Value, bins: number, size: Dim): Value {
  const [first, last] = [start, end].map((side) => ops.reshape(side, [ops.shape(side)[0]!, 1, 1]));
  const step = ops.div(ops.max(ops.add(ops.sub(last!, first!), 1), 1), bins);
  const bin = ops.iota(step.type.dtype, [1, bins, 1], 1);
  const at = ops.iota(step.type.dtype, [1, 1, size], 2);
  const from = ops.add(ops.floor(ops.mul(bin, step)), first!);
  const to = ops.add(ops.ceil(ops.mul(ops.add(bin, 1), step)), first!);
  return ops.and(ops.ge(at, from), ops.lt(at, to));
}

/** The nearest whole number, halves away from zero. */
const awayFromZero = (ops: Ops, x: Value): Value => ops.mul(ops.sign(x), ops.floor(ops.add(ops.abs(x), 0.5)));

const region = {
  output_height: int(1),
  output_width: int(1),
  sampling_ratio: int(0),
  spatial_scale: float(1),
  mode: word(["avg", "max"], "avg"),
};

export const regions: readonly Operator[] = [
  operator(
    "RoiAlign",
    since(10, region, (c, a) => roiAlign(c, { ...a, half: false })),
    since(
      16,
      {
        ...region,
        coordinate_transformation_mode: word(["half_pixel", "output_half_pixel"], "half_pixel"),
      },
      (c, a) => roiAlign(c, { ...a, half: a.coordinate_transformation_mode === "half_pixel" }),
    ),
  ),
  operator("MaxRoiPool", since(1, { pooled_shape: required(ints()), spatial_scale: float(1) }, maxRoiPool)),
];
