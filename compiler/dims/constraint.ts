/**
 * What must hold of symbols, as data that prints: "H % 16 == 0", "n % 12 in {0..5}", "8 <= T <= 512", "a ==
 * b". A constraint is a conjunction of clauses. Domains (what is known of one symbol) are intersected here:
 * residues by the Chinese remainder theorem, so that four facts about H mod 2, 4, 8 and 16 become one.
 */
import { type Dim, kindOf } from "./dim.ts";
import { evaluate } from "./evaluate.ts";
import { type Int, lcm, remainder } from "./integer.ts";

export type Relation = "==" | "!=" | ">=" | ">";

/** The integers min..max that leave one of `residues` modulo `modulus`. */
export interface Domain {
  readonly min: number;
  readonly max: number;
  readonly modulus: number;
  readonly residues: readonly number[];
}

/** A clause between dims. */
export interface Relational {
  readonly kind: "relation";
  readonly relation: Relation;
  readonly left: Dim;
  readonly right: Dim;
}

export type Clause = ({ readonly kind: "domain"; readonly symbol: string } & Domain) | Relational;

export const anything: Domain = {
  min: Number.NEGATIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
  modulus: 1,
  residues: [0],
};

const positive: Domain = { ...anything, min: 1 };
const natural: Domain = { ...anything, min: 0 };

/** A symbol that nobody declared: at least 1, a free (data-dependent) one at least 0. */
export const defaultDomain = (name: string): Domain => (kindOf(name) === "free" ? natural : positive);

export class Constraint {
  readonly clauses: readonly Clause[];
  constructor(clauses: readonly Clause[]) {
    this.clauses = clauses;
  }
  holds(values: ReadonlyMap<string, Int>): boolean {
    return this.clauses.every((c) =>
      c.kind === "relation"
        ? compare(c.relation, evaluate(c.left, values), evaluate(c.right, values))
        : isMember(c, Number(values.get(c.symbol))),
    );
  }
  symbols(): readonly string[] {
    const all = this.clauses.flatMap((c) =>
      c.kind === "relation" ? [...c.left.symbols, ...c.right.symbols] : c.symbol,
    );
    return [...new Set(all)].sort();
  }
  toString(): string {
    return this.clauses.map(printClause).join(" and ");
  }
}

/** Whether two clauses between dims are written the same. */
export function isSameClause(x: Clause, y: Relational): boolean {
  return x.kind === "relation" && x.relation === y.relation && x.left === y.left && x.right === y.right;
}

export function compare(relation: Relation, left: Int, right: Int): boolean {
  if (relation === "==") return left === right;
  if (relation === "!=") return left !== right;
  return relation === ">=" ? left >= right : left > right;
}

function printClause(c: Clause): string {
  if (c.kind === "relation") return `${c.left} ${c.relation} ${c.right}`;
  const { symbol, min, max, modulus, residues } = c;
  if (min === max) return `${symbol} == ${min}`;
  if (max - min < modulus && residues.length < modulus)
    return `${symbol} in {${printRuns([...startsOf(c)].sort((x, y) => x - y))}}`;
  const set = residues.length === 1 ? `== ${residues[0]}` : `in {${printRuns(residues)}}`;
  const rest = residues.length === modulus ? [] : [`${symbol} % ${modulus} ${set}`];
  const lower = min === anything.min ? "" : max === anything.max ? `${symbol} >= ${min}` : `${min} <= `;
  const bounds = max === anything.max ? lower : `${lower}${symbol} <= ${max}`;
  return [...rest, ...(bounds === "" ? [] : [bounds])].join(" and ");
}

/** 0, 1, 2, 5 as "0..2, 5". */
function printRuns(list: readonly number[]): string {
  const all = new Set(list);
  const ends = list.filter((n) => !all.has(n + 1));
  const starts = list.filter((n) => !all.has(n - 1));
  const run = (a: number, b: number) => (a === b ? `${a}` : b === a + 1 ? `${a}, ${b}` : `${a}..${b}`);
  return starts.map((a, i) => run(a, ends[i]!)).join(", ");
}

