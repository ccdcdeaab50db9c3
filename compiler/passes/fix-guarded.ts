/**
 * An input whose elements the graph is built for is a constant wherever it is read: the module refuses all
 * others at its door. The input itself stays, it is part of the model's interface.
 */
import { allocateNumbers, type Elements, encode, scalarOf } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { BoundDim, Guard } from "../ir/graph.ts";
import { numbersOf } from "../ops/definition.ts";
import { type BoundGraph, type BoundNode, type BoundValue, FreshNames } from "./rewrite.ts";

export function fixGuarded(graph: BoundGraph): BoundGraph {
  if (graph.guards.length === 0) return graph;
  const fresh = new FreshNames(graph);
  const fixed = new Map<BoundValue, BoundValue>();
  const constants: BoundNode[] = [];
  for (const guard of graph.guards) {
    const value = tensorOf(guard);
    if (!value) continue;
    const { name, type, source } = guard.input;
    const result = fresh.value(name, type, source);
    fixed.set(guard.input, result);
    constants.push({ op: "constant", operands: [], attributes: { value }, results: [result], source });
  }
  const current = (value: BoundValue) => fixed.get(value) ?? value;
  const nodes = graph.nodes.map((node) => {
    const touched = node.operands.some((operand) => fixed.has(operand));
    return touched ? { ...node, operands: node.operands.map(current) } : node;
  });
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: current(value) }));
  return { ...graph, nodes: [...constants, ...nodes], outputs };
}

/** Undefined where an element is a size that is left open. */
function tensorOf({ input, elements }: Guard<BoundDim>): Tensor | undefined {
  const { dtype, shape } = input.type;
  const numbers = elements.map((one) => (typeof one === "number" ? one : one.value));
  if (!numbers.every((n) => n !== undefined)) return undefined;
  const data = allocateNumbers(dtype, numbers.length);
  const stored: Elements = data;
  for (const [i, n] of numbers.entries()) stored[i] = scalarOf(dtype, n);
  return { dtype, shape: numbersOf(shape), data: encode(dtype, data) };
}
