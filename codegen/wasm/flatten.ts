/**
 * Loop IR as WebAssembly sees it: unrolled loops written out, vector loops reduced to lines marked with their
 * lane axis, only serial loops left. Every address is then over serial axes, parameters and at most one lane
 * axis.
 */
import { constant, constantOf, type Dim, substitute, symbolsOf } from "../../compiler/dims/index.ts";
import { strideOf } from "../../compiler/ir/affine.ts";
import type { Buffer, Expr, For, Stmt } from "../../compiler/ir/loop.ts";
import { expressionOf, substituteAxis, visitExpr } from "../../compiler/ir/loop-rewrite.ts";
import { unsupported } from "./unsupported.ts";

type Line = Exclude<Stmt, { kind: "for" | "if" }>;

/** A statement without statements inside; with `lane`, it stands for four: lane = 0, 1, 2, 3. */
export interface LineNode {
  readonly kind: "line";
  readonly stmt: Line;
  readonly lane: string | undefined;
}

export interface LoopNode {
  readonly kind: "loop";
  readonly loop: For;
  readonly body: readonly Node[];
}

export interface IfNode {
  readonly kind: "if";
  readonly condition: Expr;
  readonly body: readonly Node[];
}

export type Node = LineNode | LoopNode | IfNode;

export const laneCount = 4;

export function flatten(stmts: readonly Stmt[], lane?: string): readonly Node[] {
  return stmts.flatMap((s): readonly Node[] => {
    if (s.kind === "for") return flattenLoop(s, lane);
    if (s.kind !== "if") return [{ kind: "line", stmt: s, lane }];
    if (lane !== undefined && mentions(s.condition, lane))
      unsupported(`a condition that differs by lane of ${lane}`);
    return [{ kind: "if", condition: s.condition, body: flatten(s.body, lane) }];
  });
}

/** Whether the value may depend on the axis; what registers hold may. */
function mentions(value: Expr, axis: string): boolean {
  let found = false;
  visitExpr(value, (e) => {
    if (e.kind === "load" || e.kind === "index") found ||= symbolsOf(e.index).includes(axis);
    if (e.kind === "register" || e.kind === "guard") found = true;
  });
  return found;
}

function flattenLoop(s: For, lane: string | undefined): readonly Node[] {
  if (s.mode === "unroll") {
    const extent = constantOf(s.extent) ?? 0;
    const trips = Array.from({ length: Math.ceil(extent / s.step) }, (_, i) => i * s.step);
    return trips.flatMap((i) => flatten(substituteAxis(s.body, s.axis, constant(i)), lane));
  }
  if (lane !== undefined) unsupported(`a loop over ${s.axis} inside the lanes of ${lane}`);
  if (s.mode === "serial") return [{ kind: "loop", loop: s, body: flatten(s.body) }];
  if (constantOf(s.extent) !== laneCount || s.step !== 1) unsupported(`${s.extent} lanes over ${s.axis}`);
  return flatten(s.body, s.axis);
}

/** The address of the first lane. */
export const firstLane = (index: Dim, lane: string | undefined): Dim => nthLane(index, lane, 0);

export function nthLane(index: Dim, lane: string | undefined, i: number): Dim {
  return lane === undefined ? index : substitute(index, new Map([[lane, constant(i)]]));
}

/** The lanes whose addresses may need a pointer of their own; that of the first reaches those above it. */
function lanesToVisit(index: Dim, lane: string | undefined): readonly number[] {
  const stride = lane === undefined ? 0 : strideOf(index, lane);
  if (stride === undefined) return [0, 1, 2, 3];
  return stride < 0 ? [0, laneCount - 1] : [0];
}

/** Calls `visit` on every address below the nodes that a pointer is needed for, or on those of `lanes`. */
export function visitAddresses(
  nodes: readonly Node[],
  visit: (buffer: Buffer, index: Dim) => void,
  lanes?: readonly number[],
): void {
  visitValues(nodes, (e, lane) => {
    if (e.kind !== "load") return;
    for (const i of lanes ?? lanesToVisit(e.index, lane)) visit(e.buffer, nthLane(e.index, lane, i));
  });
  visitNodes(nodes, (node) => {
    if (node.kind === "line" && node.stmt.kind === "store")
      visit(node.stmt.buffer, firstLane(node.stmt.index, node.lane));
  });
}

export function visitNodes(nodes: readonly Node[], visit: (node: Node) => void): void {
  for (const node of nodes) {
    visit(node);
    if (node.kind !== "line") visitNodes(node.body, visit);
  }
}

function visitValues(nodes: readonly Node[], visit: (e: Expr, lane: string | undefined) => void): void {
  visitNodes(nodes, (node) => {
    const lane = node.kind === "line" ? node.lane : undefined;
    const value = node.kind === "line" ? expressionOf(node.stmt) : node.kind === "if" && node.condition;
    if (value) visitExpr(value, (e) => visit(e, lane));
  });
}

/**
 * Symbols needed as numbers below the nodes: in guards, extents, indices that are values, and rests of
 * addresses.
 */
export function symbolsNeeded(
  nodes: readonly Node[],
  restOf: (buffer: Buffer, index: Dim) => Dim | undefined,
): ReadonlySet<string> {
  const needed = new Set<string>();
  const need = (d: Dim | undefined) => {
    for (const name of d ? symbolsOf(d) : []) needed.add(name);
  };
  visitAddresses(nodes, (buffer, index) => need(restOf(buffer, index)));
  visitValues(nodes, (e) => {
    if (e.kind === "index") need(e.index);
    else if (e.kind === "guard") e.tests.forEach(need);
  });
  visitNodes(nodes, (node) => {
    if (node.kind === "loop") need(node.loop.extent);
    if (node.kind === "line" && node.stmt.kind === "bind") need(node.stmt.extent);
  });
  return needed;
}
