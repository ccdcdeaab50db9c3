/**
 * Which names a node reads and in what order the nodes of a graph can run. The format asks for that order;
 * files that do not keep it are still read, unless they go round in circles.
 */
import type { OnnxGraph, OnnxNode } from "./model.ts";

/** The graphs in a node's attributes. */
export function subgraphs(node: OnnxNode): readonly OnnxGraph[] {
  return node.attributes.flatMap((attribute) => {
    if (attribute.kind === "graph") return [attribute.value];
    return attribute.kind === "graphs" ? attribute.value : [];
  });
}

const free = new WeakMap<OnnxGraph, ReadonlySet<string>>();

/** Names that a graph and the graphs in it read from outside. */
export function freeNames(graph: OnnxGraph): ReadonlySet<string> {
  let names = free.get(graph);
  if (!names) {
    const own = definedNames(graph);
    const read = [...graph.nodes.flatMap(readNames), ...graph.outputs.map(({ name }) => name)];
    names = new Set(read.filter((name) => !own.has(name)));
    free.set(graph, names);
  }
  return names;
}

/** Names that a node reads, for itself or for a graph in it. */
export function readNames(node: OnnxNode): readonly string[] {
  const given = node.inputs.filter((name) => name !== "");
  const inner = subgraphs(node);
  return inner.length === 0 ? given : [...given, ...inner.flatMap((graph) => [...freeNames(graph)])];
}

/** Names that inputs and initialisers define. */
export function givenNames(graph: OnnxGraph): ReadonlySet<string> {
  const { inputs, initializers, sparseInitializers } = graph;
  return new Set([...inputs, ...initializers, ...sparseInitializers].map(({ name }) => name));
}

function definedNames(graph: OnnxGraph): ReadonlySet<string> {
  return new Set([...givenNames(graph), ...graph.nodes.flatMap(({ outputs }) => outputs)]);
}

export interface Order {
  readonly nodes: readonly OnnxNode[];
  /** Nodes that wait for each other, or for one that does. */
  readonly stuck: readonly OnnxNode[];
}

const orders = new WeakMap<readonly OnnxNode[], Order>();

/** The nodes so that each comes after those it reads from; as they stand where that is so already. */
export function inOrder(nodes: readonly OnnxNode[]): Order {
  let order = orders.get(nodes);
  if (!order) {
    order = sorted(nodes);
    orders.set(nodes, order);
  }
  return order;
}

function sorted(nodes: readonly OnnxNode[]): Order {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  makers.delete("");
  const waits = new Map<OnnxNode, number>();
  const readers = new Map<OnnxNode, OnnxNode[]>();
  for (const node of nodes) {
    const needed = new Set(readNames(node).flatMap((name) => makers.get(name) ?? []));
    waits.set(node, needed.size);
    for (const maker of needed) {
      const list = readers.get(maker) ?? [];
      readers.set(maker, list);
      list.push(node);
    }
  }
  const done = new Set(nodes.filter((node) => waits.get(node) === 0));
  for (const node of done)
    for (const reader of readers.get(node) ?? []) {
      waits.set(reader, waits.get(reader)! - 1);
      if (waits.get(reader) === 0) done.add(reader);
    }
  const stuck = nodes.filter((node) => !done.has(node));
  return { nodes: stuck.length === 0 && isOrdered(nodes, makers) ? nodes : [...done], stuck };
}

function isOrdered(nodes: readonly OnnxNode[], makers: ReadonlyMap<string, OnnxNode>): boolean {
  const seen = new Set<OnnxNode>();
  return nodes.every((node) => {
    const ready = readNames(node).every((name) => !makers.has(name) || seen.has(makers.get(name)!));
    seen.add(node);
    return ready;
  });
}
