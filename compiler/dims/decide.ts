/**
 * Deciding a relation between two dims for all values of their symbols: always, never, iff a constraint, or
 * unknown. One symbol is solved exactly; several are decided by cases. What neither proves is looked at on a
 * few points: where both answers occur, the relation itself is the condition.
 */
import { CompileError } from "../diagnostics/index.ts";
import { bySigns, decideByCases, type Outcome } from "./cases.ts";
import {
  anything,
  type Clause,
  Constraint,
  type Domain,
  defaultDomain,
  intersect,
  type Relation,
  sameDomain,
  startsOf,
} from "./constraint.ts";
import {
  atomsOf,
  atomsWithin,
  constant,
  type Dim,
  fromAtom,
  scratch,
  symbol,
  symbolsOf,
  zero,
} from "./dim.ts";
import { range, substitute } from "./evaluate.ts";
import { add, addScaled, mod, monomial, mul, neg, sub, sum } from "./expression.ts";
import { magnitude, negate } from "./integer.ts";
import { primitive, simplify } from "./simplify.ts";
import { asDomain, Budget, OutOfBudget, periodOf, solutions } from "./univariate.ts";

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
  if (from.size > 600) return verdicts[from.size < 40000 ? bySigns(relation, from, domains, -1) : "some"];
  if (relation === ">") return judge(">=", sub(from, 1), domains);
  const simple = simplify(from, domains);
  const d = primitive(relation === ">=" ? withoutFloors(simple) : simple, domains);
  const divisor = [...atomsWithin([d])].find(
    (f) => f.kind === "floor" && f.denominator.value === undefined && range(f.denominator, domains).min < 1,
  );
  if (divisor?.kind === "floor") return { kind: "unknown", asks: `${divisor.denominator} >= 1` };
  const signs = bySigns(relation, d, domains);
  if (signs !== "some") return verdicts[signs];
  const reduced = withoutRemainders(d, domains);
  if (reduced !== d) return judge(relation, reduced, domains);
  return inOneSymbol(relation, d, domains, 14000) ?? inSeveral(relation, d, domains);
}

/** d without a symbol of which it only takes a remainder that is known: H % 3 is 2 where H is 3*k + 2. */
function withoutRemainders(d: Dim, domains: Domains): Dim {
  return symbolsOf(d).reduce((rest, name) => {
    const { modulus, residues } = domains(name);
    if (modulus === 1 || residues.length > 1) return rest;
    const reduced = substitute(rest, new Map([[name, add(mul(modulus, symbol(name)), residues[0]!)]]));
    return symbolsOf(reduced).includes(name) ? rest : reduced;
  }, d);
}

const verdicts: Readonly<Record<Outcome, Verdict>> = {
  all: { kind: "always" },
  empty: { kind: "always" },
  none: { kind: "never" },
  some: { kind: "unknown" },
};

/**
 * d >= 0 said without a division where that is as strong: floor(P/Q) + k >= 0 is P + k*Q >= 0, for Q >= 1.
 */
function withoutFloors(d: Dim): Dim {
  for (const t of d.terms) {
    const [f, ...others] = t.factors;
    if (f?.kind !== "floor" || others.length > 0 || magnitude(t.coefficient) !== 1) continue;
    if (!(Number(f.denominator.value ?? 0) > 0)) continue;
    const k = addScaled(d, negate(t.coefficient), fromAtom(f));
    const up = add(f.numerator, mul(k, f.denominator));
    return withoutFloors(t.coefficient === 1 ? up : sub(mul(add(k, 1), f.denominator), add(f.numerator, 1)));
  }
  return d;
}

/** The exact answer, if d has one symbol and the budget is enough. */
function inOneSymbol(relation: Relation, d: Dim, domains: Domains, steps: number): Verdict | undefined {
  const [name, ...others] = symbolsOf(d);
  if (name === undefined || others.length > 0) return undefined;
  const domain = domains(name);
  return attempt(() => {
    const runs = solutions(relation, d, domain, new Budget(steps));
    if (runs.length === 0) return verdicts.none;
    const found = asDomain(runs, domain);
    if (found && sameDomain(intersect(domain, found) ?? anything, domain)) return verdicts.all;
    const clause: Clause = found ? { kind: "domain", symbol: name, ...found } : balanced(relation, d);
    return { kind: "iff", constraint: new Constraint([clause]) };
  });
}

function inSeveral(relation: Relation, d: Dim, domains: Domains): Verdict {
  const found = scratch((): Verdict | Clause[] => {
    if (!isMixed(relation, d, domains))
      return verdicts[attempt(() => decideByCases(relation, d, domains, new Budget(10000))) ?? "some"];
    return attempt(() => residueConditions(relation, d, domains, new Budget(1000))) ?? [];
  });
  if (!Array.isArray(found)) return found;
  return { kind: "iff", constraint: new Constraint(found.length > 0 ? found : [balanced(relation, d)]) };
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

/** Whether d `relation` 0 is seen both to hold and not to, on lines parallel to the axes. */
function isMixed(relation: Relation, d: Dim, domains: Domains): boolean {
  const names = symbolsOf(d);
  const seen = new Set<string>();
  for (let i = 0; i < Math.min(4 * names.length, 12) && seen.size < 2; i++) {
    const others = names.filter((_, j) => j !== i % names.length);
    const fixed = others.map(
      (n, j) => [n, constant(member(domains(n), Math.floor(i / names.length) * (j + 1)))] as const,
    );
    const line = simplify(substitute(d, new Map(fixed)), domains);
    const signs = bySigns(relation, line, domains, -1);
    const verdict = signs === "some" ? inOneSymbol(relation, line, domains, 1000) : verdicts[signs];
    if (verdict) seen.add(verdict.kind);
    if (verdict?.kind === "iff") return true;
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
function residueConditions(relation: Relation, d: Dim, domains: Domains, budget: Budget) {
  const kept = new Map<string, Domain>();
  const narrowed: Domains = (name) => kept.get(name) ?? domains(name);
  for (const name of symbolsOf(d)) {
    const modulus = periodOf(d, name);
    if (modulus === 1 || modulus > 32) continue;
    const within = (residues: readonly number[]) =>
      intersect(domains(name), { ...anything, modulus, residues })!;
    const possible = Array.from({ length: modulus }, (_, r) => r).filter((r) => {
      const only = within([r]);
      const here: Domains = (n) => (n === name ? only : narrowed(n));
      return only.min <= only.max && decideByCases(relation, d, here, budget) !== "none";
    });
    if (possible.length < modulus) kept.set(name, within(possible));
  }
  if (kept.size === 0 || decideByCases(relation, d, narrowed, budget) !== "all") return undefined;
  const { min, max } = anything;
  return [...kept].map(([symbol, domain]): Clause => ({ kind: "domain", symbol, ...domain, min, max }));
}

/** d against 0 with the negative terms moved to the other side; a remainder stays one. */
function balanced(relation: Relation, d: Dim): Clause {
  for (const f of relation === "==" ? atomsOf(d) : []) {
    const rest = f.kind === "floor" ? mod(f.numerator, f.denominator) : zero;
    if (rest === d || rest === neg(d)) return { kind: "relation", relation, left: rest, right: zero };
  }
  const side = (sign: 1 | -1) =>
    sum(
      d.terms.map((t) =>
        t.coefficient < 0 === sign < 0 ? monomial(magnitude(t.coefficient), t.factors) : 0,
      ),
    );
  return { kind: "relation", relation, left: side(1), right: side(-1) };
}
