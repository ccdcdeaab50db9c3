/** Resize and Upsample: axis by axis, as gathers of taps. */
import { dtypes } from "../../../../runtime/dtype.ts";
import { tensor } from "../../../../runtime/tensor.ts";
import { constant, constantOf, type Dim, mul } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, float, floats, ints, required, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { type ResizedAxis, type ResizeRules, type Taps, tapsOf } from "../resampling.ts";
import { entries } from "./tables.ts";

interface ResizeValues {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinate_transformation_mode?: string;
  readonly nearest_mode?: string;
  readonly cubic_coeff_a?: number;
  readonly exclude_outside?: boolean;
  readonly extrapolation_value?: number;
  readonly antialias?: boolean;
  readonly axes?: readonly number[] | undefined;
  readonly keep_aspect_ratio_policy?: "stretch" | "not_larger" | "not_smaller";
}

/** Which operands say what; opset 10 has no region. */
interface Operands {
  readonly roi: number | undefined;
  readonly scales: number;
  readonly sizes: number | undefined;
}

/** Before opset 9 the scales are an attribute. */
function resize(c: NodeContext, values: ResizeValues, at: Operands, attribute?: readonly number[]): Value {
  const { ops } = c;
  const x = c.value(0);
  const axes = (values.axes ?? x.type.shape.map((_, axis) => axis)).map((axis) => ops.axis(x, axis));
  const scales = attribute ?? (c.has(at.scales) ? numbers(c, at.scales) : []);
  const given = scales.length > 0 ? scales : undefined;
  const repeats = given && repeatsOf(values, given);
  if (repeats) return repeated(ops, x, axes, repeats);
  const shape = axes.map((axis) => sizeOf(c, ops.shape(x)[axis]!, axis));
  const targets = given
    ? given.map((scale, i) => ({ scale, outputs: Math.floor(Math.fround(shape[i]! * scale)) }))
    : targetsOf(c, at, shape, values.keep_aspect_ratio_policy ?? "stretch");
  const roi = values.coordinate_transformation_mode === "tf_crop_and_resize" && at.roi !== undefined;
  const region = roi && c.has(at.roi!) ? numbers(c, at.roi!) : [];
  for (const { outputs } of targets) entries(c, outputs, "a size of its result");
  const rules = rulesOf(values);
  const resized = axes.reduce(
    (y, axis, i) => {
      const crop = [region[i] ?? 0, region[i + axes.length] ?? 1] as const;
      const resizedAxis = { inputs: shape[i]!, ...targets[i]!, crop };
      return alongAxis(ops, y, axis, resizedAxis, rules, values.extrapolation_value ?? 0);
    },
    weighable(ops, x, rules),
  );
  return ops.cast(resized, x.type.dtype);
}

/** Integers are weighted as floats. */
const weighable = (ops: Ops, x: Value, { mode }: ResizeRules): Value =>
  mode === "nearest" || dtypes[x.type.dtype].kind === "float" ? x : ops.cast(x, "float32");

const rulesOf = (values: ResizeValues): ResizeRules => ({
  mode: values.mode,
  coordinates: values.coordinate_transformation_mode ?? "asymmetric",
  nearest: values.nearest_mode ?? "simple",
  cubicA: values.cubic_coeff_a ?? -0.75,
  excludeOutside: values.exclude_outside ?? false,
  antialias: values.antialias ?? false,
});

const numbers = (c: NodeContext, i: number): readonly number[] =>
  Array.from(c.constant(i).data as ArrayLike<number | bigint>, Number);

function sizeOf(c: NodeContext, d: Dim, axis: number): number {
  const n = constantOf(d);
  if (n !== undefined) return Number(n);
  return c.open(
    `axis ${axis} has the open size ${d}, and is not repeated a whole number of times`,
    "give a sample with its size, or resize by a whole factor in mode nearest",
  );
}

interface Target {
  readonly scale: number;
  readonly outputs: number;
}

function targetsOf(
  c: NodeContext,
  at: Operands,
  shape: readonly number[],
  policy: "stretch" | "not_larger" | "not_smaller",
): readonly Target[] {
  if (at.sizes === undefined || !c.has(at.sizes))
    return c.wrong("neither scales nor sizes", "give one of them");
  const sizes = c.ints(at.sizes);
  const scales = sizes.map((n, i) => n / shape[i]!);
  if (policy === "stretch") return sizes.map((outputs, i) => ({ outputs, scale: scales[i]! }));
  const scale = policy === "not_larger" ? Math.min(...scales) : Math.max(...scales);
  return shape.map((n) => ({ scale, outputs: Math.floor(scale * n + 0.5) }));
}

