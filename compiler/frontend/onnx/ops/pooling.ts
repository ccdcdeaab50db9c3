/** Pools over windows and over whole images. x is [N, C, ...]. */
import { add, constant, constantOf, type Dim, product } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import type { WindowOptions } from "../../ops/core.ts";
import { flag, float, int, required } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { placeWindows, type WindowPlace, type WindowValues, windowSpecs } from "../windows.ts";

export interface PoolValues extends WindowValues {
  readonly kernel_shape: readonly number[];
  readonly ceil_mode?: boolean;
  readonly count_include_pad?: boolean;
  readonly storage_order?: number;
  readonly p?: number;
}

const zero = constant(0);

function placesOf(c: NodeContext, values: PoolValues, x = c.value(0)): readonly WindowPlace[] {
  const inputs = c.ops.shape(x).slice(2);
  if (inputs.length !== values.kernel_shape.length)
    c.wrong(
      `kernel_shape has ${values.kernel_shape.length} sizes for ${inputs.length} spatial axes`,
      "give one for each axis behind the channels",
    );
  return placeWindows(
    inputs,
    values.kernel_shape.map((n) => constant(n)),
    values,
    values.ceil_mode,
  );
}

/** Windows of 1 along `before` axes in front. */
function options(places: readonly WindowPlace[], before: number): WindowOptions {
  const ones = Array.from({ length: before }, () => 1);
  const still = ones.map((): readonly [Dim, Dim] => [zero, zero]);
  return {
    window: [...ones, ...places.map(({ size }) => size)],
    strides: [...ones, ...places.map(({ stride }) => stride)],
    dilations: [...ones, ...places.map(({ dilation }) => dilation)],
    padding: [...still, ...places.map((place): readonly [Dim, Dim] => [place.low, highOf(place)])],
  };
}

const highOf = ({ high, extra }: WindowPlace): Dim => add(high, extra);

function maxPool(c: NodeContext, values: PoolValues): readonly Value[] {
  const { ops } = c;
  const x = c.value(0);
  const places = options(placesOf(c, values), 2);
  const pooled = ops.windowReduce(x, "max", places);
  if (!c.wants(1)) return [pooled];
  const { window, strides, padding, dilations } = places;
  const dim = (n: number | Dim) => (typeof n === "number" ? constant(n) : n);
  const [found] = ops.builder.node("windowArgMax", [x], {
    window: window.map(dim),
    strides: strides.map(dim),
    padding: padding.map(([low, high]) => [dim(low), dim(high)]),
    dilations: dilations!.map(dim),
  });
  const place = values.storage_order === 1 ? columnMajor(ops, found!, ops.shape(x)) : found!;
  return [pooled, ops.cast(place, INT64)];
}

/** Positions in an image counted column by column. */
function columnMajor(ops: Ops, place: Value, shape: readonly Dim[]): Value {
  const spatial = shape.slice(2);
  const number = (d: Dim) => ops.builder.dimension(d, "int32");
  const image = number(product(spatial));
  const within = ops.mod(place, image);
  const start = ops.sub(place, within);
  let [rest, total] = [within, start];
  for (let axis = spatial.length - 1; axis >= 0; axis--) {
    const step = number(product(spatial.slice(0, axis)));
    total = ops.add(total, ops.mul(ops.mod(rest, number(spatial[axis]!)), step));
    rest = ops.div(rest, number(spatial[axis]!));
  }
  return total;
}

function averagePool(c: NodeContext, values: PoolValues): Value {
  return averaged(c, c.value(0), values);
}

/** AveragePool of `x` [N, C, ...]. */
export function averaged(c: NodeContext, x: Value, values: PoolValues): Value {
  const { ops } = c;
  const places = placesOf(c, values, x);
  const total = ops.windowReduce(x, "add", options(places, 2));
  return ops.div(total, divisor(ops, x, places, values.count_include_pad ?? false));
}

