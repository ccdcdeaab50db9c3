/**
 * Deciding a relation between two dims for all values of their symbols: always, never, iff a constraint, or unknown.
 */
import {
  type Constraint as C,
  type Clause,
  Constraint,
  compare,
  type Domain,
  type Relation,
} from "./constraint.ts";
import { evaluate, range } from "./evaluate.ts";
import {
  add,
  constant,
  constantTerm,
  content,
  type Dim,
  fromAtom,
  kindOf,
  product,
  sub,
  symbolsOf,
} from "./expression.ts";
import { type Int, remainder, times } from "./integer.ts";
import { simplify } from "./simplify.ts";
import { asDomain, Budget, OutOfBudget, solveUnivariate } from "./univariate.ts";

export type Verdict =
  | { readonly kind: "always" }
  | { readonly kind: "never" }
  | { readonly kind: "iff"; readonly constraint: C }
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

/** Whether a `relation` b holds for all values of their symbols, none, or those that meet a constraint. */
export function decide(relation: Relation, a: Dim, b: Dim, assumptions: Facts = nothing): Verdict {
  const bounds = (name: string) => assumptions.domainOf(name);
  const plain = assumptions.resolve(sub(a, b));
  const verdict = judge(relation, plain, bounds);
  if (verdict.kind === "always" || verdict.kind === "never") return verdict;
  for (const firm of [false, true]) {
    const d = assumptions.canonical(plain, firm);
    const again = d === plain ? verdict : judge(relation, d, bounds);
    if (again.kind === "always" || (firm && again.kind === "never")) return again;
  }
  return verdict;
}

function judge(relation: Relation, from: Dim, domains: (name: string) => Domain): Verdict {
  const d = simplify(from, domains);
  if (d.value !== undefined) return { kind: compare(relation, d.value, 0) ? "always" : "never" };
  const names = symbolsOf(d);
  return (
    (names.length === 1 ? inOneSymbol(relation, d, names[0]!, domains) : undefined) ??
    bySigns(relation, d, domains)
  );
}

function inOneSymbol(
  relation: Relation,
  d: Dim,
  name: string,
  domains: (name: string) => Domain,
): Verdict | undefined {
  const domain = domains(name);
  try {
    const solution = solveUnivariate(d, domain, (sign) => compare(relation, sign, 0), new Budget(20000));
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

function bySigns(relation: Relation, d: Dim, bounds: (name: string) => Domain): Verdict {
  const r = range(d, bounds);
  if (relation === "==" || relation === "!=") {
    const c = constantTerm(d);
    const g = content(sub(d, constant(c)));
    if (r.min > 0 || r.max < 0 || remainder(c, g) !== 0)
      return { kind: relation === "==" ? "never" : "always" };
  } else {
    const least = relation === ">" ? 1 : 0;
    if (r.min >= least) return { kind: "always" };
    if (r.max < least) return { kind: "never" };
  }
  const seen = new Set<boolean>();
  const names = symbolsOf(d);
  for (let i = 0; i < 200 && seen.size < 2; i++) {
    const values = new Map<string, Int>(names.map((n, j) => [n, bounds(n).min + ((i * (2 * j + 1)) >> j)]));
    try {
      seen.add(compare(relation, evaluate(d, values), 0));
    } catch {}
  }
  if (seen.size < 2) return { kind: "unknown" };
  return { kind: "iff", constraint: new Constraint([balanced(relation, d)]) };
}

/** d against 0 with the negative terms moved to the other side. */
function balanced(relation: Relation, d: Dim): Clause {
  const part = (sign: 1 | -1) =>
    d.terms.reduce((total, t) => {
      if (t.coefficient < 0 !== sign < 0) return total;
      return add(total, product([constant(times(sign, t.coefficient)), ...t.factors.map(fromAtom)]));
    }, constant(0));
  return { kind: "relation", relation, left: part(1), right: part(-1) };
}
