/**
 * The one cost rule: how many outputs a pass of the reduction should serve, along which axes. A tile of M x N outputs
 * multiplies each value it loads M or N times, until its accumulators no longer fit the registers. For each candidate
 * the cost of one pass is
 *
 *     cycles = max(arithmetic / 2, instructions / 4, latency) + spills
 *
 * on a core with two arithmetic units and four issue slots; with `latency`, a single accumulator waits for itself.
 * Blocks left over at the edges are costed as the smaller tiles they are. The same rule gives a matrix product its two
 * axes, a matrix-vector product one, and a softmax's maxima independent rows; what has no reduction gets lanes only.
 * After Goto and van de Geijn (2008), with the constants measured in bench/kernels.ts. Of equal tiles the one along inner axes wins: its
 * addresses are closer together.
 */
import { constantOf } from "../../dims/index.ts";
import type { For } from "../../ir/loop.ts";
import type { Target } from "../../ir/target.ts";
import type { Nest, Read, Reduction, Workload } from "./workload.ts";

/** Block sizes of up to two axes; the last is the innermost, whose block is a multiple of `lanes`. */
export interface Tile {
  readonly factors: ReadonlyMap<string, number>;
  readonly lanes: number;
}

const none: Tile = { factors: new Map(), lanes: 1 };
const largestBlock = 8;
/** Each left-over block is one more copy of the body: worth it only for more than this. */
const copyPenalty = 0.03;

interface Costs {
  /** Instructions of a load: plain JavaScript checks bounds and adds up the address. */
  readonly load: number;
  readonly convert: number;
  readonly loop: number;
  readonly registers: number;
  /** Whether every load that serves several outputs is held, or those of the longest list are used as they arrive. */
  readonly holdsLoads: boolean;
  /** Statements worth having in one iteration of an innermost reduction: beyond, code grows and nothing is won. */
  readonly statements: number;
}

/** Of the sixteen registers of x86, separate products of a multiplication and its addition take their share. */
const costs: Record<Target["numerics"]["accumulate"], Costs> = {
  float64: { load: 3, convert: 1, loop: 3, registers: 13, holdsLoads: true, statements: 12 },
  float32: { load: 1, convert: 0, loop: 3, registers: 11, holdsLoads: false, statements: 8 },
  "float32-fma": { load: 1, convert: 0, loop: 3, registers: 15, holdsLoads: false, statements: 48 },
};
/** Cycles until the sum of an addition, or of a fused multiply-add, can be added to. */
const latency = 4;

/** How many iterations of an innermost reduction of `statements` statements are worth writing out. */
export function unrollsOf(statements: number, target: Target): number {
  return Math.floor(costs[target.numerics.accumulate].statements / statements);
}

export function chooseTile(nest: Nest, workload: Workload, target: Target): Tile {
  const vectorAxes = target.lanes > 1 ? workload.vectorAxes : [];
  if (workload.reductions.length === 0) return lanesOnly(nest, vectorAxes, target.lanes);
  let best = { tile: none, cost: costOf(nest, workload, none, target) };
  for (const tile of candidates(nest, vectorAxes, target.lanes)) {
    const cost = costOf(nest, workload, tile, target);
    if (cost < best.cost * 0.999) best = { tile, cost };
  }
  return best.tile;
}

function lanesOnly(nest: Nest, vectorAxes: readonly string[], lanes: number): Tile {
  const axis = nest.axes.find((loop) => vectorAxes.includes(loop.axis) && extentOf(loop) >= lanes);
  return axis ? { factors: new Map([[axis.axis, lanes]]), lanes } : none;
}

const extentOf = (loop: For) => constantOf(loop.extent) ?? 0;

function* candidates(nest: Nest, vectorAxes: readonly string[], lanes: number): Iterable<Tile> {
  const axes = [...nest.axes].reverse();
  for (const inner of axes) {
    const wide = vectorAxes.includes(inner.axis);
    for (const width of wide ? [lanes, 1] : [1])
      for (const n of blocks(inner, width))
        for (const outer of [undefined, ...axes]) {
          if (outer === inner) continue;
          if (outer && width === 1 && axes.indexOf(outer) < axes.indexOf(inner)) continue;
          for (const m of outer ? blocks(outer, 1) : [1]) yield tileOf(outer, m, inner, n, width);
        }
  }
}

