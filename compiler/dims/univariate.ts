/**
 * The exact answer for dims in one symbol. With s = L*k + r, L a multiple of every divisor on the way down,
 * a floor of a polynomial in k is a polynomial in k, and a max splits k where its argument changes sign: a
 * dim is piecewise polynomial in k. The pieces where it is zero, positive or negative then follow from sign
 * changes alone, found by bisection between the sign changes of the forward difference. No sampling, no
 * floating point, no unbounded search: past the budget the answer is undefined.
 */
import { type Domain, intersect } from "./constraint.ts";
import { type Atom, atomsOf, childrenOf, type Dim } from "./expression.ts";
import { gcd, type Int, lcm, negate, plus, quotient, remainder, times } from "./integer.ts";

/** Coefficients of k^0, k^1, ...; no leading zeros. */
type Polynomial = readonly Int[];

interface Piece {
  readonly lo: number;
  readonly hi: number;
  readonly polynomial: Polynomial;
}

interface Run {
  readonly lo: number;
  readonly hi: number;
  readonly sign: number;
}

export class Budget {
  #left: number;
  constructor(steps: number) {
    this.#left = steps;
  }
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new OutOfBudget();
  }
}

export class OutOfBudget extends Error {}

/** Where a relation holds: for each residue modulo `modulus`, the runs of values. */
export interface Solution {
  readonly modulus: number;
  readonly runs: ReadonlyMap<number, readonly Run[]>;
  readonly all: boolean;
}

/** The values of the only symbol of d for which `accepts(sign of d)`. @throws OutOfBudget */
export function solveUnivariate(
  d: Dim,
  domain: Domain,
  accepts: (sign: number) => boolean,
  budget: Budget,
): Solution {
  const modulus = Number(lcm(periodOf(d, 1), domain.modulus));
  budget.spend(modulus * Math.ceil(d.size / 8));
  const runs = new Map<number, readonly Run[]>();
  let all = true;
  for (let r = 0; r < modulus; r++) {
    if (!domain.residues.includes(r % domain.modulus)) continue;
    const [lo, hi] = [Math.ceil((domain.min - r) / modulus), Math.floor((domain.max - r) / modulus)];
    if (lo > hi) continue;
    const found = joined(
      piecesOf(d, [r, modulus], lo, hi, budget).flatMap((p) => signRuns(p.polynomial, p.lo, p.hi, budget)),
    );
    const kept = joined(found.filter((x) => accepts(x.sign)).map((x) => ({ ...x, sign: 1 })));
    if (kept.length !== 1 || kept[0]!.lo !== lo || kept[0]!.hi !== hi) all = false;
    if (kept.length > 0)
      runs.set(
        r,
        kept.map((x) => ({ ...x, lo: x.lo * modulus + r, hi: x.hi * modulus + r })),
      );
  }
  return { modulus, runs, all };
}

/**
 * A period L of the symbol `name` (of the only symbol, if not given): with s = L*k + r, the coefficients of
 * k in d are multiples of m and its floors vanish. Divisions by something symbolic count for nothing when a
 * name is given.
 * @throws OutOfBudget
 */
export function periodOf(d: Dim, m: Int, name?: string): Int {
  let period: Int = 1;
  for (const t of d.terms) {
    const wanted = quotient(m, gcd(m, t.coefficient));
    for (const atom of t.factors) {
      if (atom.kind === "symbol") {
        if (name === undefined || atom.name === name) period = lcm(period, wanted);
        continue;
      }
      const by = atom.kind === "floor" ? atom.denominator.value : 1;
      if (by === undefined && name === undefined) throw new OutOfBudget();
      if (by !== undefined) period = lcm(period, periodOf(childrenOf(atom)[0]!, times(wanted, by), name));
    }
    if (period > 1e5) throw new OutOfBudget();
  }
  return period;
}

/** d over lo..hi, its symbol being the polynomial `at` of k. */
function piecesOf(d: Dim, at: Polynomial, lo: number, hi: number, budget: Budget): readonly Piece[] {
  const known = new Map<Atom, readonly Piece[]>();
  for (const atom of atomsOf(d)) known.set(atom, atomPieces(atom, at, lo, hi, budget));
  let total: readonly Piece[] = [{ lo, hi, polynomial: [] }];
  for (const t of d.terms) {
    let part: readonly Piece[] = [{ lo, hi, polynomial: [t.coefficient] }];
    for (const atom of t.factors) part = zip(part, known.get(atom)!, multiplyPolynomials, budget);
    total = zip(total, part, addPolynomials, budget);
  }
  return total;
}

function atomPieces(atom: Atom, at: Polynomial, lo: number, hi: number, budget: Budget): readonly Piece[] {
  if (atom.kind === "symbol") return [{ lo, hi, polynomial: at }];
  const inner = piecesOf(childrenOf(atom)[0]!, at, lo, hi, budget);
  if (atom.kind === "floor") {
    const q = atom.denominator.value!;
    return inner.map((p) => ({ ...p, polynomial: trim(p.polynomial.map((c) => quotient(c, q))) }));
  }
  return inner.flatMap((p) =>
    signRuns(p.polynomial, p.lo, p.hi, budget).map(
      (x): Piece => ({ lo: x.lo, hi: x.hi, polynomial: x.sign > 0 ? p.polynomial : [] }),
    ),
  );
}

type Combine = (x: Polynomial, y: Polynomial) => Polynomial;

