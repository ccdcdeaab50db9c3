/**
 * The exact answer for dims in one symbol. With s = L*k + r, L a multiple of every divisor on the way down, a
 * floor of a polynomial in k is a polynomial in k, and a max splits k where its argument changes sign. The
 * sign of what is left changes where bisection between the sign changes of its forward difference says. No
 * sampling, no floating point, no unbounded search: past the budget there is no answer.
 */
import { anything, type Domain, intersect } from "./constraint.ts";
import { type Atom, atomsOf, childrenOf, type Dim } from "./dim.ts";
import { gcd, type Int, lcm, negate, plus, quotient, remainder, times } from "./integer.ts";

/** Coefficients of k^0, k^1, ...; no leading zeros. */
type Polynomial = readonly Int[];

type Span = readonly [lo: number, hi: number];

/** A stretch of integers of one sign. */
interface Run {
  readonly lo: number;
  readonly hi: number;
  readonly sign: number;
}

/** Counts work, never time: the same question gets the same answer on any machine. */
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
  const atoms = [...innerFirst(d)];
  const runs = new Map<number, readonly Run[]>();
  let all = true;
  for (let r = 0; r < modulus; r++) {
    if (!domain.residues.includes(r % domain.modulus)) continue;
    const [lo, hi] = [Math.ceil((domain.min - r) / modulus), Math.floor((domain.max - r) / modulus)];
    if (lo > hi) continue;
    const signs = signsOf(d, atoms, [r, modulus], [lo, hi], budget);
    const kept = joined(signs, accepts).filter((x) => x.sign === 1);
    if (kept.length !== 1 || kept[0]!.lo !== lo || kept[0]!.hi !== hi) all = false;
    if (kept.length === 0) continue;
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

/** All atoms inside d, those within others before them. */
function innerFirst(d: Dim, found = new Set<Atom>()): ReadonlySet<Atom> {
  for (const atom of atomsOf(d)) {
    if (found.has(atom)) continue;
    for (const child of childrenOf(atom)) innerFirst(child, found);
    found.add(atom);
  }
  return found;
}

/**
 * The runs of equal sign of d over lo..hi, its symbol being the polynomial `at` of k; `atoms` inner first.
 */
function signsOf(
  d: Dim,
  atoms: readonly Atom[],
  at: Polynomial,
  [lo, hi]: Span,
  budget: Budget,
): readonly Run[] {
  const values = new Map<Atom, Polynomial>();
  const out: Run[] = [];
  const visit = (from: number, lo: number, hi: number): void => {
    for (let i = from; i < atoms.length; i++) {
      const atom = atoms[i]!;
      budget.spend(1);
      if (atom.kind === "symbol") values.set(atom, at);
      else if (atom.kind === "floor") {
        const q = atom.denominator.value!;
        values.set(atom, trim(polynomialOf(atom.numerator, values).map((c) => quotient(c, q))));
      } else {
        const side = polynomialOf(atom.left, values);
        for (const run of joined(signRuns(side, lo, hi, budget), (sign) => sign > 0)) {
          values.set(atom, run.sign > 0 ? side : []);
          visit(i + 1, run.lo, run.hi);
        }
        return;
      }
    }
    out.push(...signRuns(polynomialOf(d, values), lo, hi, budget));
  };
  visit(0, lo, hi);
  return out;
}

function polynomialOf(d: Dim, values: ReadonlyMap<Atom, Polynomial>): Polynomial {
  return d.terms.reduce<Polynomial>((total, t) => {
    const factors = t.factors.map((f) => values.get(f)!);
    return addPolynomials(total, factors.reduce(multiplyPolynomials, [t.coefficient]));
  }, []);
}

function trim(p: Int[]): Polynomial {
  while (p.length > 0 && p[p.length - 1] === 0) p.pop();
  return p;
}

function addPolynomials(x: Polynomial, y: Polynomial): Polynomial {
  if (x.length < y.length) return addPolynomials(y, x);
  return trim(x.map((c, i) => (i < y.length ? plus(c, y[i]!) : c)));
}

function multiplyPolynomials(x: Polynomial, y: Polynomial): Polynomial {
  const out: Int[] = new Array(Math.max(x.length + y.length - 1, 0)).fill(0);
  for (const [i, a] of x.entries())
    for (const [j, b] of y.entries()) out[i + j] = plus(out[i + j]!, times(a, b));
  return trim(out);
}

function signAt(p: Polynomial, k: number): number {
  const value = p.reduceRight<Int>((total, c) => plus(times(total, k), c), 0);
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

/** p(k + 1) - p(k). */
function difference(p: Polynomial): Polynomial {
  const shifted = p.reduceRight<Polynomial>(
    (total, c) => addPolynomials(multiplyPolynomials(total, [1, 1]), [c]),
    [],
  );
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
  const keeps = (k: number) => k <= step.hi && signAt(p, k) === sign;
  if (step.sign === 0 || sign === step.sign || (Number.isFinite(step.hi) && keeps(step.hi))) return step.hi;
  let [good, width] = [from, 1];
  for (; keeps(good + width); width *= 2) {
    good += width;
    budget.spend(1);
    if (good > 2 ** 52) throw new OutOfBudget();
  }
  for (; width >= 1; width /= 2) if (keeps(good + width)) good += width;
  return good;
}

/** Neighbours of one sign made one; with `of`, of one answer (1 or 0). */
function joined(list: readonly Run[], of?: (sign: number) => boolean): readonly Run[] {
  const out: Run[] = [];
  for (const { lo, hi, sign } of list) {
    const answer = of ? Number(of(sign)) : sign;
    const last = out.at(-1);
    if (last?.sign === answer && last.hi + 1 === lo) out[out.length - 1] = { ...last, hi };
    else out.push({ lo, hi, sign: answer });
  }
  return out;
}

/** The solution as one domain, if it is one: residues and bounds, or a short list of values. */
export function asDomain({ modulus, runs }: Solution, within: Domain): Domain | undefined {
  const lists = [...runs.values()];
  const min = Math.min(...lists.map((x) => x[0]!.lo));
  const max = Math.max(...lists.map((x) => x.at(-1)!.hi));
  if (min === max) return { ...anything, min, max };
  const from = (limit: number) => lists.every(([x]) => x!.lo === limit || x!.lo - modulus < limit);
  const upTo = (limit: number) =>
    lists.every((x) => x.at(-1)!.hi === limit || x.at(-1)!.hi + modulus > limit);
  if (lists.every((x) => x.length === 1) && from(min) && upTo(max))
    return intersect(anything, {
      min: from(within.min) ? anything.min : min,
      max: upTo(within.max) ? anything.max : max,
      modulus,
      residues: [...runs.keys()],
    });
  if (max - min >= 256) return undefined;
  const values = lists.flat().flatMap((x) => {
    const count = (x.hi - x.lo) / modulus + 1;
    return Array.from({ length: count }, (_, i) => x.lo + i * modulus);
  });
  const span = max - min + 1;
  const residues = values.map((v) => Number(remainder(v, span))).sort((x, y) => x - y);
  return values.length > 64 ? undefined : { min, max, modulus: span, residues };
}
