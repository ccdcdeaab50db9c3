/**
 * Runs the relation of one node: hands the op a context whose statements go into the constraint store, and
 * turns a statement that cannot hold into a CompileError that names the node, both values and where each came
 * from.
 */
import { type Code, CompileError, type Diagnostic, type Fact } from "../diagnostics/index.ts";
import {
  type Conflict,
  constant,
  constantOf,
  type Dim,
  decide,
  isConstant,
  kindOf,
  mod,
  type Origin,
  type Shape,
  type Store,
  sub,
  symbol,
  symbolsOf,
} from "../dims/index.ts";
import { mapAttributes } from "../ir/attribute.ts";
import type { Attributes, Graph, Node, Output, TensorType, Value } from "../ir/graph.ts";
import type { Op, RelationContext } from "../ir/op.ts";
import { ops } from "../ops/index.ts";
import { diagnose, type Site } from "./diagnose.ts";
import type { OpOrigin, OpRelation } from "./origins.ts";

export class Relations implements RelationContext {
  readonly store: Store;
  readonly #names: Map<string, number>;
  readonly #nodes: Iterable<Node>;
  /** The differences that are known to be 0, or at least 0; the remainders that are. */
  readonly #said = { "==": new Set<Dim>(), ">=": new Set<Dim>(), "divisible by": new Set<Dim>() };
  #site: Site | undefined;
  #attributes: Attributes = {};

  /** `nodes`: what is there of the graph, for errors that say where sizes come from. */
  constructor(store: Store, names: Map<string, number> = new Map(), nodes: Iterable<Node> = []) {
    this.store = store;
    this.#names = names;
    this.#nodes = nodes;
  }

  /** Result types of a node; throws CompileError. */
  relate(site: Site, types: readonly TensorType[], attributes: Attributes): readonly TensorType[] {
    return this.within(site, attributes, () => opNamed(site.op).relate(this, types, attributes));
  }

  /**
   * Result types under what is known. The relation is run on resolved types, which is fast; only when that
   * fails is it run again on the types as declared, whose symbols tell the store where the contradicting
   * sizes came from.
   */
  relateResolved(site: Site, attributes: Attributes): readonly TensorType[] {
    const types = site.operands.map((operand) => resolveType(this.store, operand.type));
    try {
      return this.relate(site, types, resolveAttributes(this.store, attributes));
    } catch (error) {
      if (error instanceof CompileError)
        this.relate(
          site,
          site.operands.map(({ type }) => type),
          attributes,
        );
      throw error;
    }
  }

