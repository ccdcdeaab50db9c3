/**
 * The dims a program leaves open: what each may be at run time, and what must hold between several. Whatever
 * can depend on them (extents, strides, lengths) is a Dim over their names; the largest they can be together
 * is what memory is planned for.
 */
import {
  type Clause,
  Constraint,
  type Dim,
  type Domain,
  evaluate,
  type Facts,
  type Interval,
  range,
  Store,
  symbolsOf,
} from "../dims/index.ts";

/** The sizes of one dim: a finite domain. */
export interface OpenDim extends Domain {
  readonly name: string;
  /** Ascending; present where a run takes the program of the smallest of these sizes that the dim fits in. */
  readonly buckets?: readonly number[];
  /** Present where the run itself finds the size, in its data: the door does not ask for it. */
  readonly computed?: true;
}

export type DimRelation = Extract<Clause, { readonly kind: "relation" }> & {
  /** Present where it is enough that this one is 1: its axis is then repeated along the other. */
  readonly orOne?: Dim;
};

/** "a == b", "a == b or b == 1". */
export function relationText({ left, relation, right, orOne }: DimRelation): string {
  return `${left} ${relation} ${right}${orOne ? ` or ${orOne} == 1` : ""}`;
}

/** Whether all hold of these sizes. */
export function areMet(relations: readonly DimRelation[], sizes: ReadonlyMap<string, number>): boolean {
  return relations.every(
    ({ orOne, ...clause }) =>
      new Constraint([clause]).holds(sizes) || (orOne !== undefined && Number(evaluate(orOne, sizes)) === 1),
  );
}

export const dimsIn = ({ left, right }: DimRelation): readonly string[] => [
  ...new Set([...symbolsOf(left), ...symbolsOf(right)]),
];

export interface OpenDims {
  /** In the order of the inputs' shapes. */
  readonly dims: readonly OpenDim[];
  /** What must hold between them beside their domains. */
  readonly relations: readonly DimRelation[];
}

export const nothingOpen: OpenDims = { dims: [], relations: [] };

/** The part that is known before a run begins: what is for the door to ask and to check. */
export function chosenIn({ dims, relations }: OpenDims): OpenDims {
  const computed = new Set(dims.filter((dim) => dim.computed).map(({ name }) => name));
  const isChosen = (d: Dim) => symbolsOf(d).every((name) => !computed.has(name));
  return {
    dims: dims.filter((dim) => !dim.computed),
    relations: relations.filter(({ left, right }) => isChosen(left) && isChosen(right)),
  };
}

/** "seq % 8 == 0 and 8 <= seq <= 512". */
export function ruleText({ name, min, max, modulus, residues, buckets }: OpenDim): string {
  const bounds = `${min} <= ${name} <= ${max}${buckets ? ` (buckets ${buckets.join(", ")})` : ""}`;
  if (modulus === 1) return bounds;
  const set = residues.length === 1 ? `== ${residues[0]}` : `in {${residues.join(", ")}}`;
  return `${name} % ${modulus} ${set} and ${bounds}`;
}

/** The interval of each open dim; `otherwise` for all other symbols. */
export function intervalsOf(
  { dims }: OpenDims,
  otherwise: (symbol: string) => Interval = () => unbounded,
): (symbol: string) => Interval {
  const known = new Map(dims.map(({ name, min, max }) => [name, { min, max }]));
  return (symbol) => known.get(symbol) ?? otherwise(symbol);
}

const unbounded: Interval = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** The most `d` can be. */
export function largest(d: Dim, open: OpenDims): number {
  return range(d, intervalsOf(open)).max;
}

/** What a decision about expressions of open dims may assume. */
export function factsOf({ dims, relations }: OpenDims): Facts {
  const store = new Store();
  const origin = { subject: "the open dims", clause: "declared" };
  for (const { name, ...domain } of dims)
    store.require(new Constraint([{ kind: "domain", symbol: name, ...domain }]), origin);
  const firm = relations.filter(({ orOne }) => !orOne);
  if (firm.length > 0) store.require(new Constraint(firm), origin);
  return store;
}

/**
 * Gives names for loop axes: the stem, then the stem with a number. None is an open dim's, nor the beginning
 * of one up to a dot, for a loop that is split derives names from its own.
 */
export function axisNames({ dims }: OpenDims): (stem: string) => string {
  const counts = new Map<string, number>();
  const taken = (name: string) => dims.some((dim) => dim.name === name || dim.name.startsWith(`${name}.`));
  return (stem) => {
    for (;;) {
      const count = counts.get(stem) ?? 0;
      counts.set(stem, count + 1);
      const name = count === 0 ? stem : `${stem}${count}`;
      if (!taken(name)) return name;
    }
  };
}

/** The sizes of a dim, ascending, at most `most` of them. */
export function membersOf({ min, max, modulus, residues }: Domain, most: number): readonly number[] {
  const found: number[] = [];
  for (let n = min; n <= max && found.length < most; n++)
    if (modulus === 1 || residues.includes(n % modulus)) found.push(n);
  return found;
}
