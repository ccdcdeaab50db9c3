/**
 * Builds a symbolic graph node by node, inferring as it goes, so that a layer can look at the shapes it is
 * given. Flex symbols made here (`?dense.in`) are solved by the equations of later nodes or, in the end, by a
 * sample.
 */
import { allocate, type DType } from "../../runtime/dtype.ts";
import type { InitializerSpec } from "../../runtime/initializers/index.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { constant, type Dim, type Shape, Store } from "../dims/index.ts";
import type {
  Attributes,
  Graph,
  Guard,
  Node,
  Output,
  Parameter,
  Source,
  TensorType,
  Value,
} from "../ir/graph.ts";
import { type DimTensor, dimTensor } from "./dim-tensor.ts";
import type { Known } from "./dim-values.ts";
import { guardOf, type InputValues, inputElements } from "./input-elements.ts";
import { type Elements, KnownValues } from "./known-values.ts";
import { mostOf } from "./most.ts";
import { Relations, resolveType } from "./relations.ts";

/** What nested builders share with the outermost one. */
interface Shared {
  readonly store: Store;
  readonly relations: Relations;
  readonly values: InputValues;
  readonly known: KnownValues;
  readonly names: Map<string, number>;
  nextId: number;
}

export class GraphBuilder {
  readonly #name: string;
  readonly #shared: Shared;
  readonly #inputs: Value[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #nodes: Node[] = [];
  readonly #producers = new Map<Value, Node>();
  /** How many nodes are in the table; it is brought up to date when asked, for most graphs never ask. */
  #indexed = 0;
  readonly #guarded = new Map<Value, Known>();
  /** The elements of inputs that were looked at, whether a shape depends on them or not. */
  readonly #leaves = new Map<Value, Known>();
  readonly #nested: boolean;
  #source: Source = { path: "" };

  /** `values`: the elements that are known of inputs on which shapes depend. */
  constructor(
    name: string,
    store: Store = new Store(),
    values: InputValues = () => undefined,
    shared?: Shared,
  ) {
    this.#name = name;
    this.#nested = shared !== undefined;
    this.#shared = shared ?? {
      store,
      relations: new Relations(store, new Map(), this.#nodes),
      values,
      known: new KnownValues(store),
      names: new Map(),
      nextId: 0,
    };
  }

  /** Whether this is the body of a scan. */
  get isNested(): boolean {
    return this.#nested;
  }

  get store(): Store {
    return this.#shared.store;
  }

