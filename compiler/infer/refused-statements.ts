/**
 * What is said of dims (a range, a constraint, a size by name) beside what the network demands of them. The
 * demands follow from the symbolic graph alone, so the two are compared as statements, and no number has to
 * be made up to try them with: "5 <= H <= 7" holds no multiple of 4.
 */
import type { Diagnostic, Fact } from "../diagnostics/index.ts";
import { Constraint, type Origin, Store } from "../dims/index.ts";
import { type Demands, told } from "./demands.ts";
import { nearestTo, printNearest } from "./nearest-sizes.ts";
import type { Need } from "./needs.ts";

/** What somebody says of dims, and where. */
export interface Said {
  readonly constraint: Constraint;
  readonly origin: Origin;
}

/** E2201 for each statement that no sizes fulfil which pass the network. */
export function refusedStatements(demands: Demands, said: readonly Said[]): readonly Diagnostic[] {
  const byOrigin = new Map(said.map((one) => [one.origin, one]));
  const needOf = new Map<Origin, Need>();
  const store = new Store();
  for (const need of demands.needs) {
    const origin = { subject: "the network", clause: String(need.constraint) };
    needOf.set(origin, need);
    store.require(need.constraint, origin);
  }
  return said.flatMap(({ constraint, origin }) => {
    // A store that refuses a statement is as it was before.
    const core = store.require(constraint, origin)?.core ?? [];
    const [first, ...more] = core.flatMap((each) => needOf.get(each) ?? []);
    const together = core.flatMap((each) => byOrigin.get(each) ?? []);
    return first ? [refusal([first, ...more], together, demands)] : [];
  });
}

function refusal(
  [first, ...more]: readonly [Need, ...Need[]],
  said: readonly Said[],
  demands: Demands,
): Diagnostic {
  const range = rangeSaid(first, said);
  const near = nearestOf(range, demands);
  const why = told(first, demands, sizeIn(range));
  const what = said.map(({ origin }) => origin.clause).join(" and ");
  const demanded = [first, ...more].map(({ constraint }) => String(constraint)).join(" and ");
  const symbols = first.constraint.symbols();
  const hint = near.size > 0 ? `; nearest ${printNearest(near, symbols.length === 1)}` : "";
  return {
    code: "E2201",
    message: `no size with ${what} passes this network: ${demanded} is required${hint}`,
    ...why,
    facts: [...said.map(statement), ...why.facts],
    fix:
      near.size > 0
        ? `allow ${printNearest(near, false)}, or change the layers that demand this`
        : `say something of ${symbols.join(" and ")} that goes with ${demanded}, or change the layers`,
  };
}

function statement({ origin: { subject, clause, at } }: Said): Fact {
  return { subject, value: clause, ...(at && { note: `at ${at.file}:${at.line}` }) };
}

interface Range {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/** What is said of the only dim that the demand is about. */
function rangeSaid({ constraint }: Need, said: readonly Said[]): Range | undefined {
  const [name, ...more] = constraint.symbols();
  if (name === undefined || more.length > 0) return undefined;
  const alone = new Store();
  for (const one of said) alone.require(one.constraint, one.origin);
  return { name, ...alone.domainOf(name) };
}

type Sizes<T> = ReadonlyMap<string, T>;

function nearestOf(range: Range | undefined, { needs, store }: Demands): Sizes<readonly number[]> {
  if (!range || !Number.isFinite(range.max)) return new Map();
  const near = nearestTo(range.name, range, needs, store);
  return new Map(near.length > 0 ? [[range.name, near]] : []);
}

/** The only size of the range, if it has but one. */
const sizeIn = (range: Range | undefined): Sizes<number> =>
  new Map(range && range.min === range.max ? [[range.name, range.min]] : []);

/** A size given by name as a statement. */
export const sizeIs = (name: string, size: number): Constraint =>
  new Constraint([{ kind: "domain", symbol: name, min: size, max: size, modulus: 1, residues: [0] }]);

/** Bounds of a dim as a statement. */
export function boundsAre(
  name: string,
  {
    min,
    max,
    multipleOf = 1,
  }: { readonly min?: number; readonly max?: number; readonly multipleOf?: number },
): Constraint {
  const bounds = { min: min ?? 1, max: max ?? Number.POSITIVE_INFINITY };
  return new Constraint([{ kind: "domain", symbol: name, ...bounds, modulus: multipleOf, residues: [0] }]);
}
