/**
 * Schedules: rewrites of loop IR that keep every result bit for bit and make it fast. A lowering writes the
 * naive nest,
 *
 *     for each output axis (parallel)
 *       let acc = first
 *       for each reduction axis (serial)
 *         set acc = combine(acc, element)
 *       store out = epilogue(acc)
 *
 * and `schedule` chooses the register tile for the target and applies the steps (split, sink, vectorise,
 * pack, unroll). Outputs are blocked, the reduction never is, so each output is summed in the reference's
 * order. A kernel with nothing to gain comes back as it was, so it may be called for every kernel. The steps
 * are in the manner of Halide, TVM and Exo.
 */
import { add, constant, constantOf, mul, symbol } from "../../dims/index.ts";
import { strideOf } from "../../ir/affine.ts";
import type { For, Kernel, Stmt } from "../../ir/loop.ts";
import { expressionOf, substituteAxis, visitExpr, visitStmts } from "../../ir/loop-rewrite.ts";
import { nothingOpen } from "../../ir/open-dims.ts";
import type { Target } from "../../ir/target.ts";
import { sumInLanes } from "./lane-sum.ts";
import { mapLoops, vectorise } from "./mode.ts";
import { columnsFirst } from "./order.ts";
import { pack } from "./pack.ts";
import type { Scheduled } from "./scheduled.ts";
import { sink } from "./sink.ts";
import { type Sizes, sizesToPlanFor } from "./sizes.ts";
import { split } from "./split.ts";
import { chooseTile, cyclesWith, type Tile, unrollsOf } from "./tile.ts";
import { arithmeticOf, type Nest, nestOf, slide, summedInLanes, workloadOf } from "./workload.ts";

export type { Panel, Scheduled } from "./scheduled.ts";

/**
 * Schedules one kernel for one target. Buffers in space `weight` may be packed; all others are read where
 * they are.
 */
export function schedule(kernel: Kernel, target: Target, open = nothingOpen): Scheduled {
  const sizes = sizesToPlanFor(open);
  const tiled = { ...kernel, body: scheduleBody(kernel.body, target, sizes) };
  const packed = pack(tiled, target.numerics);
  const body = mapLoops(packed.kernel.body, (loop) =>
    constantOf(loop.extent) === undefined && loop.axis.endsWith(".r")
      ? [{ ...loop, body: mapLoops(loop.body, pairBlocks) }]
      : undefined,
  );
  return { ...packed, kernel: { ...packed.kernel, body: unrollReductions(body, target) } };
}

/** As many outputs as a tile of one row holds. */
const widestRow = 8;

/**
 * What is left over of an open extent is done row by row, in blocks as wide as those of whole tiles, because
 * it reads the same panels. A row alone has registers for two of them at once.
 */
function pairBlocks(loop: For): readonly Stmt[] | undefined {
  const { axis, step, parallel, mode } = loop;
  const extent = constantOf(loop.extent) ?? 1;
  if (!parallel || mode !== "serial" || step < 2 || 2 * step > widestRow || extent % (2 * step) !== 0)
    return undefined;
  const which = `${axis}.p`;
  const body = substituteAxis(loop.body, axis, add(symbol(axis), mul(step, symbol(which))));
  const pair: For = { ...loop, axis: which, extent: constant(2), step: 1, mode: "unroll", body };
  return [{ ...loop, step: 2 * step, body: sink(pair) }];
}

/** Vectors that a single sum is kept in, so that one does not wait for the other. */
const partsOfOne = 4;

function scheduleBody(body: readonly Stmt[], target: Target, sizes: readonly Sizes[]): readonly Stmt[] {
  const { lanes } = target;
  const one = lanes > 1 ? sumInLanes(body, lanes, partsOfOne * lanes) : undefined;
  return one ?? body.flatMap((s) => scheduleStmt(s, target, sizes));
}

function scheduleStmt(s: Stmt, target: Target, sizes: readonly Sizes[]): readonly Stmt[] {
  if (s.kind !== "for") return [s];
  if (!s.parallel) return [{ ...s, body: scheduleBody(s.body, target, sizes) }];
  const planned = planNest(nestOf(s), target, sizes);
  const { loop, tile } = columnsFirst(loopsOf(planned.nest), planned.tile);
  return tile.blocks.reduce<readonly Stmt[]>(
    (stmts, { axis, factor }, i) => block(stmts, axis, factor, i === tile.blocks.length - 1 ? tile.lanes : 1),
    [loop],
  );
}

/** What a change of the order of a sum must win. */
const worthReordering = 0.7;

