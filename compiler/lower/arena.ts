/**
 * Gives every buffer of the arena a byte offset, so that buffers that are never live together share memory.
 *
 * Buffers that may be computed in place become one slot. Then the known greedy: take the slots in some order,
 * put each at the gap it fits best among the slots that are live with it and already placed. Which order is
 * good depends on the program, so several are tried; what then sticks out at the top is moved to the front of
 * the order and placed first. The search ends at the lower bound or when its budget is spent; it is
 * deterministic and takes no clock. (Sekiyama et al., "Profile-guided memory optimization for deep neural
 * networks", 2018, compare such heuristics.)
 */
import type { Buffer } from "../ir/loop.ts";
import type { ArenaPlan, Call, Step } from "../ir/program.ts";
import { accessesOf } from "../ir/program-walk.ts";
import { canShare } from "./in-place.ts";
import { type Liveness, type LiveRange, livenessOf } from "./liveness.ts";

/** Bytes; the widest vector any target stores. */
export const arenaAlignment = 16;

/**
 * How many (slot, neighbour) pairs the search looks at in all: tenths of a second, and only where offsets are
 * hard to find.
 */
const budget = 6_000_000;

/** Buffers with one offset, one after the other in time. */
interface Slot {
  readonly index: number;
  readonly buffers: Buffer[];
  readonly first: number;
  last: number;
  /** Aligned. */
  readonly size: number;
}

/** Plans the buffers in space `arena` that the steps touch. */
export function planArena(steps: readonly Step[]): ArenaPlan {
  const liveness = livenessOf(steps);
  const slots = slotsOf(liveness);
  const lowerBound = largestLiveSum(slots, liveness.positions);
  const { offsets, bytes } = search(slots, lowerBound);
  return {
    bytes,
    lowerBound,
    offsets: new Map(slots.flatMap((slot) => slot.buffers.map((b) => [b, offsets[slot.index]!] as const))),
  };
}

function slotsOf({ ranges, calls }: Liveness): readonly Slot[] {
  const donors = new Map<Buffer, Buffer>();
  const given = new Set<Buffer>();
  for (const { call, position } of calls)
    for (const written of accessesOf(call).writes) {
      const donor = donorOf(call, written, position, ranges, given);
      if (donor === undefined || donors.has(written)) continue;
      donors.set(written, donor);
      given.add(donor);
    }
  const slots: Slot[] = [];
  const slotOf = new Map<Buffer, Slot>();
  for (const { buffer, bytes, first, last } of [...ranges.values()].sort((a, b) => a.first - b.first)) {
    const donor = donors.get(buffer);
    let slot = donor && slotOf.get(donor);
    if (slot) {
      slot.buffers.push(buffer);
      slot.last = last;
    } else {
      const size = Math.ceil(bytes / arenaAlignment) * arenaAlignment;
      slot = { index: slots.length, buffers: [buffer], first, last, size };
      slots.push(slot);
    }
    slotOf.set(buffer, slot);
  }
  return slots;
}

/** An operand that dies in the call that first writes `written`, and that may be written over. */
function donorOf(
  call: Call,
  written: Buffer,
  position: number,
  ranges: ReadonlyMap<Buffer, LiveRange>,
  given: ReadonlySet<Buffer>,
): Buffer | undefined {
  if (ranges.get(written)?.first !== position) return undefined;
  const { kernel } = call;
  const { reads, writes } = accessesOf(call);
  const formal = kernel.writes[writes.indexOf(written)]!;
  if (writes.indexOf(written) !== writes.lastIndexOf(written) || reads.includes(written)) return undefined;
  return reads.find((read) => {
    const range = ranges.get(read);
    if (range?.last !== position || given.has(read) || writes.includes(read)) return false;
    return reads.every((other, i) => other !== read || canShare(kernel, kernel.reads[i]!, formal));
  });
}

function largestLiveSum(slots: readonly Slot[], positions: number): number {
  const change = new Array<number>(positions + 1).fill(0);
  for (const { first, last, size } of slots) {
    change[first]! += size;
    change[last + 1]! -= size;
  }
  let live = 0;
  let most = 0;
  for (const delta of change) {
    live += delta;
    most = Math.max(most, live);
  }
  return most;
}

