/**
 * The core ops that move, reduce and contract data, as typed functions over a GraphBuilder: this is what a
 * layer's `call` is written in. One method per core op, with negative axes allowed and attributes that are
 * usually the same left out. Anything that can be said with these belongs to the composites, not here.
 */

import type { DType } from "../../../runtime/dtype.ts";
import { fail } from "../../diagnostics/index.ts";
import { constant, type Dim, mul, product, type Shape, sub } from "../../dims/index.ts";
import type { GraphBuilder } from "../../infer/builder.ts";
import { numbersOf, sizesOf } from "../../infer/shape-values.ts";
import type { Output, Value } from "../../ir/graph.ts";
import { ElementwiseOps } from "./elementwise.ts";

/** A size: a number or a dim. */
export type Size = number | Dim;
/** Sizes, or a tensor that holds them (see `sizesIn`). */
export type Sizes = readonly Size[] | Value;
export type Axes = number | readonly number[];
export type DataFormat = "channelsLast" | "channelsFirst";

export interface ConvOptions {
  readonly strides: readonly Size[];
  /** Zeros before and after, per spatial axis. */
  readonly padding: readonly (readonly [Size, Size])[];
  readonly dilations?: readonly Size[];
  /** Zeros between the input's elements: a transposed convolution's stride. */
  readonly inputDilations?: readonly Size[];
  readonly groups?: Size;
  readonly layout: DataFormat;
}

/** How a scatter makes the new element of the old one and the update. */
export type Combine = "set" | "add" | "mul" | "max" | "min";

/** One entry per axis of the operand. */
export interface WindowOptions {
  readonly window: readonly Size[];
  readonly strides: readonly Size[];
  readonly padding: readonly (readonly [Size, Size])[];
  readonly dilations?: readonly Size[];
}

export interface ScanOptions {
  readonly states: readonly Value[];
  /** [T, ...] each; the body sees one step without T. */
  readonly sequences: readonly Value[];
  /** Whatever else the body reads: a body sees nothing from outside but its inputs. */
  readonly invariants?: readonly Value[];
  /** Run t = T-1 .. 0; the output of step t still stands at t. */
  readonly reverse?: boolean;
}

/** What one step of a scan makes. */
export interface Step {
  /** Whether the scan runs only while its first state is true; the steps behind the end stack 0. */
  readonly conditional?: boolean;
  readonly states: readonly Value[];
  readonly outputs: readonly Value[];
}

const size = (x: Size): Dim => (typeof x === "number" ? constant(x) : x);
const sizes = (list: readonly Size[]): Shape => list.map(size);
const isValue = (x: Value | Size | readonly unknown[]): x is Value => typeof x === "object" && "source" in x;
const pairs = (list: readonly (readonly [Size, Size])[]) =>
  list.map(([low, high]) => [size(low), size(high)]);

export abstract class CoreOps<Self> extends ElementwiseOps {
  /** The same kind of ops over another builder: what a scan's body gets. */
  protected abstract over(builder: GraphBuilder): Self;

  /** `axis` counted from the front. */
  axis(x: Value, axis: number): number {
    const rank = this.rank(x);
    const at = axis < 0 ? axis + rank : axis;
    if (at >= 0 && at < rank) return at;
    const fix = rank === 0 ? "name none" : `use an axis from ${-rank} to ${rank - 1}`;
    return fail({ code: "E2111", message: `axis ${axis} of a value of rank ${rank}`, fix });
  }

  axes(x: Value, axes: Axes): readonly number[] {
    return (typeof axes === "number" ? [axes] : axes).map((a) => this.axis(x, a)).sort((a, b) => a - b);
  }

  /** A fresh dim that the equations have to determine, such as the -1 of a reshape. */
  unknown(hint: string): Dim {
    return this.builder.unknown(hint);
  }

  /** Sizes as an integer tensor [n] to compute with; `sizesIn` finds the sizes again. */
  dimensions(list: readonly Size[], dtype: DType = "int32"): Value {
    return this.builder.dimensions(sizes(list), dtype);
  }

  /**
   * The elements of a small integer tensor as sizes, in row-major order: of constants, of what is computed
   * from shapes, and of inputs, whose values a sample then has to give (a module checks them). Throws E2113.
   */
  sizesIn(x: Value): Shape {
    return sizesOf(this.builder, x);
  }

  /** The same as numbers, for what decides the form of the graph, such as axes. Throws E2113. */
  numbersIn(x: Value): readonly number[] {
    return numbersOf(this.builder, x);
  }

  iota(dtype: DType, shape: readonly Size[], axis = 0): Value {
    return this.node("iota", [], { dtype, shape: sizes(shape), axis });
  }

