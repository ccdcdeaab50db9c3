/**
 * How a size came to be what it is: the way of one axis of a value back through the nodes that made it, to
 * the inputs, the parameters and the attributes it began with. Steps are told by layer, because nodes inside
 * one mean nothing to a user. It is asked for only when somebody wants to know (`--why`, an error, what a
 * demand is made of): nothing is recorded while a graph is built.
 */
import type { SourceLocation } from "../diagnostics/index.ts";
import { type Dim, isConstant, kindOf, type Origin, type Store, symbolsOf } from "../dims/index.ts";
import type { Node, Value } from "../ir/graph.ts";
import { type Place, type Probed, probe } from "./probe.ts";

/** What one layer, or one input, made of a size. */
export interface Step {
  /** Path of the layer, or name of the input. */
  readonly path: string;
  /** The size when it leaves the layer. */
  readonly dim: Dim;
  /** The sizes it was when it came in; none where it begins. */
  readonly from: readonly Dim[];
  readonly at: SourceLocation | undefined;
}

/** False for a layer that only hands the size on. */
export const isChange = ({ dim, from }: Step): boolean => !from.includes(dim);

interface Visited {
  readonly place: Place;
  readonly path: string;
  readonly sources: readonly string[];
  /** Whether a node of another layer, or nobody, reads it from here. */
  leaves: boolean;
}

export class Provenance {
  readonly #producers = new Map<Value, { readonly node: Node; readonly order: number }>();
  readonly #probed = new Map<Node, Probed | undefined>();
  readonly #store: Store;
  /** The layer that the source path of a node belongs to, as the user knows it. */
  readonly owner: (path: string) => string;

  constructor(nodes: Iterable<Node>, store: Store, owner = (path: string) => path) {
    let order = 0;
    for (const node of nodes) {
      for (const result of node.results) this.#producers.set(result, { node, order });
      order++;
    }
    this.#store = store;
    this.owner = owner;
  }

  /** A size with everything known applied. */
  resolve(d: Dim): Dim {
    return this.#store.resolve(d);
  }

  /** What decided the deferred sizes at these places: other uses of a shared parameter, say. */
  deciding(places: readonly Place[]): readonly Origin[] {
    const names = places.flatMap(({ value, axis }) => symbolsOf(value.type.shape[axis]!));
    return [...new Set(names.filter((n) => kindOf(n) === "flex").flatMap((n) => this.#store.whyOf(n)))];
  }

  dimOf({ value, axis }: Place): Dim {
    return this.resolve(value.type.shape[axis]!);
  }

  /** The layers that the size at `place` went through, first to last. */
  steps(...places: readonly Place[]): readonly Step[] {
    const visited = this.#visit(places);
    const entering = this.#entering(visited);
    const order = ({ place }: Visited) => this.#producers.get(place.value)?.order ?? -1;
    const inOrder = [...visited.values()].sort((a, b) => order(a) - order(b) || a.place.axis - b.place.axis);
    const steps = new Map<string, Step>();
    for (const { place, path, leaves } of inOrder) {
      if (!leaves) continue;
      const dim = this.dimOf(place);
      const key = `${path} ${dim}`;
      steps.delete(key);
      steps.set(key, { path, dim, from: [...(entering.get(path) ?? [])], at: place.value.source.at });
    }
    return [...steps.values()];
  }

  /** What the statement `clause` of a node ties together: the axes its two sides are made of. */
  sides(
    node: Pick<Node, "op" | "operands" | "attributes">,
    clause: string,
  ): readonly [left: readonly Place[], right: readonly Place[]] | undefined {
    const found = probe(node, this.#shapes(node.operands))?.statements.find((s) => s.clause === clause);
    return found && [found.left, found.right];
  }

  #visit(places: readonly Place[]): ReadonlyMap<string, Visited> {
    const visited = new Map<string, Visited>();
    const open = places.map((place) => ({ place, reader: undefined as string | undefined }));
    for (let next = open.pop(); next; next = open.pop()) {
      const { place, reader } = next;
      const path = this.owner(place.value.source.path || place.value.name);
      const key = keyOf(place);
      const known = visited.get(key);
      if (known) known.leaves ||= reader !== path;
      else {
        const sources = this.#sources(place);
        visited.set(key, { place, path, sources: sources.map(keyOf), leaves: reader !== path });
        for (const source of sources) open.push({ place: source, reader: path });
      }
    }
    return visited;
  }

  /** The sizes that come into each layer from others. */
  #entering(visited: ReadonlyMap<string, Visited>): ReadonlyMap<string, ReadonlySet<Dim>> {
    const entering = new Map<string, Set<Dim>>();
    for (const { path, sources } of visited.values())
      for (const { path: other, place } of sources.map((key) => visited.get(key)!))
        if (other !== path) entering.set(path, (entering.get(path) ?? new Set()).add(this.dimOf(place)));
    return entering;
  }

  /** The axes of the operands that this one is made of. */
  #sources(place: Place): readonly Place[] {
    const node = this.#producers.get(place.value)?.node;
    if (!node) return [];
    const dim = this.dimOf(place);
    const result = node.results.indexOf(place.value);
    const probed = this.#probe(node)?.results[result]?.[place.axis] ?? [];
    const fitting = isConstant(dim) ? probed : probed.filter((p) => !isConstant(this.dimOf(p)));
    const same = this.#beside(node, place, dim);
    if (fitting.length > 1 || fitting.some((p) => this.dimOf(p) === dim)) return fitting;
    if (same) return [same];
    if (fitting.length > 0) return fitting;
    return isConstant(dim) ? this.#bounding(node, place.axis) : this.#related(node, dim);
  }

  /** Where the result's size is a number given as an attribute: the axis it was cut from. */
  #bounding(node: Node, axis: number): readonly Place[] {
    const statements = this.#probe(node)?.statements ?? [];
    const alone = statements.map(({ left, right }) => [...left, ...right]).filter((all) => all.length === 1);
    return alone
      .flat()
      .filter((p) => p.axis === axis)
      .slice(0, 1);
  }

  /** The same axis, counted from either end, of an operand that has this very size there. */
  #beside(node: Node, { value, axis }: Place, dim: Dim): Place | undefined {
    if (isConstant(dim)) return undefined;
    const ends = (operand: Value) => [axis, axis - value.type.shape.length + operand.type.shape.length];
    return node.operands
      .flatMap((operand) => ends(operand).map((at) => ({ value: operand, axis: at })))
      .find((place) => place.value.type.shape[place.axis] && this.dimOf(place) === dim);
  }

  /** Where the result's size is an attribute: axes that share its symbols, those of this very size first. */
  #related(node: Node, dim: Dim): readonly Place[] {
    const names = new Set(symbolsOf(dim));
    const all = node.operands.flatMap((value) => value.type.shape.map((_, axis) => ({ value, axis })));
    const same = all.find((place) => this.dimOf(place) === dim);
    return same ? [same] : all.filter((place) => symbolsOf(this.dimOf(place)).some((n) => names.has(n)));
  }

  #probe(node: Node): Probed | undefined {
    if (!this.#probed.has(node)) this.#probed.set(node, probe(node, this.#shapes(node.operands)));
    return this.#probed.get(node);
  }

  #shapes(operands: readonly Value[]): readonly (readonly Dim[])[] {
    return operands.map(({ type }) => type.shape.map((d) => this.resolve(d)));
  }
}

const keyOf = ({ value, axis }: Place): string => `${value.id}.${axis}`;
