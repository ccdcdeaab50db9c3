/**
 * Deciding a relation between two dims for all values of their symbols: always, never, iff a constraint, or
 * unknown.
 */
import { CompileError } from "../diagnostics/index.ts";
import { bySigns, decideByCases } from "./cases.ts";
import {
  anything,
  type Clause,
  Constraint,
  compare,
  type Domain,
  intersect,
  type Relation,
} from "./constraint.ts";
import { evaluate, range, rewrite, substitute } from "./evaluate.ts";
import {
  type Atom,
  add,
  addScaled,
  atomsOf,
  childrenOf,
  constant,
  type Dim,
  fromAtom,
  kindOf,
  mod,
  monomial,
  mul,
  neg,
  scratch,
  sub,
  symbol,
  symbolsOf,
} from "./expression.ts";
import { lcm, remainder, times } from "./integer.ts";
import { primitive, simplify } from "./simplify.ts";
import { asDomain, Budget, OutOfBudget, periodOf, solveUnivariate } from "./univariate.ts";

export type Verdict =
  // assumed: it holds only by an equality that a broadcast took for granted.
  | { readonly kind: "always"; readonly assumed?: true }
  | { readonly kind: "never" }
  | { readonly kind: "iff"; readonly constraint: Constraint }
  | { readonly kind: "unknown"; readonly asks?: string };

/** What a decision may assume: the domain of each symbol, and equations already required. */
export interface Facts {
  domainOf(symbol: string): Domain;
  /** d with the known values applied. */
  resolve(d: Dim): Dim;
  /** resolve(d) with the required equations applied too; `firm`: without those merely assumed. */
  canonical(d: Dim, firm: boolean): Dim;
}

/** A symbol that nobody declared: at least 1, a free (data-dependent) one at least 0. */
export function defaultDomain(name: string): Domain {
  return { min: kindOf(name) === "free" ? 0 : 1, max: Number.POSITIVE_INFINITY, modulus: 1, residues: [0] };
}

const nothing: Facts = { domainOf: defaultDomain, resolve: (d) => d, canonical: (d) => d };

type Domains = (name: string) => Domain;

/** Whether a `relation` b holds for all values of their symbols, none, or those that meet a constraint. */
export function decide(relation: Relation, a: Dim, b: Dim, assumptions: Facts = nothing): Verdict {
  const bounds: Domains = (name) => assumptions.domainOf(name);
  const plain = assumptions.resolve(sub(a, b));
  const verdict = judge(relation, plain, bounds);
  if (verdict.kind === "always" || verdict.kind === "never") return verdict;
  for (const firm of [true, false]) {
    const d = assumptions.canonical(plain, firm);
    const again = d === plain ? verdict : judge(relation, d, bounds);
    if (again.kind === "always") return firm ? again : { ...again, assumed: true };
    if (again.kind === "never" && firm) return again;
  }
  return verdict;
}

function judge(relation: Relation, from: Dim, domains: Domains): Verdict {
  if (from.size > 4000) return verdictOf(from.size < 40000 ? bySigns(relation, from, domains, 0) : undefined);
  if (relation === ">") return judge(">=", sub(from, 1), domains);
  const clear = relation === ">=" ? withoutFloors(simplify(from, domains)) : simplify(from, domains);
  const d = primitive(clear, domains);
  if (d.value !== undefined) return { kind: compare(relation, d.value, 0) ? "always" : "never" };
  const divisor = doubtfulDivisor(d, domains);
  if (divisor) return { kind: "unknown", asks: `${divisor} >= 1` };
  const names = symbolsOf(d);
  return (
    (names.length === 1 ? inOneSymbol(relation, d, names[0]!, domains) : undefined) ??
    inSeveral(relation, d, domains)
  );
}

/**
 * d >= 0 said without a division where that is as strong: floor(P/Q) + k >= 0 is P + k*Q >= 0, for Q >= 1.
 */
function withoutFloors(d: Dim): Dim {
  for (const t of d.terms) {
    const f = t.factors[0];
    if (f?.kind !== "floor" || t.factors.length > 1 || (t.coefficient !== 1 && t.coefficient !== -1))
      continue;
    if (!(Number(f.denominator.value ?? 0) > 0)) continue;
    const k = addScaled(d, -t.coefficient, fromAtom(f));
    const up = add(f.numerator, mul(k, f.denominator));
    return withoutFloors(t.coefficient === 1 ? up : sub(mul(add(k, 1), f.denominator), add(f.numerator, 1)));
  }
  return d;
}

