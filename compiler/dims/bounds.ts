/**
 * What bounds on the symbols say of a dim: the interval it lies in, and smaller words for it.
 *
 * Intervals alone lose what two terms have in common: i - 7*floor(i/7) is 0..6, yet its terms range freely.
 * So range also replaces a floor that shares a monomial with the rest by its exact relaxation, floor(P/q) =
 * (P - m)/q with m in 0..q-1, and a max by each of its two sides, and keeps the tightest answer. Simplifying
 * does what the normal form may not because it needs bounds: (a*b)//b is a where b >= 1, max(n - 4, 0) is n -
 * 4 where n >= 4. Exact division is polynomial long division in the monomial order of the terms.
 */
import { type Atom, type Dim, spend, type Term, zero } from "./dim.ts";
import {
  add,
  addScaled,
  content,
  floorDiv,
  mapFactors,
  max,
  monomial,
  mul,
  shrinkBy,
  sub,
  sum,
} from "./expression.ts";
import { quotient, remainder } from "./integer.ts";

export interface Interval {
  readonly min: number;
  readonly max: number;
}

export type Bounds = (symbol: string) => Interval;

/** Beyond this size, intervals are all there is time for. */
const large = 600;

/**
 * An interval that holds all that d is while its symbols stay within theirs; Infinity where unbounded.
 * `most`: how many maxima, one within another, to take by their sides.
 */
export function range(d: Dim, bounds: Bounds, most = 2): Interval {
  const known = new Map<Dim, Interval>();
  const depth = d.size > large ? -1 : most;
  /** `splits`: how many maxima are left to split; below 0 plain interval arithmetic. */
  const visit = (e: Dim, splits: number): Interval => {
    if (e.value !== undefined) return exactly(Number(e.value));
    const seen = known.get(e);
    if (seen) return seen;
    spend(e.terms.length);
    let found = e.terms.map(ofTerm).reduce(total);
    const relaxed = splits < 0 ? undefined : relax(e);
    if (relaxed) found = meet(found, relaxed.finish(visit(relaxed.combined, splits)));
    for (const t of splits > 0 && e.bounded ? e.terms : [])
      if (t.factors.length === 1 && t.factors[0]!.kind === "max")
        found = meet(found, eitherSide(e, t, splits));
    known.set(e, found);
    return found;
  };
  const ofTerm = ({ coefficient, factors }: Term): Interval => {
    let product = exactly(Number(coefficient));
    for (let i = 0, n = 1; i < factors.length; i += n) {
      for (n = 1; factors[i + n] === factors[i]; ) n++;
      product = multiply(product, power(ofAtom(factors[i]!), n));
    }
    return product;
  };
  const ofAtom = (f: Atom): Interval => {
    if (f.kind === "symbol") return bounds(f.name);
    const inner = Math.min(depth, 1);
    if (f.kind === "floor") return divide(visit(f.numerator, inner), visit(f.denominator, inner));
    const side = visit(f.left, inner);
    return { min: Math.max(side.min, 0), max: Math.max(side.max, 0) };
  };
  const eitherSide = (e: Dim, t: Term, splits: number): Interval => {
    const f = t.factors[0] as Extract<Atom, { kind: "max" }>;
    const sides = [f.left, zero].map((by) => mapFactors(e, (x) => (x === f ? by : x.dim)));
    const [x, y] = sides.map((side) => visit(side, splits - 1)) as [Interval, Interval];
    // Alone, c*max(L, 0) is the greater of the two for c > 0, the lesser for c < 0.
    const alone = e.terms.every((other) => other === t || !other.factors.includes(f));
    const least = alone && t.coefficient > 0 ? Math.max : Math.min;
    const most = alone && t.coefficient < 0 ? Math.min : Math.max;
    return { min: least(x.min, y.min), max: most(x.max, y.max) };
  };
  return visit(d, depth);
}

/** Floating point rounds beyond 2^53: widen there, so that the interval stays sound. */
function outward(min: number, max: number): Interval {
  const slack = (x: number) => (Number.isSafeInteger(x) || !Number.isFinite(x) ? 0 : Math.abs(x) * 2 ** -50);
  return { min: min - slack(min), max: max + slack(max) };
}

const exactly = (n: number): Interval => outward(n, n);
const meet = (x: Interval, y: Interval): Interval => outward(Math.max(x.min, y.min), Math.min(x.max, y.max));
const total = (x: Interval, y: Interval): Interval => outward(x.min + y.min, x.max + y.max);

function multiply(x: Interval, y: Interval): Interval {
  const at = (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b);
  const all = [at(x.min, y.min), at(x.min, y.max), at(x.max, y.min), at(x.max, y.max)];
  return outward(Math.min(...all), Math.max(...all));
}

function power(x: Interval, n: number): Interval {
  let product = x;
  for (let i = 1; i < n; i++) product = multiply(product, x);
  return n % 2 === 0 && x.min < 0 ? { min: x.max > 0 ? 0 : product.min, max: product.max } : product;
}

