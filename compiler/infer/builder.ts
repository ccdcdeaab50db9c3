/**
 * Builds a symbolic graph node by node, inferring as it goes, so that a layer can look at the shapes it is
 * given. Flex symbols made here (`?dense.in`) are solved by the equations of later nodes or, in the end, by a
 * sample.
 */
import type { InitializerSpec } from "../../runtime/initializers/index.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { constant, type Dim, type Shape, Store } from "../dims/index.ts";
import type { Attributes, Graph, Node, Output, Parameter, Source, TensorType, Value } from "../ir/graph.ts";
import { Relations, resolveType } from "./relations.ts";

/** What nested builders share with the outermost one. */
interface Shared {
  readonly store: Store;
  readonly relations: Relations;
  readonly names: Map<string, number>;
  nextId: number;
}

export class GraphBuilder {
  readonly #name: string;
  readonly #shared: Shared;
  readonly #inputs: Value[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #nodes: Node[] = [];
  #source: Source = { path: "" };

  constructor(name: string, store: Store = new Store(), shared?: Shared) {
    this.#name = name;
    this.#shared = shared ?? { store, relations: new Relations(store), names: new Map(), nextId: 0 };
  }

  get store(): Store {
    return this.#shared.store;
  }

  input(name: string, type: TensorType, source: Source = this.#source): Value {
    const value = this.#value(name, type, source);
    this.#inputs.push(value);
    return value;
  }

  parameter(
    name: string,
    type: TensorType,
    initializer: InitializerSpec,
    options: { readonly trainable?: boolean; readonly source?: Source } = {},
  ): Value {
    const value = this.#value(name, type, options.source ?? this.#source);
    this.#parameters.push({ value, initializer, trainable: options.trainable ?? true });
    return value;
  }

  constant(tensor: Tensor): Value {
    return this.node("constant", [], { value: tensor })[0]!;
  }

  /** Adds a node and returns its results. Throws CompileError when the op's relation cannot hold. */
  node(op: string, operands: readonly Value[], attributes: Attributes = {}): readonly Value[] {
    const { relations, store } = this.#shared;
    const source = this.#source;
    const types = operands.map((operand) => resolveType(store, operand.type));
    const inferred = relations.relate({ source, op, operands }, types, attributes);
    const stem = source.path ? `${source.path}.${op}` : op;
    const results = inferred.map((type) => this.#value(stem, resolveType(store, type), source));
    this.#nodes.push({ op, attributes, operands, results, source });
    return results;
  }

  /** Nodes made inside `body` carry this source; paths nest with a dot, the innermost known position wins. */
  within<T>(source: Source, body: () => T): T {
    const outer = this.#source;
    const at = source.at ?? outer.at;
    const path = [outer.path, source.path].filter((part) => part !== "").join(".");
    this.#source = { path, ...(at && { at }) };
    try {
      return body();
    } finally {
      this.#source = outer;
    }
  }

  /**
   * A nested graph (the body of a scan). It shares symbols and equations; everything it reads is one of its
   * inputs.
   */
  subgraph(name: string, body: (inner: GraphBuilder) => readonly Output[]): Graph {
    const inner = new GraphBuilder(name, this.store, this.#shared);
    inner.#source = this.#source;
    return inner.finish(body(inner));
  }

  resolve(shape: Shape): Shape {
    return shape.map((d) => this.store.resolve(d));
  }

  unknown(hint: string): Dim {
    return this.#shared.relations.unknown(hint);
  }

  finish(outputs: readonly Output[]): Graph {
    return {
      name: this.#name,
      inputs: this.#inputs,
      parameters: this.#parameters,
      nodes: this.#nodes,
      outputs,
    };
  }

  #value(stem: string, type: TensorType, source: Source): Value {
    const { names } = this.#shared;
    const count = names.get(stem) ?? 0;
    names.set(stem, count + 1);
    const name = count === 0 ? stem : `${stem}_${count}`;
    if (count > 0 && names.has(name)) return this.#value(stem, type, source);
    if (count > 0) names.set(name, 1);
    return { id: this.#shared.nextId++, name, type, source };
  }
}

/** Shape of constants. */
export const shapeOf = (sizes: readonly number[]): Shape => sizes.map((n) => constant(n));
