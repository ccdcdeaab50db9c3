/** Dims of graphs replaced, in the types and attributes of everything in them. */
import type { Dim } from "../dims/index.ts";
import { mapAttributes } from "./attribute.ts";
import type { Graph, Guard, Node, TensorType, Value } from "./graph.ts";

type OnDim = (d: Dim) => Dim;

/**
 * The graph with `onDim` of each dim. What does not change is the same object: most of a graph, when little
 * was open.
 */
export function mapDims(graph: Graph, onDim: OnDim): Graph {
  const values = new Map<Value, Value>();
  const convert = (value: Value): Value => {
    const known = values.get(value);
    if (known) return known;
    const type = typeWith(value.type, onDim);
    const fresh = type === value.type ? value : { ...value, type };
    values.set(value, fresh);
    return fresh;
  };
  const convertNode = (node: Node): Node => {
    const operands = mapSame(node.operands, convert);
    const results = mapSame(node.results, convert);
    const attributes = mapAttributes(node.attributes, onDim, convertGraph);
    const same = operands === node.operands && results === node.results && attributes === node.attributes;
    return same ? node : { ...node, operands, results, attributes };
  };
  const convertGuard = ({ input, elements }: Guard): Guard => ({
    input: convert(input),
    elements: elements.map((one) => (typeof one === "number" ? one : onDim(one))),
  });
  const convertGraph = (g: Graph): Graph => ({
    name: g.name,
    inputs: g.inputs.map(convert),
    guards: g.guards.map(convertGuard),
    parameters: g.parameters.map((p) => ({ ...p, value: convert(p.value) })),
    nodes: g.nodes.map(convertNode),
    outputs: g.outputs.map(({ value, declared, ...output }) => ({
      ...output,
      value: convert(value),
      ...(declared && { declared: declared.map(onDim) }),
    })),
  });
  return convertGraph(graph);
}

/** One node with `onDim` of each dim of its attributes and results. */
export function nodeWith(node: Node, onDim: OnDim): Node {
  const attributes = mapAttributes(node.attributes, onDim, (body) => mapDims(body, onDim));
  return { ...node, attributes, results: node.results.map((r) => ({ ...r, type: typeWith(r.type, onDim) })) };
}

export function typeWith(type: TensorType, onDim: OnDim): TensorType {
  const shape = mapSame(type.shape, onDim);
  return shape === type.shape ? type : { dtype: type.dtype, shape };
}

/** `list.map(convert)`, or `list` itself where nothing changes. */
function mapSame<T>(list: readonly T[], convert: (item: T) => T): readonly T[] {
  const converted = list.map(convert);
  return converted.every((item, i) => item === list[i]) ? list : converted;
}
