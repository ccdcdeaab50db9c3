/**
 * Composites: what layers are written in besides the core ops. Each is a short function that builds core ops,
 * so that it has no shape rule, evaluation or lowering of its own; fusion puts the pieces back together.
 * Formulas are those of Keras 3 (keras/src/ops), in the numerically safe form where there is one.
 */
import { constant, constantOf, type Dim, mul, sub } from "../../dims/index.ts";
import type { GraphBuilder } from "../../infer/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { type Axes, CoreOps, type Size } from "./core.ts";
import { einsum } from "./einsum.ts";
import type { Arg } from "./elementwise.ts";

export interface Moments {
  readonly mean: Value;
  readonly variance: Value;
}

export class Ops extends CoreOps<Ops> {
  protected over(builder: GraphBuilder): Ops {
    return new Ops(builder);
  }

  square = (x: Value) => this.mul(x, x);
  relu = (x: Value) => this.max(x, 0);
  sigmoid = (x: Value) => this.div(1, this.add(1, this.exp(this.neg(x))));
  /** log(1 + exp(x)) without overflow. */
  softplus = (x: Value) => this.add(this.relu(x), this.log1p(this.exp(this.neg(this.abs(x)))));
  rsqrt = (x: Value) => this.div(1, this.sqrt(x));
  clip = (x: Value, low: Arg, high: Arg) => this.min(this.max(x, low), high);

  mean(x: Value, axes: Axes, keepDims = false): Value {
    return this.div(this.reduceSum(x, axes, keepDims), this.number(this.count(x, axes), x));
  }

  /** Mean and variance (biased) along `axes`, both with kept dims. */
  moments(x: Value, axes: Axes): Moments {
    const mean = this.mean(x, axes, true);
    return { mean, variance: this.mean(this.square(this.sub(x, mean)), axes, true) };
  }

  softmax(x: Value, axes: Axes = -1): Value {
    const powers = this.exp(this.sub(x, this.reduceMax(x, axes, true)));
    return this.div(powers, this.reduceSum(powers, axes, true));
  }

  logSoftmax(x: Value, axes: Axes = -1): Value {
    const shifted = this.sub(x, this.reduceMax(x, axes, true));
    return this.sub(shifted, this.log(this.reduceSum(this.exp(shifted), axes, true)));
  }

  /**
   * x / |x| along `axes`; where |x| is below `epsilon` the factor is 1 / epsilon, as in Keras's `normalize`.
   */
  l2Normalize(x: Value, axes: Axes, epsilon: number): Value {
    const length = this.sqrt(this.reduceSum(this.square(x), axes, true));
    return this.div(x, this.max(length, epsilon));
  }

  /** A dim as a scalar of `like`'s dtype; a size still unknown is counted when it is known, not now. */
  number(d: Dim, like: Value): Value {
    const { dtype } = like.type;
    const known = constantOf(d);
    if (known !== undefined) return this.constant(known, dtype);
    const ones = this.broadcast(this.constant(1, dtype), [d], []);
    return this.reduceSum(ones, 0);
  }

  /** Every element `value`. */
  fill(value: number, shape: readonly Size[], like: Value): Value {
    return this.broadcast(this.constant(value, like.type.dtype), shape, []);
  }

  /** The last axis of `x` times the first of `kernel`: [..., k] and [k, ...] give [..., ...]. */
  dense(x: Value, kernel: Value): Value {
    return this.dotGeneral(x, kernel, { contract: [-1, 0] });
  }

  /** Numpy's matmul of two values of equal rank >= 2; the axes before the last two are a batch. */
  matmul(a: Value, b: Value): Value {
    const batch = Array.from({ length: this.rank(a) - 2 }, (_, i) => i);
    return this.dotGeneral(a, b, { contract: [-1, -2], batch: [batch, batch] });
  }

  /**
   * numpy.einsum without broadcasting: `ops.einsum("bhid,bhjd->bhij", q, k)`. Throws E1002 for an equation
   * that does not fit.
   */
  einsum(equation: string, ...operands: readonly Value[]): Value {
    return einsum(this, equation, operands);
  }

  /** `x` with an axis of size 1 before `axis`. */
  expandDims(x: Value, axis: number): Value {
    const at = axis < 0 ? axis + this.rank(x) + 1 : axis;
    return this.reshape(x, this.shape(x).toSpliced(at, 0, constant(1)));
  }

  /** A vector laid along `axis` of something of rank `rank`, so that it broadcasts there. */
  along(vector: Value, axis: number, rank: number): Value {
    const length = this.shape(vector)[0]!;
    if (axis === rank - 1) return vector;
    return this.reshape(
      vector,
      Array.from({ length: rank }, (_, i) => (i === axis ? length : 1)),
    );
  }

  /** Adds `bias` [C] to the axis `axis` of `x`. */
  addBias(x: Value, bias: Value, axis: number): Value {
    return this.add(x, this.along(bias, this.axis(x, axis), this.rank(x)));
  }

  /** Cuts `axis` into `parts` equal pieces. */
  split(x: Value, axis: number, parts: number, length: Size): readonly Value[] {
    return Array.from({ length: parts }, (_, i) => this.slice(x, axis, mul(length, i), length));
  }

  /** Elements moved by `shift` along `axis`, around the end; 0 <= |shift| <= the size. numpy.roll. */
  roll(x: Value, shift: number, axis: number): Value {
    const size = this.shape(x)[this.axis(x, axis)]!;
    const cut = shift > 0 ? sub(size, shift) : constant(-shift);
    return this.concat([this.from(x, axis, cut), this.slice(x, axis, 0, cut)], axis);
  }
}
