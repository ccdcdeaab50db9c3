/**
 * Layers that change where elements stand: flatten, reshape, permute, repeat, pad, crop and enlarge. The
 * batch axis stays first. Keras `Flatten`, `Reshape`, `Permute`, `RepeatVector`, `ZeroPadding2D`,
 * `Cropping2D`, `UpSampling2D` and the like.
 */
import { constant, type Dim, mul, product, type Shape, sub } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import {
  anyWhole,
  either,
  type Fields,
  listOf,
  optional,
  type Reader,
  Refusal,
  required,
  tuple,
  whole,
  word,
} from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";
import type { DataFormat } from "../ops/core.ts";
import { axesText, channelAxis, perAxis, spatialAxes } from "../windows.ts";

interface FormatOptions extends LayerOptions {
  /** Default "channelsLast". */
  readonly dataFormat?: DataFormat;
}

export interface FlattenOptions extends FormatOptions {}

export interface ReshapeOptions extends LayerOptions {
  /**
   * Without the batch axis; one entry may be -1. Left out, the layer takes it as a second input, an integer
   * vector: `reshape().apply([x, shape])`.
   */
  readonly targetShape?: readonly number[];
}

export interface PermuteOptions extends LayerOptions {
  /** The axes in their new order, counted from 1 without the batch. */
  readonly dims: readonly number[];
}

export interface RepeatVectorOptions extends LayerOptions {
  /** Left out, the layer takes it as a second input, an integer: `repeatVector().apply([x, n])`. */
  readonly n?: number;
}

/** One number for all, one per axis, or [before, after] per axis. */
export type Margins = number | readonly (number | readonly [number, number])[];

export interface ZeroPaddingOptions extends FormatOptions {
  /** Default 1. */
  readonly padding?: Margins;
}

export interface CroppingOptions extends FormatOptions {
  /** Default: 1 for one and three axes, 0 for two, as in Keras. */
  readonly cropping?: Margins;
}

export interface UpSamplingOptions extends FormatOptions {
  /** Default 2; one number, or one per axis. */
  readonly size?: number | readonly number[];
  /** Default "nearest"; "bilinear" for two axes. */
  readonly interpolation?: "nearest" | "bilinear";
}

const dataFormat = either(word("channelsLast", "channelsFirst"), "channelsLast");
const flattenFields = { dataFormat };

class Flatten extends Configured<typeof flattenFields> {
  constructor(options: FlattenOptions) {
    super("flatten", options, flattenFields);
  }

  override outputRank(): number {
    return 2;
  }

  override call(ops: LayerOps, x: Value): Value {
    const rank = ops.rank(x);
    const channels = channelAxis(rank, this.args.dataFormat);
    const order = [0, ...x.type.shape.map((_, i) => i).filter((i) => i > 0 && i !== channels), channels];
    const last = rank > 2 ? ops.transpose(x, order) : x;
    const shape = ops.shape(last);
    return ops.reshape(last, [shape[0]!, product(shape.slice(1))]);
  }
}

const targetShape: Reader<readonly number[]> = (given) => {
  const sizes = listOf(anyWhole)(given);
  if (sizes.some((n) => n < -1 || n === 0)) throw new Refusal("must hold sizes >= 1, and -1 at most once");
  if (sizes.filter((n) => n === -1).length > 1) throw new Refusal("must hold -1 at most once");
  return sizes;
};
const reshapeFields = { targetShape: optional(targetShape) };

class Reshape extends Configured<typeof reshapeFields> {
  constructor(options: ReshapeOptions) {
    super("reshape", options, reshapeFields);
  }

  override outputRank(): number | undefined {
    return this.args.targetShape && this.args.targetShape.length + 1;
  }

  override check(...shapes: readonly Shape[]): void {
    if (this.args.targetShape) this.requireInputs(shapes.length, 1, 1, "one input");
    else this.requireInputs(shapes.length, 2, 2, "two inputs, [x, shape], or a targetShape");
  }

  override call(ops: LayerOps, x: Value, shape?: Value): Value {
    const target = this.args.targetShape?.map((n) => constant(n)) ?? ops.sizesIn(shape!);
    const open = (d: Dim) => (d === constant(-1) ? ops.unknown(`${this.path}.open`) : d);
    return ops.reshape(x, [ops.shape(x)[0]!, ...target.map(open)]);
  }
}

const order: Reader<readonly number[]> = (given) => {
  const dims = listOf(whole())(given);
  if ([...dims].sort((a, b) => a - b).every((axis, i) => axis === i + 1)) return dims;
  throw new Refusal(`must hold every number from 1 to ${dims.length} once`);
};
const permuteFields = { dims: required(order) };

