/**
 * Dims that binding leaves open. A model declares them (`dim("seq", { min: 1, max: 512 })`), or whoever
 * compiles it does. A sample does not bind an open dim: it is one of the sizes that must be possible, and is
 * checked as such when the network has said what it demands. What is left of the demands is for the door of
 * the module to check, so each dim needs a largest size, and there must be sizes that meet all demands.
 */
import type { Diagnostic } from "../diagnostics/index.ts";
import {
  constant,
  type Declaration,
  type Dim,
  kindOf,
  type Origin,
  type Store,
  symbol,
  symbolsOf,
} from "../dims/index.ts";
import type { Graph, Value } from "../ir/graph.ts";
import {
  areMet,
  chosenIn,
  type DimRelation,
  dimsIn,
  largest,
  membersOf,
  type OpenDim,
  type OpenDims,
  relationText,
  ruleText,
} from "../ir/open-dims.ts";
import { measuredIn, measuresIn } from "./measured.ts";
import { residualsIn } from "./needs.ts";

/** What is said of a named dim. */
export interface DimDeclaration extends Declaration {
  readonly name: string;
  readonly origin: Origin;
}

export interface DimBindings {
  readonly declared: readonly DimDeclaration[];
  /** Dims that stay symbols. */
  readonly open: ReadonlySet<string>;
  /** Dims that are given a size by name. */
  readonly sizes: readonly { readonly name: string; readonly size: number; readonly origin: Origin }[];
}

export const noBindings: DimBindings = { declared: [], open: new Set(), sizes: [] };

/** Tells the store, and what is wrong with it: E2104. */
export function declareDims({ declared, sizes }: DimBindings, store: Store): readonly Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const { name, origin, ...bounds } of declared)
    if (store.declare(name, bounds, origin))
      problems.push({
        code: "E2104",
        message: `no size of ${name} is within ${boundsText(name, bounds)} and what else is declared of it`,
        facts: [...store.whyOf(name), origin].map(({ subject, clause }) => ({ subject, value: clause })),
        fix: "declare bounds that overlap",
      });
  for (const { name, size, origin } of sizes) {
    if (size === 0 && !declared.some((each) => each.name === name)) store.declare(name, { min: 0 }, origin);
    const conflict = store.equal(symbol(name), constant(size), origin);
    if (conflict)
      problems.push({
        code: "E2104",
        message: `${name} is to be ${size}, but ${conflict.relation} is declared`,
        facts: conflict.core.map(({ subject, clause }) => ({ subject, value: clause })),
        fix: conflict.suggestion ? `give another size: ${conflict.suggestion}` : "give another size",
      });
  }
  return problems;
}

function boundsText(name: string, { min = 1, max, multipleOf = 1 }: Declaration): string {
  const bounds = max === undefined ? `${name} >= ${min}` : `${min} <= ${name} <= ${max}`;
  return multipleOf === 1 ? bounds : `${name} % ${multipleOf} == 0 and ${bounds}`;
}

/** A size of a sample that stands where the model has open dims. */
export interface SampledSize {
  readonly input: Value;
  readonly axis: number;
  readonly size: number;
}

export const isOpenIn = (d: Dim, open: ReadonlySet<string>): boolean =>
  symbolsOf(d).some((name) => open.has(name));

/**
 * What the inferred store says of the open dims, in the order of the inputs' shapes.
 * E2101 for one without a largest size, E2201 where no sizes meet all demands, E2104 for a sample that does
 * not.
 */
export function openDimsOf(
  graph: Graph,
  store: Store,
  open: ReadonlySet<string>,
  sampled: readonly SampledSize[],
): { readonly dims: OpenDims; readonly problems: readonly Diagnostic[] } {
  const shapes = graph.inputs.flatMap(({ type }) => type.shape.map((d) => store.resolve(d)));
  const names = [...new Set(shapes.flatMap(symbolsOf))].filter((name) => open.has(name));
  const dims = names.map((name): OpenDim => ({ name, ...store.domainOf(name) }));
  const relations = relationsOf(store, new Set([...names, ...measuredIn(graph)]));
  const problems = dims.flatMap((dim) => unbounded(dim, store) ?? []);
  if (problems.length > 0) return { dims: { dims, relations }, problems };
  const all = withMeasured(graph, { dims, relations }, store);
  const chosen = chosenIn(all);
  return { dims: all, problems: [...impossible(chosen), ...refusedSample(chosen, store, sampled)] };
}

/** With the dims that the run computes, in the order in which it does. */
function withMeasured(graph: Graph, open: OpenDims, store: Store): OpenDims {
  return measuresIn(graph).reduce<OpenDims>(({ dims, relations }, { name, most }) => {
    const domain = store.domainOf(name);
    const max = Math.min(domain.max, largest(store.resolve(most), { dims, relations }));
    return { dims: [...dims, { name, ...domain, max, computed: true }], relations };
  }, open);
}