interface Placement {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

function search(slots: readonly Slot[], lowerBound: number): Placement {
  const neighbours = liveTogether(slots);
  const pairs = neighbours.reduce((n, list) => n + list.length, slots.length);
  let best: Placement = { offsets: [], bytes: Number.POSITIVE_INFINITY };
  let tries = Math.max(orders.length, Math.min(60, Math.floor(budget / Math.max(1, pairs))));
  const attempt = (order: readonly Slot[]): Placement | undefined => {
    if (tries-- <= 0 || best.bytes <= lowerBound) return undefined;
    const placement = place(order, neighbours);
    if (placement.bytes < best.bytes) best = placement;
    return placement;
  };
  const sorted = orders.map((compare) => [...slots].sort((a, b) => compare(a, b) || a.index - b.index));
  const first = sorted.map((order) => ({ order, bytes: attempt(order)?.bytes ?? Number.POSITIVE_INFINITY }));
  for (const { order } of first.sort((a, b) => a.bytes - b.bytes)) improve(order, attempt);
  return best;
}

function improve(order: readonly Slot[], attempt: (order: readonly Slot[]) => Placement | undefined): void {
  let next = order;
  for (let round = 0; round < 12; round++) {
    const placement = attempt(next);
    if (!placement) return;
    next = promoteTop(next, placement);
  }
}

const area = (s: Slot) => s.size * (s.last - s.first + 1);

/** The better first. */
const orders: readonly ((a: Slot, b: Slot) => number)[] = [
  (a, b) => b.size - a.size || a.first - b.first,
  (a, b) => area(b) - area(a),
  (a, b) => b.last - b.first - (a.last - a.first) || b.size - a.size,
  (a, b) => a.first - b.first || b.size - a.size,
  (a, b) => b.last - a.last || b.size - a.size,
];

/** Slots live at one time with each slot; the slots come in the order of their first position. */
function liveTogether(slots: readonly Slot[]): readonly (readonly number[])[] {
  const neighbours: number[][] = slots.map(() => []);
  let open: Slot[] = [];
  for (const slot of slots) {
    open = open.filter((other) => other.last >= slot.first);
    for (const other of open) {
      neighbours[slot.index]!.push(other.index);
      neighbours[other.index]!.push(slot.index);
    }
    open.push(slot);
  }
  return neighbours;
}

function place(order: readonly Slot[], neighbours: readonly (readonly number[])[]): Placement {
  const offsets = new Array<number>(order.length).fill(-1);
  const ends = new Array<number>(order.length).fill(0);
  const sorted: Slot[] = [];
  let bytes = 0;
  for (const slot of order) {
    const { index, size } = slot;
    const near = neighbours[index]!;
    const taken = near.length * 8 < sorted.length ? placedOf(near, offsets) : overlapping(sorted, slot);
    offsets[index] = bestGap(size, taken, offsets, ends);
    ends[index] = offsets[index]! + size;
    bytes = Math.max(bytes, ends[index]!);
    insert(sorted, slot, offsets);
  }
  return { offsets, bytes };
}

/** Those of `near` that have an offset, sorted by it. */
function placedOf(near: readonly number[], offsets: readonly number[]): readonly number[] {
  return near.filter((other) => offsets[other]! >= 0).sort((a, b) => offsets[a]! - offsets[b]!);
}

/**
 * Those of `sorted` that are live with `slot`, in their order; a loop because it is the search's inner one.
 */
function overlapping(sorted: readonly Slot[], { first, last }: Slot): readonly number[] {
  const found: number[] = [];
  for (const other of sorted) if (other.first <= last && first <= other.last) found.push(other.index);
  return found;
}

/** Keeps the placed slots in the order of their offsets. */
function insert(sorted: Slot[], slot: Slot, offsets: readonly number[]): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[sorted[middle]!.index]! <= offsets[slot.index]!) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, slot);
}

/**
 * The smallest gap that holds `size` bytes, the lowest of equals; else above all. `taken` is sorted by
 * offset.
 */
function bestGap(
  size: number,
  taken: readonly number[],
  offsets: readonly number[],
  ends: readonly number[],
): number {
  let best = -1;
  let smallest = Number.POSITIVE_INFINITY;
  let top = 0;
  for (const other of taken) {
    const gap = offsets[other]! - top;
    if (gap >= size && gap < smallest) {
      best = top;
      smallest = gap;
    }
    top = Math.max(top, ends[other]!);
  }
  return best >= 0 ? best : top;
}

/** The slots that reach the top come first, the others keep their order. */
function promoteTop(order: readonly Slot[], { offsets, bytes }: Placement): Slot[] {
  const atTop = (slot: Slot) => offsets[slot.index]! + slot.size === bytes;
  return [...order.filter(atTop), ...order.filter((slot) => !atTop(slot))];
}
