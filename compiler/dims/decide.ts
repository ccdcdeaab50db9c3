/**
 * Deciding a relation between two dims for all values of their symbols: always, never, iff a constraint, or
 * unknown. One symbol is solved exactly; several are decided by cases. What neither proves is looked at on a
 * few points: where both answers occur, the relation itself is the condition.
 */
import { CompileError } from "../diagnostics/index.ts";
import { bySigns, decideByCases } from "./cases.ts";
import {
  anything,
  type Clause,
  Constraint,
  compare,
  type Domain,
  defaultDomain,
  intersect,
  type Relation,
  startsOf,
} from "./constraint.ts";
import { atomsOf, childrenOf, constant, type Dim, fromAtom, scratch, symbolsOf } from "./dim.ts";
import { evaluate, range, substitute } from "./evaluate.ts";
import { add, addScaled, mod, monomial, mul, neg, sub, sum } from "./expression.ts";
import { magnitude } from "./integer.ts";
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

const nothing: Facts = { domainOf: defaultDomain, resolve: (d) => d, canonical: (d) => d };

type Domains = (name: string) => Domain;

/** Whether a `relation` b holds for all values of their symbols, none, or those that meet a constraint. */
export function decide(relation: Relation, a: Dim, b: Dim, assumptions: Facts = nothing): Verdict {
  const domains: Domains = (name) => assumptions.domainOf(name);
  const plain = assumptions.resolve(sub(a, b));
  const verdict = judge(relation, plain, domains);
  if (verdict.kind === "always" || verdict.kind === "never") return verdict;
  for (const firm of [true, false]) {
    const d = assumptions.canonical(plain, firm);
    const again = d === plain ? verdict : judge(relation, d, domains);
    if (again.kind === "always") return firm ? again : { ...again, assumed: true };
    if (again.kind === "never" && firm) return again;
  }
  return verdict;
}

function judge(relation: Relation, from: Dim, domains: Domains): Verdict {
  if (from.size > 600) return verdictOf(from.size < 40000 ? bySigns(relation, from, domains, -1) : undefined);
  if (relation === ">") return judge(">=", sub(from, 1), domains);
  const simple = simplify(from, domains);
  const d = primitive(relation === ">=" ? withoutFloors(simple) : simple, domains);
  if (d.value !== undefined) return { kind: compare(relation, d.value, 0) ? "always" : "never" };
  const divisor = doubtfulDivisor(d, domains);
  if (divisor) return { kind: "unknown", asks: `${divisor} >= 1` };
  return inOneSymbol(relation, d, domains, 14000) ?? inSeveral(relation, d, domains);
}

/**
 * d >= 0 said without a division where that is as strong: floor(P/Q) + k >= 0 is P + k*Q >= 0, for Q >= 1.
 */
function withoutFloors(d: Dim): Dim {
  for (const t of d.terms) {
    const [f, ...others] = t.factors;
    if (f?.kind !== "floor" || others.length > 0 || magnitude(t.coefficient) !== 1) continue;
    if (!(Number(f.denominator.value ?? 0) > 0)) continue;
    const k = addScaled(d, -t.coefficient, fromAtom(f));
    const up = add(f.numerator, mul(k, f.denominator));
    return withoutFloors(t.coefficient === 1 ? up : sub(mul(add(k, 1), f.denominator), add(f.numerator, 1)));
  }
  return d;
}

/** A divisor that is not known to be at least 1: where it is 0, the relation has no meaning. */
function doubtfulDivisor(d: Dim, domains: Domains): Dim | undefined {
  for (const atom of d.bounded ? atomsOf(d) : []) {
    const by = atom.kind === "floor" && atom.denominator.value === undefined ? atom.denominator : undefined;
    if (by && range(by, domains).min < 1) return by;
    const found = childrenOf(atom).map((child) => doubtfulDivisor(child, domains));
    if (found.some((x) => x)) return found.find((x) => x);
  }
  return undefined;
}

/** The exact answer, if d has one symbol and the budget is enough. */
function inOneSymbol(relation: Relation, d: Dim, domains: Domains, steps: number): Verdict | undefined {
  const [name, ...others] = symbolsOf(d);
  if (name === undefined || others.length > 0) return undefined;
  const domain = domains(name);
  return attempt(() => {
    const accepts = (sign: number) => compare(relation, sign, 0);
    const solution = solveUnivariate(d, domain, accepts, new Budget(steps));
    if (solution.all) return { kind: "always" };
    if (solution.runs.size === 0) return { kind: "never" };
    const found = asDomain(solution, domain);
    const clause: Clause = found ? { kind: "domain", symbol: name, ...found } : balanced(relation, d);
    return { kind: "iff", constraint: new Constraint([clause]) };
  });
}