function relationsOf(store: Store, names: ReadonlySet<string>): readonly DimRelation[] {
  const relations = residualsIn(store).flatMap(({ residual, sides }) =>
    residual.constraint.clauses.flatMap((clause): readonly DimRelation[] => {
      if (clause.kind !== "relation" || !dimsIn(clause).every((name) => names.has(name))) return [];
      // What the run finds in its data is compared where it is read.
      const isOfData = dimsIn(clause).some((name) => kindOf(name) === "free");
      return [sides && !isOfData ? { ...clause, orOne: sides.other } : clause];
    }),
  );
  return [...new Map(relations.map((relation) => [relationText(relation), relation])).values()];
}

function unbounded({ name, max }: OpenDim, store: Store): Diagnostic | undefined {
  if (Number.isFinite(max)) return undefined;
  return {
    code: "E2101",
    message: `${name} is open, but nothing says how large it can be`,
    facts: store.whyOf(name).map(({ subject, clause }) => ({ subject, value: clause })),
    because: "the memory of a run is planned for its largest size",
    fix: `give a max, as in dim("${name}", { max: 512 }) or --dim ${name}=1..512, or one size`,
  };
}

/** Looked for among the first sizes of each dim: where those are too many to try, it is left to the door. */
function impossible({ dims, relations }: OpenDims): readonly Diagnostic[] {
  const empty = dims.filter(({ min, max }) => min > max);
  const rules = [...dims.map(ruleText), ...relations.map(relationText)];
  const none = empty.length > 0 || (relations.length > 0 && noneMeets(dims, relations));
  if (!none) return [];
  return [
    {
      code: "E2201",
      message: `no sizes of ${dims.map(({ name }) => name).join(", ")} pass this network`,
      facts: rules.map((rule) => ({ subject: "must hold", value: rule })),
      fix: "widen the bounds of the open dims, or change the layers that demand this",
    },
  ];
}

const mostPoints = 20_000;

function noneMeets(dims: readonly OpenDim[], relations: readonly DimRelation[]): boolean {
  const members = dims.map((dim) => membersOf(dim, mostPoints + 1));
  const points = members.reduce((n, list) => n * list.length, 1);
  if (points > mostPoints) return false;
  for (let i = 0; i < points; i++) {
    let rest = i;
    const values = new Map<string, number>();
    members.forEach((list, at) => {
      values.set(dims[at]!.name, list[rest % list.length]!);
      rest = Math.floor(rest / list.length);
    });
    if (areMet(relations, values)) return false;
  }
  return true;
}

/** A single open dim at one axis tells its size; other expressions are for the module to check. */
function refusedSample(
  { dims }: OpenDims,
  store: Store,
  sampled: readonly SampledSize[],
): readonly Diagnostic[] {
  const first = new Map<string, SampledSize>();
  return sampled.flatMap((one): readonly Diagnostic[] => {
    const declared = store.resolve(one.input.type.shape[one.axis]!);
    const dim = dims.find(({ name }) => symbol(name) === declared);
    if (!dim) return [];
    const where = `input "${one.input.name}" has ${one.size} at axis ${one.axis}`;
    const other = first.get(dim.name) ?? one;
    first.set(dim.name, other);
    if (other.size !== one.size)
      return [
        {
          code: "E2104",
          message: `${where}, but ${dim.name} is ${other.size} in input "${other.input.name}"`,
          fix: `sample both with one size of ${dim.name}`,
        },
      ];
    if (
      membersOf({ ...dim, min: one.size, max: one.size }, 1).length > 0 &&
      one.size >= dim.min &&
      one.size <= dim.max
    )
      return [];
    return [
      {
        code: "E2104",
        message: `${where}, but ${ruleText(dim)} must hold`,
        fix: `sample a size that ${dim.name} can have, or widen its bounds`,
      },
    ];
  });
}

/** Parameters have one size; E2101 for each whose shape would follow an open dim. */
export function openParameters(
  parameters: Graph["parameters"],
  resolve: (d: Dim) => Dim,
  open: ReadonlySet<string>,
): readonly Diagnostic[] {
  return parameters.flatMap(({ value }) => {
    const shape = value.type.shape.map(resolve);
    return shape.flatMap((d, axis): readonly Diagnostic[] => {
      const names = symbolsOf(d).filter((name) => open.has(name));
      if (names.length === 0) return [];
      return [
        {
          code: "E2101",
          message: `${value.name}[${axis}] = ${d} varies with ${names.join(", ")}`,
          because: "a parameter has the same size in every run",
          fix: `give ${names.join(" and ")} one size, or pool them away before the layer`,
          ...(value.source.at && { at: value.source.at }),
        },
      ];
    });
  });
}
