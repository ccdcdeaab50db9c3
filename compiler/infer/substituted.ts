/** What a store knows, written into the types and attributes of a graph. */
import type { Store } from "../dims/index.ts";
import type { Graph, Guard, Node, Value } from "../ir/graph.ts";
import { mapAttributes, resolveType } from "./relations.ts";

/**
 * The graph with every dim resolved. What does not change is the same object: most of a graph, when little
 * was open.
 */
export function substituted(graph: Graph, store: Store): Graph {
  const values = new Map<Value, Value>();
  const convert = (value: Value): Value => {
    const known = values.get(value);
    if (known) return known;
    const type = resolveType(store, value.type);
    const fresh = type === value.type ? value : { ...value, type };
    values.set(value, fresh);
    return fresh;
  };
  const convertNode = (node: Node): Node => {
    const operands = mapSame(node.operands, convert);
    const results = mapSame(node.results, convert);
    const attributes = mapAttributes(node.attributes, (d) => store.resolve(d), convertGraph);
    const same = operands === node.operands && results === node.results && attributes === node.attributes;
    return same ? node : { ...node, operands, results, attributes };
  };
  const convertGuard = ({ input, elements }: Guard): Guard => ({
    input: convert(input),
    elements: elements.map((one) => (typeof one === "number" ? one : store.resolve(one))),
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
      ...(declared && { declared: declared.map((d) => store.resolve(d)) }),
    })),
  });
  return convertGraph(graph);
}

/** `list.map(convert)`, or `list` itself where nothing changes. */
function mapSame<T>(list: readonly T[], convert: (item: T) => T): readonly T[] {
  const converted = list.map(convert);
  return converted.every((item, i) => item === list[i]) ? list : converted;
}
