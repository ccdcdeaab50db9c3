/**
 * The one cost rule: how many outputs a pass of the reduction should serve, along which axes. A tile of M x N
 * outputs multiplies each value it loads M or N times, until its accumulators no longer fit the registers.
 * For each candidate the cost of one pass is
 *
 *     cycles = max(arithmetic, instructions issued, arrival of loads, latency) + spills
 *
 * where with `latency` a single accumulator waits for itself. A module of WebAssembly is run by engines with
 * fused multiply-add and without, so there the cost is the mean of both. Blocks left over at the edges are
 * costed as the smaller tiles they are. The same rule gives a matrix product its two axes, a matrix-vector
 * product one, and a softmax's maxima independent rows; what has no reduction gets lanes only. After Goto and
 * van de Geijn (2008), with constants fitted to tiles of 1 to 8 rows of 1 to 4 vectors. Of equal tiles the
 * one along inner axes wins: its addresses are closer together.
 */
import { constantOf } from "../../dims/index.ts";
import type { For } from "../../ir/loop.ts";
import { visitStmts } from "../../ir/loop-rewrite.ts";
import type { Target } from "../../ir/target.ts";
import { extentUnder, type Sizes } from "./sizes.ts";
import { type Nest, type Read, type Reduction, slide, type Workload } from "./workload.ts";

export interface Block {
  readonly axis: string;
  readonly factor: number;
}

/** Blocks of up to two axes; the innermost is last, and a multiple of `lanes`. */
export interface Tile {
  readonly blocks: readonly Block[];
  readonly lanes: number;
}

const none: Tile = { blocks: [], lanes: 1 };
const largestBlock = 8;
/** Each left-over block is one more copy of the body: worth it only for more than this. */
const copyPenalty = 0.03;

/** How one engine runs the inner loop of a reduction. */
interface Costs {
  /** Whether a multiplication and the addition of its product are one instruction. */
  readonly fuses: boolean;
  /** Arithmetic instructions, and all instructions, that a cycle takes. */
  readonly units: number;
  readonly slots: number;
  /** Instructions of a load: plain JavaScript checks bounds and adds up the address. */
  readonly load: number;
  /**
   * Cycles that a load takes of the units for it: of a vector, of one from a panel, which streams from the
   * second level of caches, and of an element for all lanes, whose address is added up first.
   */
  readonly arrival: { readonly vector: number; readonly panel: number; readonly splat: number };
  readonly convert: number;
  readonly loop: number;
  readonly registers: number;
  /** Cycles for each register too many. */
  readonly spill: number;
  /** What a pass holds from its start: all loads, those that serve several outputs, or what rows share. */
  readonly holds: "all" | "shared" | "of all rows";
}

const javascript: Costs = {
  fuses: false,
  units: 2,
  slots: 4,
  load: 3,
  arrival: { vector: 0, panel: 0, splat: 0 },
  convert: 1,
  loop: 3,
  registers: 13,
  spill: 1,
  holds: "shared",
};
/** V8 of Node 20, which loads all that a pass reads before anything else and keeps one product. */
const plain: Costs = {
  fuses: false,
  units: 4,
  slots: 4.5,
  load: 1,
  arrival: { vector: 0.5, panel: 0.75, splat: 0.7 },
  convert: 0,
  loop: 7,
  registers: 14,
  spill: 4,
  holds: "all",
};
/**
 * Engines with relaxed SIMD, which keep the order of instructions. Tiles that hold more than twelve registers
 * fit, but were measured to be slower: 5 x 8 by a thirtieth, 6 x 8 by a tenth.
 */
const relaxed: Costs = {
  ...plain,
  fuses: true,
  units: 2,
  loop: 3,
  registers: 12,
  holds: "of all rows",
};

type Accumulate = Target["numerics"]["accumulate"];

/** The engines that a target's code is for. */
const engines: Record<Accumulate, readonly Costs[]> = {
  float64: [javascript],
  float32: [plain, relaxed],
  "float32-fma": [relaxed],
};

/**
 * Statements worth having in one iteration of an innermost reduction: beyond, code grows and nothing is won.
 */
const statementsOf: Record<Accumulate, number> = { float64: 12, float32: 8, "float32-fma": 48 };
/** Cycles until the sum of an addition, or of a fused multiply-add, can be added to. */
const latency = 4;

/** Past this the overhead of a loop no longer shows. */
const mostUnrolls = 4;

