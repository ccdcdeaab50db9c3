/**
 * Squares as products. `pow(x, 2)` is a function of many instructions; x * x is one, and the nearest float to
 * what pow is meant to be. For targets whose functions are within a bound of the reference anyway: engines of
 * JavaScript do not promise the same bits, so where bits count a power stays one.
 */
import { dtypes } from "../../runtime/dtype.ts";
import type { Expr, Kernel } from "../ir/loop.ts";
import { rewriteStmts } from "../ir/loop-rewrite.ts";

export function squareByProduct(kernel: Kernel): Kernel {
  return { ...kernel, body: rewriteStmts(kernel.body, { expr: squared }) };
}

function squared(e: Expr): Expr {
  if (e.kind !== "binary" || e.fn !== "pow" || dtypes[e.dtype].kind !== "float") return e;
  if (e.b.kind !== "constant" || e.b.value !== 2) return e;
  // Anything else would be computed twice.
  return e.a.kind === "load" || e.a.kind === "register" ? { ...e, fn: "mul", b: e.a } : e;
}
