/**
 * Deferred sizes that no equation reaches: those still in a shape when everything is known that will be. Each
 * is told once, where it first stands, with the statements it occurs in; what would fix it is always one more
 * statement about it.
 */
import type { Diagnostic } from "../diagnostics/index.ts";
import { kindOf, type Origin, type Shape, type Store, symbolsOf } from "../dims/index.ts";
import type { Graph, Value } from "../ir/graph.ts";

export interface Underdetermined {
  readonly symbol: string;
  /** The parameter, or else the value, that has it first. */
  readonly value: Value;
  readonly shape: Shape;
  readonly origins: readonly Origin[];
}

const isDeferred = (name: string): boolean => kindOf(name) === "flex";

/** In the order of the graph, parameters first. `counts`: which symbols must have a value by now. */
export function underdetermined(graph: Graph, store: Store, counts = isDeferred): readonly Underdetermined[] {
  const values = [...graph.parameters.map(({ value }) => value), ...graph.nodes.flatMap((n) => n.results)];
  const found = new Map<string, Underdetermined>();
  const origins = new Map(store.undetermined().map((one) => [one.symbol, one.origins]));
  for (const value of values) {
    const shape = value.type.shape.map((d) => store.resolve(d));
    for (const symbol of shape.flatMap(symbolsOf))
      if (counts(symbol) && !found.has(symbol))
        found.set(symbol, { symbol, value, shape, origins: origins.get(symbol) ?? [] });
  }
  return [...found.values()];
}

/** What would determine it. */
export function remedyFor({ value }: Underdetermined): string {
  const layer = value.source.path || value.name;
  return `give ${layer} that size, declare the shape of an output that depends on it, or load its weights`;
}

/** E2101; E4001 for a size that is the data's, where nothing measures it. */
export function underdeterminedDiagnostic(open: Underdetermined): Diagnostic {
  const { symbol, value, shape, origins } = open;
  if (kindOf(symbol) === "free") return dataDependent(open);
  const because = origins.map(({ subject, clause }) => `${subject}: ${clause}`).join("\n");
  return {
    code: "E2101",
    message: `${symbol} is underdetermined: nothing determines ${symbol} in ${value.name} [${shape.join(", ")}]`,
    ...(because && { because }),
    fix: remedyFor(open),
    ...(value.source.path && { layer: value.source.path }),
    ...(value.source.at && { at: value.source.at }),
  };
}

function dataDependent({ symbol, value: { name, source }, shape }: Underdetermined): Diagnostic {
  const what = `${symbol} in ${name} [${shape.join(", ")}]`;
  return {
    code: "E4001",
    message: `${what} is known only when the model runs, but no node of the graph finds it out`,
    fix: "let a node measure it (as compress does), or pad that axis to a size that is known before",
    ...(source.path && { layer: source.path }),
    ...(source.at && { at: source.at }),
  };
}
