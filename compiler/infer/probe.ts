/**
 * Which axes of a node's operands each size of its results is made of, and which axes each of its statements
 * ties together. Nobody writes that down per op: the op's relation is run on operands whose every size is a
 * symbol of its own, and the symbols that come out tell. Sizes of 1 stay, because broadcasting depends on
 * them. A size that an attribute gives (a reshape's target) comes out without such symbols.
 */
import { CompileError } from "../diagnostics/index.ts";
import { constant, type Dim, symbol, symbolsOf } from "../dims/index.ts";
import type { Graph, TensorType, Value } from "../ir/graph.ts";
import type { RelationContext } from "../ir/op.ts";
import { ops } from "../ops/index.ts";

/** One axis of one value. */
export interface Place {
  readonly value: Value;
  readonly axis: number;
}

/** A statement of a relation: `left` and `right` are the axes that its two sides are made of. */
interface Statement {
  readonly clause: string;
  readonly left: readonly Place[];
  readonly right: readonly Place[];
}

/** What a node's relation says in terms of its operands' axes. */
export interface Probed {
  /** For each result, for each axis. */
  readonly results: readonly (readonly (readonly Place[])[])[];
  readonly statements: readonly Statement[];
}

interface Probable {
  readonly op: string;
  readonly operands: readonly Value[];
  readonly attributes: Parameters<NonNullable<ReturnType<typeof ops.get>>["relate"]>[2];
}

/** Undefined where the relation refuses sizes that are symbols. `shapes` are those of the operands now. */
export function probe(node: Probable, shapes: readonly (readonly Dim[])[]): Probed | undefined {
  const places = new Map<string, Place>();
  const types = node.operands.map(({ type }, i) => ({
    dtype: type.dtype,
    shape: shapes[i]!.map((d, axis) => {
      if (d === constant(1)) return d;
      const name = `$probe.${i}.${axis}`;
      places.set(name, { value: node.operands[i]!, axis });
      return symbol(name);
    }),
  }));
  const placesIn = (d: Dim) => symbolsOf(d).flatMap((name) => places.get(name) ?? []);
  const context = new Recorder(placesIn);
  try {
    const results = ops.get(node.op)!.relate(context, types, node.attributes);
    return { results: results.map(({ shape }) => shape.map(placesIn)), statements: context.statements };
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

/** Believes every statement and takes it down. */
class Recorder implements RelationContext {
  readonly statements: Statement[] = [];
  readonly #places: (d: Dim) => readonly Place[];
  #unknowns = 0;

  constructor(places: (d: Dim) => readonly Place[]) {
    this.#places = places;
  }

  equal(a: Dim, b: Dim, clause: string): void {
    this.statements.push({ clause, left: this.#places(a), right: this.#places(b) });
  }

  atLeast(a: Dim, b: Dim, clause: string): void {
    this.equal(a, b, clause);
  }

  divisible(a: Dim, by: Dim, clause: string): void {
    this.equal(a, by, clause);
  }

  broadcast(a: Dim, b: Dim, clause: string): Dim {
    this.equal(a, b, clause);
    return a === constant(1) ? b : a;
  }

  resolve(d: Dim): Dim {
    return d;
  }

  infer(body: Graph, inputs: readonly TensorType[]): readonly TensorType[] {
    const types = new Map<Value, TensorType>(body.inputs.map((input, i) => [input, inputs[i]!]));
    const typeOf = (value: Value) => types.get(value) ?? value.type;
    for (const { op, operands, attributes, results } of body.nodes) {
      const made = ops.get(op)!.relate(this, operands.map(typeOf), attributes);
      for (const [i, result] of results.entries()) types.set(result, made[i]!);
    }
    return body.outputs.map(({ value }) => typeOf(value));
  }

  unknown(): Dim {
    return symbol(`?$probe.${this.#unknowns++}`);
  }

  fail(...[code, message, details]: Parameters<RelationContext["fail"]>): never {
    throw new CompileError([{ code, message, ...details }]);
  }
}