/** How many elements each window has: a number, or the product of what each axis has. */
function divisor(ops: Ops, x: Value, places: readonly WindowPlace[], withPadding: boolean): Value | number {
  const isWhole = (place: WindowPlace) =>
    place.extra === zero && (withPadding || (place.low === zero && place.high === zero));
  if (places.every(isWhole)) return Number(constantOf(product(places.map(({ size }) => size))));
  const counts = places.map((place, i) => {
    const length = ops.shape(x)[i + 2]!;
    const ones = ops.fill(1, [length], x);
    const filled = withPadding ? ops.pad(ones, [[place.low, place.high]], 1) : ones;
    const padding: readonly [Dim, Dim] = withPadding ? [zero, place.extra] : [place.low, highOf(place)];
    const count = ops.windowReduce(filled, "add", {
      window: [place.size],
      strides: [place.stride],
      dilations: [place.dilation],
      padding: [padding],
    });
    return ops.along(count, i, places.length);
  });
  return counts.reduce((a, b) => ops.mul(a, b));
}

/** (sum of |x|^p)^(1/p) */
function lpPool(c: NodeContext, values: PoolValues): Value {
  const { ops } = c;
  const p = values.p ?? 2;
  const powers = raised(ops, c.value(0), p);
  return rooted(ops, ops.windowReduce(powers, "add", options(placesOf(c, values), 2)), p);
}

const raised = (ops: Ops, x: Value, p: number) =>
  p === 1 ? ops.abs(x) : p === 2 ? ops.square(x) : ops.pow(ops.abs(x), p);
const rooted = (ops: Ops, x: Value, p: number) => (p === 1 ? x : p === 2 ? ops.sqrt(x) : ops.pow(x, 1 / p));

type Whole = (ops: Ops, x: Value, axes: readonly number[]) => Value;

function overImage(c: NodeContext, reduce: Whole): Value {
  const x = c.value(0);
  return reduce(c.ops, x, x.type.shape.map((_, axis) => axis).slice(2));
}

const { kernel_shape, ...others } = windowSpecs;
const specs = { ...others, kernel_shape: required(kernel_shape) };
const { dilations, ...undilated } = specs;
const ceil_mode = flag(false);
const count_include_pad = flag(false);
export const poolSpecs = { ...undilated, count_include_pad, ceil_mode };
const whole = (values: Omit<PoolValues, "dilations">): PoolValues => ({ ...values, dilations: undefined });

export const pooling: readonly Operator[] = [
  operator(
    "MaxPool",
    since(1, undilated, (c, a) => maxPool(c, whole(a))),
    since(8, { ...undilated, storage_order: int(0) }, (c, a) => maxPool(c, whole(a))),
    since(10, { ...undilated, dilations, storage_order: int(0), ceil_mode }, maxPool),
  ),
  operator(
    "AveragePool",
    since(1, undilated, (c, a) => averagePool(c, whole(a))),
    since(7, { ...undilated, count_include_pad }, (c, a) => averagePool(c, whole(a))),
    since(10, poolSpecs, (c, a) => averagePool(c, whole(a))),
    since(19, { ...undilated, dilations, count_include_pad, ceil_mode }, averagePool),
  ),
  operator(
    "LpPool",
    since(1, { ...undilated, p: float(2) }, (c, a) => lpPool(c, whole(a))),
    since(2, { ...undilated, p: int(2) }, (c, a) => lpPool(c, whole(a))),
    since(18, { ...undilated, dilations, p: int(2), ceil_mode }, lpPool),
  ),
  operator(
    "GlobalAveragePool",
    since(1, {}, (c) => overImage(c, (ops, x, axes) => ops.mean(x, axes, true))),
  ),
  operator(
    "GlobalMaxPool",
    since(1, {}, (c) => overImage(c, (ops, x, axes) => ops.reduceMax(x, axes, true))),
  ),
  operator(
    "GlobalLpPool",
    since(1, { p: float(2) }, (c, { p }) => overImage(c, (ops, x, axes) => globalLp(ops, x, axes, p))),
    since(2, { p: int(2) }, (c, { p }) => overImage(c, (ops, x, axes) => globalLp(ops, x, axes, p))),
  ),
];

function globalLp(ops: Ops, x: Value, axes: readonly number[], p: number): Value {
  return rooted(ops, ops.reduceSum(raised(ops, x, p), axes, true), p);
}
