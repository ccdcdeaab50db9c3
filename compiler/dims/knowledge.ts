/** What a store is told and what it answers: assertions with their origins, what is known of each symbol. */
import type { SourceLocation } from "../diagnostics/index.ts";
import {
  anything,
  type Clause,
  Constraint,
  type Domain,
  defaultDomain,
  differences,
  nearest,
  type Relation,
  type Relational,
} from "./constraint.ts";
import { constant, type Dim, kindOf, symbol } from "./dim.ts";
import { constantOf, sub } from "./expression.ts";
import { refuse } from "./integer.ts";

/** Where an assertion comes from. */
export interface Origin {
  /** Who requires it: "dense.kernel", 'input "x"'. */
  readonly subject: string;
  /** What was required, in words. */
  readonly clause: string;
  readonly at?: SourceLocation;
  readonly chain?: readonly string[];
}

export interface Failure {
  readonly left: Dim;
  readonly right: Dim;
  readonly relation: string;
  readonly suggestion?: string;
}

export interface Conflict extends Failure {
  /** The origins that cannot hold together, none of them superfluous; the failed assertion last. */
  readonly core: readonly Origin[];
}

export interface Residual {
  readonly constraint: Constraint;
  readonly origins: readonly Origin[];
  /** What else would do, for a broadcast that was taken to be an equality. */
  readonly alternative?: string;
  /** Of such a broadcast the dim that was said to be the result's. */
  readonly result?: Dim;
}

/** Bounds of a symbol; a symbol is at least 1 (a free one at least 0) unless its domain says otherwise. */
export interface Declaration {
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
}

export interface Assertion {
  readonly index: number;
  /** "in": left is in `domain`; "declare": the same, said of a symbol before anything else. */
  readonly goal: Relation | "broadcast" | "in" | "declare";
  readonly left: Dim;
  readonly right: Dim;
  readonly origin: Origin;
  readonly domain?: Domain;
  /** The dim that a broadcast was said to have. */
  readonly result?: Dim;
  /** The assertion that this one follows from. */
  readonly parent?: Assertion;
}

/** What is known of one symbol; replaced, never changed. */
export interface Knowledge {
  readonly domain: Domain;
  readonly declared: Domain;
  readonly value: Dim | undefined;
  readonly because: readonly Assertion[];
}

const unheard = new Map<Domain, Knowledge>();

/** What is known of a symbol before anything is said. */
export function unknown(name: string): Knowledge {
  const domain = defaultDomain(name);
  const known = unheard.get(domain) ?? { domain, declared: domain, value: undefined, because: [] };
  unheard.set(domain, known);
  return known;
}

/** name is not `value`, as its domain shows; with the nearest members. */
export function outside(name: string, domain: Domain, value: number): Failure {
  const near = Number.isFinite(value) && domain.min <= domain.max ? nearest(domain, value) : [];
  const clauses = differences(name, domain, { ...defaultDomain(name), min: Number.NEGATIVE_INFINITY });
  const right = Number.isFinite(value) ? constant(value) : symbol(name);
  const suggestion = near.length > 0 ? { suggestion: `nearest ${near.join(", ")}` } : {};
  return { left: symbol(name), right, relation: `${new Constraint(clauses)}`, ...suggestion };
}

/** What is required beyond what was declared: of single symbols, by name, then what is parked. */
export function residualsOf(
  known: ReadonlyMap<string, Knowledge>,
  parked: ReadonlyMap<Assertion, readonly Clause[]>,
): readonly Residual[] {
  const ofSymbols = [...known.keys()].sort().flatMap((name): Residual[] => {
    const { domain, declared, value, because } = known.get(name)!;
    const clauses = kindOf(name) === "flex" && value ? [] : differences(name, domain, declared);
    const origins = because.filter((x) => x.goal !== "declare").map((x) => x.origin);
    return clauses.length > 0 ? [{ constraint: new Constraint(clauses), origins }] : [];
  });
  const between = [...parked].flatMap(([{ goal, origin, result }, clauses]) =>
    clauses.map((c) => {
      const constraint = new Constraint([c]);
      const alternative = goal === "broadcast" && result ? { alternative: "or one is 1", result } : {};
      return { text: `${constraint}`, residual: { constraint, origins: [origin], ...alternative } };
    }),
  );
  between.sort((x, y) => (x.text < y.text ? -1 : 1));
  return [...ofSymbols, ...between.map(({ residual }) => residual)];
}

export const equation = (left: Dim, right: Dim): Relational => ({
  kind: "relation",
  relation: "==",
  left,
  right,
});

/** The domain of one number. @throws CompileError E2302 beyond safe integers */
export function point(d: Dim): Domain {
  const n = constantOf(d)!;
  return { min: n, max: n, modulus: 1, residues: anything.residues };
}

/** That d is between the bounds of a domain, as dims that are at least 0. */
export function boundsAs(d: Dim, { min, max }: Domain): readonly Dim[] {
  return [...(min > anything.min ? [sub(d, min)] : []), ...(max < anything.max ? [sub(max, d)] : [])];
}

/** Sets an entry of a table, or deletes it for undefined. */
export function set<K, V>(table: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) table.delete(key);
  else table.set(key, value);
}

/** @throws CompileError E1002 for bounds that are not whole numbers */
export function declaredDomain(name: string, bounds: Declaration): Domain {
  const { min = anything.min, max = anything.max, multipleOf = 1 } = bounds ?? { min: Number.NaN };
  const isWhole = [min, max, multipleOf].every(
    (n) => Number.isSafeInteger(n) || n === anything.min || n === anything.max,
  );
  const isEmpty = min === anything.max || max === anything.min;
  if (!isWhole || isEmpty || multipleOf < 1 || multipleOf === anything.max)
    refuse("E1002", `${name} within ${min}..${max}, a multiple of ${multipleOf}`, "give whole numbers");
  return { ...anything, min, max, modulus: multipleOf };
}

export const namesOf = (x: { readonly left: Dim; readonly right: Dim }): readonly string[] => [
  ...x.left.symbols,
  ...x.right.symbols,
];

/** The flex symbols in what assertions come to, with where they come from. */
export function undeterminedOf(log: readonly Assertion[], resolve: (name: string) => Dim) {
  const open = new Map<string, Set<Origin>>();
  for (const x of log)
    for (const name of namesOf(x).flatMap((n) => resolve(n).symbols))
      if (kindOf(name) === "flex") open.set(name, (open.get(name) ?? new Set()).add(x.origin));
  return [...open].map(([symbol, origins]) => ({ symbol, origins: [...origins] }));
}

/** A broadcast that took two sizes for equal, of which one is 1 after all: the result would be another. */
export function stretched(x: Assertion, left: Dim, right: Dim): Failure {
  const one = left.value === 1 ? x.left : x.right;
  const suggestion = `${one} is 1 here: declare ${one} = 1 or ${x.left} = ${x.right}`;
  return { left, right, relation: "broadcasts with", suggestion };
}
