/**
 * What a name of the file stands for while a graph is built. A tensor of the file becomes a node or parameter
 * only where something computes with it: a list of axes never does. Graphs in attributes see the names around
 * them; functions do not.
 */
import type { GraphBuilder } from "../../infer/builder.ts";
import type { Value } from "../../ir/graph.ts";
import type { StoredTensor } from "./tensor-store.ts";

export interface Binding {
  /** Where the elements are, when the file says them. */
  readonly stored?: StoredTensor;
  /** The value in the graph that is being built. */
  value(builder: GraphBuilder): Value;
}

/** What a node that failed would have made: whatever reads it is not imported, and not reported. */
export const failed: Binding = {
  value() {
    throw new Error("internal: the result of a failed node is read");
  },
};

export function bound(value: Value): Binding {
  return { value: () => value };
}

export class Scope {
  readonly #around: Scope | undefined;
  readonly #names = new Map<string, Binding>();

  constructor(around?: Scope) {
    this.#around = around;
  }

  define(name: string, binding: Binding): void {
    this.#names.set(name, binding);
  }

  /** What the name stands for here; undefined for one that nothing makes. */
  lookUp(name: string): Binding | undefined {
    return this.#names.get(name) ?? this.#around?.lookUp(name);
  }

  /** Every name that is read was checked to be given by something. */
  find(name: string): Binding {
    const binding = this.lookUp(name);
    if (!binding) throw new Error(`internal: ${name} is read before it is made`);
    return binding;
  }

  /** Names of this scope that stand for `binding`. */
  namesOf(binding: Binding): ReadonlySet<string> {
    return new Set([...this.#names].filter(([, each]) => each === binding).map(([name]) => name));
  }
}