function divide(n: Interval, q: Interval): Interval {
  if (!(q.min >= 1)) return { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  const floor = (a: number, b: number) => (Number.isFinite(a) ? Math.floor(a / b) : a);
  return outward(floor(n.min, n.min < 0 ? q.min : q.max), floor(n.max, n.max < 0 ? q.max : q.min));
}

/**
 * Takes one floor out of d exactly: a term c*floor(P/q) is c*(P - m)/q with 0 <= m < q. Of the highest
 * floors, one whose P cancels against the rest; undefined when none does.
 */
function relax(d: Dim) {
  const lone = d.terms.filter((t) => t.factors.length === 1 && t.factors[0]!.kind === "floor");
  if (lone.length * d.terms.length > 1000) return undefined;
  for (const t of lone.sort((x, y) => y.factors[0]!.height - x.factors[0]!.height)) {
    const { numerator, denominator } = t.factors[0] as Extract<Atom, { kind: "floor" }>;
    const q = Number(denominator.value);
    if (denominator.value === undefined) continue;
    const rest = mul(denominator, addScaled(d, -1, monomial(t.coefficient, t.factors)));
    const combined = addScaled(rest, t.coefficient, numerator);
    if (combined.terms.length >= rest.terms.length + numerator.terms.length) continue;
    const loss = Number(t.coefficient) * (q - 1);
    const finish = ({ min, max }: Interval): Interval =>
      outward(Math.ceil((min - Math.max(loss, 0)) / q), Math.floor((max - Math.min(loss, 0)) / q));
    return { combined, finish };
  }
  return undefined;
}

/** d, smaller where the bounds allow; d itself when they say nothing. */
export function simplify(d: Dim, bounds: Bounds): Dim {
  if (!d.bounded) return d;
  return mapFactors(d, (atom) => {
    if (!atom.bounded || atom.kind === "symbol") return atom.dim;
    if (atom.kind === "floor")
      return divided(simplify(atom.numerator, bounds), simplify(atom.denominator, bounds), bounds);
    const side = simplify(atom.left, bounds);
    const { min, max: top } = range(side, bounds);
    return min >= 0 ? side : top <= 0 ? zero : max(side, 0);
  });
}

function divided(numerator: Dim, denominator: Dim, bounds: Bounds): Dim {
  if (denominator.value !== undefined || range(denominator, bounds).min < 1)
    return floorDiv(numerator, denominator);
  const [n, by] = withoutShared([numerator, denominator], bounds) as [Dim, Dim];
  const [whole, rest] = divideWithRest(n, by);
  const inside = range(rest, bounds).min >= 0 && range(sub(by, rest), bounds).min >= 1;
  return inside ? whole : add(whole, floorDiv(rest, by));
}

/** n = whole*by + rest by long division; rest is what no term of `by`'s lead divides. */
function divideWithRest(n: Dim, by: Dim): readonly [whole: Dim, rest: Dim] {
  const lead = by.terms[0]!;
  let [whole, rest] = [zero, n];
  for (let at = 0; at < rest.terms.length && at < 100; ) {
    const t = rest.terms[at]!;
    const factors = without(t.factors, lead.factors);
    if (!factors || remainder(t.coefficient, lead.coefficient) !== 0) at++;
    else {
      const part = monomial(quotient(t.coefficient, lead.coefficient), factors);
      whole = add(whole, part);
      rest = sub(rest, mul(part, by));
    }
  }
  return [whole, rest];
}

function without(all: readonly Atom[], remove: readonly Atom[]): readonly Atom[] | undefined {
  const left = [...all];
  for (const f of remove) {
    const at = left.indexOf(f);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

/** d without what cannot be 0 and does not change its sign: its content, and factors of at least 1. */
export function primitive(d: Dim, bounds: Bounds): Dim {
  return d.value === undefined ? withoutShared([shrinkBy(d, content(d))], bounds)[0]! : d;
}

/** The dims with every atom taken out that is at least 1 and a factor of all their terms. */
function withoutShared(list: readonly Dim[], bounds: Bounds): readonly Dim[] {
  const everywhere = (f: Atom) => list.every((d) => d.terms.every((t) => t.factors.includes(f)));
  const shared = list[0]!.terms[0]?.factors.find((f) => everywhere(f) && range(f.dim, bounds).min >= 1);
  if (!shared) return list;
  const divided = (d: Dim) => sum(d.terms.map((t) => monomial(t.coefficient, without(t.factors, [shared])!)));
  return withoutShared(list.map(divided), bounds);
}

/**
 * d with sums of floors made one by Hermite's identity, at any depth: floor((x + r)/q) + floor((x + r + g)/q)
 * + ... + floor((x + r + q - g)/q) is floor((x + r)/g), where g divides q.
 */
export function joined(d: Dim): Dim {
  if (d.height === 0) return d;
  const inside = mapFactors(d, (f) => {
    if (f.kind === "symbol") return f.dim;
    if (f.kind === "max") return max(joined(f.left), 0);
    const by = joined(f.denominator);
    return by === zero ? f.dim : floorDiv(joined(f.numerator), by);
  });
  for (const t of inside.terms) {
    const one = wholeFloor(t);
    const sum = one && joinedOn(inside, one);
    if (sum) return joined(sum);
  }
  return inside;
}

type Floor = Extract<Atom, { kind: "floor" }>;

/** The last factor of a term, if it is a floor by a small number. */
function wholeFloor({ factors }: Term): Floor | undefined {
  const f = factors.at(-1);
  const by = f?.kind === "floor" ? f.denominator.value : undefined;
  return f?.kind === "floor" && by !== undefined && by <= 64 ? f : undefined;
}

/** The dim with `first` and the floors that make it a whole put together. */
function joinedOn(d: Dim, first: Floor): Dim | undefined {
  const q = Number(first.denominator.value);
  const present = new Set(d.atoms);
  const isPresent = ({ terms }: Dim) =>
    terms.some(({ factors: [f, more] }) => f?.kind === "floor" && !more && present.has(f));
  for (let g = 1; g < q; g++) {
    if (q % g !== 0) continue;
    const shifted = (_: unknown, i: number) => floorDiv(add(first.numerator, (i + 1) * g), q);
    const others = Array.from({ length: q / g - 1 }, shifted);
    if (!others.every(isPresent)) continue;
    const alone = sub(floorDiv(first.numerator, g), sum(others));
    const made = mapFactors(d, (f) => (f === first ? alone : f.dim));
    if (made.size < d.size) return made;
  }
  return undefined;
}
