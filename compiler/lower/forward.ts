/**
 * Puts a local that is read once in the place where it is read, so that an epilogue is one expression and not
 * a list of names. Only within one statement list, into a statement before the next store or set: a load must
 * not move past a store, whose memory may be the operand's (in-place), nor a read past the change of what it
 * reads. Locals that are set again are accumulators and stay.
 */
import type { Expr, Kernel, Register, Stmt } from "../ir/loop.ts";
import { rewriteStmt, visitExpr, visitKernel, visitStmts } from "../ir/loop-rewrite.ts";

export function forward(kernel: Kernel): Kernel {
  const once = readOnce(kernel);
  return once.size === 0 ? kernel : { ...kernel, body: forwardIn(kernel.body, once) };
}

/** Registers without a shape that are declared, never set, and read exactly once. */
function readOnce(kernel: Kernel): ReadonlySet<Register> {
  const reads = new Map<Register, number>();
  const fixed = new Set<Register>();
  visitKernel(kernel, (e) => {
    if (e.kind === "register") reads.set(e.register, (reads.get(e.register) ?? 0) + 1);
  });
  visitStmts(kernel.body, (s) => {
    if (s.kind === "let" && s.register.shape.length === 0) fixed.add(s.register);
    if (s.kind === "set") fixed.delete(s.register);
  });
  return new Set([...fixed].filter((register) => reads.get(register) === 1));
}

function forwardIn(body: readonly Stmt[], once: ReadonlySet<Register>): readonly Stmt[] {
  const values = new Map<Register, Expr>();
  return body.flatMap((s, position) => {
    const inner = "body" in s ? { ...s, body: forwardIn(s.body, once) } : s;
    const filled = values.size === 0 ? inner : rewriteStmt(inner, { expr: (e) => valueIn(e, values) });
    if (filled.kind !== "let" || !once.has(filled.register) || !isReadNext(filled.register, body, position))
      return [filled];
    values.set(filled.register, filled.value);
    return [];
  });
}

const valueIn = (e: Expr, values: ReadonlyMap<Register, Expr>): Expr =>
  (e.kind === "register" && values.get(e.register)) || e;

/** The one read stands in this list, in a plain statement, with no store, no set and no loop before it. */
function isReadNext(register: Register, body: readonly Stmt[], position: number): boolean {
  for (const s of body.slice(position + 1)) {
    if ("body" in s) return false;
    let found = false;
    if ("value" in s)
      visitExpr(s.value, (e) => {
        if (e.kind === "register" && e.register === register) found = true;
      });
    if (found) return true;
    if (s.kind === "store" || s.kind === "set") return false;
  }
  return false;
}