/** A divisor that is not known to be at least 1: where it is 0, the relation has no meaning. */
function doubtfulDivisor(d: Dim, domains: Domains): Dim | undefined {
  if (!d.bounded) return undefined;
  for (const atom of atomsOf(d)) {
    if (
      atom.kind === "floor" &&
      atom.denominator.value === undefined &&
      range(atom.denominator, domains).min < 1
    )
      return atom.denominator;
    for (const child of childrenOf(atom)) {
      const found = doubtfulDivisor(child, domains);
      if (found) return found;
    }
  }
  return undefined;
}

function inOneSymbol(
  relation: Relation,
  d: Dim,
  name: string,
  domains: Domains,
  steps = 20000,
): Verdict | undefined {
  const domain = domains(name);
  try {
    const solution = solveUnivariate(d, domain, (sign) => compare(relation, sign, 0), new Budget(steps));
    if (solution.all) return { kind: "always" };
    if (solution.runs.size === 0) return { kind: "never" };
    const found = asDomain(solution, domain);
    const clause: Clause = found ? { kind: "domain", symbol: name, ...found } : balanced(relation, d);
    return { kind: "iff", constraint: new Constraint([clause]) };
  } catch (error) {
    if (error instanceof OutOfBudget) return undefined;
    throw error;
  }
}

function inSeveral(relation: Relation, d: Dim, domains: Domains): Verdict {
  const quick = bySigns(relation, d, domains);
  if (quick) return verdictOf(quick);
  const seen = witnesses(relation, d, domains);
  if (seen.size === 2) return { kind: "iff", constraint: new Constraint(conditions(relation, d, domains)) };
  const general = d.bounded ? attempt(() => decideForAnyMax(relation, d, domains)) : undefined;
  return verdictOf(general ?? attempt(() => decideByCases(relation, d, domains, new Budget(8000))));
}

/** Decides d with a symbol in place of every outermost max: what holds for any value from 0 holds of d. */
function decideForAnyMax(relation: Relation, d: Dim, domains: Domains) {
  let prefix = "!max";
  while (symbolsOf(d).some((name) => name.startsWith(prefix))) prefix += "_";
  const stand = new Map<Atom, Dim>();
  const general = rewrite(d, (f) => {
    if (f.kind === "max" && !stand.has(f)) stand.set(f, symbol(`${prefix}${stand.size}`));
    return stand.get(f);
  });
  const domainsHere: Domains = (name) => (name.startsWith(prefix) ? defaultDomain(name) : domains(name));
  const outcome = stand.size > 0 ? decideByCases(relation, general, domainsHere, new Budget(1500)) : "some";
  return outcome === "some" ? undefined : outcome;
}

function verdictOf(outcome: string | undefined): Verdict {
  return {
    kind: outcome === "all" || outcome === "empty" ? "always" : outcome === "none" ? "never" : "unknown",
  };
}

/** The result of `work`, undefined when it ran out of budget; the dims it makes on the way are dropped. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return scratch(work);
  } catch (error) {
    if (error instanceof OutOfBudget || (error instanceof CompileError && error.code === "E2302"))
      return undefined;
    throw error;
  }
}

/**
 * Which truth values d `relation` 0 is seen to take: on a small grid, then along lines parallel to the axes.
 */
function witnesses(relation: Relation, d: Dim, domains: Domains): ReadonlySet<boolean> {
  const names = symbolsOf(d);
  const seen = new Set<boolean>();
  const points = Math.min(100, 10000 / d.size);
  const side = Math.max(2, Math.floor(points ** (1 / names.length)));
  for (let i = 0; i < points && seen.size < 2; i++) {
    const values = pointAt(names, domains, i, side);
    seen.add(compare(relation, evaluate(d, values), 0));
  }
  for (let i = 0; i < 3 * names.length && i < points / 10 && seen.size < 2; i++) {
    const name = names[i % names.length]!;
    const others = names
      .filter((n) => n !== name)
      .map((n, j): [string, Dim] => [n, constant(member(domains(n), (i * (j + 2)) % 7))]);
    scratch(() => {
      const line = simplify(substitute(d, new Map(others)), domains);
      const verdict =
        line.value === undefined && symbolsOf(line).length === 1
          ? inOneSymbol(relation, line, name, domains, 3000)
          : undefined;
      if (verdict?.kind === "iff") seen.add(true).add(false);
      if (verdict?.kind === "always" || verdict?.kind === "never") seen.add(verdict.kind === "always");
    });
  }
  return seen;
}

