/**
 * Lanes without a vector form: each is computed as a scalar, with its number in place of the lane axis, and
 * put into the vector.
 */

import type { Expr } from "../../compiler/ir/loop.ts";
import { dtypeOf, rewriteExpr } from "../../compiler/ir/loop-rewrite.ts";
import { laneCount, nthLane } from "./flatten.ts";
import { emitScalar, isFloat } from "./scalar.ts";
import { innerScope, type Scope } from "./scope.ts";

/** Leaves the four values on the stack. */
export function emitOneByOne(scope: Scope, e: Expr, lane: string): void {
  const { f } = scope;
  const float = isFloat(dtypeOf(e));
  const vector = f.local("v128");
  for (let i = 0; i < laneCount; i++) {
    if (i > 0) f.local_get(vector);
    emitScalar(innerScope(scope), rewriteExpr(e, { index: (d) => nthLane(d, lane, i) }));
    if (i > 0) float ? f.f32x4_replace_lane(i) : f.i32x4_replace_lane(i);
    else float ? f.f32x4_splat() : f.i32x4_splat();
    f.local_set(vector);
  }
  f.local_get(vector);
}
