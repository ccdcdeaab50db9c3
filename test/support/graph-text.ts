/** Graphs written and read as text in tests of passes. */
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import type { Tensor } from "../../runtime/tensor.ts";

/** A graph without open sizes. */
export const parseBound = (text: string, tensors?: ReadonlyMap<string, Tensor>) =>
  parseGraph(text, tensors) as Graph<BoundDim>;

/** The body of a graph and what it returns; ids are left out. */
export function linesOf(graph: Graph): string {
  const lines = printGraph(graph).trimEnd().split("\n").slice(1, -1);
  return lines.map((line) => line.slice(2).replace(/#\d+/g, "")).join("\n");
}