  /** `elements`: dims that its elements are, for an integer input that says sizes. */
  input(name: string, type: TensorType, source: Source = this.#source, elements?: readonly Dim[]): Value {
    const value = this.#value(name, type, source);
    this.#inputs.push(value);
    if (elements) this.#guarded.set(value, dimTensor(type.dtype, type.shape.map(Number), elements));
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
    const inferred = relations.relateResolved({ source, op, operands }, attributes);
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
    const inner = new GraphBuilder(name, this.store, this.#shared.values, this.#shared);
    inner.#source = this.#source;
    return inner.finish(body(inner));
  }

  /** The sizes as an integer tensor [n] that can be computed with; `elementsOf` knows its elements. */
  dimensions(dims: Shape, dtype: DType = "int32"): Value {
    const ones = { shape: [constant(1)] };
    const parts = dims.map((d) => this.node("reshape", [this.dimension(d, dtype)], ones)[0]!);
    if (parts.length === 0) return this.constant({ dtype, shape: [0], data: allocate(dtype, 0) });
    return parts.length === 1 ? parts[0]! : this.node("concat", parts, { axis: 0 })[0]!;
  }

  /** One size as an integer scalar. */
  dimension(value: Dim, dtype: DType = "int32"): Value {
    return this.node("dimension", [], { dtype, value })[0]!;
  }

  /**
   * The elements of a small tensor as dims, where they are known: from constants, from shapes, and from the
   * inputs of the graph, whose elements the graph is built for from then on (see Guard).
   */
  elementsOf(value: Value): DimTensor | undefined {
    const found = this.#elements(value);
    for (const input of found?.inputs ?? []) this.#guarded.set(input, this.#inputElements(input)!);
    return found?.tensor;
  }

  /** The same, but only where that asks nothing of inputs: for an operand that may as well be data. */
  fixedElementsOf(value: Value): DimTensor | undefined {
    const found = this.#elements(value);
    return found && [...found.inputs].every((input) => this.#guarded.has(input)) ? found.tensor : undefined;
  }

  /** What the integers of a value are at most, where its making says so. */
  mostOf(value: Value): Dim | undefined {
    return mostOf(value, {
      producer: (each) => this.#producer(each),
      known: (each) => this.fixedElementsOf(each)?.dims,
    });
  }

  /** The inputs of the graph that `value` is computed from, in their order. */
  inputsBehind(value: Value): readonly Value[] {
    const seen = new Set([value]);
    for (const each of seen) for (const operand of this.#producer(each)?.operands ?? []) seen.add(operand);
    return this.#inputs.filter((input) => seen.has(input));
  }

  #elements(value: Value): Elements | undefined {
    return this.#shared.known.of(value, {
      producer: (each) => this.#producer(each),
      input: (each) => (this.#inputs.includes(each) ? this.#inputElements(each) : undefined),
    });
  }

  #inputElements(input: Value): Known | undefined {
    if (this.#nested) return undefined;
    const { store, values } = this.#shared;
    const known = this.#guarded.get(input) ?? this.#leaves.get(input);
    const elements = known ?? inputElements(input, this.#inputs, values, store);
    if (elements) this.#leaves.set(input, elements);
    return elements;
  }

  #producer(value: Value): Node | undefined {
    for (; this.#indexed < this.#nodes.length; this.#indexed++) {
      const node = this.#nodes[this.#indexed]!;
      for (const result of node.results) this.#producers.set(result, node);
    }
    return this.#producers.get(value);
  }

  resolve(shape: Shape): Shape {
    return shape.map((d) => this.store.resolve(d));
  }

  unknown(hint: string): Dim {
    return this.#shared.relations.unknown(hint);
  }

  /**
   * The integer scalar `x`, which is in 0 .. most, as a size. In a body it would be another one in each step,
   * which no shape outside can say: E4001.
   */
  measured(x: Value, most: Dim, hint: string): Dim {
    const { relations } = this.#shared;
    if (this.#nested)
      relations.within({ source: this.#source, op: "measure", operands: [x] }, {}, () =>
        relations.fail("E4001", "sizes that depend on data cannot be made within a loop", {
          fix: "compute them before the loop, or take all rows and a mask along",
        }),
      );
    const size = relations.free(hint);
    this.node("measure", [x], { size, most });
    return size;
  }

  /** States that an output has the shape it is declared to have; throws CompileError. */
  declare(output: Output): void {
    this.#shared.relations.declare(output);
  }

  /** Throws CompileError when an output cannot have the shape it is declared to have. */
  finish(outputs: readonly Output[]): Graph {
    for (const output of outputs) this.declare(output);
    return {
      name: this.#name,
      inputs: this.#inputs,
      guards: this.#guards(),
      parameters: this.#parameters,
      nodes: this.#nodes,
      outputs,
    };
  }

  #guards(): readonly Guard[] {
    return this.#inputs.flatMap((input) => {
      const known = this.#guarded.get(input);
      return known ? [guardOf(input, known)] : [];
    });
  }

  #value(stem: string, type: TensorType, source: Source): Value {
    const { names } = this.#shared;
    let count = names.get(stem) ?? 0;
    const name = () => (count === 0 ? stem : `${stem}_${count}`);
    while (names.has(name())) count++;
    const own = name();
    names.set(own, 1).set(stem, count + 1);
    return { id: this.#shared.nextId++, name: own, type, source };
  }
}

/** Shape of constants. */
export const shapeOf = (sizes: readonly number[]): Shape => sizes.map((n) => constant(n));
