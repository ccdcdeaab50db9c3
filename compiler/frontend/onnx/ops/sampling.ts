/**
 * Images sampled at places that are computed: each sample gathers its neighbours by number and weighs them.
 * Neighbours outside of the image are clamped to it, and weigh nothing where the padding is zeros.
 */
import { constant, type Dim } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

type Padding = "zeros" | "border" | "reflection";

export interface SampleValues {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly padding: Padding;
  readonly corners: boolean;
}

/** Taps along one axis: whole positions, the weight of each. */
interface AxisTap {
  readonly index: Value;
  readonly weight: Value | undefined;
}

/** -1 and 1 are the middles of the first and last element, or their outer edges. */
function denormalised(ops: Ops, g: Value, size: Value, corners: boolean): Value {
  if (corners) return ops.mul(ops.mul(ops.add(g, 1), 0.5), ops.sub(size, 1));
  return ops.mul(ops.sub(ops.mul(ops.add(g, 1), size), 1), 0.5);
}

/** Folds x back and forth between low and low + range. */
function reflected(ops: Ops, x: Value, low: number, range: Value): Value {
  const safe = ops.select(ops.eq(range, 0), 1, range);
  const shifted = ops.abs(ops.sub(x, low));
  const folds = ops.floor(ops.div(shifted, safe));
  const rest = ops.sub(shifted, ops.mul(folds, safe));
  const odd = ops.eq(ops.sub(folds, ops.mul(ops.floor(ops.mul(folds, 0.5)), 2)), 1);
  const folded = ops.add(ops.select(odd, ops.sub(safe, rest), rest), low);
  return ops.select(ops.eq(range, 0), 0, folded);
}

function padded(ops: Ops, x: Value, size: Value, { padding, corners }: SampleValues): Value {
  if (padding === "border") return ops.clip(x, 0, ops.sub(size, 1));
  if (padding === "zeros") return x;
  const folded = corners ? reflected(ops, x, 0, ops.sub(size, 1)) : reflected(ops, x, -0.5, size);
  return ops.clip(folded, 0, ops.sub(size, 1));
}

/** Keys' cubic convolution at distance `d`, with a = -0.75. */
function cubicWeight(ops: Ops, d: Value): Value {
  const a = -0.75;
  const x = ops.abs(d);
  const polynomial = (coefficients: readonly number[]) =>
    coefficients
      .slice(1)
      .reduce<Value>(
        (sum, k) => ops.add(ops.mul(sum, x), k),
        ops.mul(ops.add(ops.mul(x, 0), 1), coefficients[0]!),
      );
  const near = polynomial([a + 2, -(a + 3), 0, 1]);
  const far = polynomial([a, -5 * a, 8 * a, -4 * a]);
  return ops.select(ops.le(x, 1), near, ops.select(ops.lt(x, 2), far, 0));
}

function tapsAlong(ops: Ops, x: Value, size: Value, values: SampleValues): readonly AxisTap[] {
  if (values.mode === "nearest") return [bounded(ops, ops.round(x), undefined, size, values)];
  const base = ops.floor(x);
  const ratio = ops.sub(x, base);
  const offsets = values.mode === "linear" ? [0, 1] : [-1, 0, 1, 2];
  return offsets.map((offset) => {
    const distance = ops.sub(offset, ratio);
    const weight = values.mode === "linear" ? ops.sub(1, ops.abs(distance)) : cubicWeight(ops, distance);
    return bounded(ops, ops.add(base, offset), weight, size, values);
  });
}

/** A tap as an index into the axis. */
function bounded(ops: Ops, at: Value, weight: Value | undefined, size: Value, values: SampleValues): AxisTap {
  const last = ops.sub(size, 1);
  const inside = padded(ops, at, size, values);
  const index = ops.cast(ops.clip(inside, 0, last), "int32");
  if (values.padding !== "zeros") return { index, weight };
  const isIn = ops.and(ops.ge(at, 0), ops.le(at, last));
  return { index, weight: ops.select(isIn, weight ?? ops.add(ops.mul(at, 0), 1), 0) };
}

/** Every combination of one tap per axis. */
function corners(taps: readonly (readonly AxisTap[])[]): readonly (readonly AxisTap[])[] {
  return taps.reduce<readonly (readonly AxisTap[])[]>(
    (all, axis) => all.flatMap((list) => axis.map((tap) => [...list, tap])),
    [[]],
  );
}

