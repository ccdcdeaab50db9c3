/**
 * The loop modes as steps: what a target prints without a loop (`unroll`) and what it does in lanes
 * (`vector`).
 */
import { add, constant, constantOf, mul, symbol } from "../../dims/index.ts";
import type { For, Stmt } from "../../ir/loop.ts";
import { substituteAxis } from "../../ir/loop-rewrite.ts";

/**
 * Rewrites every loop that `pick` gives something for, inner loops first; several statements may stand for
 * one.
 */
export function mapLoops(
  stmts: readonly Stmt[],
  pick: (loop: For) => readonly Stmt[] | undefined,
): readonly Stmt[] {
  return stmts.flatMap((s) => {
    if (s.kind !== "for" && s.kind !== "if") return [s];
    const inner = { ...s, body: mapLoops(s.body, pick) };
    return inner.kind === "for" ? (pick(inner) ?? [inner]) : [inner];
  });
}

/** Repeats the body in the printed code. It needs a constant extent. */
export function unroll(loop: For): For {
  return { ...loop, mode: "unroll" };
}

/**
 * Makes lanes of a loop whose extent is a multiple of `lanes`: vectors side by side (`axis.u`, unrolled) of
 * one lane each (`axis.v`). Any other loop of a constant extent is unrolled.
 */
export function vectorise(loop: For, lanes: number): For {
  const extent = constantOf(loop.extent);
  if (extent === undefined) return loop;
  if (lanes === 1 || extent === 0 || extent % lanes !== 0 || !loop.parallel) return unroll(loop);
  if (extent === lanes) return { ...loop, mode: "vector" };
  const [outer, lane] = [`${loop.axis}.u`, `${loop.axis}.v`];
  const position = add(mul(lanes, symbol(outer)), symbol(lane));
  const body = substituteAxis(loop.body, loop.axis, position);
  const inner: For = { ...loop, axis: lane, extent: constant(lanes), mode: "vector", body };
  return { ...loop, axis: outer, extent: constant(extent / lanes), mode: "unroll", body: [inner] };
}
