/**
 * What a network demands of its inputs' sizes: the residuals of the store after symbolic inference, in their
 * simplest form, merged per symbol, each with a smallest set of statements that together demand it. A store
 * keeps every statement that ever narrowed a symbol; most of these follow from others (a window that fits
 * into half of an even H fits into all of it) and would only hide the reason.
 */
import {
  type Clause,
  Constraint,
  constant,
  constantOf,
  type Dim,
  type Domain,
  decide,
  mod,
  type Origin,
  type Residual,
  Store,
  sub,
  terms,
} from "../dims/index.ts";
import { isOpOrigin, type OpOrigin } from "./origins.ts";

export interface Need {
  readonly constraint: Constraint;
  /** The statements that demand it, none of them superfluous, in the order they were made. */
  readonly origins: readonly Origin[];
  /** What else would do: where a broadcast was taken to be an equality, and one side may still be 1. */
  readonly alternative?: string;
  /** Of such a broadcast: the dim that stands for the result, and what the result is where that one is 1. */
  readonly stands?: Stands;
}

/** The two sides of a broadcast that was taken for an equality. */
export interface Stands {
  readonly result: Dim;
  readonly other: Dim;
}

/** Single symbols first, by name; then relations between several. */
export function needsOf(store: Store): readonly Need[] {
  const residuals = store.residuals();
  const firm = firmIn(residuals);
  const told = firmIn(residuals);
  const needs = residuals.flatMap((residual): Need[] => {
    const { constraint, origins, alternative } = residual;
    const simple = simplest(constraint);
    if (!simple) return [];
    const stretches = alternative !== undefined && !holdsIn(firm, constraint);
    if (stretches) {
      // Where a == b and b == c are told, a == c is no news.
      if (holdsIn(told, constraint)) return [];
      told.require(constraint, origins[0] ?? unsaid);
    }
    const sides = stretches ? sidesOf(residual, store) : undefined;
    const never = sides && stretchedAlone(sides);
    if (never) return [{ constraint: never, origins }];
    if (!sides || !mayBeOne(sides.other, store)) return [{ constraint: simple, origins }];
    const stands = mayBeOne(sides.result, store) ? { stands: sides } : {};
    return [{ constraint: simple, origins, alternative: alternative!, ...stands }];
  });
  return merged(needs).map((need) => ({ ...need, origins: necessary(need, store) }));
}

const unsaid: Origin = { subject: "", clause: "" };

/** Sizes that are never equal can only be broadcast where the one that does not stand for both is 1. */
function stretchedAlone({ result, other }: Stands): Constraint | undefined {
  if (decide("==", result, other).kind !== "never") return undefined;
  const verdict = decide("==", other, constant(1));
  return verdict.kind === "iff" ? verdict.constraint : undefined;
}

/** What is required whichever way broadcasts go. */
function firmIn(residuals: readonly Residual[]): Store {
  const firm = new Store();
  for (const { constraint, alternative, origins } of residuals)
    if (alternative === undefined) firm.require(constraint, origins[0] ?? unsaid);
  return firm;
}

const holdsIn = (store: Store, { clauses }: Constraint): boolean =>
  clauses.every((c) => c.kind === "relation" && decide(c.relation, c.left, c.right, store).kind === "always");

/** "H == 2*floor(H/2)" is "H % 2 == 0" in other words; undefined for what every size satisfies. */
function simplest(constraint: Constraint): Constraint | undefined {
  const [clause, ...more] = constraint.clauses;
  if (clause?.kind !== "relation" || more.length > 0) return constraint;
  const verdict = decide(clause.relation, clause.left, clause.right);
  if (verdict.kind === "always") return undefined;
  const settled = verdict.kind === "iff" ? verdict.constraint : constraint;
  return new Constraint(settled.clauses.map(asRemainder));
}

/** "5*floor(n/5) + 2 == n" is "(n + 3) % 5 == 0", n being any expression. */
function asRemainder(clause: Clause): Clause {
  if (clause.kind !== "relation" || clause.relation !== "==") return clause;
  for (const zero of [sub(clause.left, clause.right), sub(clause.right, clause.left)])
    for (const { coefficient, factors } of terms(zero)) {
      const [f, ...more] = factors;
      if (f?.kind !== "floor" || more.length > 0 || f.denominator.value !== -coefficient) continue;
      const rest = constantOf(sub(mod(f.numerator, f.denominator), zero));
      const left = rest === undefined ? undefined : mod(sub(f.numerator, rest), f.denominator);
      if (left) return { kind: "relation", relation: "==", left, right: constant(0) };
    }
  return clause;
}

/** All that is required, with both sides of those broadcasts whose other side may be 1 as well as equal. */
export function residualsIn(
  store: Store,
): readonly { readonly residual: Residual; readonly sides?: Stands }[] {
  const residuals = store.residuals();
  const firm = firmIn(residuals);
  return residuals.map((residual) => {
    const sides = holdsIn(firm, residual.constraint) ? undefined : sidesOf(residual, store);
    return { residual, ...(sides && mayBeOne(sides.other, store) && { sides }) };
  });
}