/**
 * x [N, C, spatial...] at places [N, out...] per spatial axis, in elements: [N, C, out...]. `places` are
 * within -1 .. size after padding. A sample is the sum of its weighted neighbours, or the largest of them.
 */
export function sampled(
  ops: Ops,
  x: Value,
  places: readonly Value[],
  values: SampleValues,
  combine: "add" | "max" = "add",
): Value {
  const spatial = ops.shape(x).slice(2);
  const sizeOf = (d: Dim) => ops.number(d, places[0]!);
  const taps = places.map((place, i) => tapsAlong(ops, place, sizeOf(spatial[i]!), values));
  const channelsLast = ops.transpose(x, [0, ...spatial.map((_, i) => i + 2), 1]);
  const parts = corners(taps).map((list) => {
    const index = ops.concat(
      list.map((tap) => ops.expandDims(tap.index, -1)),
      -1,
    );
    const taken = ops.gatherNd(channelsLast, index, 1);
    const weights = list.map(({ weight }) => weight).filter((weight) => weight !== undefined);
    if (weights.length === 0) return taken;
    const product = weights.reduce((a, b) => ops.mul(a, b));
    return ops.mul(taken, ops.cast(ops.expandDims(product, -1), x.type.dtype));
  });
  const y = parts.reduce((a, b) => ops[combine](a, b));
  const rank = ops.rank(y);
  const outs = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  return ops.transpose(y, [0, rank - 1, ...outs]);
}

/** The last axis of the grid holds coordinates from the innermost axis outwards: x, y, z. */
function gridSample(c: NodeContext, values: SampleValues): Value {
  const { ops } = c;
  const [x, grid] = [c.value(0), ops.cast(c.value(1), "float32")];
  const spatial = ops.shape(x).slice(2);
  const places = spatial.map((d, i) => {
    const plane = ops.slice(grid, -1, spatial.length - 1 - i, 1);
    const coordinate = ops.reshape(plane, ops.shape(grid).slice(0, -1));
    const size = ops.number(d, coordinate);
    const place = denormalised(ops, coordinate, size, values.corners);
    return values.mode === "cubic" ? place : padded(ops, place, size, values);
  });
  return sampled(ops, x, places, values);
}

/** theta [N, d, d + 1] applied to the coordinates of the middles of a [N, C, size...] image. */
function affineGrid(c: NodeContext, aligned: boolean): Value {
  const { ops } = c;
  const theta = c.value(0);
  const [batch, , ...sizes] = c.dims(1);
  const rank = sizes.length;
  const ones = [...sizes, constant(1)];
  const coordinate = (axis: number) => {
    const size = sizes[axis]!;
    const steps = ops.cast(ops.iota("int32", [size]), "float32");
    const count = ops.number(size, steps);
    const line = aligned
      ? ops.sub(ops.div(ops.mul(steps, 2), ops.max(ops.sub(count, 1), 1)), 1)
      : ops.sub(ops.div(ops.add(ops.mul(steps, 2), 1), count), 1);
    return ops.broadcast(line, ones, [axis]);
  };
  const axes = sizes.map((_, i) => rank - 1 - i);
  const points = ops.concat([...axes.map(coordinate), ops.fill(1, ones, coordinate(0))], -1);
  const wide = ops.cast(theta, "float32");
  const grid = ops.dotGeneral(wide, points, { contract: [2, rank] });
  const laid = ops.transpose(grid, [0, ...sizes.map((_, i) => i + 2), 1]);
  return ops.cast(ops.reshape(laid, [batch!, ...sizes, rank]), theta.type.dtype);
}

const padding_mode = word(["zeros", "border", "reflection"], "zeros");
const align_corners = flag(false);
const old = word(["bilinear", "nearest", "bicubic"], "bilinear");
const modeOf = { bilinear: "linear", bicubic: "cubic", nearest: "nearest" } as const;
export const sampling: readonly Operator[] = [
  operator(
    "GridSample",
    since(16, { align_corners, mode: old, padding_mode }, (c, a) =>
      gridSample(c, { mode: modeOf[a.mode], padding: a.padding_mode, corners: a.align_corners }),
    ),
    since(20, { align_corners, mode: word(["linear", "nearest", "cubic"], "linear"), padding_mode }, (c, a) =>
      gridSample(c, { mode: a.mode, padding: a.padding_mode, corners: a.align_corners }),
    ),
  ),
  operator(
    "AffineGrid",
    since(20, { align_corners }, (c, a) => affineGrid(c, a.align_corners)),
  ),
];
