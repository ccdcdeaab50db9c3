/**
 * Three readings of a dim: with dims for its atoms (rewrite, substitute), with numbers (evaluate), with
 * intervals (range). Each visits a shared subexpression once, so a dim that is a small graph but a huge tree
 * stays cheap.
 *
 * Intervals alone lose what two terms have in common: i - 7*floor(i/7) is 0..6, yet its terms range freely.
 * So range also replaces a floor that shares a monomial with the rest by its exact relaxation, floor(P/q) =
 * (P - m)/q with m in 0..q-1, and a max by each of its two sides, and keeps the tightest answer.
 */
import { type Atom, type Dim, fromAtom, symbolsOf, type Term, zero } from "./dim.ts";
import { addScaled, floorDiv, mapFactors, max, monomial, mul } from "./expression.ts";
import { type Int, plus, quotient, refuse, times } from "./integer.ts";

/** d with every symbol in `map` replaced, all at once. */
export function substitute(d: Dim, map: ReadonlyMap<string, Dim>): Dim {
  const touches = (e: Dim) => symbolsOf(e).some((name) => map.has(name));
  return rewrite(d, (atom) => (atom.kind === "symbol" ? map.get(atom.name) : undefined), touches);
}

/** d with every atom, also inside others, replaced by its image if it has one; dims not touched stay. */
export function rewrite(d: Dim, image: (atom: Atom) => Dim | undefined, touches: (d: Dim) => boolean): Dim {
  const known = new Map<Dim, Dim>();
  const visit = (e: Dim): Dim => {
    if (e.value !== undefined || !touches(e)) return e;
    const made = known.get(e) ?? mapFactors(e, replaced);
    known.set(e, made);
    return made;
  };
  const replaced = (atom: Atom): Dim => {
    const direct = image(atom);
    if (direct || atom.kind === "symbol") return direct ?? fromAtom(atom);
    if (atom.kind === "floor") return floorDiv(visit(atom.numerator), visit(atom.denominator));
    return max(visit(atom.left), 0);
  };
  return visit(d);
}

/**
 * The number d is, exactly. @throws CompileError E2102 for a symbol without a value, E2108 for a value that
 * is not whole or was rounded, E2112 for a divisor of 0.
 */
export function evaluate(d: Dim, values: ReadonlyMap<string, Int>): Int {
  const known = new Map<Atom, Int>();
  const visit = (e: Dim): Int => {
    let total: Int = 0;
    for (const t of e.terms) {
      let product = t.coefficient;
      for (const f of t.factors) product = times(product, numberOf(f));
      total = plus(total, product);
    }
    return total;
  };
  const numberOf = (atom: Atom): Int => {
    if (atom.kind === "symbol") return numberFor(atom.name, values.get(atom.name));
    const value = known.get(atom) ?? (atom.kind === "floor" ? divided(atom) : visit(atom.left));
    const result = atom.kind === "max" && value < 0 ? 0 : value;
    known.set(atom, result);
    return result;
  };
  const divided = ({ numerator, denominator }: Extract<Atom, { kind: "floor" }>): Int => {
    const by = visit(denominator);
    if (by === 0) refuse("E2112", `${numerator} is divided by 0`, "give a divisor of 1 or more");
    return quotient(visit(numerator), by);
  };
  return visit(d);
}

function numberFor(name: string, value: Int | undefined): Int {
  if (value === undefined) refuse("E2102", `${name} has no value`, "give it one");
  if (typeof value !== "bigint" && !Number.isSafeInteger(value))
    refuse("E2108", `${name} is ${value}`, "give a whole number below 2^53, or a bigint");
  return value;
}

export interface Interval {
  readonly min: number;
  readonly max: number;
}

export type Bounds = (symbol: string) => Interval;

/**
 * An interval that holds every value d takes while its symbols stay within theirs; Infinity where unbounded.
 * `splits`: how many maxima, one within another, to split; below 0 nothing but plain interval arithmetic.
 */
export function range(d: Dim, bounds: Bounds, splits = 2): Interval {
  const known = new Map<Dim, Interval>();
  const visit = (e: Dim, splits: number): Interval => {
    if (e.value !== undefined) return outward(Number(e.value), Number(e.value));
    const seen = known.get(e);
    if (seen) return seen;
    let found = outward(0, 0);
    for (const t of e.terms) found = total(found, ofTerm(t));
    const relaxed = splits < 0 ? undefined : relax(e);
    if (relaxed) found = meet(found, relaxed.finish(visit(relaxed.combined, splits)));
    for (const t of splits > 0 && e.bounded ? e.terms : [])
      if (t.factors.length === 1 && t.factors[0]!.kind === "max")
        found = meet(found, eitherSide(e, t, splits));
    known.set(e, found);
    return found;
  };
  const ofTerm = ({ coefficient, factors }: Term): Interval => {
    let product = outward(Number(coefficient), Number(coefficient));
    for (let i = 0, n = 1; i < factors.length; i += n) {
      for (n = 1; factors[i + n] === factors[i]; ) n++;
      product = multiply(product, power(ofAtom(factors[i]!), n));
    }
    return product;
  };
  const ofAtom = (f: Atom): Interval => {
    if (f.kind === "symbol") return bounds(f.name);
    if (f.kind === "floor") return divide(visit(f.numerator, Math.min(splits, 1)), visit(f.denominator, 0));
    const side = visit(f.left, Math.min(splits, 1));
    return { min: Math.max(side.min, 0), max: Math.max(side.max, 0) };
  };
  const eitherSide = (e: Dim, t: Term, splits: number): Interval => {
    const f = t.factors[0] as Extract<Atom, { kind: "max" }>;
    const sides = [f.left, zero].map((by) => mapFactors(e, (x) => (x === f ? by : fromAtom(x))));
    const [x, y] = sides.map((side) => visit(side, splits - 1)) as [Interval, Interval];
    // Alone, c*max(L, 0) is the greater of the two for c > 0, the lesser for c < 0.
    const alone = e.terms.every((other) => other === t || !other.factors.includes(f));
    const least = alone && t.coefficient > 0 ? Math.max : Math.min;
    const most = alone && t.coefficient < 0 ? Math.min : Math.max;
    return { min: least(x.min, y.min), max: most(x.max, y.max) };
  };
  return visit(d, splits);
}

const meet = (x: Interval, y: Interval): Interval => outward(Math.max(x.min, y.min), Math.min(x.max, y.max));
const total = (x: Interval, y: Interval): Interval => outward(x.min + y.min, x.max + y.max);

/** Floating point rounds beyond 2^53: widen there, so that the interval stays sound. */
function outward(min: number, max: number): Interval {
  const slack = (x: number) => (Number.isSafeInteger(x) || !Number.isFinite(x) ? 0 : Math.abs(x) * 2 ** -50);
  return { min: min - slack(min), max: max + slack(max) };
}

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
    const q = denominator.value;
    if (q === undefined) continue;
    const rest = mul(denominator, addScaled(d, -1, monomial(t.coefficient, t.factors)));
    const combined = addScaled(rest, t.coefficient, numerator);
    if (combined.terms.length >= rest.terms.length + numerator.terms.length) continue;
    const loss = Number(t.coefficient) * (Number(q) - 1);
    const finish = ({ min, max }: Interval): Interval =>
      outward(
        Math.ceil((min - Math.max(loss, 0)) / Number(q)),
        Math.floor((max - Math.min(loss, 0)) / Number(q)),
      );
    return { combined, finish };
  }
  return undefined;
}
