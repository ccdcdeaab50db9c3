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
  type Facts,
  type Interval,
  range,
  Store,
} from "../dims/index.ts";

/** The sizes of one dim: a finite domain. */
export interface OpenDim extends Domain {
  readonly name: string;
}

export type DimRelation = Extract<Clause, { readonly kind: "relation" }>;

export interface OpenDims {
  /** In the order of the inputs' shapes. */
  readonly dims: readonly OpenDim[];
  /** What must hold between them beside their domains. */
  readonly relations: readonly DimRelation[];
}

export const nothingOpen: OpenDims = { dims: [], relations: [] };

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
  if (relations.length > 0) store.require(new Constraint(relations), origin);
  return store;
}
