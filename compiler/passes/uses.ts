/** Who reads what: the questions of use that passes ask of a graph. */
import { isGraph } from "../ir/attribute.ts";
import type { BoundGraph, BoundNode, BoundValue } from "./rewrite.ts";

/** How often each value is an operand or an output; bodies of scans are counted among themselves. */
export function usesOf(graph: BoundGraph): ReadonlyMap<BoundValue, number> {
  const uses = new Map<BoundValue, number>();
  const use = (value: BoundValue) => uses.set(value, (uses.get(value) ?? 0) + 1);
  const visit = ({ nodes, outputs }: BoundGraph): void => {
    for (const node of nodes) {
      node.operands.forEach(use);
      for (const attribute of Object.values(node.attributes))
        if (isGraph(attribute)) visit(attribute as BoundGraph);
    }
    for (const { value } of outputs) use(value);
  };
  visit(graph);
  return uses;
}

/** The nodes that read each value, in order; a node that reads it twice is there twice. */
export function consumersOf(graph: BoundGraph): ReadonlyMap<BoundValue, readonly BoundNode[]> {
  const consumers = new Map<BoundValue, BoundNode[]>();
  for (const node of graph.nodes)
    for (const operand of node.operands) {
      const list = consumers.get(operand);
      if (list) list.push(node);
      else consumers.set(operand, [node]);
    }
  return consumers;
}

/** Values that follow from parameters and constants alone, those included. */
export function knownValues(graph: BoundGraph): ReadonlySet<BoundValue> {
  const known = new Set<BoundValue>(graph.parameters.map((parameter) => parameter.value));
  for (const node of graph.nodes) {
    const leaf = node.op === "constant" || node.op === "iota";
    const derived = node.operands.length > 0 && node.op !== "scan" && node.op !== "measure";
    if (leaf || (derived && node.operands.every((operand) => known.has(operand))))
      for (const result of node.results) known.add(result);
  }
  return known;
}
