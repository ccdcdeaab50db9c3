/** The sizes of a graph that its nodes compute. */
import { type Dim, kindOf, symbol, symbolsOf } from "../dims/index.ts";
import type { Graph } from "../ir/graph.ts";

export interface Measure {
  readonly name: string;
  readonly most: Dim;
  /** Path of the layer or node that finds it. */
  readonly by: string;
}

/** In the order of the nodes; not those that equations have made something else of. */
export function measuresIn({ nodes }: Graph): readonly Measure[] {
  const found = new Map<string, Measure>();
  for (const { op, attributes, source } of nodes) {
    if (op !== "measure") continue;
    const [size, most] = [attributes["size"] as Dim, attributes["most"] as Dim];
    const [name] = symbolsOf(size);
    if (name !== undefined && symbol(name) === size && kindOf(name) === "free" && !found.has(name))
      found.set(name, { name, most, by: source.path });
  }
  return [...found.values()];
}

export const measuredIn = (graph: Graph): readonly string[] => measuresIn(graph).map(({ name }) => name);
