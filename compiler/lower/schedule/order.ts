/**
 * Which blocks come first. A pass over all columns of a product reads every weight once; done for each block
 * of rows, that is a stream from memory as soon as the weights no longer fit the cache. Then the columns go
 * around the rows instead, each column's panel stays in the cache, and it is the rows that are read over
 * again, if they are fewer. Loops that are parallel may change places.
 */

import { dtypes } from "../../../runtime/dtype.ts";
import { constantOf } from "../../dims/index.ts";
import type { Buffer, For, Stmt } from "../../ir/loop.ts";
import { expressionOf, visitExpr, visitStmts } from "../../ir/loop-rewrite.ts";
import type { Tile } from "./tile.ts";
import { nestOf } from "./workload.ts";

/** Bytes that are taken to stay in the second level of caches beside what else is read. */
const cached = 2 ** 20;

/** The nest with the axis of its columns (the innermost block's) outermost where that saves traffic. */
export function columnsFirst(loop: For, tile: Tile): For {
  const nest = nestOf(loop);
  const column = tile.blocks.at(-1)?.axis;
  const at = nest.axes.findIndex(({ axis }) => axis === column);
  if (tile.blocks.length < 2 || at <= 0) return loop;
  const axes = [nest.axes[at]!, ...nest.axes.filter((_, i) => i !== at)];
  if (!nest.axes.every(({ extent }) => constantOf(extent) !== undefined)) return loop;
  const { weights, others } = trafficOf(nest.body);
  const passes = (named: (axis: string) => boolean) =>
    nest.axes.reduce((n, { axis, extent }) => {
      const factor = tile.blocks.find((block) => block.axis === axis)?.factor ?? 1;
      return named(axis) ? n * Math.ceil(constantOf(extent)! / factor) : n;
    }, 1);
  const [rows, columns] = [passes((axis) => axis !== column), passes((axis) => axis === column)];
  if (weights <= cached || weights * rows <= others * columns) return loop;
  return axes.reduceRight<readonly Stmt[]>((body, axis) => [{ ...axis, body }], nest.body)[0] as For;
}

/** Bytes of the buffers that reductions read. */
function trafficOf(body: readonly Stmt[]): { readonly weights: number; readonly others: number } {
  const read = new Set<Buffer>();
  visitStmts(body, (s, loops) => {
    const value = expressionOf(s);
    if (value && loops.some((loop) => !loop.parallel))
      visitExpr(value, (e) => {
        if (e.kind === "load") read.add(e.buffer);
      });
  });
  let [weights, others] = [0, 0];
  for (const { space, length, dtype } of read)
    if (space === "weight") weights += length * dtypes[dtype].bytes;
    else others += length * dtypes[dtype].bytes;
  return { weights, others };
}
