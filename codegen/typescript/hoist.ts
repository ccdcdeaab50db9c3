/**
 * Moves checked indices out of loops they do not depend on: a gather checks an index once and not for each
 * element of its row. Only from the head of a loop that surely turns, and only if the index is read from what
 * the kernel never writes, so the same indices are checked and the same error is raised.
 */
import { constantOf, symbolsOf } from "../../compiler/dims/index.ts";
import type { Buffer, Expr, For, Stmt } from "../../compiler/ir/loop.ts";
import { visitExpr } from "../../compiler/ir/loop-rewrite.ts";

export function hoistBinds(body: readonly Stmt[], written: readonly Buffer[]): readonly Stmt[] {
  return body.flatMap((stmt) => {
    if (stmt.kind !== "for") return [stmt];
    const loop = { ...stmt, body: hoistBinds(stmt.body, written) };
    const end = loop.body.findIndex((inner) => inner.kind !== "bind" || !isInvariant(inner, loop, written));
    const count = end < 0 ? loop.body.length : end;
    if (count === 0 || !((constantOf(loop.extent) ?? 0) > 0)) return [loop];
    return [...loop.body.slice(0, count), { ...loop, body: loop.body.slice(count) }];
  });
}

function isInvariant(
  bind: Extract<Stmt, { kind: "bind" }>,
  { axis }: For,
  written: readonly Buffer[],
): boolean {
  let invariant = !symbolsOf(bind.extent).includes(axis);
  visitExpr(bind.value, (e: Expr) => {
    if (e.kind === "load" || e.kind === "index") invariant &&= !symbolsOf(e.index).includes(axis);
    if (e.kind === "load") invariant &&= !written.includes(e.buffer);
    if (e.kind === "guard") invariant &&= !e.tests.some((test) => symbolsOf(test).includes(axis));
    if (e.kind === "register") invariant = false;
  });
  return invariant;
}
