/**
 * What a network demands of its inputs' sizes, whoever says something else of them: the needs of symbolic
 * inference with, for each, both sides of the statement that makes it: the layers that a size came through,
 * what it became there, and the lines they were written on.
 */
import { CompileError, type Diagnostic, type Fact } from "../diagnostics/index.ts";
import { type Dim, evaluate, Store, symbolsOf } from "../dims/index.ts";
import type { Graph } from "../ir/graph.ts";
import { chainOf, coreOf, madeAt, type Side, sidesOf } from "./conflict-sides.ts";
import { type Need, needsOf } from "./needs.ts";
import { isOpOrigin, type OpOrigin } from "./origins.ts";
import { Provenance } from "./provenance.ts";
import { reasonsFor } from "./reasons.ts";
import { inferNode, Relations } from "./relations.ts";

export interface Demands {
  readonly graph: Graph;
  readonly store: Store;
  readonly needs: readonly Need[];
  readonly provenance: Provenance;
}

/** Undefined when the network contradicts itself whatever the sizes. */
export function demandsOf(graph: Graph): Demands | undefined {
  const store = new Store();
  const relations = new Relations(store);
  try {
    for (const node of graph.nodes) inferNode(relations, node);
    for (const output of graph.outputs) relations.declare(output);
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
  return { graph, store, needs: needsOf(store), provenance: new Provenance(graph.nodes, store) };
}

/** The part of a refusal that tells why the network makes this demand; `sizes` are those it refuses. */
export function told(
  need: Need,
  { graph, store, provenance }: Demands,
  sizes: ReadonlyMap<string, number> = new Map(),
): Pick<Diagnostic, "because" | "chains" | "core" | "at"> & { readonly facts: readonly Fact[] } {
  const because = reasonsFor(need, provenance).join("\n");
  const origin = decisive(need, store, sizes);
  if (!origin) return { because, facts: [] };
  const [left, right] = [store.resolve(origin.statement.left), store.resolve(origin.statement.right)];
  const conflict = { core: [origin], left, right };
  const sides = sidesOf(conflict, graph.nodes, store);
  return {
    because,
    facts: (sides ?? []).flatMap((side) => sizeFact(side, sizes)),
    core: coreOf(conflict, sides),
    ...(sides && { chains: sides.map((side) => chainOf(side, origin.subject)) }),
    ...(origin.at && { at: origin.at }),
  };
}

/** Of the statements that make the demand the first that these sizes break. */
function decisive({ origins }: Need, store: Store, sizes: ReadonlyMap<string, number>): OpOrigin | undefined {
  const statements = origins.filter(isOpOrigin);
  const broken = statements.find(({ statement }) => {
    const [left, right] = [statement.left, statement.right].map((d) => valueUnder(store.resolve(d), sizes));
    return left !== undefined && right !== undefined && left !== right;
  });
  return broken ?? statements.at(-1);
}

function valueUnder(d: Dim, sizes: ReadonlyMap<string, number>): number | undefined {
  return symbolsOf(d).every((name) => sizes.has(name)) ? Number(evaluate(d, sizes)) : undefined;
}

/** "merge1_up   4*floor(H/4) = 8   made there, at unet.ts:14". */
function sizeFact({ maker, dim }: Side, sizes: ReadonlyMap<string, number>): readonly Fact[] {
  if (!maker) return [];
  const value = valueUnder(dim, sizes);
  const number = value === undefined || String(value) === String(dim) ? "" : ` = ${value}`;
  return [{ subject: maker.path, value: `${dim}${number}`, note: madeAt(maker) }];
}