function inSeveral(relation: Relation, d: Dim, domains: Domains): Verdict {
  const quick = bySigns(relation, d, domains);
  if (quick) return verdictOf(quick);
  if (!isMixed(relation, d, domains))
    return verdictOf(attempt(() => scratch(() => decideByCases(relation, d, domains, new Budget(8000)))));
  const clauses = attempt(() => scratch(() => residueConditions(relation, d, domains, new Budget(1000))));
  return { kind: "iff", constraint: new Constraint(clauses ?? [balanced(relation, d)]) };
}

function verdictOf(outcome: string | undefined): Verdict {
  const kinds: Readonly<Record<string, "always" | "never">> = {
    all: "always",
    empty: "always",
    none: "never",
  };
  return { kind: kinds[outcome ?? ""] ?? "unknown" };
}

/** The result of `work`, undefined when it ran out of budget. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const tooLarge = error instanceof CompileError && error.code === "E2302";
    if (error instanceof OutOfBudget || tooLarge) return undefined;
    throw error;
  }
}

/**
 * Whether d `relation` 0 is seen both to hold and not to: on a small grid, then on lines parallel to the
 * axes.
 */
function isMixed(relation: Relation, d: Dim, domains: Domains): boolean {
  const names = symbolsOf(d);
  const seen = new Set<string>();
  const points = Math.min(100, 10000 / d.size);
  const side = Math.max(2, Math.floor(points ** (1 / names.length)));
  for (let i = 0; i < points && seen.size < 2; i++) {
    const point = names.map((n, j) => [n, member(domains(n), Math.floor(i / side ** j) % side)] as const);
    seen.add(compare(relation, evaluate(d, new Map(point)), 0) ? "always" : "never");
  }
  for (let i = 0; i < 3 * names.length && i < points / 10 && seen.size < 2; i++) {
    const others = names.filter((_, j) => j !== i % names.length);
    const fixed = others.map((n, j) => [n, constant(member(domains(n), (i * (j + 2)) % 7))] as const);
    scratch(() => {
      const line = simplify(substitute(d, new Map(fixed)), domains);
      const verdict = inOneSymbol(relation, line, domains, 1000);
      if (verdict?.kind === "iff") seen.add("always");
      if (verdict) seen.add(verdict.kind === "iff" ? "never" : verdict.kind);
    });
  }
  return seen.size === 2;
}

/** The i-th member of a domain, going around where it ends. */
function member(domain: Domain, i: number): number {
  const starts = [...startsOf(domain)].sort((x, y) => x - y);
  const value = starts[i % starts.length]! + domain.modulus * Math.floor(i / starts.length);
  return value <= domain.max ? value : starts[0]!;
}

/**
 * The condition as residues of single symbols, if it is one: "H % 2 == 0 and W % 2 == 0". @throws OutOfBudget
 */
function residueConditions(
  relation: Relation,
  d: Dim,
  domains: Domains,
  budget: Budget,
): readonly Clause[] | undefined {
  const kept = new Map<string, Domain>();
  const narrowed: Domains = (name) => kept.get(name) ?? domains(name);
  const within = (name: string, modulus: number, residues: readonly number[]) =>
    intersect(domains(name), { ...anything, modulus, residues })!;
  for (const name of symbolsOf(d)) {
    const modulus = Number(periodOf(d, 1, name));
    if (modulus === 1 || modulus > 32) continue;
    const possible = Array.from({ length: modulus }, (_, r) => r).filter((r) => {
      const only = within(name, modulus, [r]);
      const here: Domains = (n) => (n === name ? only : narrowed(n));
      return only.min <= only.max && decideByCases(relation, d, here, budget) !== "none";
    });
    if (possible.length < modulus) kept.set(name, within(name, modulus, possible));
  }
  if (kept.size === 0 || decideByCases(relation, d, narrowed, budget) !== "all") return undefined;
  const { min, max } = anything;
  return [...kept].map(([symbol, domain]) => ({ kind: "domain", symbol, ...domain, min, max }));
}

/** d against 0 with the negative terms moved to the other side; a remainder stays one. */
function balanced(relation: Relation, d: Dim): Clause {
  for (const f of atomsOf(d)) {
    const rest = f.kind === "floor" ? mod(f.numerator, f.denominator) : undefined;
    if (rest && (rest === d || rest === neg(d)) && relation === "==")
      return { kind: "relation", relation, left: rest, right: constant(0) };
  }
  const side = (sign: 1 | -1) => {
    const terms = d.terms.filter((t) => t.coefficient < 0 === sign < 0);
    return sum(terms.map((t) => monomial(magnitude(t.coefficient), t.factors)));
  };
  return { kind: "relation", relation, left: side(1), right: side(-1) };
}