/** Only the side that does not stand for the result of the broadcast may be 1 instead of equal. */
function sidesOf({ constraint, result }: Residual, store: Store): Stands | undefined {
  const [clause] = constraint.clauses.filter((one) => one.kind === "relation");
  if (!clause || !result) return undefined;
  const stands = store.resolve(result);
  if (clause.left === stands) return { result: stands, other: clause.right };
  return clause.right === stands ? { result: stands, other: clause.left } : undefined;
}

const mayBeOne = (d: Dim, store: Store): boolean => decide("==", d, constant(1), store).kind !== "never";

/** One need for each symbol, however many statements narrowed it; equal needs between symbols once. */
function merged(needs: readonly Need[]): readonly Need[] {
  const groups = new Map<string, Need[]>();
  for (const need of needs) {
    const symbols = need.constraint.clauses.map((c) => (c.kind === "domain" ? c.symbol : undefined));
    const key = symbols.every((s) => s !== undefined && s === symbols[0])
      ? `symbol ${symbols[0]}`
      : `relation ${need.constraint}`;
    groups.set(key, [...(groups.get(key) ?? []), need]);
  }
  const list = [...groups.values()].map(conjunction);
  const several = ({ constraint }: Need) => Number(constraint.symbols().length > 1);
  return list.sort((a, b) => several(a) - several(b) || compareText(a, b));
}

function compareText(a: Need, b: Need): number {
  const [x, y] = [String(a.constraint), String(b.constraint)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function conjunction(group: readonly Need[]): Need {
  const [only, ...more] = group;
  if (more.length === 0) return only!;
  const [symbol, ...others] = only!.constraint.symbols();
  if (others.length > 0) return { ...only!, origins: [...new Set(group.flatMap(({ origins }) => origins))] };
  const { min, ...rest } = domainUnder(group, symbol!);
  // A least member that the divisibility alone gives is no news.
  const unbounded = { kind: "domain", symbol: symbol!, ...rest, min: Number.NEGATIVE_INFINITY } as const;
  const implied = domainUnder([{ constraint: new Constraint([unbounded]) }], symbol!).min === min;
  return {
    constraint: new Constraint([implied ? unbounded : { ...unbounded, min }]),
    origins: [...new Set(group.flatMap(({ origins }) => origins))],
  };
}

function domainUnder(needs: readonly { readonly constraint: Constraint }[], symbol: string): Domain {
  const store = new Store();
  for (const { constraint } of needs) store.require(constraint, unsaid);
  return store.domainOf(symbol);
}

interface Part {
  readonly origin: OpOrigin;
  /** What the statement demands by itself; undefined when that cannot be told. */
  readonly demand: Constraint | undefined;
}

/** The origins without those that follow from the others: bounds go first, they explain least. */
function necessary({ constraint, origins }: Need, store: Store): readonly Origin[] {
  if (origins.length < 2) return origins;
  const distinct = new Map<string, Part>();
  for (const [i, origin] of origins.filter(isOpOrigin).entries()) {
    const part = { origin, demand: demandOf(origin, store) };
    const key = part.demand ? String(part.demand) : `unknown ${i}`;
    if (!distinct.has(key)) distinct.set(key, part);
  }
  let kept = [...distinct.values()].filter(({ demand }) => demand?.clauses.length !== 0);
  const isBound = ({ origin }: Part) => origin.statement.relation === ">=";
  const candidates = [...kept.filter(isBound), ...kept.filter((part) => !isBound(part))];
  for (const part of candidates) {
    const others = kept.filter((other) => other !== part);
    if (part.demand && others.length > 0 && implies(others, constraint)) kept = others;
  }
  const statements = new Set<Origin>(kept.map(({ origin }) => origin));
  return origins.filter((origin) => !isOpOrigin(origin) || statements.has(origin));
}

function demandOf({ statement }: OpOrigin, store: Store): Constraint | undefined {
  const [left, right] = [store.resolve(statement.left), store.resolve(statement.right)];
  const verdict =
    statement.relation === ">="
      ? decide(">=", left, right)
      : statement.relation === "divisible by"
        ? decide("==", mod(left, right), constant(0))
        : decide("==", left, right);
  if (verdict.kind === "always") return new Constraint([]);
  return verdict.kind === "iff" ? verdict.constraint : undefined;
}

function implies(parts: readonly Part[], whole: Constraint): boolean {
  const store = new Store();
  for (const { demand, origin } of parts) if (demand && store.require(demand, origin)) return false;
  const expected = new Store();
  expected.require(whole, unsaid);
  const same = (name: string) => printed(store.domainOf(name)) === printed(expected.domainOf(name));
  return whole.clauses.every((clause) =>
    clause.kind === "domain"
      ? same(clause.symbol)
      : decide(clause.relation, clause.left, clause.right, store).kind === "always",
  );
}

const printed = ({ min, max, modulus, residues }: Domain): string =>
  `${min}..${max} ${modulus} ${residues.join()}`;
