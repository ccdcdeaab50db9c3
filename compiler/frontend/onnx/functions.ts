/**
 * Functions that a model brings along: a node that calls one stands for its body. Found by domain, name and
 * overload; they may call each other, but not in circles, and not so often that a small file means an endless
 * graph.
 */
import type { Diagnostic } from "../../diagnostics/index.ts";
import type { OnnxAttribute, OnnxFunction, OnnxGraph, OnnxModel, OnnxNode } from "./model.ts";
import { keyOf } from "./operator.ts";
import { subgraphs } from "./order.ts";

/** Nodes of a model with every function written out. */
const MOST_NODES = 1_000_000;

export interface Called {
  readonly key: string;
  readonly body: OnnxFunction;
}

export class Functions {
  readonly #byKey: ReadonlyMap<string, OnnxFunction>;
  readonly #graph: OnnxGraph;
  readonly #known = new Map<string, readonly string[]>();

  constructor({ functions, graph }: OnnxModel) {
    this.#byKey = new Map(
      functions.map((body) => [functionKey(body.domain, body.name, body.overload), body]),
    );
    this.#graph = graph;
  }

  byKey(key: string): OnnxFunction | undefined {
    return this.#byKey.get(key);
  }

  /** The function that a node calls. */
  of({ domain, opType, overload }: OnnxNode): Called | undefined {
    const key = functionKey(domain, opType, overload);
    const body = this.#byKey.get(key);
    return body && { key, body };
  }

  /** Calls that come back to themselves, and models that are too large when they are written out. */
  problems(): readonly Diagnostic[] {
    const sizes = new Map<string, number>();
    for (const key of this.#byKey.keys()) {
      const round = this.#measure(key, sizes);
      if (round)
        return [
          {
            code: "E3102",
            message: `functions call each other in a circle: ${round.join(" -> ")}`,
            fix: "export the model again; a function of ONNX cannot be recursive",
          },
        ];
    }
    const total = this.#count(this.#graph.nodes, sizes);
    if (total <= MOST_NODES) return [];
    return [
      {
        code: "E5001",
        message: `the model has ${total} nodes when its functions are written out; ${MOST_NODES} are read`,
        fix: "use a file that an exporter wrote",
      },
    ];
  }

  /** Sizes of `start` and all it calls, the innermost first; or the keys of a circle. */
  #measure(start: string, sizes: Map<string, number>): readonly string[] | undefined {
    const open = [start];
    while (open.length > 0) {
      const key = open.at(-1)!;
      const next = this.#callsOf(key).find((called) => !sizes.has(called));
      if (next === undefined) {
        sizes.set(key, this.#count(this.#byKey.get(key)!.nodes, sizes));
        open.pop();
      } else if (open.includes(next)) return [...open.slice(open.indexOf(next)), next];
      else open.push(next);
    }
    return undefined;
  }

  #callsOf(key: string): readonly string[] {
    let calls = this.#known.get(key);
    if (!calls) {
      calls = [...new Set(this.#calls(this.#byKey.get(key)!.nodes))];
      this.#known.set(key, calls);
    }
    return calls;
  }

  #calls(nodes: readonly OnnxNode[]): readonly string[] {
    return nodes.flatMap((node) => {
      const called = this.of(node);
      return [...(called ? [called.key] : []), ...subgraphs(node).flatMap((each) => this.#calls(each.nodes))];
    });
  }

  #count(nodes: readonly OnnxNode[], sizes: ReadonlyMap<string, number>): number {
    let total = 0;
    for (const node of nodes) {
      const called = this.of(node);
      total += 1 + (called ? (sizes.get(called.key) ?? 0) : 0);
      for (const inner of subgraphs(node)) total += this.#count(inner.nodes, sizes);
    }
    return total;
  }
}

/** The attributes of a node in a function's body, with those of the call in place of what refers to them. */
export function substituted(node: OnnxNode, given: ReadonlyMap<string, OnnxAttribute>): OnnxNode {
  const attributes = node.attributes.flatMap((attribute): readonly OnnxAttribute[] => {
    if (attribute.refersTo !== "") {
      const value = given.get(attribute.refersTo);
      return value ? [{ ...value, name: attribute.name }] : [];
    }
    if (attribute.kind !== "graph") return [attribute];
    return [{ ...attribute, value: substitutedGraph(attribute.value, given) }];
  });
  return { ...node, attributes };
}

function substitutedGraph(graph: OnnxGraph, given: ReadonlyMap<string, OnnxAttribute>): OnnxGraph {
  return { ...graph, nodes: graph.nodes.map((node) => substituted(node, given)) };
}

/** What a call gives to the attributes of a function. */
export function givenAttributes(call: OnnxNode, body: OnnxFunction): ReadonlyMap<string, OnnxAttribute> {
  const all = [...body.defaults, ...call.attributes];
  return new Map(all.map((attribute) => [attribute.name, attribute]));
}

const functionKey = (domain: string, name: string, overload: string): string =>
  keyOf(domain, name) + (overload === "" ? "" : `:${overload}`);
