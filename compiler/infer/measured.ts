/** The sizes of a graph that its nodes compute. */
import { type Dim, kindOf, symbol, symbolsOf } from "../dims/index.ts";
import type { Graph } from "../ir/graph.ts";

/** In the order of the nodes; not those that equations have made something else of. */
export function measuresIn({ nodes }: Graph): readonly { readonly name: string; readonly most: Dim }[] {
  const found = new Map<string, Dim>();
  for (const { op, attributes } of nodes) {
    if (op !== "measure") continue;
    const [size, most] = [attributes["size"] as Dim, attributes["most"] as Dim];
    const [name] = symbolsOf(size);
    if (name !== undefined && symbol(name) === size && kindOf(name) === "free" && !found.has(name))
      found.set(name, most);
  }
  return [...found].map(([name, most]) => ({ name, most }));
}

export const measuredIn = (graph: Graph): readonly string[] => measuresIn(graph).map(({ name }) => name);