  /** States that an output has the shape it is declared to have; throws CompileError. */
  declare({ name, value, declared }: Output): void {
    if (!declared) return;
    const at = value.source.at;
    const source = { path: `output "${name}"`, ...(at && { at }) };
    const { shape } = resolveType(this.store, value.type);
    this.within({ source, op: "output", operands: [value] }, {}, () => {
      checkDeclaredRank(this, value.type, declared);
      declared.forEach((d, axis) => {
        const origin = { subject: source.path, clause: `axis ${axis} is declared ${d}`, ...(at && { at }) };
        const conflict = this.store.equal(shape[axis]!, d, origin);
        if (conflict) throw new CompileError([this.#contradicted(conflict, value, declared)]);
      });
    });
  }

  #contradicted(conflict: Conflict, { type }: Value, declared: Shape): Diagnostic {
    const site = this.#site!;
    const base = diagnose(conflict, site, this.store);
    const given = `[${type.shape.map((d) => this.store.resolve(d)).join(", ")}]`;
    const wanted = `[${declared.join(", ")}]`;
    return {
      ...base,
      message: `${site.source.path} is ${given}, but it is declared ${wanted}`,
      facts: [...(base.facts ?? []), { subject: site.source.path, value: wanted, note: "declared" }],
      fix: "declare what the layers give, or change the layers or the input's sizes",
    };
  }

  /** Whatever `body` states is said by this node. */
  within<T>(site: Site, attributes: Attributes, body: () => T): T {
    const [outer, outerAttributes] = [this.#site, this.#attributes];
    this.#site = site;
    this.#attributes = attributes;
    try {
      return body();
    } finally {
      this.#site = outer;
      this.#attributes = outerAttributes;
    }
  }

  equal(a: Dim, b: Dim, clause: string): void {
    if (a !== b) this.#state("==", a, b, (origin) => this.store.equal(a, b, origin), clause);
  }

  atLeast(a: Dim, b: Dim, clause: string): void {
    if (a !== b) this.#state(">=", a, b, (origin) => this.store.atLeast(a, b, origin), clause);
  }

  divisible(a: Dim, by: Dim, clause: string): void {
    this.#state("divisible by", a, by, (origin) => this.store.divisible(a, by, origin), clause);
  }

  broadcast(a: Dim, b: Dim, clause: string): Dim {
    if (a === b) return a;
    const result = this.store.broadcast(a, b, this.#origin(clause, "broadcasts with", a, b));
    if (isConflict(result)) this.#require(result);
    return result as Dim;
  }

  resolve(d: Dim): Dim {
    return this.store.resolve(d);
  }

  infer(body: Graph, inputs: readonly TensorType[]): readonly TensorType[] {
    body.inputs.forEach((input, i) => {
      unifyTypes(this, inputs[i]!, input.type, `input ${input.name} of the body`);
    });
    for (const node of body.nodes) inferNode(this, node);
    return body.outputs.map((output) => resolveType(this.store, output.value.type));
  }

  unknown(hint: string): Dim {
    return symbol(`?${this.#fresh(hint)}`);
  }

  /** A new symbol for a size that only a run knows: 0 at the least. */
  free(hint: string): Dim {
    return symbol(`!${this.#fresh(hint)}`);
  }

  #fresh(hint: string): string {
    const name = dimStem(hint);
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    return count === 0 ? name : `${name}.${count}`;
  }

  fail(
    code: Code,
    message: string,
    details: { readonly facts?: readonly Fact[]; readonly because?: string; readonly fix: string },
  ): never {
    const { source, op } = this.#site ?? { source: { path: "" }, op: "" };
    const layer = source.path || op;
    const told = this.#site ? withUsersNames(message, this.#site) : message;
    throw new CompileError([{ code, message: told, layer, ...details, ...(source.at && { at: source.at }) }]);
  }

  /** The clause is put in words only when somebody asks: nearly every statement holds. */
  #origin(clause: string, relation: OpRelation, left: Dim, right: Dim): Origin {
    const [site, attributes] = [this.#site, this.#attributes];
    if (!site) return { subject: "graph", clause };
    const { path, at } = site.source;
    const stated: OpOrigin = {
      subject: path || site.op,
      get clause() {
        return inTheUsersNames(clause, site);
      },
      statement: {
        node: { op: site.op, operands: site.operands, attributes },
        clause,
        relation,
        left,
        right,
      },
      ...(at && { at }),
    };
    return stated;
  }

  /** A network says the same of the same sizes in every block: what holds once is not decided again. */
  #state(
    relation: Exclude<OpRelation, "broadcasts with">,
    a: Dim,
    b: Dim,
    assert: (origin: Origin) => Conflict | undefined,
    clause: string,
  ): void {
    const said = this.#said[relation];
    const key = relation === "divisible by" ? mod(a, b) : sub(a, b);
    if (said.has(key)) return;
    this.#require(assert(this.#origin(clause, relation, a, b)));
    said.add(key);
  }

  #require(conflict: Conflict | undefined): void {
    if (conflict) throw new CompileError([diagnose(conflict, this.#site, this.store, this.#nodes)]);
  }
}

/**
 * Ops speak of their operands ("axis 1 of a", "of x0 and x1"); the user knows these by the layers that made
 * them, or by the names of the values.
 */
export function inTheUsersNames(clause: string, { source, op, operands }: Site): string {
  const names = ops.get(op)?.operands ?? [];
  const repeated = names.at(-1)?.match(/^(\w+)\.\.\.$/)?.[1];
  const positionOf = (name: string): number => {
    const number = repeated && name.startsWith(repeated) ? Number(name.slice(repeated.length)) : Number.NaN;
    return Number.isInteger(number) ? names.length - 1 + number : names.indexOf(name);
  };
  return clause.replace(/\b(of|and) (\w+)/g, (text, word: string, name: string) => {
    const value = operands[positionOf(name)];
    return value ? `${word} ${nameFrom(value, source.path)}` : text;
  });
}

/** The same of a message, which names operands only where it speaks of their axes. */
const withUsersNames = (message: string, site: Site): string =>
  message.replace(/\baxis -?\d+ of \w+/g, (operand) => inTheUsersNames(operand, site));

/** What another layer gives out is called after that layer; inside one layer, values have their own names. */
function nameFrom({ name, source: { path } }: Value, layer: string): string {
  const made = name.startsWith(`${path}.`) && ops.has(name.slice(path.length + 1).replace(/_\d+$/, ""));
  return made && path !== "" && path !== layer ? path : name;
}

/**
 * What a symbol made for `text` is called: names of layers and inputs are any text, names of dims are not.
 */
export const dimStem = (text: string): string => text.replace(/[^\p{L}\p{N}_.$]/gu, "_");

const isConflict = (x: Dim | Conflict): x is Conflict => "core" in x;

function opNamed(name: string): Op {
  const op = ops.get(name);
  if (!op) throw new Error(`internal: unknown op ${name}`);
  return op;
}

/** Infers one node of an existing graph and unifies what it says with the declared result types. */
export function inferNode(relations: Relations, node: Graph["nodes"][number]): void {
  const inferred = relations.relateResolved(node, node.attributes);
  relations.within(node, node.attributes, () => {
    node.results.forEach(({ name, type }, i) => {
      refuseStretched(relations, node, inferred[i]!, type);
      unifyTypes(relations, inferred[i]!, type, `declared type of ${name}`);
    });
  });
}

/**
 * Two dims that were merged while both were open are taken to be equal from there on. A size of 1 for the one
 * that stands for both is a broadcast, and everything after it was made for another size.
 */
function refuseStretched(
  relations: Relations,
  { operands, source, op }: Site,
  { shape }: TensorType,
  declared: TensorType,
): void {
  const { store } = relations;
  shape.forEach((now, axis) => {
    const one = declared.shape[axis];
    if (!one || isConstant(one) || constantOf(store.resolve(one)) !== 1) return;
    const beside = operands.flatMap(({ type }) => type.shape.at(axis - shape.length) ?? []);
    const other = beside.find((d) => !isConstant(d) && store.resolve(d) === now);
    if (!other || mayOnlyBeOne(now, store)) return;
    const is = isConstant(now) ? `${other} is ${now}` : `${other} may be more than 1`;
    const taken = `${source.path || op} takes ${one} and ${other} to be equal, but ${is}`;
    relations.fail("E2104", `${taken} and ${one} is 1 here: declare ${one} = 1 or ${one} = ${other}`, {
      facts: operands.map(({ name, type }) => ({ subject: name, value: `[${type.shape.join(", ")}]` })),
      fix: `write 1 in place of ${one} in the input's shape, say so by name (--dim ${one}=1), or use one name for both`,
    });
  });
}

/** 1, or what is still to be found out and will then be 1. */
function mayOnlyBeOne(d: Dim, store: Store): boolean {
  if (isConstant(d)) return constantOf(d) === 1;
  return (
    symbolsOf(d).some((name) => kindOf(name) !== "rigid") ||
    decide("==", d, constant(1), store).kind === "always"
  );
}

function unifyTypes(relations: Relations, inferred: TensorType, declared: TensorType, clause: string): void {
  if (inferred.dtype !== declared.dtype)
    relations.fail("E2107", `${clause} is ${declared.dtype}, but it is ${inferred.dtype}`, {
      fix: `declare it ${inferred.dtype}, or cast`,
    });
  if (inferred.shape.length !== declared.shape.length)
    relations.fail(
      "E2111",
      `${clause} has rank ${declared.shape.length}, but it is ${inferred.shape.length}`,
      {
        fix: "declare the shape that is computed",
      },
    );
  inferred.shape.forEach((d, axis) => {
    const other = declared.shape[axis]!;
    if (d !== other) relations.equal(d, other, `axis ${axis} of the ${clause}`);
  });
}

function checkDeclaredRank(relations: Relations, { shape }: TensorType, declared: Shape): void {
  if (shape.length !== declared.length)
    relations.fail("E2111", `it has rank ${shape.length}, but is declared [${declared.join(", ")}]`, {
      fix: "declare the shape that is computed",
    });
}

export function resolveType(store: Store, type: TensorType): TensorType {
  const shape = type.shape.map((d) => store.resolve(d));
  return shape.every((d, i) => d === type.shape[i]) ? type : { dtype: type.dtype, shape };
}

/** Attributes with every dim in them resolved. */
export function resolveAttributes(store: Store, attributes: Attributes): Attributes {
  return mapAttributes(
    attributes,
    (d) => store.resolve(d),
    (graph) => graph,
  );
}
