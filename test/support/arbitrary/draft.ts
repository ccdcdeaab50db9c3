/**
 * A graph being grown by random choices. Recipes ask it for operands ("some float value of rank 2 or more",
 * "something that broadcasts into this shape"); it finds one among the values there are, or makes an input,
 * parameter or constant that fits. So every list of choices gives a valid graph, and removing or shrinking
 * choices keeps it valid.
 */

import { constant, type Dim, type Shape } from "../../../compiler/dims/index.ts";
import type { GraphBuilder } from "../../../compiler/infer/builder.ts";
import type { Attributes, Value } from "../../../compiler/ir/graph.ts";
import { type DType, dtypes } from "../../../runtime/dtype.ts";
import { allocateNumbers, type Elements, encode, scalarOf } from "../../../runtime/elements.ts";
import { size } from "../../../runtime/tensor.ts";

/** Operands larger than this are left alone, so that graphs stay quick to evaluate. */
const LARGEST_OPERAND = 400;
export const HIGHEST_RANK = 4;

const initializers = [
  { kind: "zeros" },
  { kind: "glorotUniform" },
  { kind: "randomNormal", mean: 0, stddev: 0.05 },
] as const;

export interface DraftSettings {
  readonly builder: GraphBuilder;
  /** The next choice, in 0 .. count - 1. */
  readonly choose: (count: number) => number;
  /** What a dim will be once the inputs are bound. */
  readonly sizeOf: (d: Dim) => number;
  /** Sizes for new shapes, the simplest first. */
  readonly dims: readonly Dim[];
  /** Inside the body of a scan nothing but the body's inputs comes from outside. */
  readonly closed: boolean;
}

export class Draft {
  readonly builder: GraphBuilder;
  readonly choose: (count: number) => number;
  readonly sizeOf: (d: Dim) => number;
  readonly dims: readonly Dim[];
  readonly closed: boolean;
  readonly values: Value[] = [];
  #sources = 0;

  constructor({ builder, choose, sizeOf, dims, closed }: DraftSettings) {
    this.builder = builder;
    this.choose = choose;
    this.sizeOf = sizeOf;
    this.dims = dims;
    this.closed = closed;
  }

  one<T>(list: readonly T[]): T {
    return list[this.choose(list.length)]!;
  }

  /** A small number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.choose(Math.max(most - least, 0) + 1);
  }

  coin(): boolean {
    return this.choose(2) === 1;
  }

  node(op: string, operands: readonly Value[], attributes: Attributes = {}): readonly Value[] {
    const results = this.builder.node(op, operands, attributes);
    this.values.push(...results);
    return results;
  }

  elements(shape: Shape): number {
    return size(shape.map(this.sizeOf));
  }

  /** An existing value that passes, or the one `make` makes; recent values come first. */
  pick(passes: (value: Value) => boolean, make: () => Value): Value {
    const fitting = this.values.filter((v) => this.elements(v.type.shape) <= LARGEST_OPERAND && passes(v));
    if (fitting.length === 0 || this.choose(4) === 3) return make();
    return fitting.at(-1 - this.choose(fitting.length))!;
  }

  some(accepted: readonly DType[], least = 0, most = HIGHEST_RANK): Value {
    const fits = ({ type: { dtype, shape } }: Value) =>
      accepted.includes(dtype) && shape.length >= least && shape.length <= most;
    return this.pick(fits, () => this.source(this.one(accepted), this.shape(least, most)));
  }

  /** A value of exactly this type. */
  exact(dtype: DType, shape: Shape): Value {
    return this.pick(
      ({ type }) => type.dtype === dtype && sameShape(type.shape, shape),
      () => this.source(dtype, shape),
    );
  }

  /** A value that broadcasts into `shape` without changing it. */
  into(dtype: DType, shape: Shape): Value {
    const fits = ({ type }: Value) => type.dtype === dtype && broadcastsInto(type.shape, shape);
    return this.pick(fits, () => {
      const tail = shape.slice(this.choose(shape.length + 1));
      return this.source(
        dtype,
        tail.map((d) => (this.choose(4) === 3 ? constant(1) : d)),
      );
    });
  }

  /** A value that broadcasts with `shape`, either way round. */
  beside(dtype: DType, shape: Shape): Value {
    const fits = ({ type }: Value) => type.dtype === dtype && broadcastsWith(type.shape, shape);
    return this.pick(fits, () => this.into(dtype, shape));
  }

  shape(least = 0, most = HIGHEST_RANK): Shape {
    const rank = this.one([1, 2, 3, 2, 3, 0, 4, 2].filter((n) => n >= least && n <= most));
    return Array.from({ length: rank }, () => this.one(this.dims));
  }

  /** A new input, parameter or constant. */
  source(dtype: DType, shape: Shape): Value {
    const value = this.#makeSource(dtype, shape);
    this.values.push(value);
    return value;
  }

  input(dtype: DType, shape: Shape): Value {
    const value = this.builder.input(`x${this.#sources++}`, { dtype, shape });
    this.values.push(value);
    return value;
  }

  #makeSource(dtype: DType, shape: Shape): Value {
    const kind = this.closed ? 2 : this.choose(3);
    if (kind === 0) return this.builder.input(`x${this.#sources++}`, { dtype, shape });
    if (kind === 1 && dtype === "float32")
      return this.builder.parameter(`p${this.#sources++}.kernel`, { dtype, shape }, this.one(initializers), {
        trainable: !this.coin(),
        source: { path: "p", at: { file: "model.ts", line: this.#sources, column: 1 } },
      });
    return this.#constant(dtype, shape);
  }

  /** A symbolic shape has no constant; it is filled by repeating a scalar. */
  #constant(dtype: DType, shape: Shape): Value {
    const sizes = shape.map(Number).every(Number.isInteger) ? shape.map(Number) : undefined;
    if (sizes !== undefined && !(this.choose(3) === 2)) return this.tensor(dtype, sizes);
    return this.builder.node("broadcast", [this.tensor(dtype, [])], { shape, axes: [] })[0]!;
  }

  tensor(dtype: DType, sizes: readonly number[]): Value {
    const [start, step] = [this.choose(7) - 3, this.choose(5)];
    const { kind } = dtypes[dtype];
    const numbers = allocateNumbers(dtype, size(sizes));
    const elements: Elements = numbers;
    for (let i = 0; i < numbers.length; i++) {
      const x = start + ((i * step) % 7);
      elements[i] = scalarOf(dtype, kind === "bool" ? Number(x > 0) : kind === "float" ? x / 2 : x);
    }
    return this.builder.constant({ dtype, shape: sizes, data: encode(dtype, numbers) });
  }
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, axis) => d === b[axis]);
}

/**
 * Equal dims must be the same expression: two symbols that happen to have one value are not assumed equal.
 */
function broadcastsInto(from: Shape, to: Shape): boolean {
  const lead = to.length - from.length;
  return lead >= 0 && from.every((d, axis) => d === to[axis + lead] || d === constant(1));
}

function broadcastsWith(a: Shape, b: Shape): boolean {
  const lead = b.length - a.length;
  return a.every((d, axis) => {
    const other = b[axis + lead];
    return other === undefined || d === other || d === constant(1) || other === constant(1);
  });
}
