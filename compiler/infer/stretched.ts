/**
 * Open dims that are broadcast against each other. Ops read an operand along the axes of their result unless
 * its size there is the number 1. A size that is open and may be 1 or the result's is no such number, so what
 * has it is repeated by a node of its own: it takes row min(i, size - 1) for row i, which is i or 0.
 */
import { constant, type Dim, decide, type Facts, isConstant, sub } from "../dims/index.ts";
import type { Attributes, BoundDim, Graph, Node, TensorType, Value } from "../ir/graph.ts";
import { factsOf, type OpenDims } from "../ir/open-dims.ts";
import { binaryOps, compareOps } from "../ops/binary.ts";

const pairing = new Set([...binaryOps, ...compareOps].map(({ name }) => name).concat("select"));

/** The graph with every operand repeated whose size may turn out to be 1. */
export function stretched(graph: Graph<BoundDim>, open: OpenDims): Graph<BoundDim> {
  if (!open.relations.some(({ orOne }) => orOne)) return graph;
  const stretcher = new Stretcher(graph, factsOf(open));
  return { ...graph, nodes: graph.nodes.flatMap((node) => stretcher.nodesFor(node)) };
}

class Stretcher {
  readonly #facts: Facts;
  readonly #names: Set<string>;
  #nextId: number;

  constructor({ inputs, parameters, nodes }: Graph<BoundDim>, facts: Facts) {
    const values = [...inputs, ...parameters.map(({ value }) => value), ...nodes.flatMap((n) => n.results)];
    this.#facts = facts;
    this.#names = new Set(values.map(({ name }) => name));
    this.#nextId = Math.max(-1, ...values.map(({ id }) => id)) + 1;
  }

  /** What comes before the node, and the node. */
  nodesFor(node: Node<BoundDim>): readonly Node<BoundDim>[] {
    const [result] = node.results;
    if (!result || !pairing.has(node.op)) return [node];
    const before: Node<BoundDim>[] = [];
    const operands = node.operands.map((operand) => this.#repeated(operand, result, before));
    return before.length === 0 ? [node] : [...before, { ...node, operands }];
  }

  #repeated(operand: Value<BoundDim>, result: Value<BoundDim>, before: Node<BoundDim>[]): Value<BoundDim> {
    const { shape } = result.type;
    const lead = shape.length - operand.type.shape.length;
    return operand.type.shape.reduce<Value<BoundDim>>((value, d, axis) => {
      const wanted = shape[axis + lead]!;
      return this.#mayDiffer(d, wanted) ? this.#along(value, axis, wanted, before) : value;
    }, operand);
  }

  #mayDiffer(d: Dim, wanted: Dim): boolean {
    if (d === wanted || isConstant(d)) return false;
    return decide("==", d, wanted, this.#facts).kind !== "always";
  }

  #along(x: Value<BoundDim>, axis: number, size: BoundDim, before: Node<BoundDim>[]): Value<BoundDim> {
    const { dtype, shape } = x.type;
    const add = (op: string, operands: readonly Value<BoundDim>[], attributes: Attributes, type: Type) => {
      const value = { id: this.#nextId++, name: this.#name(`${x.name}.${op}`), type, source: x.source };
      before.push({ op, operands, attributes, results: [value], source: x.source });
      return value;
    };
    const counts: Type = { dtype: "int32", shape: [size] };
    const all = add("iota", [], { ...counts, axis: 0 }, counts);
    const value = sub(shape[axis]!, constant(1));
    const last = add("dimension", [], { dtype: "int32", value }, { dtype: "int32", shape: [] });
    const rows = add("min", [all, last], {}, counts);
    return add("gather", [x, rows], { axis }, { dtype, shape: shape.with(axis, size) });
  }

  #name(stem: string): string {
    let name = stem;
    for (let i = 1; this.#names.has(name); i++) name = `${stem}_${i}`;
    this.#names.add(name);
    return name;
  }
}

type Type = TensorType<BoundDim>;
