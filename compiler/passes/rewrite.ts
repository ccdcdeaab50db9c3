/**
 * How passes rewrite a graph: one walk in topological order, in which a rule sees each node with what was
 * already rewritten in front of it, and keeps it, gives values that stand for its results, or gives another
 * node. Graphs are immutable: what does not change is the same object before and after, a graph without a
 * change included, so that "nothing left to do" is identity. Bodies of scans are rewritten by the same rule.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import type { Dim } from "../dims/index.ts";
import { isGraph, isTensor } from "../ir/attribute.ts";
import type { Attributes, BoundDim, Graph, Node, Source, TensorType, Value } from "../ir/graph.ts";
import { ops } from "../ops/index.ts";

export type BoundGraph = Graph<BoundDim>;
export type BoundNode = Node<BoundDim>;
export type BoundValue = Value<BoundDim>;
export type BoundType = TensorType<BoundDim>;

/**
 * Nothing changes; or these values take the place of the results; or this node, with the same results, of the
 * node.
 */
export type Replacement = undefined | readonly BoundValue[] | BoundNode;
export type Rule = (node: BoundNode, scope: Scope) => Replacement;

export function rewriteGraph(graph: BoundGraph, rule: Rule): BoundGraph {
  return rewrite(graph, rule, new FreshNames(graph));
}

/** The graph as far as it is rewritten. */
export class Scope {
  readonly nodes: BoundNode[] = [];
  readonly #producers = new Map<BoundValue, BoundNode>();
  readonly #fresh: FreshNames;
  /** How many nodes are in the table; it is brought up to date when asked, for many rules never ask. */
  #indexed = 0;

  constructor(fresh: FreshNames) {
    this.#fresh = fresh;
  }

  /** Absent for inputs and parameters. */
  producer(value: BoundValue): BoundNode | undefined {
    for (; this.#indexed < this.nodes.length; this.#indexed++) {
      const node = this.nodes[this.#indexed]!;
      for (const result of node.results) this.#producers.set(result, node);
    }
    return this.#producers.get(value);
  }

  /** The tensor of a constant. */
  constant(value: BoundValue): Tensor | undefined {
    const node = this.producer(value);
    const tensor = node?.op === "constant" ? node.attributes["value"] : undefined;
    return tensor !== undefined && isTensor(tensor) ? tensor : undefined;
  }

  push(node: BoundNode): void {
    this.nodes.push(node);
  }

  /**
   * Adds a node of one result in front of the one that is being rewritten; its name is the op's in its layer.
   */
  add(
    op: string,
    operands: readonly BoundValue[],
    attributes: Attributes,
    type: BoundType,
    source: Source,
    name = source.path ? `${source.path}.${op}` : op,
  ): BoundValue {
    const result = this.#fresh.value(name, type, source);
    this.push({ op, attributes, operands, results: [result], source });
    return result;
  }
}

function rewrite(graph: BoundGraph, rule: Rule, fresh: FreshNames): BoundGraph {
  const scope = new Scope(fresh);
  const replaced = new Map<BoundValue, BoundValue>();
  const current = (value: BoundValue) => replaced.get(value) ?? value;
  let changed = false;
  for (const original of graph.nodes) {
    const node = withBodies(withOperands(original, current), (body) => rewrite(body, rule, fresh));
    const count = scope.nodes.length;
    const replacement = rule(node, scope);
    changed ||= node !== original || replacement !== undefined || scope.nodes.length !== count;
    if (replacement === undefined) scope.push(node);
    else if ("op" in replacement) scope.push(replacement);
    else
      node.results.forEach((result, i) => {
        replaced.set(result, replacement[i]!);
      });
  }
  if (!changed) return graph;
  const outputs = graph.outputs.map((output) => ({ ...output, value: current(output.value) }));
  return { ...graph, nodes: scope.nodes, outputs };
}

const opsWithBodies = new Set(
  [...ops.values()].filter((op) => Object.values(op.attributes).includes("graph")).map((op) => op.name),
);

function withOperands(node: BoundNode, current: (value: BoundValue) => BoundValue): BoundNode {
  if (node.operands.every((operand) => current(operand) === operand)) return node;
  return { ...node, operands: node.operands.map(current) };
}

/** The node with each graph in its attributes rewritten. */
export function withBodies(node: BoundNode, rewriteBody: (body: BoundGraph) => BoundGraph): BoundNode {
  let attributes = node.attributes;
  if (!opsWithBodies.has(node.op)) return node;
  for (const [name, value] of Object.entries(attributes)) {
    if (!isGraph(value)) continue;
    const body = rewriteBody(value as BoundGraph);
    if (body !== value) attributes = { ...attributes, [name]: body };
  }
  return attributes === node.attributes ? node : { ...node, attributes };
}

/**
 * Makes values whose names and ids are unique in a graph and its bodies. Reads the graph only when first
 * asked.
 */
export class FreshNames {
  readonly #graph: BoundGraph;
  #names: Set<string> | undefined;
  #next = 0;
  readonly #counts = new Map<string, number>();

  constructor(graph: BoundGraph) {
    this.#graph = graph;
  }

  value(stem: string, type: BoundType, source: Source): BoundValue {
    const names = this.#known();
    let name = stem;
    let count = this.#counts.get(stem) ?? 0;
    while (names.has(name)) name = `${stem}_${++count}`;
    this.#counts.set(stem, count);
    names.add(name);
    return { id: this.#next++, name, type, source };
  }

  #known(): Set<string> {
    if (this.#names) return this.#names;
    const names = new Set<string>();
    const visit = (graph: Graph): void => {
      const results = graph.nodes.flatMap((node) => node.results);
      for (const { name, id } of [...graph.inputs, ...graph.parameters.map((p) => p.value), ...results]) {
        names.add(name);
        this.#next = Math.max(this.#next, id + 1);
      }
      for (const node of graph.nodes)
        for (const attribute of Object.values(node.attributes)) if (isGraph(attribute)) visit(attribute);
    };
    visit(this.#graph);
    this.#names = names;
    return names;
  }
}

export function sameType(a: BoundType, b: BoundType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** Dims are interned, so equal ones are identical. */
export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((d, axis) => d === b[axis]);
}
