/**
 * Merges directly nested loops whose axes only ever occur together as one running index, so that an
 * elementwise kernel is one flat loop, the rows of a batched matmul are one axis, and the columns and
 * channels of a convolution's window are one reduction. Both are parallel or both reduce, and a merged
 * reduction keeps its order. For axes i (outer) and j of extents a and b: every index that mentions either
 * must be c*(b*i + j) plus something free of both.
 */
import { constant, type Dim, mul, substitute, symbol } from "../dims/index.ts";
import { slopeOf } from "../ir/affine.ts";
import type { For, Kernel, Stmt } from "../ir/loop.ts";
import { rewriteStmts } from "../ir/loop-rewrite.ts";

export function coalesce(kernel: Kernel): Kernel {
  return { ...kernel, body: kernel.body.map(merge) };
}

function merge(statement: Stmt): Stmt {
  if (statement.kind !== "for") return statement;
  const outer: For = { ...statement, body: statement.body.map(merge) };
  const inner = outer.body[0];
  if (outer.body.length !== 1 || inner?.kind !== "for") return outer;
  if (outer.parallel !== inner.parallel || outer.step !== 1 || inner.step !== 1) return outer;
  if (!dimsOf(inner.body).every((d) => runsAsOne(d, outer.axis, inner.axis, inner.extent))) return outer;
  const once = new Map([
    [outer.axis, constant(0)],
    [inner.axis, symbol(outer.axis)],
  ]);
  const body = rewriteStmts(inner.body, { index: (d) => substitute(d, once) });
  return merge({ ...outer, extent: mul(outer.extent, inner.extent), body });
}

function dimsOf(body: readonly Stmt[]): readonly Dim[] {
  const found: Dim[] = [];
  rewriteStmts(body, {
    index: (d) => {
      found.push(d);
      return d;
    },
  });
  return found;
}

/** True when `d` mentions neither axis, or both in the proportion of one running index. */
function runsAsOne(d: Dim, outer: string, inner: string, extent: Dim): boolean {
  const [major, minor] = [slopeOf(d, outer), slopeOf(d, inner)];
  return major !== undefined && minor !== undefined && major === mul(minor, extent);
}
