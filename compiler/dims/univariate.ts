/**
 * The exact answer for dims in one symbol. With s = L*k + r, L a multiple of every divisor on the way down,
 * every floor is a polynomial in k, and every max is one of its sides as long as the sign of its argument
 * stays. A polynomial of degree n is known by n + 1 of its values (Newton's forward differences), so nothing
 * symbolic is needed: its sign changes where bisection between the sign changes of its difference says. No
 * sampling, no floating point, no unbounded search: past the budget there is no answer.
 */
import { anything, compare, type Domain, intersect, listed, type Relation } from "./constraint.ts";
import { type Atom, atomsWithin, childrenOf, type Dim, symbolsOf } from "./dim.ts";
import { evaluate } from "./evaluate.ts";
import { gcd, type Int, lcm, negate, plus, quotient, remainder, times } from "./integer.ts";

/** Counts work, never time: the same question gets the same answer on any machine. */
export class Budget {
  #left: number;
  constructor(steps: number) {
    this.#left = steps;
  }
  spend(steps: number): void {
    this.#left -= steps;
    if (!(this.#left >= 0)) throw new OutOfBudget();
  }
}

export class OutOfBudget extends Error {}

/** The values first, first + step, ..., last of a symbol. */
export interface Run {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** A stretch of k in which a sign or an answer stays. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly sign: number;
}

/**
 * A period L of the symbol `name`: with s = L*k + r, the coefficients of k in d are multiples of m and its
 * floors vanish. Divisions by something symbolic count for nothing.
 * @throws OutOfBudget
 */
export function periodOf(d: Dim, name: string, m: Int = 1): number {
  let period = 1;
  for (const t of d.terms) {
    const wanted = quotient(m, gcd(m, t.coefficient));
    for (const atom of t.factors) {
      const by = atom.kind === "floor" ? atom.denominator.value : 1;
      if (atom.kind === "symbol") period = Number(lcm(period, atom.name === name ? wanted : 1));
      else if (by !== undefined)
        period = Number(lcm(period, periodOf(childrenOf(atom)[0]!, name, times(wanted, by))));
    }
    if (period > 1e5) throw new OutOfBudget();
  }
  return period;
}

/** The values of d's only symbol, in its domain, for which d `relation` 0. @throws OutOfBudget */
export function solutions(relation: Relation, d: Dim, domain: Domain, budget: Budget): readonly Run[] {
  const [name] = symbolsOf(d) as readonly [string];
  const step = Number(lcm(periodOf(d, name), domain.modulus));
  budget.spend(step * Math.ceil(d.size / 8));
  const atoms = [...atomsWithin([d])];
  if (atoms.some((f) => f.kind === "floor" && f.denominator.value === undefined)) throw new OutOfBudget();
  const sides = atoms.flatMap((f) => (f.kind === "max" ? [f.left] : []));
  const runs: Run[] = [];
  for (let r = 0; r < step; r++) {
    if (!domain.residues.includes(r % domain.modulus)) continue;
    const signs = (e: Dim, piece: Stretch) =>
      stretches((k) => evaluate(e, new Map([[name, plus(r, times(k, step))]])), degreeOf(e), piece, budget);
    let pieces: readonly Stretch[] = [
      { from: Math.ceil((domain.min - r) / step), to: Math.floor((domain.max - r) / step), sign: 0 },
    ];
    for (const side of sides) pieces = pieces.flatMap((p) => joined(signs(side, p), (sign) => sign > 0));
    const accepted = joined(
      pieces.flatMap((p) => signs(d, p)),
      (sign) => compare(relation, sign, 0),
    );
    for (const { from, to, sign } of accepted)
      if (sign) runs.push({ first: r + from * step, last: r + to * step, step });
  }
  if (runs.some(({ first, last }) => [first, last].some((n) => Math.abs(n) > 2 ** 53 && Number.isFinite(n))))
    throw new OutOfBudget();
  return runs;
}

/** The degree of d, of one symbol, where its floors vanish and the sides of its maxima are chosen. */
function degreeOf(d: Dim): number {
  const ofAtom = (f: Atom) => (f.kind === "symbol" ? 1 : degreeOf(childrenOf(f)[0]!));
  return Math.max(0, ...d.terms.map((t) => t.factors.reduce((n, f) => n + ofAtom(f), 0)));
}

/** The stretches of one sign of a polynomial that is given by its values. */
function stretches(
  valueAt: (k: number) => Int,
  degree: number,
  { from, to }: Stretch,
  budget: Budget,
): readonly Stretch[] {
  if (!(from <= to)) return [];
  const p = Array.from({ length: Math.min(degree, to - from) + 1 }, (_, i) => valueAt(from + i));
  budget.spend(p.length);
  for (let n = 1; n < p.length; n++)
    for (let i = p.length - 1; i >= n; i--) p[i] = plus(p[i]!, negate(p[i - 1]!));
  while (p.length > 1 && p.at(-1) === 0) p.pop();
  return signsOf(p, from, from, to, budget);
}

/** The stretches of one sign over from..to of the sum of p[i] * C(k - origin, i). */
function signsOf(
  p: readonly Int[],
  origin: number,
  from: number,
  to: number,
  budget: Budget,
): readonly Stretch[] {
  const signAt = (k: number): number => {
    let [value, binomial]: [Int, Int] = [0, 1];
    for (const [i, c] of p.entries()) {
      value = plus(value, times(c, binomial));
      binomial = quotient(times(binomial, k - origin - i), i + 1);
    }
    return value > 0 ? 1 : value < 0 ? -1 : 0;
  };
  budget.spend(1);
  if (from > to) return [];
  if (p.length < 2 || from === to) return [{ from, to, sign: signAt(from) }];
  const out: Stretch[] = [];
  for (const slope of signsOf(p.slice(1), origin, from, to - 1, budget))
    for (let k = slope.from; k <= slope.to && Number.isFinite(k); ) {
      const last = lastOfSign(signAt, k, slope, budget);
      out.push({ from: k, to: last, sign: signAt(k) });
      k = last + 1;
    }
  if (Number.isFinite(to)) out.push({ from: to, to, sign: signAt(to) });
  return joined(out, (sign) => sign);
}

/** The last k of a stretch, on which a function moves one way, up to which it keeps its sign at `from`. */
function lastOfSign(signAt: (k: number) => number, from: number, slope: Stretch, budget: Budget): number {
  const sign = signAt(from);
  const keeps = (k: number) => k <= slope.to && signAt(k) === sign;
  if (slope.sign === 0 || sign === slope.sign || (Number.isFinite(slope.to) && keeps(slope.to)))
    return slope.to;
  let [good, width] = [from, 1];
  for (; keeps(good + width); width *= 2) {
    good += width;
    budget.spend(1);
    if (good > 2 ** 52) throw new OutOfBudget();
  }
  for (; width >= 1; width /= 2) if (keeps(good + width)) good += width;
  return good;
}

/** Neighbours of one answer made one. */
function joined(list: readonly Stretch[], answer: (sign: number) => number | boolean): readonly Stretch[] {
  const out: Stretch[] = [];
  for (const { from, to, sign } of list) {
    const last = out.at(-1);
    const same = last?.sign === Number(answer(sign)) && last.to + 1 === from;
    out.splice(same ? -1 : out.length, 1, { from: same ? last.from : from, to, sign: Number(answer(sign)) });
  }
  return out;
}

/** The runs as one domain, if they are one: residues and bounds, or a short list of values. */
export function asDomain(runs: readonly Run[], within: Domain): Domain | undefined {
  const { step } = runs[0]!;
  const min = Math.min(...runs.map((x) => x.first));
  const max = Math.max(...runs.map((x) => x.last));
  if (min === max) return { ...anything, min, max };
  const residues = runs.map((x) => Number(remainder(x.first, step)));
  const from = (limit: number) => runs.every((x) => x.first - step < limit);
  const upTo = (limit: number) => runs.every((x) => x.last === limit || x.last + step > limit);
  if (new Set(residues).size === runs.length && from(min) && upTo(max)) {
    const bounds = { min: from(within.min) ? anything.min : min, max: upTo(within.max) ? anything.max : max };
    return intersect(anything, { ...bounds, modulus: step, residues });
  }
  if (max - min >= 256) return undefined;
  const values = runs.flatMap((x) =>
    Array.from({ length: (x.last - x.first) / step + 1 }, (_, i) => x.first + i * step),
  );
  return values.length > 64 ? undefined : listed(values);
}