function tileOf(outer: For | undefined, m: number, inner: For, n: number, lanes: number): Tile {
  const factors = new Map<string, number>();
  if (outer) factors.set(outer.axis, m);
  return { factors: factors.set(inner.axis, n), lanes };
}

function blocks(loop: For, width: number): readonly number[] {
  const most = Math.min(largestBlock, Math.floor(extentOf(loop) / width));
  return Array.from({ length: Math.max(0, most) }, (_, i) => (i + 1) * width).filter((n) => n > 1);
}

/** Cycles for an output, averaged over whole and left-over blocks. */
function costOf(nest: Nest, workload: Workload, tile: Tile, target: Target): number {
  let pieces: readonly Piece[] = [{ factors: new Map(), share: 1, lanes: 1 }];
  for (const [axis, factor] of tile.factors) {
    const extent = extentOf(nest.axes.find((loop) => loop.axis === axis)!);
    pieces = pieces.flatMap((piece) => cut(piece, axis, extent, factor, tile.lanes));
  }
  const average = pieces.reduce((sum, piece) => sum + piece.share * costOfPiece(workload, piece, target), 0);
  return average * (1 + copyPenalty * (pieces.length - 1));
}

interface Piece {
  readonly factors: ReadonlyMap<string, number>;
  /** Which part of the outputs it computes. */
  readonly share: number;
  readonly lanes: number;
  readonly vectorAxis?: string;
}

function cut(piece: Piece, axis: string, extent: number, factor: number, lanes: number): readonly Piece[] {
  const rest = extent % factor;
  const last = rest % lanes;
  const part = (n: number, count: number): Piece => ({
    factors: new Map(piece.factors).set(axis, n),
    share: (piece.share * count) / extent,
    lanes: n % lanes === 0 ? lanes : 1,
    vectorAxis: axis,
  });
  const parts = [part(factor, extent - rest), part(rest - last, rest - last), part(last, last)];
  return parts.filter(({ share }) => share > 0);
}

function costOfPiece(workload: Workload, piece: Piece, target: Target): number {
  let cycles = 0;
  for (const reduction of workload.reductions)
    cycles += reduction.trips * cyclesOfPass(reduction, piece, target);
  return cycles / [...piece.factors.values()].reduce((a, b) => a * b, 1);
}

function cyclesOfPass(reduction: Reduction, piece: Piece, target: Target): number {
  const cost = costs[target.numerics.accumulate];
  const elements = [...piece.factors.values()].reduce((a, b) => a * b, 1) / piece.lanes;
  const arithmetic = reduction.arithmetic * elements;
  const loads = reduction.reads.map((read) => loadsOf(read, piece));
  const loading = reduction.reads.reduce(
    (sum, read, i) => sum + loads[i]! * (cost.load + (read.narrow ? cost.convert : 0)),
    0,
  );
  const unrolls = Math.max(1, unrollsOf(reduction.accumulators * elements, target));
  const instructions = arithmetic + loading + cost.loop / unrolls;
  const shared = loads.filter((n) => n < elements);
  const held = shared.reduce((a, b) => a + b, 0) - (cost.holdsLoads ? 0 : Math.max(0, ...shared) - 1);
  const spills = Math.max(0, reduction.accumulators * elements + held - cost.registers);
  return Math.max(arithmetic / 2, instructions / 4, latency) + spills + instructions / 100;
}

/** Load instructions of one read in one pass: one for each address, or vector, or lane that is not beside the last. */
function loadsOf(read: Read, piece: Piece): number {
  let loads = 1;
  for (const [axis, factor] of piece.factors) if (read.strides.has(axis)) loads *= factor;
  const axis = piece.lanes > 1 ? piece.vectorAxis : undefined;
  if (axis === undefined || !read.strides.has(axis)) return loads;
  return read.packable || read.strides.get(axis) === 1 ? loads / piece.lanes : loads * 2;
}
