/**
 * Graph text for people: without the user's file and line at every value, which is an absolute path, and the
 * same on every machine because of that.
 */
import type { Graph } from "../ir/graph.ts";
import { printGraph } from "../ir/graph-print.ts";

export function graphText(graph: Graph): string {
  // A quote inside a name is escaped, so this cannot match there.
  return printGraph(graph).replace(/ at "(?:[^"\\\n]|\\.)*":\d+:\d+/g, "");
}
