/**
 * The one-dimensional transforms of Winograd's filtering, with what rows of the matrices have in common
 * computed once. Sums are written so that products meet additions: a target may fuse them.
 */
import type { Expr } from "../ir/loop.ts";

/** The transform of a line; `keep` computes what is used more than once. */
export type Line = (line: readonly Expr[], keep: (e: Expr) => Expr) => readonly Expr[];

interface Lines {
  readonly input: Line;
  readonly kernel: Line;
  readonly output: Line;
}

const plus = (a: Expr, b: Expr): Expr => ({ kind: "binary", fn: "add", a, b, dtype: "float32" });
const minus = (a: Expr, b: Expr): Expr => ({ kind: "binary", fn: "sub", a, b, dtype: "float32" });
const times = (factor: number, b: Expr): Expr => ({
  kind: "binary",
  fn: "mul",
  a: { kind: "constant", value: factor, dtype: "float32" },
  b,
  dtype: "float32",
});

/** a + factor * b. */
const axpy = (a: Expr, factor: number, b: Expr): Expr => plus(a, times(factor, b));

type Six = readonly [Expr, Expr, Expr, Expr, Expr, Expr];
type Four = readonly [Expr, Expr, Expr, Expr];
type Three = readonly [Expr, Expr, Expr];

/** By tile. */
export const lines: Readonly<Record<number, Lines>> = {
  2: {
    input: (line, keep) => {
      const [a, b, c, d] = line as Four;
      return [minus(a, c), plus(b, c), minus(c, b), minus(b, d)].map(keep);
    },
    kernel: (line, keep) => {
      const [a, b, c] = line as Three;
      const ends = keep(plus(a, c));
      return [a, keep(times(1 / 2, plus(ends, b))), keep(times(1 / 2, minus(ends, b))), c];
    },
    output: (line, keep) => {
      const [a, b, c, d] = line as Four;
      return [plus(plus(a, b), c), minus(minus(b, c), d)].map(keep);
    },
  },
  4: {
    input: (line, keep) => {
      const [a, b, c, d, e, f] = line as Six;
      const [even, odd] = [keep(axpy(e, -4, c)), keep(axpy(d, -4, b))];
      const [near, far] = [keep(minus(e, c)), keep(minus(d, b))];
      return [
        axpy(axpy(e, -5, c), 4, a),
        plus(even, odd),
        minus(even, odd),
        axpy(near, 2, far),
        axpy(near, -2, far),
        axpy(axpy(f, -5, d), 4, b),
      ].map(keep);
    },
    kernel: (line, keep) => {
      const [a, b, c] = line as Three;
      const ends = keep(times(-1 / 6, plus(a, c)));
      const middle = keep(times(1 / 6, b));
      const wide = keep(axpy(times(1 / 24, a), 1 / 6, c));
      const half = keep(times(1 / 12, b));
      const sums = [minus(ends, middle), plus(ends, middle), plus(wide, half), minus(wide, half)];
      return [keep(times(1 / 4, a)), ...sums.map(keep), c];
    },
    output: (line, keep) => {
      const [a, b, c, d, e, f] = line as Six;
      const [sum, difference] = [keep(plus(b, c)), keep(minus(b, c))];
      const [far, slope] = [keep(plus(d, e)), keep(minus(d, e))];
      return [
        plus(plus(a, sum), far),
        axpy(difference, 2, slope),
        axpy(sum, 4, far),
        plus(axpy(difference, 8, slope), f),
      ].map(keep);
    },
  },
};