/** How many iterations of an innermost reduction of `statements` statements are worth writing out. */
export function unrollsOf(statements: number, target: Target): number {
  return Math.min(mostUnrolls, Math.floor(statementsOf[target.numerics.accumulate] / statements));
}

/** For several sizes the tile that is never far from the best for one of them. */
export function chooseTile(
  nest: Nest,
  workload: Workload,
  target: Target,
  sizes: readonly Sizes[] = [new Map()],
): Tile {
  const fixed = workload.vectorAxes.filter((axis) => !isOpen(nest.axes.find((loop) => loop.axis === axis)!));
  const vectorAxes = target.lanes > 1 ? fixed : [];
  if (workload.reductions.length === 0) return lanesOnly(nest, vectorAxes, target.lanes);
  const tiles = [none, ...candidates(nest, vectorAxes, target)];
  const distinct = nest.axes.some(isOpen) ? sizes : sizes.slice(0, 1);
  const costs = distinct.map((each) => tiles.map((tile) => costOf(nest, workload, tile, target, each)));
  const least = costs.map((list) => (distinct.length === 1 ? 1 : Math.min(...list)));
  let best = 0;
  const worst = tiles.map((_, i) => Math.max(...costs.map((list, s) => list[i]! / least[s]!)));
  for (const i of tiles.keys()) if (worst[i]! < worst[best]! * 0.999) best = i;
  return tiles[best]!;
}

/** Statements beyond which the overhead of a loop does not show, but a copy of its body does. */
const longBody = 8;

/** Blocks of up to four vectors where that leaves nothing over: a loop's overhead is that of one. */
function lanesOnly(nest: Nest, vectorAxes: readonly string[], lanes: number): Tile {
  const found = nest.axes.find(
    (loop) => vectorAxes.includes(loop.axis) && (constantOf(loop.extent) ?? 0) >= lanes,
  );
  if (!found) return none;
  const extent = constantOf(found.extent)!;
  let statements = 0;
  visitStmts(nest.body, () => statements++);
  const most = statements > longBody ? [] : [4, 2];
  const vectors = most.find((n) => extent > n * lanes && extent % (n * lanes) === 0) ?? 1;
  return { blocks: [{ axis: found.axis, factor: vectors * lanes }], lanes };
}

const isOpen = (loop: For) => constantOf(loop.extent) === undefined;

function* candidates(nest: Nest, vectorAxes: readonly string[], { lanes }: Target): Iterable<Tile> {
  const axes = [...nest.axes].reverse();
  for (const inner of axes) {
    const widths = vectorAxes.includes(inner.axis) ? [lanes, 1] : [1];
    for (const width of widths)
      for (const block of blocksOf(inner, width)) {
        yield { blocks: [block], lanes: width };
        for (const outer of axes) {
          if (outer === inner || (width === 1 && axes.indexOf(outer) < axes.indexOf(inner))) continue;
          for (const other of blocksOf(outer, 1)) yield { blocks: [other, block], lanes: width };
        }
      }
  }
}

function blocksOf(loop: For, width: number): readonly Block[] {
  if (isOpen(loop) && width > 1) return [];
  const extent = constantOf(loop.extent) ?? largestBlock;
  const most = Math.min(largestBlock, Math.floor(extent / width));
  const blocks: Block[] = [];
  for (let n = 1; n <= most; n++) if (n * width > 1) blocks.push({ axis: loop.axis, factor: n * width });
  return blocks;
}

/** Cycles for an output with this tile, for comparing one form of a nest with another. */
export const cyclesWith = (
  nest: Nest,
  workload: Workload,
  tile: Tile,
  target: Target,
  [sizes = new Map()]: readonly Sizes[],
): number => costOf(nest, workload, tile, target, sizes);

/** Cycles for an output, averaged over whole and left-over blocks. */
function costOf(nest: Nest, workload: Workload, tile: Tile, target: Target, sizes: Sizes): number {
  const [first, second] = tile.blocks.map(({ axis, factor }) => {
    const loop = nest.axes.find((each) => each.axis === axis)!;
    const extent = extentUnder(loop.extent, sizes);
    if (isOpen(loop)) return openPiecesOf(axis, extent, factor);
    return piecesOf(axis, extent, factor, axis === tile.blocks.at(-1)?.axis ? tile.lanes : 1);
  });
  const pieces = (first ?? []).flatMap((m) => (second ? second.map((n) => [m, n]) : [[m]]));
  if (pieces.length === 0) return costOfBlock(workload, [], target);
  let average = 0;
  for (const block of pieces)
    average += block.reduce((share, piece) => share * piece.share, costOfBlock(workload, block, target));
  return average * (1 + copyPenalty * (pieces.length - 1));
}

