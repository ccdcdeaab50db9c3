/**
 * Deciding a relation between two dims for all values of their symbols: always, never, iff a constraint, or
 * unknown. The parts in which it is proven to hold make the condition, if they are one: values of one symbol,
 * or residues of several. What is not proven is looked at on a few lines: where both answers occur, the
 * relation itself is the condition.
 */
import { joined, primitive, simplify } from "./bounds.ts";
import { condition } from "./condition.ts";
import {
  type Clause,
  Constraint,
  type Domain,
  defaultDomain,
  type Relation,
  startsOf,
} from "./constraint.ts";
import { type Atom, atomsWithin, type Dim, type Term, within, zero } from "./dim.ts";
import { bySigns, type Domains, explore, holdsAt, type Part } from "./explore.ts";
import { add, addScaled, mod, monomial, mul, neg, sub, sum } from "./expression.ts";
import { magnitude, negate } from "./integer.ts";

export type Verdict =
  // assumed: it holds only by an equality that a broadcast took for granted.
  | { readonly kind: "always"; readonly assumed?: true }
  | { readonly kind: "never" }
  | { readonly kind: "iff"; readonly constraint: Constraint }
  | { readonly kind: "unknown"; readonly asks?: string };

/** What a decision may assume: the domain of each symbol, and what is already required between several. */
export interface Facts {
  domainOf(symbol: string): Domain;
  /** d with the known values applied. */
  resolve(d: Dim): Dim;
  /**
   * resolve(d) with the required equations applied too, and dims over its symbols that are at least 0;
   * `firm`: without what is merely assumed, of which there is `more`.
   */
  under(
    d: Dim,
    firm: boolean,
  ): { readonly d: Dim; readonly context: readonly Dim[]; readonly more?: boolean };
}

const nothing: Facts = { domainOf: defaultDomain, resolve: (d) => d, under: (d) => ({ d, context: [] }) };

/** Beyond this size, signs are all there is time for. */
const large = 600;

/** The steps a question may take: some 20 ms at worst. */
const most = 8_000;

/** Whether a `relation` b holds for all values of their symbols, none, or those that meet a constraint. */
export function decide(relation: Relation, a: Dim, b: Dim, facts: Facts = nothing): Verdict {
  const domains: Domains = (name) => facts.domainOf(name);
  const plain = facts.resolve(sub(a, b));
  const verdict = judge(relation, plain, domains);
  if (verdict.kind === "always" || verdict.kind === "never") return verdict;
  for (const firm of [true, false]) {
    const { d, context, more } = facts.under(plain, firm);
    const isNews = d !== plain || (context.length > 0 && !isFree(relation, d, context, domains));
    const again = isNews ? judge(relation, d, domains, context) : verdict;
    if (again.kind === "always") return firm ? again : { ...again, assumed: true };
    if (again.kind === "never" && firm) return again;
    if (!more) break;
  }
  return verdict;
}

/** Whether symbols can make d as large and as small as one likes, whatever the context. */
function isFree(relation: Relation, d: Dim, context: readonly Dim[], domains: Domains): boolean {
  const raises = (x: Dim, f: Atom, sign: number) =>
    x.terms.every((t) =>
      t.id === f.term.id
        ? t.coefficient > 0 === sign > 0
        : !t.factors.some((g) => g === f || (g.kind !== "symbol" && g.dim.symbols.includes(`${f.dim}`))),
    );
  const isFreed = (sign: number) =>
    d.terms.some(({ coefficient, factors: [f, other] }) => {
      if (f?.kind !== "symbol" || other || coefficient > 0 !== sign > 0) return false;
      return (
        domains(f.name).max === Number.POSITIVE_INFINITY &&
        raises(d, f, sign) &&
        context.every((x) => raises(x, f, 1))
      );
    });
  return (relation === ">=" || relation === ">") && d.size < large && isFreed(1) && isFreed(-1);
}

function judge(relation: Relation, from: Dim, domains: Domains, context: readonly Dim[] = []): Verdict {
  if (relation === ">") return judge(">=", sub(from, 1), domains, context);
  if (from.size > large) return verdicts[bySigns(relation, from, domains)];
  const simple = simplify(joined(from), domains);
  const d = primitive(relation === ">=" ? withoutFloors(simple) : simple, domains);
  const divisor = [...atomsWithin([d])].find(
    (f) =>
      f.kind === "floor" &&
      f.denominator.value === undefined &&
      bySigns(">", f.denominator, domains) !== "all",
  );
  if (divisor?.kind === "floor") return { kind: "unknown", asks: `${divisor.denominator} >= 1` };
  const signs = bySigns(relation, d, domains);
  return signs === "open" ? searched(relation, d, domains, context) : verdicts[signs];
}

