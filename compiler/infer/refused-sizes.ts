/**
 * What a network demands of its input's sizes, asked only after a sample has failed. The demands follow from
 * the symbolic graph alone ("H % 8 == 0"); those that the sample's sizes do not meet no layer can mend, and
 * each is told with the layers that make it and the nearest sizes that would do. That is more than the node
 * that failed knows, which sees two numbers.
 */
import type { Diagnostic, SourceLocation } from "../diagnostics/index.ts";
import {
  type Clause,
  constant,
  constantOf,
  type Dim,
  evaluate,
  isConstant,
  kindOf,
  Store,
  symbolsOf,
} from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import { type Demands, told } from "./demands.ts";
import { nearestSizes, printNearest } from "./nearest-sizes.ts";
import type { Need } from "./needs.ts";
import type { SampleOrigin } from "./origins.ts";

type Shapes = ReadonlyMap<Value, readonly number[]>;

/** E2201 for each demand that the sample does not meet, E2104 for a size the layers decide alone. */
export function refusedSizes(
  demands: Demands,
  shapes: Shapes,
  at: SourceLocation | undefined,
): readonly Diagnostic[] {
  const sizes = sizesOf(shapes);
  const refused = demands.needs
    .filter((need) => !isMet(need, sizes))
    .map((need) => refusal(need, demands, sizes, shapes, at));
  return [...refused, ...decidedAlone(shapes, demands.store, at)];
}

/** The sample's sizes by symbol, as far as its own declaration tells. */
function sizesOf(shapes: Shapes): ReadonlyMap<string, number> {
  const store = new Store();
  const sizes = new Map<string, number>();
  for (const [{ type }, shape] of shapes)
    shape.forEach((size, axis) => {
      store.equal(type.shape[axis]!, constant(size), { subject: "sample", clause: "" });
    });
  for (const name of [...shapes.keys()].flatMap(({ type }) => type.shape.flatMap(namesIn))) {
    const value = store.valueOf(name);
    const size = value && constantOf(value);
    if (size !== undefined) sizes.set(name, size);
  }
  return sizes;
}

const namesIn = (d: Dim): readonly string[] => (isConstant(d) ? [] : symbolsOf(d));

/** Demands on a single size that are mere bounds are better told by the node that has them: its kernel. */
function isMet({ constraint, alternative }: Need, sizes: ReadonlyMap<string, number>): boolean {
  const [clause, ...more] = constraint.clauses;
  if (!constraint.symbols().every((name) => sizes.has(name) && kindOf(name) === "rigid")) return true;
  if (clause?.kind === "domain" && clause.modulus === 1 && more.length === 0) return true;
  if (constraint.holds(sizes)) return true;
  return alternative !== undefined && constraint.clauses.some((one) => hasOne(one, sizes));
}

function hasOne(clause: Clause, sizes: ReadonlyMap<string, number>): boolean {
  if (clause.kind === "domain") return sizes.get(clause.symbol) === 1;
  return [clause.left, clause.right].some((d) => Number(evaluate(d, sizes)) === 1);
}

function refusal(
  need: Need,
  demands: Demands,
  sizes: ReadonlyMap<string, number>,
  shapes: Shapes,
  at: SourceLocation | undefined,
): Diagnostic {
  const { constraint } = need;
  const symbols = constraint.symbols();
  const near = nearestSizes(need, demands.needs, sizes, demands.store);
  const hint = near.size > 0 ? `; nearest ${printNearest(near, symbols.length === 1)}` : "";
  const what = symbols.map((name) => `${name} = ${sizes.get(name)}`).join(" and ");
  const inputs = [...shapes].filter(([{ type }]) =>
    type.shape.some((d) => namesIn(d).some((name) => symbols.includes(name))),
  );
  const given = inputs.flatMap(([{ name, type }, shape]) => [
    { subject: name, value: `[${shape.join(", ")}]`, note: "this call" },
    { subject: `${name} declared`, value: `[${type.shape.join(", ")}]` },
  ]);
  const why = told(need, demands, sizes);
  return {
    code: "E2201",
    message: `${sized(what, symbols, sizes)} cannot pass this network: ${constraint} is required${hint}`,
    ...why,
    facts: [...given, ...why.facts.filter(({ subject }) => !given.some((fact) => fact.subject === subject))],
    fix: near.size > 0 ? `feed ${printNearest(near, false)}` : `feed sizes with ${constraint}`,
    ...(at && { at }),
  };
}

/** What people call the axes whose dims have these names. */
const nouns: readonly (readonly [name: RegExp, noun: string])[] = [
  [/^(h|height|rows?)$/i, "rows"],
  [/^(w|width|cols?|columns?)$/i, "columns"],
  [/^(t|time|steps?|seq|length|sequence)$/i, "steps"],
  [/^(b|batch)$/i, "samples"],
];

/** "100 rows" for H = 100. */
function sized(what: string, symbols: readonly string[], sizes: ReadonlyMap<string, number>): string {
  const noun = symbols.length === 1 && nouns.find(([name]) => name.test(symbols[0]!))?.[1];
  return noun ? `${sizes.get(symbols[0]!)} ${noun}` : what;
}

/** Sizes that the layers fix among themselves: a layer that is applied to its own output, say. */
function decidedAlone(shapes: Shapes, store: Store, at: SourceLocation | undefined): readonly Diagnostic[] {
  return [...shapes].flatMap(([input, shape]) =>
    shape.flatMap((value, axis) => {
      const declared = input.type.shape[axis]!;
      const only = isConstant(declared) ? undefined : constantOf(store.resolve(declared));
      if (only === undefined || only === value) return [];
      const [name] = symbolsOf(declared);
      return [noChoice(input, shape, axis, only, name === undefined ? [] : store.whyOf(name), at)];
    }),
  );
}

function noChoice(
  input: Value,
  shape: readonly number[],
  axis: number,
  only: number,
  reasons: readonly Pick<SampleOrigin, "subject" | "clause">[],
  at: SourceLocation | undefined,
): Diagnostic {
  return {
    code: "E2104",
    message: `input "${input.name}" has ${shape[axis]} at axis ${axis}, but the layers can only take ${only}`,
    facts: [
      { subject: input.name, value: `[${shape.join(", ")}]`, note: "this call" },
      { subject: `${input.name} declared`, value: `[${input.type.shape.join(", ")}]` },
    ],
    because: reasons.map(({ subject, clause }) => `${subject}: ${clause}`).join("\n"),
    fix: `feed ${only} at axis ${axis}, or change one of these layers`,
    ...(at && { at }),
  };
}
