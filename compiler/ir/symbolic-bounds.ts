/**
 * Bounds proofs where sizes are open. Intervals forget that an index and the size it must stay below grow
 * together: of i*w + j, with i below h and j below w, they know the largest value and no more. So each
 * counter is replaced by its last value, itself an expression of open dims and of counters further out,
 * innermost first (what a sum rises in takes its upper end, what it falls in its lower), and the dims engine
 * decides what is left: (h - 1)*w + w - 1 <= h*w - 1. A counter inside a floor goes through the floor's two
 * ends. What rises and falls in one counter is not proven.
 */
import {
  type Atom,
  constant,
  type Dim,
  decide,
  evaluate,
  type Facts,
  floorDiv,
  type Interval,
  mul,
  neg,
  range,
  sub,
  substitute,
  symbol,
  symbolsOf,
  terms,
} from "../dims/index.ts";
import { dimOfAtom, slopeOf } from "./affine.ts";
import { membersOf } from "./open-dims.ts";

/** A counter with its least and its largest value; a form that tests narrow may lack one of them. */
export interface Counter {
  readonly name: string;
  readonly lower: Dim | undefined;
  readonly upper: Dim | undefined;
  /** What it stands for, where the bounds do not help. */
  readonly form?: Dim;
}

export interface Counters {
  /** Each may use those before it. */
  readonly list: readonly Counter[];
  readonly intervalOf: (symbol: string) => Interval;
  readonly facts: Facts;
}

/** Whether 0 <= index < size always. */
export function isWithin(index: Dim, size: Dim, counters: Counters): boolean {
  return isAtLeast(index, constant(0), counters) && isAtLeast(sub(size, 1), index, counters);
}

function isAtLeast(a: Dim, b: Dim, counters: Counters): boolean {
  const least = end(sub(a, b), "lower", counters);
  return least !== undefined && isNeverNegative(least, counters.facts);
}

function isNeverNegative(d: Dim, facts: Facts): boolean {
  const { kind } = decide(">=", d, constant(0), facts);
  return kind === "always" || (kind !== "never" && isNowhereNegative(d, facts));
}

/** Few enough to try them all. */
const mostPoints = 512;

/** Where the dims in it have few sizes together. */
function isNowhereNegative(d: Dim, facts: Facts): boolean {
  const members = symbolsOf(d).map((name) => ({
    name,
    sizes: membersOf(facts.domainOf(name), mostPoints + 1),
  }));
  const points = members.reduce((n, { sizes }) => n * sizes.length, 1);
  if (points > mostPoints) return false;
  return Array.from({ length: points }, (_, i) => i).every((i) => {
    let rest = i;
    const values = members.map(({ name, sizes }) => {
      const size = sizes[rest % sizes.length]!;
      rest = Math.floor(rest / sizes.length);
      return [name, size] as const;
    });
    return evaluate(d, new Map(values)) >= 0;
  });
}

type Side = "lower" | "upper";
const other = { lower: "upper", upper: "lower" } as const;

/** An expression of open dims that `d` never goes below, or above; undefined when none is found. */
function end(d: Dim, side: Side, { list, intervalOf, facts }: Counters): Dim | undefined {
  let current = d;
  for (const [i, counter] of [...list.entries()].reverse()) {
    if (!symbolsOf(current).includes(counter.name)) continue;
    const outer = { list: list.slice(0, i), intervalOf, facts };
    const slope = slopeOf(current, counter.name);
    if (slope === undefined) {
      const flat = withoutFloors(current, counter.name, side, {
        list: list.slice(0, i + 1),
        intervalOf,
        facts,
      });
      return flat && end(flat, side, outer);
    }
    const sign = signOf(slope, intervalOf, facts);
    const at = sign === undefined ? undefined : counter[sign > 0 ? side : other[side]];
    const by = at ?? counter.form;
    if (by === undefined) return undefined;
    current = substitute(current, new Map([[counter.name, by]]));
  }
  return current;
}

/** 1 for what is never negative, -1 for what is never positive. */
function signOf(slope: Dim, intervalOf: Counters["intervalOf"], facts: Facts): 1 | -1 | undefined {
  const { min, max } = range(slope, intervalOf);
  if (min >= 0 || max <= 0) return min >= 0 ? 1 : -1;
  if (isNeverNegative(slope, facts)) return 1;
  return isNeverNegative(neg(slope), facts) ? -1 : undefined;
}

/** Each floor that the counter is in, if the sum is linear in it, replaced by its end. */
function withoutFloors(d: Dim, name: string, side: Side, counters: Counters): Dim | undefined {
  let current = d;
  for (const { factors } of terms(d))
    for (const atom of factors) {
      if (atom.kind !== "floor" || !symbolsOf(atom.numerator).includes(name)) continue;
      const place = symbol("floor.of");
      const linear = replaced(current, atom, place);
      const slope = slopeOf(linear, "floor.of");
      const sign = slope && signOf(slope, counters.intervalOf, counters.facts);
      const wanted = sign && (sign > 0 ? side : other[side]);
      const numerator = wanted && end(atom.numerator, wanted, counters);
      if (numerator === undefined || symbolsOf(atom.denominator).includes(name)) return undefined;
      current = substitute(linear, new Map([["floor.of", floorDiv(numerator, atom.denominator)]]));
    }
  if (!symbolsOf(current).includes(name)) return current;
  // What is left is straight in the counter, or it stays: a product of one floor with itself, a max.
  return slopeOf(current, name) && end(current, side, counters);
}

/** `d` with `by` in place of a floor among its own factors. */
function replaced(d: Dim, floor: Atom & { readonly kind: "floor" }, by: Dim): Dim {
  const whole = floorDiv(floor.numerator, floor.denominator);
  let rest = d;
  for (const { coefficient, factors } of terms(d)) {
    if (!factors.includes(floor)) continue;
    const others = factors.filter((atom) => atom !== floor).map(dimOfAtom);
    rest = sub(rest, mul(Number(coefficient), ...others, sub(whole, by)));
  }
  return rest;
}
