/**
 * Inputs without a sample, and samples without an input. A sample may be left out where everything else that
 * is known (named dims, what is declared, the shapes of weights that were set) tells all sizes of the input.
 */
import type { Diagnostic } from "../diagnostics/index.ts";
import { constantOf, type Store, symbolsOf } from "../dims/index.ts";
import type { Graph, Value } from "../ir/graph.ts";

/** E2102 for samples of no input. */
export function strangers({ inputs }: Graph, sample: object): readonly Diagnostic[] {
  const names = inputs.map(({ name }) => `"${name}"`);
  return Object.keys(sample)
    .filter((name) => inputs.every((input) => input.name !== name))
    .map((name) => ({
      code: "E2102",
      message: `the sample names "${name}", but the inputs are ${names.join(", ")}`,
      fix: `rename it to ${names.join(" or ")}`,
    }));
}

export type IsOpen = (symbol: string) => boolean;

/** The inputs that have no sample and whose sizes nothing else has told by now. */
export function lacking(graph: Graph, sample: object, store: Store, isOpen: IsOpen): readonly Value[] {
  return graph.inputs
    .filter(({ name }) => !Object.hasOwn(sample, name))
    .filter((input) => unknownIn(input, store, isOpen).length > 0);
}

/** E2102 for these inputs, with what is known of their sizes. */
export function missingSamples(
  { inputs }: Graph,
  missing: readonly Value[],
  store: Store,
  isOpen: IsOpen,
): readonly Diagnostic[] {
  if (missing.length === 0) return [];
  const resolved = (input: Value) => input.type.shape.map((d) => store.resolve(d));
  const sizes = (input: Value) => resolved(input).map((d) => constantOf(d) ?? "n");
  const samples = missing.map((input) => `--sample ${input.name}=${sizes(input).join(",")}`);
  const dims = new Set(missing.flatMap((input) => unknownIn(input, store, isOpen)));
  const byName =
    dims.size > 0
      ? `, or these dims by name, as in ${[...dims].map((name) => dimOption(name, store)).join(" ")}`
      : "";
  return [
    {
      code: "E2102",
      message: `no sample for ${missing.map(({ name }) => `input "${name}"`).join(", ")}`,
      facts: inputs.map((input) => {
        const unknown = unknownIn(input, store, isOpen);
        const note = ["missing", ...(unknown.length > 0 ? [unknown.join(", ")] : [])].join(": ");
        const value = `[${resolved(input).join(", ")}]`;
        return { subject: input.name, value, ...(missing.includes(input) && { note }) };
      }),
      fix: `give a shape or data, as in ${samples.join(" ")}${byName}`,
    },
  ];
}

/** Of a dim that is bounded, but was not said to be open, the range. */
function dimOption(name: string, store: Store): string {
  const { min, max } = store.domainOf(name);
  return `--dim ${name}=${Number.isFinite(max) ? `${min}..${max}` : "n"}`;
}

function unknownIn({ type }: Value, store: Store, isOpen: IsOpen): readonly string[] {
  const names = type.shape.flatMap((d) => symbolsOf(store.resolve(d)));
  return [...new Set(names)].filter((name) => !isOpen(name));
}
