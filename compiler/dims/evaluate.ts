/**
 * Three readings of a dim: with dims for its atoms (rewrite, substitute), with numbers (evaluate), with
 * intervals (range). Each visits a shared subexpression once, so a dim that is a small graph but a huge tree
 * stays cheap.
 *
 * Intervals alone lose what two terms have in common: i - 7*floor(i/7) is 0..6, yet its terms range freely.
 * So range also replaces a floor that shares a monomial with the rest by its exact relaxation, floor(P/q) =
 * (P - m)/q with m in 0..q-1, and a max by each of its two sides, and keeps the tightest answer.
 */
import { type Atom, constant, type Dim, fromAtom, symbolsOf, type Term } from "./dim.ts";
import { addScaled, floorDiv, mapFactors, max, monomial, mul } from "./expression.ts";
import { type Int, plus, quotient, refuse, times } from "./integer.ts";

/** d with every symbol in `map` replaced, all at once. */
export function substitute(d: Dim, map: ReadonlyMap<string, Dim>): Dim {
  const touches = (e: Dim) => symbolsOf(e).some((name) => map.has(name));
  return rewrite(d, (atom) => (atom.kind === "symbol" ? map.get(atom.name) : undefined), touches);
}

/** d with every atom, also inside others, replaced by its image if it has one; dims not touched stay. */
export function rewrite(
  d: Dim,
  image: (atom: Atom) => Dim | undefined,
  touches: (d: Dim) => boolean = () => true,
): Dim {
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
    return max(visit(atom.left), visit(atom.right));
  };
  return visit(d);
}

/**
 * The number d is, exactly. @throws CompileError E2102 for a symbol without a value, E2112 for a divisor of
 * 0.
 */
export function evaluate(d: Dim, values: ReadonlyMap<string, Int>): Int {
  const known = new Map<Atom, Int>();
  const visit = (e: Dim): Int =>
    e.terms.reduce<Int>(
      (total, t) =>
        plus(
          total,
          t.factors.reduce((x, f) => times(x, numberOf(f)), t.coefficient),
        ),
      0,
    );
  const numberOf = (atom: Atom): Int => {
    if (atom.kind === "symbol")
      return values.get(atom.name) ?? refuse("E2102", `${atom.name} has no value`, "give it one");
    let value = known.get(atom);
    if (value === undefined) {
      value = atom.kind === "floor" ? divided(atom.numerator, visit(atom.denominator)) : visit(atom.left);
      if (atom.kind === "max" && value < 0) value = 0;
      known.set(atom, value);
    }
    return value;
  };
  const divided = (n: Dim, by: Int): Int =>
    by === 0
      ? refuse("E2112", `${n} is divided by 0`, "give a divisor of 1 or more")
      : quotient(visit(n), by);
  return visit(d);
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
    if (e.value !== undefined) return { min: Number(e.value), max: Number(e.value) };
    const seen = known.get(e);
    if (seen) return seen;
    let found = e.terms.map(ofTerm).reduce((x, y) => outward(x.min + y.min, x.max + y.max));
    const relaxed = splits < 0 ? undefined : relax(e);
    if (relaxed) found = meet(found, relaxed.finish(visit(relaxed.combined, splits)));
    for (const t of splits > 0 ? e.terms : []) {
      const f = t.factors[0]!;
      if (t.factors.length !== 1 || f.kind !== "max") continue;
      const side = (by: Dim) =>
        visit(
          mapFactors(e, (x) => (x === f ? by : fromAtom(x))),
          splits - 1,
        );
      const [x, y] = [side(f.left), side(constant(0))];
      // Alone, c*max(L, 0) is the greater of the two for c > 0, the lesser for c < 0.
      const alone = e.terms.every((other) => other === t || !other.factors.includes(f));
      const least = alone && t.coefficient > 0 ? Math.max : Math.min;
      const most = alone && t.coefficient < 0 ? Math.min : Math.max;
      found = meet(found, { min: least(x.min, y.min), max: most(x.max, y.max) });
    }
    known.set(e, found);
    return found;
  };
  const ofTerm = ({ coefficient, factors }: Term): Interval => {
    let total: Interval = { min: Number(coefficient), max: Number(coefficient) };
    for (let i = 0, n = 1; i < factors.length; i += n) {
      for (n = 1; factors[i + n] === factors[i]; ) n++;
      total = multiply(total, power(ofAtom(factors[i]!), n));
    }
    return total;
  };
  const ofAtom = (f: Atom): Interval => {
    if (f.kind === "symbol") return bounds(f.name);
    if (f.kind === "floor") return divide(visit(f.numerator, Math.min(splits, 1)), visit(f.denominator, 0));
    const side = visit(f.left, Math.min(splits, 1));
    return { min: Math.max(side.min, 0), max: Math.max(side.max, 0) };
  };
  return visit(d, splits);
}

const meet = (x: Interval, y: Interval): Interval => outward(Math.max(x.min, y.min), Math.min(x.max, y.max));

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
  let total = x;
  for (let i = 1; i < n; i++) total = multiply(total, x);
  return n % 2 === 0 && x.min < 0 ? { min: x.max > 0 ? 0 : total.min, max: total.max } : total;
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
  const floors = lone.map((t) => ({ t, f: t.factors[0] as Extract<Atom, { kind: "floor" }> }));
  for (const { t, f } of floors.sort((x, y) => y.f.height - x.f.height)) {
    const q = f.denominator.value;
    if (q === undefined) continue;
    const rest = mul(constant(q), addScaled(d, -1, monomial(t.coefficient, t.factors)));
    const combined = addScaled(rest, t.coefficient, f.numerator);
    if (combined.terms.length >= rest.terms.length + f.numerator.terms.length) continue;
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