const verdicts = { all: { kind: "always" }, none: { kind: "never" }, open: { kind: "unknown" } } as const;

function searched(relation: Relation, d: Dim, domains: Domains, context: readonly Dim[]): Verdict {
  const seen = context.length > 0 ? undefined : answers(relation, d, domains);
  if (seen?.all && seen.found.size < 2) return seen.found.has("none") ? verdicts.none : verdicts.all;
  const isMixed = (seen?.found.size ?? 0) > 1;
  const iff = (clauses: readonly Clause[] = [balanced(relation, d)]): Verdict => ({
    kind: "iff",
    constraint: new Constraint(clauses),
  });
  // No condition on single symbols says more of a sum of several.
  if (isMixed && d.symbols.length > 1 && d.terms.every(isPlain)) return iff();
  const few = context.length > 0 || (isMixed && d.symbols.length > 1);
  const { parts, complete } = partsOf(relation, d, domains, context, few ? most / 4 : most);
  const outcomes = new Set(parts.map((part) => part.outcome));
  if (complete && !outcomes.has("none")) return verdicts.all;
  if (complete && !outcomes.has("all")) return verdicts.none;
  if (context.length > 0) return verdicts.open;
  const areExact = parts.every((part) => part.exact);
  const clauses = complete && areExact ? condition(parts) : undefined;
  const isIff = isMixed || clauses || (areExact && outcomes.has("all") && outcomes.has("none"));
  return isIff ? iff(clauses) : verdicts.open;
}

const isPlain = ({ factors: [f, other] }: Term) => !f || (f.kind === "symbol" && !other);

/** The parts of the domains as far as the steps go, and whether they are all and all proven. */
function partsOf(relation: Relation, d: Dim, domains: Domains, context: readonly Dim[], steps: number) {
  const parts: Part[] = [];
  const complete = within(steps, () => {
    for (const part of explore(relation, d, domains, context)) {
      parts.push(part);
      if (part.outcome === "open" || parts.length > 4096) return false;
    }
    return true;
  });
  return { parts, complete: complete === true };
}

/** What is found at a few points, and whether these are all there are. */
function answers(relation: Relation, d: Dim, domains: Domains) {
  const most = Math.floor(512 ** (1 / d.symbols.length));
  const found = new Set<"all" | "none">();
  const point = new Map<string, number>();
  let all = true;
  const visit = (at: number): void => {
    const name = d.symbols[at];
    if (name === undefined) found.add(holdsAt(relation, d, point) ? "all" : "none");
    else {
      let left = most;
      for (const value of membersOf(domains(name))) {
        if (left-- === 0) all = false;
        if (left < 0 || found.size > 1) return;
        point.set(name, value);
        visit(at + 1);
      }
    }
  };
  visit(0);
  return { found, all };
}

/** The members of a domain, ascending. */
function* membersOf(domain: Domain): Generator<number> {
  const starts = [...startsOf(domain)].sort((x, y) => x - y);
  for (let base = 0; ; base += domain.modulus)
    for (const start of starts)
      if (start + base > domain.max) return;
      else yield start + base;
}

/** d >= 0 without a division where that is as strong: floor(P/Q) + k >= 0 is P + k*Q >= 0, for Q >= 1. */
function withoutFloors(d: Dim): Dim {
  for (const t of d.terms) {
    const [f, ...others] = t.factors;
    if (f?.kind !== "floor" || others.length > 0 || magnitude(t.coefficient) !== 1) continue;
    if (!(Number(f.denominator.value ?? 0) > 0)) continue;
    const k = addScaled(d, negate(t.coefficient), f.dim);
    const up = add(f.numerator, mul(k, f.denominator));
    return withoutFloors(t.coefficient === 1 ? up : sub(mul(add(k, 1), f.denominator), add(f.numerator, 1)));
  }
  return d;
}

/** d against 0 with the negative terms moved to the other side; a remainder stays one. */
function balanced(relation: Relation, d: Dim): Clause {
  for (const f of relation === "==" ? d.atoms : []) {
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