class Permute extends Configured<typeof permuteFields> {
  constructor(options: PermuteOptions) {
    super("permute", options, permuteFields);
  }

  override get minimumRank(): number {
    return this.args.dims.length + 1;
  }

  override check(shape: Shape): void {
    const { dims } = this.args;
    this.requireRank(shape, [dims.length + 1], `with the ${dims.length} axes that dims names`);
  }

  override call(ops: LayerOps, x: Value): Value {
    return ops.transpose(x, [0, ...this.args.dims]);
  }
}

const repeatFields = { n: optional(whole()) };

class RepeatVector extends Configured<typeof repeatFields> {
  constructor(options: RepeatVectorOptions) {
    super("repeatVector", options, repeatFields);
  }

  override check(...shapes: readonly [Shape, ...Shape[]]): void {
    if (this.args.n !== undefined) this.requireInputs(shapes.length, 1, 1, "one input");
    else this.requireInputs(shapes.length, 2, 2, "two inputs, [x, n], or an n");
    this.requireRank(shapes[0], [2], "[batch, features]");
  }

  override outputRank(): number {
    return 3;
  }

  override call(ops: LayerOps, x: Value, times?: Value): Value {
    const [batch, features] = ops.shape(x) as [Dim, Dim];
    const n = this.args.n ?? ops.sizesIn(ops.reshape(times!, []))[0]!;
    return ops.broadcast(x, [batch, n, features], [0, 2]);
  }
}

type Pairs = readonly (readonly [number, number])[];

const margins =
  (spatial: number): Reader<Pairs> =>
  (given) => {
    const pair = (one: unknown): readonly [number, number] => {
      const list = Array.isArray(one) ? one : [one, one];
      if (list.length !== 2) throw new Refusal("must hold [before, after] pairs");
      return [whole(0)(list[0]), whole(0)(list[1])];
    };
    // Keras 1d: (before, after) itself is the pair.
    if (spatial === 1) return [pair(Array.isArray(given) && given.length === 1 ? given[0] : given)];
    if (!Array.isArray(given)) return Array.from({ length: spatial }, () => pair(given));
    if (given.length === spatial) return given.map(pair);
    throw new Refusal(`must be one number or ${spatial} entries`);
  };

/** A layer over the spatial axes. */
abstract class Spatial<F extends Fields & typeof flattenFields> extends Configured<F> {
  protected readonly spatial: number;
  readonly #format: DataFormat;

  constructor(kind: string, spatial: number, options: object, fields: F) {
    super(kind, options, fields);
    this.spatial = spatial;
    this.#format = (this.args as { readonly dataFormat: DataFormat }).dataFormat;
  }

  override get minimumRank(): number {
    return this.spatial + 2;
  }

