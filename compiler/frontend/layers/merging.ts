/**
 * Layers with several inputs. Elementwise ones broadcast as numpy does; Keras lines ranks up after the batch
 * axis, so an input of lower rank gets its missing axes there. Keras `Add`, `Subtract`, `Multiply`,
 * `Average`, `Maximum`, `Minimum`, `Concatenate`, `Dot`.
 */
import { fail } from "../../diagnostics/index.ts";
import { constant, type Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { anyWhole, either, type Fields, flag, type Reader, Refusal, required } from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";
import { printShape } from "../shapes.ts";

export interface ConcatenateOptions extends LayerOptions {
  /** Default -1. */
  readonly axis?: number;
}

export interface DotOptions extends LayerOptions {
  /** The axis of both that is summed over, or one for each; the batch is axis 0. */
  readonly axes: number | readonly [number, number];
  /** Scale both to length 1 along their axis first, default false. */
  readonly normalize?: boolean;
}

type Combine = (ops: LayerOps, values: readonly Value[]) => Value;

class Merging extends Configured<Fields> {
  readonly #combine: Combine;
  readonly #most: number;

  constructor(kind: string, options: LayerOptions, combine: Combine, most = Infinity) {
    super(kind, options, {});
    this.#combine = combine;
    this.#most = most;
  }

  override check(...shapes: Shape[]): void {
    const what = this.#most === 2 ? "2 inputs" : "2 inputs or more";
    this.requireInputs(shapes.length, 2, this.#most, what);
  }

  override call(ops: LayerOps, ...inputs: Value[]): Value {
    const rank = Math.max(...inputs.map((input) => ops.rank(input)));
    return this.#combine(
      ops,
      inputs.map((input) => raised(ops, input, rank)),
    );
  }
}

/** With axes of size 1 after the batch. */
function raised(ops: LayerOps, x: Value, rank: number): Value {
  const shape = ops.shape(x);
  if (shape.length === rank || shape.length === 0) return x;
  const missing = Array.from({ length: rank - shape.length }, () => constant(1));
  return ops.reshape(x, [shape[0]!, ...missing, ...shape.slice(1)]);
}

const concatenateFields = { axis: either(anyWhole, -1) };

class Concatenate extends Configured<typeof concatenateFields> {
  constructor(options: ConcatenateOptions) {
    super("concatenate", options, concatenateFields);
  }

  override check(...shapes: Shape[]): void {
    this.requireInputs(shapes.length, 1, Infinity, "1 input or more");
    const [first] = shapes;
    for (const shape of shapes) this.requireRank(shape, [first!.length], printShape(first!));
    const { axis } = this.args;
    if (axis >= first!.length || axis < -first!.length) outside(this.path, axis, first!);
  }

  override call(ops: LayerOps, ...inputs: Value[]): Value {
    return ops.concat(inputs, this.args.axis);
  }
}

function outside(path: string, axis: number, shape: Shape): never {
  return fail({
    code: "E1002",
    message: `${path} concatenates along axis ${axis}, but its inputs have rank ${shape.length}`,
    facts: [{ subject: `input of ${path}`, value: printShape(shape) }],
    fix: `use an axis from ${-shape.length} to ${shape.length - 1}`,
    layer: path,
  });
}

const axesReader: Reader<readonly [number, number]> = (given) => {
  const list = Array.isArray(given) ? given : [given, given];
  if (list.length === 2) return [anyWhole(list[0]), anyWhole(list[1])];
  throw new Refusal("must be an axis, or two of them");
};
const dotFields = { axes: required(axesReader), normalize: either(flag, false) };

class Dot extends Configured<typeof dotFields> {
  constructor(options: DotOptions) {
    super("dot", options, dotFields);
  }

  override check(...shapes: Shape[]): void {
    this.requireInputs(shapes.length, 2, 2, "2 inputs");
    shapes.forEach((shape, i) => {
      const axis = this.args.axes[i]!;
      const front = axis < 0 ? axis + shape.length : axis;
      if (front < 1 || front >= shape.length) this.requireRank(shape, [Math.abs(axis) + 1], "[batch, ...]");
    });
  }

  override outputRank(): undefined {
    return undefined;
  }

  override call(ops: LayerOps, a: Value, b: Value): Value {
    const [i, j] = this.args.axes;
    const [left, right] = this.args.normalize
      ? [ops.l2Normalize(a, i, 1e-12), ops.l2Normalize(b, j, 1e-12)]
      : [a, b];
    const product = ops.dotGeneral(left, right, { contract: [i, j], batch: [[0], [0]] });
    return ops.rank(product) === 1 ? ops.expandDims(product, 1) : product;
  }
}

const fold =
  (combine: (ops: LayerOps, a: Value, b: Value) => Value): Combine =>
  (ops, values) =>
    values.reduce((a, b) => combine(ops, a, b));
const sum = fold((ops, a, b) => ops.add(a, b));

/** The sum of its inputs. Keras `Add`. */
export const add = (options: LayerOptions = {}): Layer => new Merging("add", options, sum);
/** The first input less the second. Keras `Subtract`. */
export const subtract = (options: LayerOptions = {}): Layer =>
  new Merging(
    "subtract",
    options,
    fold((ops, a, b) => ops.sub(a, b)),
    2,
  );
/** The product of its inputs. Keras `Multiply`. */
export const multiply = (options: LayerOptions = {}): Layer =>
  new Merging(
    "multiply",
    options,
    fold((ops, a, b) => ops.mul(a, b)),
  );
/** The mean of its inputs. Keras `Average`. */
export const average = (options: LayerOptions = {}): Layer =>
  new Merging("average", options, (ops, values) => ops.div(sum(ops, values), values.length));
/** The largest of its inputs, element by element. Keras `Maximum`. */
export const maximum = (options: LayerOptions = {}): Layer =>
  new Merging(
    "maximum",
    options,
    fold((ops, a, b) => ops.max(a, b)),
  );
/** The smallest of its inputs, element by element. Keras `Minimum`. */
export const minimum = (options: LayerOptions = {}): Layer =>
  new Merging(
    "minimum",
    options,
    fold((ops, a, b) => ops.min(a, b)),
  );
/** Its inputs one after the other along `axis`. Keras `Concatenate`. */
export const concatenate = (options: ConcatenateOptions = {}): Layer => new Concatenate(options);
/** Sums of products along one axis of each, sample by sample. Keras `Dot`. */
export const dot = (options: DotOptions): Layer => new Dot(options);
