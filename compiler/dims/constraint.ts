/**
 * What must hold of symbols, as data that prints: "H % 16 == 0", "n % 12 in {0..5}", "8 <= T <= 512", "a ==
 * b". A constraint is a conjunction of clauses. Domains (what is known of one symbol) are intersected here:
 * residues by the Chinese remainder theorem, so that four facts about H mod 2, 4, 8 and 16 become one.
 */
import { evaluate } from "./evaluate.ts";
import { type Dim, symbolsOf } from "./expression.ts";
import { gcd, type Int, lcm, remainder } from "./integer.ts";

export type Relation = "==" | "!=" | ">=" | ">";

/** The integers min..max that leave one of `residues` modulo `modulus`. */
export interface Domain {
  readonly min: number;
  readonly max: number;
  readonly modulus: number;
  readonly residues: readonly number[];
}

/** All integers. */
export const anything: Domain = {
  min: Number.NEGATIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
  modulus: 1,
  residues: [0],
};

export type Clause =
  | ({ readonly kind: "domain"; readonly symbol: string } & Domain)
  | { readonly kind: "relation"; readonly relation: Relation; readonly left: Dim; readonly right: Dim };

export class Constraint {
  readonly clauses: readonly Clause[];
  constructor(clauses: readonly Clause[]) {
    this.clauses = clauses;
  }
  holds(values: ReadonlyMap<string, Int>): boolean {
    return this.clauses.every((c) => clauseHolds(c, values));
  }
  symbols(): readonly string[] {
    const all = this.clauses.flatMap((c) =>
      c.kind === "relation" ? [...symbolsOf(c.left), ...symbolsOf(c.right)] : [c.symbol],
    );
    return [...new Set(all)].sort();
  }
  toString(): string {
    return this.clauses.map(printClause).join(" and ");
  }
}

export function compare(relation: Relation, left: Int, right: Int): boolean {
  if (relation === "==") return left === right;
  if (relation === "!=") return left !== right;
  return relation === ">=" ? left >= right : left > right;
}

function clauseHolds(c: Clause, values: ReadonlyMap<string, Int>): boolean {
  if (c.kind === "relation") return compare(c.relation, evaluate(c.left, values), evaluate(c.right, values));
  const value = values.get(c.symbol);
  if (value === undefined) throw new Error(`internal: ${c.symbol} has no value`);
  return isMember(c, Number(value));
}

function printClause(c: Clause): string {
  if (c.kind === "relation") return `${c.left} ${c.relation} ${c.right}`;
  if (c.min === c.max) return `${c.symbol} == ${c.min}`;
  const values =
    c.max - c.min < c.modulus ? c.residues.map((r) => c.min + Number(remainder(r - c.min, c.modulus))) : [];
  if (c.residues.length < c.modulus && values.length > 0)
    return `${c.symbol} in {${printRuns(values.sort((x, y) => x - y))}}`;
  return [printResidues(c), printBounds(c)].filter((text) => text !== "").join(" and ");
}

function printResidues({ symbol, modulus, residues }: Domain & { readonly symbol: string }): string {
  if (residues.length === modulus) return "";
  const set = residues.length === 1 ? `== ${residues[0]}` : `in {${printRuns(residues)}}`;
  return `${symbol} % ${modulus} ${set}`;
}

function printBounds({ symbol, min, max }: Domain & { readonly symbol: string }): string {
  if (!Number.isFinite(max)) return Number.isFinite(min) ? `${symbol} >= ${min}` : "";
  return Number.isFinite(min) ? `${min} <= ${symbol} <= ${max}` : `${symbol} <= ${max}`;
}

/** 0, 1, 2, 5 as "0..2, 5". */
function printRuns(list: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const n of list) {
    const last = runs.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : b === a + 1 ? `${a}, ${b}` : `${a}..${b}`)).join(", ");
}

/** Whether n is in d. */
export function isMember(d: Domain, n: number): boolean {
  return n >= d.min && n <= d.max && d.residues.includes(Number(remainder(n, d.modulus)));
}

/** The members of d nearest to n, at most one below and one above. */
export function nearest(d: Domain, n: number): readonly number[] {
  const found: number[] = [];
  for (const step of [-1, 1]) {
    const from = step < 0 ? Math.min(n, d.max) : Math.max(n, d.min);
    for (let i = 0; i <= d.modulus; i++)
      if (isMember(d, from + step * i)) {
        found.push(from + step * i);
        break;
      }
  }
  return [...new Set(found)];
}

/** x and y both; undefined when the residues would be too many to list, an empty one when nothing is left. */
export function intersect(x: Domain, y: Domain): Domain | undefined {
  const modulus = Number(lcm(x.modulus, y.modulus));
  if (x.residues.length * y.residues.length > 4096 || modulus > 2 ** 31) return undefined;
  const residues: number[] = [];
  const g = Number(gcd(x.modulus, y.modulus));
  const steps = y.modulus / g;
  if (x.residues.length * steps > 1e5) return undefined;
  for (const r of x.residues)
    for (let i = 0, n = r; i < steps; i++, n += x.modulus)
      if (y.residues.includes(n % y.modulus)) residues.push(n);
  residues.sort((a, b) => a - b);
  return tighten({ min: Math.max(x.min, y.min), max: Math.min(x.max, y.max), modulus, residues });
}

/** Moves finite bounds onto members and reduces the modulus to the true period. */
function tighten(d: Domain): Domain {
  let { min, max, modulus, residues } = d;
  for (const p of primesOf(modulus))
    for (;;) {
      const m = modulus / p;
      const kept = residues.filter((r) => r < m);
      if (modulus % p !== 0 || kept.length * p !== residues.length) break;
      if (!residues.every((r) => kept.includes(r % m))) break;
      [modulus, residues] = [m, kept];
    }
  if (residues.length === 0) return { min: 1, max: 0, modulus: 1, residues: [0] };
  const isIn = (n: number) => residues.includes(Number(remainder(n, modulus)));
  while (min <= max && Number.isFinite(min) && !isIn(min)) min++;
  while (min <= max && Number.isFinite(max) && !isIn(max)) max--;
  return { min, max, modulus, residues };
}

function primesOf(n: number): readonly number[] {
  const primes: number[] = [];
  for (let p = 2; p * p <= n; p++)
    if (n % p === 0) {
      primes.push(p);
      while (n % p === 0) n /= p;
    }
  return n > 1 ? [...primes, n] : primes;
}

export function sameDomain(x: Domain, y: Domain): boolean {
  return (
    x.min === y.min && x.max === y.max && x.modulus === y.modulus && x.residues.length === y.residues.length
  );
}

/**
 * What `domain` says beyond `declared`. A least member above the declared minimum is no news: H % 16 == 0
 * says it.
 */
export function differences(name: string, domain: Domain, declared: Domain): readonly Clause[] {
  if (sameDomain(domain, declared)) return [];
  const open = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  const least = intersect(declared, { ...domain, ...open });
  const same = least && domain.min !== domain.max;
  const bounds = {
    min: same && least.min === domain.min ? open.min : domain.min,
    max: same && least.max === domain.max ? open.max : domain.max,
  };
  return [{ kind: "domain", symbol: name, ...domain, ...bounds }];
}