/** The whole blocks of one axis, or what they leave over. */
interface Piece extends Block {
  readonly lanes: number;
  /** Which part of the axis it covers. */
  readonly share: number;
}

function piecesOf(axis: string, extent: number, factor: number, lanes: number): readonly Piece[] {
  const rest = extent % factor;
  const last = rest % lanes;
  const pieces: Piece[] = [{ axis, factor, lanes, share: (extent - rest) / extent }];
  if (rest > last) pieces.push({ axis, factor: rest - last, lanes, share: (rest - last) / extent });
  if (last > 0) pieces.push({ axis, factor: last, lanes: 1, share: last / extent });
  return pieces;
}

/** What is left over of an open extent is done one by one. */
function openPiecesOf(axis: string, extent: number, factor: number): readonly Piece[] {
  const whole = extent === 0 ? 1 : (extent - (extent % factor)) / extent;
  return [
    { axis, factor, lanes: 1, share: whole },
    { axis, factor: 1, lanes: 1, share: 1 - whole },
  ].filter(({ share }) => share > 0);
}

function costOfBlock(workload: Workload, block: readonly Piece[], target: Target): number {
  let cycles = 0;
  for (const reduction of workload.reductions) {
    const { trips, accumulators, combining } = reduction;
    cycles += trips * cyclesOfPass(reduction, block, target);
    cycles += (combining * accumulators * outputsOf(block)) / lanesOf(block);
  }
  return cycles / outputsOf(block);
}

const outputsOf = (block: readonly Piece[]) => block.reduce((n, { factor }) => n * factor, 1);
const lanesOf = (block: readonly Piece[]) => block.at(-1)?.lanes ?? 1;

function cyclesOfPass(reduction: Reduction, block: readonly Piece[], target: Target): number {
  const { accumulate } = target.numerics;
  const statements = (reduction.accumulators * outputsOf(block)) / lanesOf(block);
  const unrolls = Math.max(1, unrollsOf(statements, target));
  const each = engines[accumulate].map((cost) => cyclesOn(cost, reduction, block, unrolls));
  return each.reduce((sum, cycles) => sum + cycles, 0) / each.length;
}

function cyclesOn(cost: Costs, reduction: Reduction, block: readonly Piece[], unrolls: number): number {
  const elements = outputsOf(block) / lanesOf(block);
  const arithmetic = (cost.fuses ? reduction.fused : reduction.arithmetic) * elements;
  const [rows] = block.length > 1 ? block : [];
  const lane = lanesOf(block) > 1 ? block.at(-1)!.axis : undefined;
  let [loading, arriving, held] = [0, 0, 0];
  for (const read of reduction.reads) {
    const loads = loadsOf(read, block, lane === undefined ? Infinity : reduction.taps);
    const isSplat = lane !== undefined && !read.strides.has(lane);
    loading += loads * (cost.load + (read.narrow ? cost.convert : 0));
    arriving += loads * cost.arrival[isSplat ? "splat" : read.packable ? "panel" : "vector"];
    // Row after row: what a row reads is used as it arrives, what all rows read is held for them.
    const ofRow = cost.holds === "of all rows" && rows && read.strides.has(rows.axis);
    if (cost.holds === "all" || loads < elements) held += ofRow ? loads / rows.factor : loads;
  }
  const instructions = arithmetic + loading + cost.loop / unrolls;
  const spills = Math.max(0, reduction.accumulators * elements + held - cost.registers);
  const busy = Math.max(arithmetic / cost.units, instructions / cost.slots, arriving, latency);
  return busy + cost.spill * spills + instructions / 100;
}

/**
 * Load instructions of one read in one pass: one for each address, or vector, or lane that is not beside the
 * last. Windows that overlap share theirs.
 */
function loadsOf(read: Read, block: readonly Piece[], taps: number): number {
  let loads = 1;
  for (const { axis, factor, lanes } of block) {
    if (!read.strides.has(axis)) continue;
    const stride = read.strides.get(axis);
    const beside = read.packable || read.gathered || stride === 1;
    const apart = lanes === 1 ? slide(stride, read.along, taps) : undefined;
    if (apart !== undefined) loads *= ((factor - 1) * apart + taps) / taps;
    else loads *= lanes === 1 ? factor : beside ? factor / lanes : factor * 2;
  }
  return loads;
}