/** Whether n is in d. */
export function isMember(d: Domain, n: number): boolean {
  return n >= d.min && n <= d.max && d.residues.includes(Number(remainder(n, d.modulus)));
}

/** The least member of each residue, for a domain with a least one. */
export function startsOf({ min, modulus, residues }: Domain): readonly number[] {
  return residues.map((r) => min + Number(remainder(r - min, modulus)));
}

/** The least n of the domain's residues from `from` on, and the greatest up to it. */
const next = (d: Domain, from: number) =>
  d.residues.reduce((n, r) => Math.min(n, from + Number(remainder(r - from, d.modulus))), Infinity);
const previous = (d: Domain, from: number) =>
  d.residues.reduce((n, r) => Math.max(n, from - Number(remainder(from - r, d.modulus))), -Infinity);

/** The members of d nearest to n, at most one below and one above. */
export function nearest(d: Domain, n: number): readonly number[] {
  const around = [previous(d, Math.min(n, d.max)), next(d, Math.max(n, d.min))];
  return [...new Set(around)].filter((x) => isMember(d, x));
}

/** The domain of a few values. */
export function listed(values: readonly number[]): Domain {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const residues = values.map((v) => Number(remainder(v, max - min + 1)));
  return { min, max, modulus: max - min + 1, residues: residues.sort((x, y) => x - y) };
}

/** x and y both; undefined when the residues would be too many to list, an empty one when nothing is left. */
export function intersect(x: Domain, y: Domain): Domain | undefined {
  if (x.modulus < y.modulus) return intersect(y, x);
  const [min, max] = [Math.max(x.min, y.min), Math.min(x.max, y.max)];
  if (x.modulus === 1) return { min, max, modulus: 1, residues: x.residues };
  const modulus = Number(lcm(x.modulus, y.modulus));
  const steps = modulus / x.modulus;
  if (x.residues.length * y.residues.length * steps > 1e5 || modulus > 2 ** 31) return undefined;
  const residues = x.residues.flatMap((r) => Array.from({ length: steps }, (_, i) => r + i * x.modulus));
  const both = residues.filter((n) => y.residues.includes(n % y.modulus)).sort((a, b) => a - b);
  return tighten({ min, max, modulus, residues: both });
}

/** Reduces the modulus to the true period and moves finite bounds onto members. */
function tighten({ min, max, modulus, residues }: Domain): Domain {
  const set = new Set(residues);
  const repeats = (n: number) =>
    modulus % n === 0 && residues.every((r) => set.has((r + modulus / n) % modulus));
  let times = residues.length;
  while (times > 1 && !repeats(times)) times--;
  if (times === 0) return { ...anything, min: 1, max: 0 };
  const d = { min, max, modulus: modulus / times, residues: residues.slice(0, residues.length / times) };
  const onMembers = {
    min: min > anything.min ? next(d, min) : min,
    max: max < anything.max ? previous(d, max) : max,
  };
  return { ...d, ...onMembers };
}

export function sameDomain(x: Domain, y: Domain): boolean {
  const ends = x.min === y.min && x.max === y.max;
  return ends && x.modulus === y.modulus && x.residues.length === y.residues.length;
}

/** What `domain` says beyond `declared`; of a least member above the minimum, H % 16 == 0 tells already. */
export function differences(name: string, domain: Domain, declared: Domain): readonly Clause[] {
  if (sameDomain(domain, declared)) return [];
  const { min, max } = anything;
  const least = domain.min === domain.max ? undefined : intersect(declared, { ...domain, min, max });
  const bounds = {
    min: least?.min === domain.min ? min : domain.min,
    max: least?.max === domain.max ? max : domain.max,
  };
  return [{ kind: "domain", symbol: name, ...domain, ...bounds }];
}