function zip(x: readonly Piece[], y: readonly Piece[], combine: Combine, budget: Budget): readonly Piece[] {
  const out: Piece[] = [];
  for (let i = 0, j = 0; i < x.length && j < y.length; ) {
    budget.spend(1);
    const [p, q] = [x[i]!, y[j]!];
    const hi = Math.min(p.hi, q.hi);
    out.push({ lo: Math.max(p.lo, q.lo), hi, polynomial: combine(p.polynomial, q.polynomial) });
    if (p.hi === hi) i++;
    if (q.hi === hi) j++;
  }
  return out;
}

function trim(p: Int[]): Polynomial {
  while (p.length > 0 && p[p.length - 1] === 0) p.pop();
  return p;
}

function addPolynomials(x: Polynomial, y: Polynomial): Polynomial {
  if (x.length === 0) return y;
  return trim(Array.from({ length: Math.max(x.length, y.length) }, (_, i) => plus(x[i] ?? 0, y[i] ?? 0)));
}

function multiplyPolynomials(x: Polynomial, y: Polynomial): Polynomial {
  const out: Int[] = new Array(Math.max(x.length + y.length - 1, 0)).fill(0);
  x.forEach((a, i) => {
    y.forEach((b, j) => {
      out[i + j] = plus(out[i + j]!, times(a, b));
    });
  });
  return trim(out);
}

function signAt(p: Polynomial, k: number): number {
  let value: Int = 0;
  for (let i = p.length - 1; i >= 0; i--) value = plus(times(value, k), p[i]!);
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

/** p(k + 1) - p(k). */
function difference(p: Polynomial): Polynomial {
  let shifted: Polynomial = [];
  for (let i = p.length - 1; i >= 0; i--)
    shifted = addPolynomials(multiplyPolynomials(shifted, [1, 1]), [p[i]!]);
  return addPolynomials(shifted, p.map(negate));
}

/** The runs of equal sign of p over the integers lo..hi. */
function signRuns(p: Polynomial, lo: number, hi: number, budget: Budget): readonly Run[] {
  budget.spend(1);
  if (lo > hi) return [];
  if (p.length < 2 || lo === hi) return [{ lo, hi, sign: signAt(p, lo) }];
  const out: Run[] = [];
  for (const step of signRuns(difference(p), lo, hi - 1, budget))
    for (let from = step.lo; from <= step.hi && Number.isFinite(from); ) {
      const sign = signAt(p, from);
      const to = lastOfSign(p, sign, from, step, budget);
      out.push({ lo: from, hi: to, sign });
      from = to + 1;
    }
  if (Number.isFinite(hi)) out.push({ lo: hi, hi, sign: signAt(p, hi) });
  return joined(out);
}

/** The last k of the monotone stretch `step` up to which p keeps the sign it has at `from`. */
function lastOfSign(p: Polynomial, sign: number, from: number, step: Run, budget: Budget): number {
  const endless = !Number.isFinite(step.hi);
  if (step.sign === 0 || sign === step.sign || (!endless && signAt(p, step.hi) === sign)) return step.hi;
  let [good, width] = [from, 1];
  while (good + width <= step.hi && signAt(p, good + width) === sign) {
    good += width;
    width *= 2;
    budget.spend(1);
    if (good > 2 ** 52) throw new OutOfBudget();
  }
  for (; width >= 1; width /= 2)
    if (good + width <= step.hi && signAt(p, good + width) === sign) good += width;
  return good;
}

function joined(list: readonly Run[]): readonly Run[] {
  const out: Run[] = [];
  for (const x of list) {
    const last = out.at(-1);
    if (last && last.sign === x.sign && last.hi + 1 === x.lo) out[out.length - 1] = { ...last, hi: x.hi };
    else out.push(x);
  }
  return out;
}

/** The solution as one domain, if it is one: residues and bounds, or a short list of values. */
export function asDomain({ modulus, runs }: Solution, within: Domain): Domain | undefined {
  const lists = [...runs.values()];
  const min = Math.min(...lists.map((x) => x[0]!.lo));
  const max = Math.max(...lists.map((x) => x.at(-1)!.hi));
  const ends = (hi: number) => hi === Number.POSITIVE_INFINITY || hi + modulus > Math.min(max, within.max);
  const starts = (lo: number) => lo - modulus < Math.max(min, within.min);
  const whole = (x: readonly Run[]) => x.length === 1 && starts(x[0]!.lo) && ends(x[0]!.hi);
  const open = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  const least = Math.min(
    ...[...runs.keys()].map((r) => within.min + Number(remainder(r - within.min, modulus))),
  );
  const bounds = {
    min: min <= least ? open.min : min,
    max: max === open.max || max + modulus > within.max ? open.max : max,
  };
  if (lists.every(whole)) {
    const residues = [...runs.keys()];
    return intersect({ ...open, modulus: 1, residues: [0] }, { ...bounds, modulus, residues });
  }
  const values =
    max - min < 256
      ? lists
          .flat()
          .flatMap((x) => Array.from({ length: (x.hi - x.lo) / modulus + 1 }, (_, i) => x.lo + i * modulus))
      : [];
  const span = max - min + 1;
  return values.length === 0 || values.length > 64
    ? undefined
    : {
        min,
        max,
        modulus: span,
        residues: values.map((v) => Number(remainder(v, span))).sort((x, y) => x - y),
      };
}
