/**
 * Drops what nothing reads: nodes, parameters, and of scans the stacked outputs and the operands that their
 * bodies do not need. A dead stack is worth the trouble: it would be written once per step of time. States
 * stay, for one step may feed the next through them. Inputs stay, because they are the model's interface, and
 * so do measures: sizes of other nodes are what they say.
 */
import { isGraph } from "../ir/attribute.ts";
import { type BoundGraph, type BoundNode, type BoundValue, withBodies } from "./rewrite.ts";

export function eliminateDead(graph: BoundGraph): BoundGraph {
  const live = new Set<BoundValue>(graph.outputs.map((output) => output.value));
  const nodes: BoundNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (node.op !== "measure" && !node.results.some((result) => live.has(result))) continue;
    const trimmed = withBodies(trimScan(node, live), eliminateDead);
    const kept = trimInputs(trimmed);
    nodes.push(kept);
    for (const operand of kept.operands) live.add(operand);
  }
  nodes.reverse();
  const parameters = graph.parameters.filter((parameter) => live.has(parameter.value));
  const same = nodes.length === graph.nodes.length && nodes.every((node, i) => node === graph.nodes[i]);
  return same && parameters.length === graph.parameters.length ? graph : { ...graph, nodes, parameters };
}

/** A scan without the stacked outputs that nothing reads. */
function trimScan(node: BoundNode, live: ReadonlySet<BoundValue>): BoundNode {
  const { body } = node.attributes;
  const states = Number(node.attributes["states"]);
  if (node.op !== "scan" || body === undefined || !isGraph(body)) return node;
  const kept = (i: number) => i < states || live.has(node.results[i]!);
  const results = node.results.filter((_, i) => kept(i));
  if (results.length === node.results.length) return node;
  const trimmed = { ...body, outputs: body.outputs.filter((_, i) => kept(i)) };
  return { ...node, attributes: { ...node.attributes, body: trimmed }, results };
}

/**
 * A scan without the sequences and invariants that its body does not read; one sequence says how long it
 * runs.
 */
function trimInputs(node: BoundNode): BoundNode {
  const { body } = node.attributes;
  if (node.op !== "scan" || body === undefined || !isGraph(body)) return node;
  const [states, sequences] = [Number(node.attributes["states"]), Number(node.attributes["sequences"])];
  const read = new Set([
    ...body.nodes.flatMap((inner) => inner.operands),
    ...body.outputs.map((output) => output.value),
  ]);
  const needed = body.inputs.map((input, i) => i < states || read.has(input));
  if (!needed.slice(states, states + sequences).includes(true)) needed[states] = true;
  if (!needed.includes(false)) return node;
  const kept = <T>(list: readonly T[]) => list.filter((_, i) => needed[i]);
  const left = needed.slice(states, states + sequences).filter((is) => is).length;
  const trimmed = { ...body, inputs: kept(body.inputs) };
  return {
    ...node,
    attributes: { ...node.attributes, body: trimmed, sequences: left },
    operands: kept(node.operands),
  };
}