/** Whole factors, where every element is simply repeated: then sizes may be open. */
function repeatsOf(values: ResizeValues, scales: readonly number[]): readonly number[] | undefined {
  const { mode, nearest, coordinates } = rulesOf(values);
  const plain =
    (coordinates === "asymmetric" && (nearest === "floor" || nearest === "simple")) ||
    (coordinates.endsWith("half_pixel") && nearest.startsWith("round_prefer"));
  const whole = scales.every((scale) => Number.isInteger(scale) && scale >= 1);
  return mode === "nearest" && plain && whole ? scales : undefined;
}

function repeated(ops: Ops, x: Value, axes: readonly number[], times: readonly number[]): Value {
  return axes.reduce((y, axis, i) => {
    const factor = times[i]!;
    if (factor === 1) return y;
    const shape = ops.shape(y);
    const wide = shape.toSpliced(axis + 1, 0, constant(1));
    const spread = ops.broadcast(
      ops.reshape(y, wide),
      wide.map((d, at): Dim | number => (at === axis + 1 ? factor : d)),
      wide.map((_, at) => at),
    );
    return ops.reshape(spread, shape.with(axis, mul(shape[axis]!, factor)));
  }, x);
}

function alongAxis(
  ops: Ops,
  x: Value,
  axis: number,
  resized: ResizedAxis,
  rules: ResizeRules,
  extrapolated: number,
): Value {
  if (resized.scale === 1 && resized.inputs === resized.outputs && rules.coordinates !== "tf_crop_and_resize")
    return x;
  const taps = tapsOf(resized, rules);
  const y = gathered(ops, x, axis, taps, rules.mode === "nearest");
  if (!taps.outside.includes(true)) return y;
  const outside = tensor(taps.outside.map(Number), [resized.outputs], "bool");
  return ops.select(ops.along(ops.constant(outside), axis, ops.rank(x)), extrapolated, y);
}

function gathered(ops: Ops, x: Value, axis: number, { indices, weights }: Taps, plain: boolean): Value {
  const count = indices[0]!.length;
  const parts = indices.map((list, k) => {
    const taken = ops.gather(x, ops.constant(tensor([...list], [count], "int32")), axis);
    if (plain) return taken;
    const vector = ops.constant(tensor([...weights[k]!], [count], x.type.dtype));
    return ops.mul(taken, ops.along(vector, axis, ops.rank(x)));
  });
  return parts.reduce((a, b) => ops.add(a, b));
}

const mode = word(["nearest", "linear", "cubic"], "nearest");
const old = word(["nearest", "linear", "bilinear"], "nearest");
const opset11 = {
  mode,
  coordinate_transformation_mode: word(
    [
      "half_pixel",
      "half_pixel_symmetric",
      "pytorch_half_pixel",
      "align_corners",
      "asymmetric",
      "tf_half_pixel_for_nn",
      "tf_crop_and_resize",
    ],
    "half_pixel",
  ),
  nearest_mode: word(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"], "round_prefer_floor"),
  cubic_coeff_a: float(-0.75),
  exclude_outside: flag(false),
  extrapolation_value: float(0),
};
const opset18 = {
  ...opset11,
  antialias: flag(false),
  axes: ints(),
  keep_aspect_ratio_policy: word(["stretch", "not_larger", "not_smaller"], "stretch"),
};
const linearOf = (name: string): "nearest" | "linear" => (name === "nearest" ? "nearest" : "linear");
const upsampled: Operands = { roi: undefined, scales: 1, sizes: undefined };
const inFull: Operands = { roi: 1, scales: 2, sizes: 3 };

export const resizing: readonly Operator[] = [
  operator(
    "Resize",
    since(10, { mode: old }, (c, a) => resize(c, { mode: linearOf(a.mode) }, upsampled)),
    since(11, opset11, (c, a) => resize(c, a, inFull)),
    since(18, opset18, (c, a) => resize(c, a, inFull)),
  ),
  operator(
    "Upsample",
    since(1, { mode: old, height_scale: required(float()), width_scale: required(float()) }, (c, a) =>
      resize(c, { mode: linearOf(a.mode) }, upsampled, [1, 1, a.height_scale, a.width_scale]),
    ),
    since(7, { mode: old, scales: required(floats()) }, (c, a) =>
      resize(c, { mode: linearOf(a.mode) }, upsampled, a.scales),
    ),
    since(9, { mode: old }, (c, a) => resize(c, { mode: linearOf(a.mode) }, upsampled)),
  ),
];
