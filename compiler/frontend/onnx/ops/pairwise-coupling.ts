/**
 * Probabilities of classes from those of each pair: the second method of "Probability Estimates for
 * Multi-class Classification by Pairwise Coupling" (Wu, Lin and Weng 2004), as libsvm and onnxruntime run it:
 * at most a hundred rounds of a step for each class, and none once every equation holds to 0.005 / classes.
 * The result is that approximation, not the limit, so its stop is part of what it gives; a row of the batch
 * that has stopped keeps its probabilities while others go on.
 */
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { listOf } from "./constants.ts";

const ROUNDS = 100;

/** All pairs [i, j] of i < j < count, in order. */
export function pairsOf(count: number): readonly (readonly [number, number])[] {
  return Array.from({ length: count }, (_, i) => i).flatMap((i) =>
    Array.from({ length: count - i - 1 }, (_, k) => [i, i + 1 + k] as const),
  );
}

/** Probabilities [rows, pairs] that it is the first of each pair, to those of the classes [rows, count]. */
export function coupled(ops: Ops, first: Value, count: number): Value {
  const rows = ops.shape(first)[0]!;
  const factors = quadratic(ops, first, count);
  const start = ops.fill(1 / count, [rows, count], first);
  const rounds = ops.iota("int32", [ROUNDS]);
  const { states } = ops.scan(
    { states: [start], sequences: [rounds], invariants: [factors] },
    (inner, [p], _, [q]) => ({ states: [round(inner, p!, q!, count)], outputs: [] }),
  );
  return states[0]!;
}

/** [rows, i, j]: the sum of r[k, i]^2 on the diagonal, -r[j, i] r[i, j] beside it. */
function quadratic(ops: Ops, first: Value, count: number): Value {
  const rows = ops.shape(first)[0]!;
  const pairs = pairsOf(count);
  const cell = Array.from({ length: count * count }, () => 2 * pairs.length);
  pairs.forEach(([i, j], at) => {
    cell[i * count + j] = at;
    cell[j * count + i] = pairs.length + at;
  });
  const all = ops.concat([first, ops.sub(1, first), ops.fill(0, [rows, 1], first)], 1);
  const cells = ops.gather(all, ops.constant(listOf("int32", cell, [count * count])), 1);
  const r = ops.reshape(cells, [rows, count, count]);
  const beside = ops.neg(ops.mul(r, ops.transpose(r, [0, 2, 1])));
  const sums = ops.expandDims(ops.reduceSum(ops.square(r), 1, false), 2);
  return ops.select(diagonal(ops, count), sums, beside);
}

function diagonal(ops: Ops, count: number): Value {
  return ops.eq(ops.iota("int32", [count, count], 0), ops.iota("int32", [count, count], 1));
}

/** One round on p [rows, count], in which the classes are looked at one after the other. */
function round(ops: Ops, p: Value, q: Value, count: number): Value {
  const products = ops.reduceSum(ops.mul(q, ops.expandDims(p, 1)), 2, false);
  const whole = ops.reduceSum(ops.mul(p, products), 1, true);
  const error = ops.reduceMax(ops.abs(ops.sub(products, whole)), 1, true);
  const isDone = ops.lt(error, 0.005 / count);
  const { states } = ops.scan(
    {
      states: [p, products, whole],
      sequences: [ops.transpose(q, [1, 0, 2]), ops.iota("int32", [count])],
    },
    (inner, [before, sums, total], [row, at]) => {
      const isOwn = inner.eq(inner.iota("int32", [1, count], 1), at!);
      const own = (x: Value) => inner.reduceSum(inner.select(isOwn, x, 0), 1, true);
      const [mine, sum] = [own(row!), own(sums!)];
      const step = inner.div(inner.sub(total!, sum), mine);
      const scale = inner.add(step, 1);
      const raised = inner.add(before!, inner.select(isOwn, step, 0));
      const grown = inner.add(inner.mul(step, mine), inner.mul(sum, 2));
      const changed = inner.add(total!, inner.mul(step, grown));
      return {
        states: [
          inner.div(raised, scale),
          inner.div(inner.add(sums!, inner.mul(step, row!)), scale),
          inner.div(inner.div(changed, scale), scale),
        ],
        outputs: [],
      };
    },
  );
  return ops.select(isDone, p, states[0]!);
}
