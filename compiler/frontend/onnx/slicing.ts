/**
 * Python's slices on sizes: where `start` and `end` may be negative, outside or expressions, and the step may
 * go backwards. What is decided by the sizes there are stays exact; only what is open becomes a min or max.
 */
import {
  add,
  ceilDiv,
  constant,
  constantOf,
  type Dim,
  decide,
  max,
  min,
  type Store,
  sub,
} from "../../dims/index.ts";

/** Ends such as the largest int64 mean "to the end". */
const FAR = 2n ** 31n;

export interface Bounds {
  /** The first element that is taken. */
  readonly from: Dim;
  readonly count: Dim;
}

/** Elements of an axis of `length` that `[start:end:step]` takes. */
export function sliceBounds(store: Store, length: Dim, start: Dim, end: Dim, step: number): Bounds {
  const [zero, last] = [constant(0), sub(length, 1)];
  const [first, stop] = [counted(store, start, length), counted(store, end, length)];
  if (step > 0) {
    // A start behind the end, or an end before the start, takes nothing: neither has to be clamped to say so.
    const taken = sub(atMost(store, stop, length), atLeast(store, first, zero));
    const count = atLeast(store, ceilDiv(taken, step), zero);
    return { from: within(store, first, zero, length), count };
  }
  const from = within(store, first, zero, last);
  const to = within(store, stop, constant(-1), last);
  return { from, count: atLeast(store, ceilDiv(sub(from, to), -step), zero) };
}

/**
 * Negative places count from the end; ends that mean "up to the end" are the end, whatever the size. A sign
 * that nobody knows is that of a size: not negative.
 */
function counted(store: Store, place: Dim, length: Dim): Dim {
  const { value } = place;
  if (value !== undefined && BigInt(value) >= FAR) return length;
  if (value !== undefined && BigInt(value) <= -FAR) return constant(-1);
  return holds(store, constant(-1), place) ? add(place, length) : place;
}

function within(store: Store, place: Dim, lowest: Dim, highest: Dim): Dim {
  return atMost(store, atLeast(store, place, lowest), highest);
}

function atMost(store: Store, place: Dim, highest: Dim): Dim {
  if (holds(store, highest, place)) return place;
  return holds(store, place, highest) ? highest : min(place, highest);
}

function atLeast(store: Store, place: Dim, lowest: Dim): Dim {
  if (holds(store, place, lowest)) return place;
  return holds(store, lowest, place) ? lowest : max(place, lowest);
}

/** Whether a >= b for all sizes. */
function holds(store: Store, a: Dim, b: Dim): boolean {
  const [left, right] = [constantOf(a), constantOf(b)];
  if (left !== undefined && right !== undefined) return left >= right;
  return decide(">=", store.resolve(a), store.resolve(b), store).kind === "always";
}
