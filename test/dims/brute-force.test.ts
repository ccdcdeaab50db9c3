/**
 * A hundred thousand random questions against brute force over full periods. The trees are grown by hand from
 * one seed per thousand questions, because arbitraries for this many would cost more than the engine: a
 * failure names the question, and the seed repeats it.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  ceilDiv,
  constant,
  type Dim,
  decide,
  floorDiv,
  max,
  min,
  mod,
  mul,
  type Relation,
  sub,
  symbol,
  type Verdict,
} from "../../compiler/dims/index.ts";

/** A dim beside the plain arithmetic it stands for. */
interface Sample {
  readonly d: Dim;
  readonly at: (a: number, b: number, c: number) => number;
}

/** Numbers below `n`, from a seed (mulberry32). */
function numbersFrom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const names = ["a", "b", "c"] as const;
const values = [
  (a: number) => a,
  (_: number, b: number) => b,
  (_a: number, _b: number, c: number) => c,
] as const;

const byNumber: readonly ((x: Sample, q: number) => Sample)[] = [
  ({ d, at }, q) => ({ d: floorDiv(d, q), at: (a, b, c) => Math.floor(at(a, b, c) / q) }),
  ({ d, at }, q) => ({ d: ceilDiv(d, q), at: (a, b, c) => Math.ceil(at(a, b, c) / q) }),
  ({ d, at }, q) => ({
    d: mod(d, q),
    at: (a, b, c) => at(a, b, c) - q * Math.floor(at(a, b, c) / q),
  }),
  ({ d, at }, q) => ({ d: mul(d, q - 4), at: (a, b, c) => at(a, b, c) * (q - 4) }),
  ({ d, at }, q) => ({ d: sub(d, q), at: (a, b, c) => at(a, b, c) - q }),
];
const byEachOther: readonly ((x: Sample, y: Sample) => Sample)[] = [
  (x, y) => ({ d: add(x.d, y.d), at: (a, b, c) => x.at(a, b, c) + y.at(a, b, c) }),
  (x, y) => ({ d: sub(x.d, y.d), at: (a, b, c) => x.at(a, b, c) - y.at(a, b, c) }),
  (x, y) => ({ d: max(x.d, y.d), at: (a, b, c) => Math.max(x.at(a, b, c), y.at(a, b, c)) }),
  (x, y) => ({ d: min(x.d, y.d), at: (a, b, c) => Math.min(x.at(a, b, c), y.at(a, b, c)) }),
  (x, y) => ({ d: mul(x.d, y.d), at: (a, b, c) => x.at(a, b, c) * y.at(a, b, c) }),
];

function grow(next: (n: number) => number, symbols: number, depth: number): Sample {
  if (depth === 0 || next(5) === 0) {
    const which = next(symbols + 1);
    const k = next(9) - 2;
    return which < symbols
      ? { d: symbol(names[which]!), at: values[which]! }
      : { d: constant(k), at: () => k };
  }
  const x = grow(next, symbols, depth - 1);
  return next(2) === 0
    ? byNumber[next(byNumber.length)]!(x, 1 + next(6))
    : byEachOther[next(byEachOther.length)]!(x, grow(next, symbols, depth - 1));
}

/** The same value in other words, or nearly: equal pairs are rare otherwise. */
const variants: readonly ((x: Sample, q: number) => Sample)[] = [
  (x, q) => {
    const parts = mul(floorDiv(x.d, q), q);
    return { d: add(parts, mod(x.d, q)), at: x.at };
  },
  (x, q) => ({
    d: floorDiv(floorDiv(add(mul(x.d, 2), 1), q), 2),
    at: (a, b, c) => Math.floor((2 * x.at(a, b, c) + 1) / (2 * q)),
  }),
  (x, q) => ({ d: max(x.d, sub(x.d, q - 2)), at: (a, b, c) => x.at(a, b, c) + Math.max(0, 2 - q) }),
  (x, q) => ({ d: mul(floorDiv(x.d, q), q), at: (a, b, c) => Math.floor(x.at(a, b, c) / q) * q }),
];

const relations: readonly Relation[] = ["==", "==", "==", "!=", ">=", ">"];
const truth: Record<Relation, (a: number, b: number) => boolean> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">=": (a, b) => a >= b,
  ">": (a, b) => a > b,
};
/** How far each symbol is followed, by their number. */
const reach = [0, 66, 13, 6];

interface Question {
  readonly symbols: number;
  readonly left: Sample;
  readonly right: Sample;
  readonly relation: Relation;
}

function ask(next: (n: number) => number): Question {
  const symbols = next(20) > 0 ? 1 : 2 + next(2);
  const left = grow(next, symbols, 1 + next(2));
  const q = 1 + next(6);
  const right = next(2) === 0 ? grow(next, symbols, 1) : variants[next(4)]!(left, q);
  return { symbols, left, right, relation: relations[next(relations.length)]! };
}

/** What is wrong with the verdict on a question, if anything is. */
function refutation({ symbols, left, right, relation }: Question): string | undefined {
  const verdict = decide(relation, left.d, right.d);
  if (verdict.kind === "unknown") return undefined;
  const top = (i: number) => (i < symbols ? reach[symbols]! : 1);
  const point = new Map<string, number>();
  for (let a = 1; a <= top(0); a++)
    for (let b = 1; b <= top(1); b++)
      for (let c = 1; c <= top(2); c++) {
        const holds = truth[relation](left.at(a, b, c), right.at(a, b, c));
        if (verdict.kind === "iff") point.set("a", a).set("b", b).set("c", c);
        const said = verdict.kind === "iff" ? verdict.constraint.holds(point) : verdict.kind === "always";
        if (said !== holds)
          return `${left.d} ${relation} ${right.d}: ${answerOf(verdict)} at a=${a}, b=${b}, c=${c}`;
      }
  return undefined;
}

const answerOf = (v: Verdict) => (v.kind === "iff" ? `${v.constraint}` : v.kind);

const runs = Number(process.env["SHAPECAST_RUNS"] ?? 100);

describe("a hundred thousand random questions", () => {
  test(
    "get no verdict that brute force over full periods contradicts",
    () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
          const next = numbersFrom(seed);
          const wrong = Array.from({ length: 1000 }, () => refutation(ask(next)));
          expect(wrong.filter((text) => text)).toEqual([]);
        }),
        { numRuns: runs, seed: 1, endOnFailure: true },
      );
    },
    300_000 + 2000 * runs,
  );
});
