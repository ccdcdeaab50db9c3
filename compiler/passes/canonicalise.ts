/**
 * Writes nodes in their simplest form by a table of rows, each of which keeps every bit (in the manner of
 * tinygrad's symbolic rules and MLIR's canonicalisation). Operands are in simplest form when a node is looked
 * at, and what a row gives is looked at again, so one walk reaches the end: run twice, nothing is left to do.
 */
import { arithmetic } from "./canonical/arithmetic.ts";
import { movement } from "./canonical/movement.ts";
import type { Row } from "./canonical/row.ts";
import { type BoundGraph, type BoundNode, type Replacement, rewriteGraph, type Scope } from "./rewrite.ts";

export const rows: readonly Row[] = [...arithmetic, ...movement];

const rowsOf = new Map<string, Row[]>();
for (const row of rows) for (const op of row.ops) rowsOf.set(op, [...(rowsOf.get(op) ?? []), row]);

export function canonicalise(graph: BoundGraph): BoundGraph {
  return rewriteGraph(graph, simplest);
}

function simplest(node: BoundNode, scope: Scope): Replacement {
  let current = node;
  for (let next = step(current, scope); next; next = step(current, scope)) {
    if (!("op" in next)) return next;
    current = next;
  }
  return current === node ? undefined : current;
}

function step(node: BoundNode, scope: Scope): Replacement {
  for (const row of rowsOf.get(node.op) ?? []) {
    const replacement = row.apply(node, scope);
    if (replacement) return replacement;
  }
  return undefined;
}
