/**
 * Which blocks come first. A pass over all columns of a product reads every weight once; done for each block
 * of rows, that is a stream from memory as soon as the weights no longer fit the cache. Then the columns go
 * around the rows instead, each column's panel stays in the cache, and it is the rows that are read over
 * again, if they are fewer. Loops that are parallel may change places.
 */

import { dtypes } from "../../../runtime/dtype.ts";
import { add, constant, constantOf, symbol } from "../../dims/index.ts";
import type { Buffer, For, Stmt } from "../../ir/loop.ts";
import { expressionOf, substituteAxis, visitExpr, visitStmts } from "../../ir/loop-rewrite.ts";
import type { Tile } from "./tile.ts";
import { nestOf } from "./workload.ts";

/** Bytes that are taken to stay in the second level of caches beside what else is read. */
const cached = 2 ** 18;

export interface Arranged {
  readonly loop: For;
  /** The same tile, its axes named as the loop counts them now. */
  readonly tile: Tile;
}

/**
 * The nest with the axis of its columns (the innermost block's) outermost where that saves traffic, and
 * chunks of its first axis around that where the rows do not fit the cache either.
 */
export function columnsFirst(loop: For, tile: Tile): Arranged {
  const unchanged = { loop, tile };
  const nest = nestOf(loop);
  const column = tile.blocks.at(-1)?.axis;
  const at = nest.axes.findIndex(({ axis }) => axis === column);
  if (tile.blocks.length < 2 || at <= 0) return unchanged;
  if (!nest.axes.every(({ extent }) => constantOf(extent) !== undefined)) return unchanged;
  const { weights, others } = trafficOf(nest.body);
  if (weights <= cached) return unchanged;
  const passes = (named: (axis: string) => boolean) =>
    nest.axes.reduce((n, { axis, extent }) => {
      const factor = factorOf(tile, axis);
      return named(axis) ? n * Math.ceil(constantOf(extent)! / factor) : n;
    }, 1);
  const [rows, columns] = [passes((axis) => axis !== column), passes((axis) => axis === column)];
  const [first, ...inner] = nest.axes.filter((_, i) => i !== at) as [For, ...For[]];
  const chunk = chunkOf(first, factorOf(tile, first.axis), others);
  const chunks = constantOf(first.extent)! / chunk;
  const [asIs, turned] = [weights * rows + others, weights + others * columns];
  const chunked = weights * chunks + others;
  if (Math.min(turned, chunked) >= asIs) return unchanged;
  const columnLoop = nest.axes[at]!;
  if (chunks === 1 || chunked >= turned)
    return { loop: around([columnLoop, first, ...inner], nest.body), tile };
  const axis = `${first.axis}.c`;
  const body = substituteAxis(nest.body, first.axis, add(symbol(first.axis), symbol(axis)));
  const within: For = { ...first, axis, extent: constant(chunk) };
  const blocks = tile.blocks.map((block) => (block.axis === first.axis ? { ...block, axis } : block));
  return {
    loop: around([{ ...first, step: chunk }, columnLoop, within, ...inner], body),
    tile: { ...tile, blocks },
  };
}

const factorOf = ({ blocks }: Tile, axis: string) => blocks.find((block) => block.axis === axis)?.factor ?? 1;

const around = (axes: readonly For[], body: readonly Stmt[]): For =>
  axes.reduceRight<readonly Stmt[]>((inner, loop) => [{ ...loop, body: inner }], body)[0] as For;

/** The most iterations, in whole blocks and whole chunks, whose share of `bytes` fits the cache; else all. */
function chunkOf(loop: For, factor: number, bytes: number): number {
  const extent = constantOf(loop.extent)!;
  if (bytes <= cached || extent % factor !== 0) return extent;
  const most = Math.floor((cached / bytes) * extent);
  for (let n = most - (most % factor); n >= factor; n -= factor) if (extent % n === 0) return n;
  return extent;
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