/** The tile, and the form of the nest it is for: outputs in lanes, or the reduction. */
function planNest(
  nest: Nest,
  target: Target,
  sizes: readonly Sizes[],
): { readonly nest: Nest; readonly tile: Tile } {
  const workload = workloadOf(nest, target.numerics);
  const tile = chooseTile(nest, workload, target, sizes);
  const body = target.lanes > 1 ? sumInLanes(nest.body, target.lanes) : undefined;
  if (!body) return { nest, tile };
  const summed = summedInLanes(workload, target.lanes);
  const rows = chooseTile(nest, summed, target, sizes);
  const [before, after] = [
    cyclesWith(nest, workload, tile, target, sizes),
    cyclesWith(nest, summed, rows, target, sizes),
  ];
  return after < worthReordering * before ? { nest: { ...nest, body }, tile: rows } : { nest, tile };
}

const loopsOf = ({ axes, body }: Nest): For =>
  axes.reduceRight<readonly Stmt[]>((inner, loop) => [{ ...loop, body: inner }], body)[0] as For;

/**
 * Blocks the loops over `axis` and pushes the iterations of a block, as lanes where they fit, inside. What is
 * left over is cut once more, so that only iterations that do not fill a vector are done one by one.
 */
function block(stmts: readonly Stmt[], axis: string, factor: number, lanes: number): readonly Stmt[] {
  const rest = `${axis}.r`;
  const inner = new Set([`${axis}.i`, `${axis}.r`, `${rest}.i`, `${rest}.r`]);
  const blocks = mapLoops(stmts, (loop) => (loop.axis === axis ? split(loop, factor, "unroll") : undefined));
  const cut = mapLoops(blocks, (loop) => {
    const extent = constantOf(loop.extent) ?? 0;
    return loop.axis === rest && extent > lanes
      ? split(loop, extent - (extent % lanes), "unroll")
      : undefined;
  });
  const sunk = mapLoops(cut, (loop) => (inner.has(loop.axis) ? sink(loop) : undefined));
  return mapLoops(sunk, (loop) => (inner.has(loop.axis) ? [vectorise(loop, lanes)] : undefined));
}

/** Unrolls reductions from the inside out while their bodies are short; the order of the sum stays. */
function unrollReductions(stmts: readonly Stmt[], target: Target): readonly Stmt[] {
  return mapLoops(stmts, (loop) => {
    const extent = constantOf(loop.extent);
    if (loop.parallel || loop.mode !== "serial" || loop.step !== 1) return undefined;
    if (target.lanes > 1 && extent !== undefined && slides(loop, extent))
      return split(loop, extent, "unroll");
    const worth = unrollsOf(printedStatements(loop.body, target), target);
    const most = target.lanes > 1 && sumsPairs(loop.body) ? Math.max(4, worth) : worth;
    const factor = extent === undefined ? most : extent <= 1.5 * most ? extent : divisorNear(extent, most);
    return factor < 2 ? undefined : split(loop, factor, "unroll");
  });
}

/** Whether its iterations, written out, read the same elements for outputs side by side. */
function slides({ axis, body }: For, taps: number): boolean {
  let found = false;
  visitStmts(body, (s, loops) => {
    const value = expressionOf(s);
    const across = loops.filter((loop) => loop.mode === "unroll");
    if (value)
      visitExpr(value, (e) => {
        if (e.kind === "load")
          found ||= across.some(
            (l) => slide(strideOf(e.index, l.axis), strideOf(e.index, axis), taps) !== undefined,
          );
      });
  });
  return found;
}

/** Whether products of 16-bit integers are added up: a vector target adds two of them at once. */
function sumsPairs(stmts: readonly Stmt[]): boolean {
  let found = false;
  visitStmts(stmts, (s) => {
    if (s.kind !== "set" || s.register.dtype !== "int32" || s.value.kind !== "binary") return;
    visitExpr(s.value.b, (e) => {
      found ||= e.kind === "load" && e.buffer.dtype === "int16";
    });
  });
  return found;
}

/** Statements once unrolled, of two instructions each; a body with a loop left in it counts as too long. */
function printedStatements(stmts: readonly Stmt[], { numerics }: Target): number {
  let count = 0;
  visitStmts(stmts, (s, loops) => {
    const value = expressionOf(s);
    if (value) count += timesPrinted(loops) * Math.max(1, arithmeticOf(value, numerics) / 2);
    else if (s.kind === "for" && s.mode === "serial") count = Number.POSITIVE_INFINITY;
  });
  return count;
}

function timesPrinted(loops: readonly For[]): number {
  return loops.reduce((n, loop) => (loop.mode === "unroll" ? n * (constantOf(loop.extent) ?? 1) : n), 1);
}

/**
 * The largest divisor of `extent` up to `most`; where that is small and the loop long, a rest is the lesser
 * evil.
 */
function divisorNear(extent: number, most: number): number {
  let d = most;
  while (d > 1 && extent % d !== 0) d--;
  return d * 2 < most && extent >= 4 * most ? most : d;
}
