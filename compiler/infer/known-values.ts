/**
 * Which values of a graph have elements that are known as dims, found on demand: from the value that is asked
 * for back along the nodes that make it, so that nothing is spent on what no shape depends on, and an input
 * is read only if a shape depends on it. Works off a list, because a chain of nodes may be longer than the
 * stack is deep.
 */
import { constant, product, type Store } from "../dims/index.ts";
import type { Node, Value } from "../ir/graph.ts";
import type { Arithmetic } from "./dim-arithmetic.ts";
import { type DimTensor, isTensor, MOST_ELEMENTS, toDims } from "./dim-tensor.ts";
import { evaluateDims, type Known } from "./dim-values.ts";
import { resolveAttributes, resolveType } from "./relations.ts";

/** Elements, and the inputs of the graph they were worked out from. */
interface Entry {
  readonly known: Known;
  readonly inputs: ReadonlySet<Value>;
}

export interface Elements {
  readonly tensor: DimTensor;
  readonly inputs: ReadonlySet<Value>;
}

export interface Graphlike {
  /** The node that makes a value. */
  producer(value: Value): Node | undefined;
  /** The elements of a value that no node makes. */
  input(value: Value): Known | undefined;
}

export class KnownValues {
  readonly #store: Store;
  /** What stays true: elements once known do not change but for what the store learns of their symbols. */
  readonly #entries = new Map<Value, Entry>();
  /** What is made of weights or data: no size will ever be learnt that makes it known. */
  readonly #never = new Set<Value>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The elements of `value` under all that is known. */
  of(value: Value, graph: Graphlike): Elements | undefined {
    this.#settle(value, graph);
    const entry = this.#entries.get(value);
    const tensor = entry && this.#resolved(entry.known);
    return tensor && { tensor, inputs: entry.inputs };
  }

  #settle(value: Value, graph: Graphlike): void {
    const failed = new Set<Value>();
    const hasFailed = (each: Value) => failed.has(each) || this.#never.has(each);
    const waiting = [value];
    for (let next = waiting.at(-1); next; next = waiting.at(-1)) {
      const settled = this.#entries.has(next) || hasFailed(next);
      const node = settled ? undefined : graph.producer(next);
      const operands = node?.operands ?? [];
      const hopeless = node && (operands.some(hasFailed) || !this.#isSmall(next, node));
      const missing = hopeless ? undefined : operands.find((operand) => !this.#entries.has(operand));
      if (missing) {
        waiting.push(missing);
        continue;
      }
      waiting.pop();
      if (settled) continue;
      const entry = hopeless ? undefined : node ? this.#evaluate(node, next) : leafEntry(next, graph);
      if (entry) this.#entries.set(next, entry);
      else if (!node || operands.some((operand) => this.#never.has(operand))) this.#never.add(next);
      else failed.add(next);
    }
  }

  /** Whether its elements may be followed: what is larger is data, and so is what it is computed from. */
  #isSmall({ type }: Value, { op }: Node): boolean {
    const count = product(this.#store.solve(type.shape)).value;
    return op === "constant" || (count !== undefined && count <= MOST_ELEMENTS);
  }

  #evaluate(node: Node, value: Value): Entry | undefined {
    const entries = node.operands.map((operand) => this.#entries.get(operand)!);
    const operands = entries.map(({ known }) => (isTensor(known) ? known : this.#resolved(known)!));
    const attributes = resolveAttributes(this.#store, node.attributes);
    const results = node.results.map((each) => ({ ...each, type: resolveType(this.#store, each.type) }));
    const index = node.results.indexOf(value);
    const known = evaluateDims({ ...node, attributes, results }, index, operands, this.#arithmetic(node));
    return known && { known, inputs: new Set(entries.flatMap(({ inputs }) => [...inputs])) };
  }

  #resolved(known: Known): DimTensor | undefined {
    const tensor = toDims(known);
    return tensor && { ...tensor, dims: this.#store.solve(tensor.dims) };
  }

  #arithmetic({ source, op }: Node): Arithmetic {
    const store = this.#store;
    const origin = {
      subject: source.path || op,
      clause: "a size that passes through a float stays exact",
      ...(source.at && { at: source.at }),
    };
    return {
      facts: store,
      within: (d, limit) =>
        d.value !== undefined ||
        !(
          store.atLeast(constant(BigInt(limit)), d, origin) ??
          store.atLeast(d, constant(-BigInt(limit)), origin)
        ),
    };
  }
}

function leafEntry(value: Value, graph: Graphlike): Entry | undefined {
  const known = graph.input(value);
  return known && { known, inputs: new Set([value]) };
}