/** The i-th member of a domain, going around where it ends. */
function member({ min, max, modulus, residues }: Domain, i: number): number {
  const starts = residues.map((r) => min + Number(remainder(r - min, modulus))).sort((x, y) => x - y);
  const value = starts[i % starts.length]! + modulus * Math.floor(i / starts.length);
  return value <= max ? value : starts[0]!;
}

/**
 * The condition as residues of single symbols if it is one ("H % 2 == 0 and W % 2 == 0"), else the relation
 * itself.
 */
function conditions(relation: Relation, d: Dim, domains: Domains): readonly Clause[] {
  const budget = new Budget(3000);
  const found = attempt(() => {
    if (!repeats(relation, d, domains)) return undefined;
    const restricted = new Map<string, Domain>();
    const narrowed: Domains = (name) => restricted.get(name) ?? domains(name);
    for (const name of symbolsOf(d)) {
      const modulus = Number(periodOf(d, 1, name));
      if (modulus === 1 || modulus > 32) continue;
      const possible = Array.from({ length: modulus }, (_, r) => r).filter((r) => {
        const only = intersect(domains(name), { ...anything, modulus, residues: [r] })!;
        const domainsHere: Domains = (n) => (n === name ? only : narrowed(n));
        return only.min <= only.max && decideByCases(relation, d, domainsHere, budget) !== "none";
      });
      const kept = intersect(domains(name), { ...anything, modulus, residues: possible })!;
      if (possible.length < modulus) restricted.set(name, kept);
    }
    const enough = restricted.size > 0 && decideByCases(relation, d, narrowed, budget) === "all";
    return enough ? [...restricted] : undefined;
  });
  const open = { min: anything.min, max: anything.max };
  return (
    found?.map(([symbol, domain]) => ({ kind: "domain", symbol, ...domain, ...open })) ?? [
      balanced(relation, d),
    ]
  );
}

/**
 * Whether, on a few points, a period more of a symbol leaves the truth as it is: a cheap test before the
 * costly one.
 */
function repeats(relation: Relation, d: Dim, domains: Domains): boolean {
  const names = symbolsOf(d);
  const holds = (values: ReadonlyMap<string, number>) => compare(relation, evaluate(d, values), 0);
  return names.every((name) => {
    const period = Number(lcm(periodOf(d, 1, name), domains(name).modulus));
    return [0, 1, 2, 5, 7, 10, 13].every((i) => {
      const values = pointAt(names, domains, i, 4);
      const moved = new Map(values).set(name, values.get(name)! + period);
      return moved.get(name)! > domains(name).max || holds(values) === holds(moved);
    });
  });
}

/** The i-th point of a grid with `side` members of each domain. */
function pointAt(names: readonly string[], domains: Domains, i: number, side: number): Map<string, number> {
  return new Map(names.map((n, j) => [n, member(domains(n), Math.floor(i / side ** j) % side)]));
}

/** d against 0 with the negative terms moved to the other side. */
function balanced(relation: Relation, d: Dim): Clause {
  for (const f of atomsOf(d)) {
    const rest = f.kind === "floor" ? mod(f.numerator, f.denominator) : d;
    if (f.kind === "floor" && (rest === d || rest === neg(d)) && relation === "==")
      return { kind: "relation", relation, left: rest, right: constant(0) };
  }
  const part = (sign: 1 | -1) =>
    d.terms.reduce((total, t) => {
      if (t.coefficient < 0 !== sign < 0) return total;
      return add(total, monomial(times(sign, t.coefficient), t.factors));
    }, constant(0));
  return { kind: "relation", relation, left: part(1), right: part(-1) };
}