  /** Axis i of `x` becomes axis `axes[i]` of `shape`; it must have that size or 1. */
  broadcast(x: Value, shape: Sizes, axes: readonly number[]): Value {
    return this.node("broadcast", [x], { shape: this.#sizes(shape), axes });
  }

  /** One size may be -1: it follows from the others. */
  reshape(x: Value, shape: Sizes): Value {
    const open = (d: Dim) => (d === constant(-1) ? this.unknown("reshape") : d);
    return this.node("reshape", [x], { shape: this.#sizes(shape).map(open) });
  }

  /** `x` several times along each axis (numpy.tile); one number for each. */
  tile(x: Value, times: Sizes): Value {
    const shape = this.shape(x);
    const pairs = this.#sizes(times).map((n, axis) => [n, shape[axis]!] as const);
    const spread = shape.map((_, axis) => 2 * axis + 1);
    const copies = this.node("broadcast", [x], { shape: pairs.flat(), axes: spread });
    return this.reshape(
      copies,
      pairs.map(([n, d]) => mul(n, d)),
    );
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    return permutation.every((from, to) => from === to) ? x : this.node("transpose", [x], { permutation });
  }

  reverse(x: Value, axes: Axes): Value {
    return this.node("reverse", [x], { axes: this.axes(x, axes) });
  }

  /** `size` elements along one axis from `start`, every `stride`-th. */
  slice(x: Value, axis: number, start: Size, length: Size, stride: Size = 1): Value {
    const attributes = { axis: this.axis(x, axis), start: size(start), size: size(length) };
    return this.node("slice", [x], { ...attributes, stride: size(stride) });
  }

  concat(values: readonly Value[], axis: number): Value {
    return this.node("concat", values, { axis: this.axis(values[0]!, axis) });
  }

  /** [before, after] for each axis (numpy.pad); as a tensor [rank, 2]. */
  pad(x: Value, padding: readonly (readonly [Size, Size])[] | Value, value = 0): Value {
    const both = isValue(padding) ? this.sizesIn(padding) : sizes(padding.flat());
    const low = both.filter((_, i) => i % 2 === 0);
    return this.node("pad", [x], { low, high: both.filter((_, i) => i % 2 === 1), value });
  }

  /** numpy's take along one axis; `indices` is int32, and an index outside is a RangeError when it runs. */
  gather(x: Value, indices: Value, axis = 0): Value {
    return this.node("gather", [x, indices], { axis: this.axis(x, axis) });
  }

  reduceSum = (x: Value, axes: Axes, keepDims = false) => this.#reduce("reduceSum", x, axes, keepDims);
  reduceMax = (x: Value, axes: Axes, keepDims = false) => this.#reduce("reduceMax", x, axes, keepDims);
  reduceMin = (x: Value, axes: Axes, keepDims = false) => this.#reduce("reduceMin", x, axes, keepDims);
  reduceProd = (x: Value, axes: Axes, keepDims = false) => this.#reduce("reduceProd", x, axes, keepDims);
  /** int32; the first of equal elements wins. */
  argMax = (x: Value, axis: number) => this.node("argMax", [x], { axis: this.axis(x, axis) });
  argMin = (x: Value, axis: number) => this.node("argMin", [x], { axis: this.axis(x, axis) });

  /** XLA's dot_general: result [batch..., rest of a..., rest of b...]. */
  dotGeneral(
    a: Value,
    b: Value,
    axes: {
      readonly contract: readonly [Axes, Axes];
      readonly batch?: readonly [readonly number[], readonly number[]];
      /** Names of the axes of each, for messages. */
      readonly letters?: readonly [readonly string[], readonly string[]];
    },
  ): Value {
    const list = (x: Value, given: Axes) =>
      (typeof given === "number" ? [given] : given).map((axis) => this.axis(x, axis));
    const contract = [list(a, axes.contract[0]), list(b, axes.contract[1])];
    const batch = [list(a, axes.batch?.[0] ?? []), list(b, axes.batch?.[1] ?? [])];
    const letters = axes.letters?.map((names) => names.map((name) => name.at(-1)).join("")).join(",");
    return this.node("dotGeneral", [a, b], { batch, contract, ...(letters !== undefined && { letters }) });
  }

  /** `kernel` is [...k, C / groups, O] in either layout. */
  conv(x: Value, kernel: Value, options: ConvOptions): Value {
    const ones = options.strides.map(() => 1);
    return this.node("conv", [x, kernel], {
      strides: sizes(options.strides),
      padding: pairs(options.padding),
      dilations: sizes(options.dilations ?? ones),
      inputDilations: sizes(options.inputDilations ?? ones),
      groups: size(options.groups ?? 1),
      layout: options.layout,
    });
  }

  /** Padding acts as the identity of `combine`. */
  windowReduce(x: Value, combine: "max" | "min" | "add", options: WindowOptions): Value {
    return this.node("windowReduce", [x], {
      window: sizes(options.window),
      strides: sizes(options.strides),
      padding: pairs(options.padding),
      dilations: sizes(options.dilations ?? options.window.map(() => 1)),
      combine,
    });
  }

  /** One element of `x` for each index (int32) along `axis`; negative ones count from the end. */
  gatherElements(x: Value, indices: Value, axis: number): Value {
    return this.node("gatherElements", [x, indices], { axis: this.axis(x, axis) });
  }

  /** Slices of `x` by the coordinates (int32) in the last axis of `indices`. */
  gatherNd(x: Value, indices: Value, batchDims = 0): Value {
    return this.node("gatherNd", [x, indices], { batchDims });
  }

  /** `x` with single elements along `axis` set or combined with `updates`. */
  scatterElements(x: Value, indices: Value, updates: Value, axis: number, combine: Combine = "set"): Value {
    return this.node("scatterElements", [x, indices, updates], { axis: this.axis(x, axis), combine });
  }

  /** `x` with the slices at the coordinates in `indices` set or combined with `updates`. */
  scatterNd(x: Value, indices: Value, updates: Value, combine: Combine = "set"): Value {
    return this.node("scatterNd", [x, indices, updates], { combine });
  }

  /** The k largest or smallest along `axis` in order, and their positions (int32). */
  topK(x: Value, k: Size | Value, axis: number, largest = true): readonly [values: Value, positions: Value] {
    const attributes = { axis: this.axis(x, axis), k: this.#sizes(isValue(k) ? k : [k])[0]!, largest };
    const [values, positions] = this.builder.node("topK", [x], attributes);
    return [values!, positions!];
  }

  cumsum(x: Value, axis: number, options: { readonly reverse?: boolean; readonly exclusive?: boolean } = {}) {
    const { reverse = false, exclusive = false } = options;
    return this.node("cumsum", [x], { axis: this.axis(x, axis), reverse, exclusive });
  }

  cumprod(
    x: Value,
    axis: number,
    options: { readonly reverse?: boolean; readonly exclusive?: boolean } = {},
  ) {
    const { reverse = false, exclusive = false } = options;
    return this.node("cumprod", [x], { axis: this.axis(x, axis), reverse, exclusive });
  }

  /**
   * The rows of each of `list`, along axis 0, at which `mask` [n] is true: as many as the run finds, a size
   * that is named after `hint`. Not in the body of a scan (E4001).
   */
  compress(list: readonly Value[], mask: Value, hint: string): readonly Value[] {
    const found = this.reduceSum(this.cast(mask, "int32"), 0);
    const count = this.builder.measured(found, this.shape(mask)[0]!, hint);
    return list.map((x) => this.node("compress", [x, mask], { count }));
  }

  /** L and U of the matrices in the last two axes, and the parity of the row exchanges. */
  lu(x: Value): readonly [matrix: Value, parity: Value] {
    const [matrix, parity] = this.builder.node("lu", [x]);
    return [matrix!, parity!];
  }

  /** Runs `body` once per step of axis 0 of the sequences. Outputs are stacked, [T, ...]. */
  scan(
    options: ScanOptions,
    body: (
      ops: Self,
      states: readonly Value[],
      steps: readonly Value[],
      invariants: readonly Value[],
    ) => Step,
  ): Step {
    const { states, sequences, invariants = [], reverse = false } = options;
    let conditional = false;
    const graph = this.builder.subgraph("step", (inner) => {
      const input = (name: string, x: Value, shape: Shape) =>
        inner.input(name, { dtype: x.type.dtype, shape });
      const made = body(
        this.over(inner),
        states.map((x, i) => input(`state${i}`, x, this.shape(x))),
        sequences.map((x, i) => input(`step${i}`, x, this.shape(x).slice(1))),
        invariants.map((x, i) => input(`given${i}`, x, this.shape(x))),
      );
      conditional = made.conditional ?? false;
      return [...named("state", made.states), ...named("output", made.outputs)];
    });
    const counts = { states: states.length, sequences: sequences.length };
    const attributes = { body: graph, ...counts, reverse, conditional };
    const results = this.builder.node("scan", [...states, ...sequences, ...invariants], attributes);
    return { states: results.slice(0, states.length), outputs: results.slice(states.length) };
  }

  /** Number of elements of `x` along `axes`, as a dim. */
  count(x: Value, axes: Axes): Dim {
    const shape = this.shape(x);
    return product(this.axes(x, axes).map((axis) => shape[axis]!));
  }

  /** Everything but `axis` of `x`, in order. */
  protected without(x: Value, axis: number): readonly number[] {
    return x.type.shape.map((_, i) => i).filter((i) => i !== this.axis(x, axis));
  }

  /** The slice of `axis` from `start` up to the end. */
  from(x: Value, axis: number, start: Size): Value {
    const dim = this.shape(x)[this.axis(x, axis)]!;
    return this.slice(x, axis, start, sub(dim, size(start)));
  }

  #sizes(given: Sizes): Shape {
    return isValue(given) ? this.sizesIn(given) : sizes(given);
  }

  #reduce(op: string, x: Value, axes: Axes, keepDims: boolean): Value {
    return this.node(op, [x], { axes: this.axes(x, axes), keepDims });
  }
}

const named = (stem: string, values: readonly Value[]): readonly Output[] =>
  values.map((value, i) => ({ name: `${stem}${i}`, value }));