  override check(shape: Shape): void {
    this.requireRank(shape, [this.spatial + 2], axesText(this.spatial, this.#format));
  }
}

const all = (spatial: number, n: number): Pairs => Array.from({ length: spatial }, () => [n, n] as const);
const paddingFields = (spatial: number) => ({
  dataFormat,
  padding: either(margins(spatial), all(spatial, 1)),
});
const croppingFields = (spatial: number) => ({
  dataFormat,
  cropping: either(margins(spatial), all(spatial, spatial === 2 ? 0 : 1)),
});

class ZeroPadding extends Spatial<ReturnType<typeof paddingFields>> {
  constructor(spatial: number, options: ZeroPaddingOptions) {
    super(`zeroPadding${spatial}d`, spatial, options, paddingFields(spatial));
  }

  override call(ops: LayerOps, x: Value): Value {
    return ops.pad(x, perAxis(ops.shape(x), this.args.dataFormat, this.args.padding, [0, 0] as const));
  }
}

class Cropping extends Spatial<ReturnType<typeof croppingFields>> {
  constructor(spatial: number, options: CroppingOptions) {
    super(`cropping${spatial}d`, spatial, options, croppingFields(spatial));
  }

  override call(ops: LayerOps, x: Value): Value {
    const axes = spatialAxes(ops.rank(x), this.args.dataFormat);
    return axes.reduce((value, axis, i) => {
      const [low, high] = this.args.cropping[i]!;
      if (low === 0 && high === 0) return value;
      return ops.slice(value, axis, low, sub(ops.shape(value)[axis]!, low + high));
    }, x);
  }
}

const upFields = (spatial: number) => ({
  dataFormat,
  size: either(
    tuple(spatial, whole()),
    Array.from({ length: spatial }, () => 2),
  ),
  interpolation: either(spatial === 2 ? word("nearest", "bilinear") : word("nearest"), "nearest"),
});

class UpSampling extends Spatial<ReturnType<typeof upFields>> {
  constructor(spatial: number, options: UpSamplingOptions) {
    super(`upSampling${spatial}d`, spatial, options, upFields(spatial));
  }

  override call(ops: LayerOps, x: Value): Value {
    const { dataFormat, size, interpolation } = this.args;
    const axes = spatialAxes(ops.rank(x), dataFormat);
    if (interpolation === "nearest") return repeated(ops, x, axes, size);
    return axes.reduce((value, axis, i) => interpolated(ops, value, axis, size[i]!), x);
  }
}

/** Every element `times` times in a row: an axis of that size after each, folded into it. */
function repeated(ops: LayerOps, x: Value, axes: readonly number[], times: readonly number[]): Value {
  const shape = ops.shape(x);
  const factor = (axis: number) => (axes.includes(axis) ? times[axes.indexOf(axis)]! : 1);
  const wide = shape.flatMap((d, axis) => (factor(axis) === 1 ? [d] : [d, constant(factor(axis))]));
  let next = 0;
  const places = shape.map((_, axis) => {
    const here = next;
    next += factor(axis) === 1 ? 1 : 2;
    return here;
  });
  const broadcast = ops.broadcast(x, wide, places);
  return ops.reshape(
    broadcast,
    shape.map((d, axis) => mul(d, factor(axis))),
  );
}

/**
 * Linear interpolation at (i + 1/2) / times - 1/2, clamped to the ends: TensorFlow's resize with half-pixel
 * centres.
 */
function interpolated(ops: LayerOps, x: Value, axis: number, times: number): Value {
  const { dtype } = x.type;
  const length = ops.shape(x)[axis]!;
  const steps = ops.cast(ops.iota("int32", [mul(length, times)]), dtype);
  const last = ops.sub(ops.number(length, x), 1);
  const place = ops.clip(ops.sub(ops.div(ops.add(steps, 0.5), times), 0.5), 0, last);
  const below = ops.floor(place);
  const above = ops.min(ops.add(below, 1), last);
  const weight = ops.along(ops.sub(place, below), axis, ops.rank(x));
  const at = (index: Value) => ops.gather(x, ops.cast(index, "int32"), axis);
  const low = at(below);
  return ops.add(low, ops.mul(ops.sub(at(above), low), weight));
}

/** [batch, ...] to [batch, product of the rest]. Keras `Flatten`. */
export const flatten = (options: FlattenOptions = {}): Layer => new Flatten(options);
/** [batch, ...] to [batch, ...targetShape]. E2105 when the sizes do not divide. Keras `Reshape`. */
export const reshape = (options: ReshapeOptions = {}): Layer => new Reshape(options);
/** The axes in another order. Keras `Permute`. */
export const permute = (options: PermuteOptions): Layer => new Permute(options);
/** [batch, features] to [batch, n, features]. Keras `RepeatVector`. */
export const repeatVector = (options: RepeatVectorOptions = {}): Layer => new RepeatVector(options);
/** Zeros before and after the steps. Keras `ZeroPadding1D`. */
export const zeroPadding1d = (options: ZeroPaddingOptions = {}): Layer => new ZeroPadding(1, options);
/** Zeros around rows and columns. Keras `ZeroPadding2D`. */
export const zeroPadding2d = (options: ZeroPaddingOptions = {}): Layer => new ZeroPadding(2, options);
/** Zeros around three axes. Keras `ZeroPadding3D`. */
export const zeroPadding3d = (options: ZeroPaddingOptions = {}): Layer => new ZeroPadding(3, options);
/** Without some first and last steps. Keras `Cropping1D`. */
export const cropping1d = (options: CroppingOptions = {}): Layer => new Cropping(1, options);
/** Without some rows and columns at the edges. Keras `Cropping2D`. */
export const cropping2d = (options: CroppingOptions = {}): Layer => new Cropping(2, options);
/** Without some of the edges of three axes. Keras `Cropping3D`. */
export const cropping3d = (options: CroppingOptions = {}): Layer => new Cropping(3, options);
/** Every step `size` times. Keras `UpSampling1D`. */
export const upSampling1d = (options: UpSamplingOptions = {}): Layer => new UpSampling(1, options);
/** Rows and columns `size` times as many. Keras `UpSampling2D`. */
export const upSampling2d = (options: UpSamplingOptions = {}): Layer => new UpSampling(2, options);
/** Three axes `size` times as long. Keras `UpSampling3D`. */
export const upSampling3d = (options: UpSamplingOptions = {}): Layer => new UpSampling(3, options);
