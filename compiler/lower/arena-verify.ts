/**
 * The verifier of an arena plan. It knows nothing of live ranges: it runs the steps in time, each repeat
 * twice, and keeps who owns which bytes. A write takes its bytes from whoever had them; a read must still own
 * its own. So two buffers that are needed at one time cannot share a byte unnoticed, also not across the
 * iterations of a repeat.
 *
 * A buffer that lost its bytes may take them again only in a new iteration of the innermost repeat around all
 * its accesses (a temporary of the body), and never with a write that leaves part of it as it was. An operand
 * may be written over within one call only where `canShare` says so; that rule has tests of its own.
 */
import { byteSize } from "../../runtime/dtype.ts";
import { constantOf } from "../dims/index.ts";
import type { Buffer } from "../ir/loop.ts";
import type { ArenaPlan, Call, Repeat, Step } from "../ir/program.ts";
import { accessesOf, callOf } from "../ir/program-walk.ts";
import { arenaAlignment } from "./arena.ts";
import { canShare } from "./in-place.ts";
import { partialWrites } from "./liveness.ts";

/** @throws an internal error that names both buffers and the kernel. */
export function verifyArena(plan: ArenaPlan, steps: readonly Step[]): void {
  const depths = new Map<Buffer, readonly Step[]>();
  commonRepeats(steps, [], depths);
  for (const buffer of depths.keys()) checkPlace(plan, buffer);
  if (plan.bytes < plan.lowerBound) throw new Error("internal: the arena is smaller than its lower bound");
  const depthOf = (buffer: Buffer) => depths.get(buffer)?.length ?? 0;
  new Execution(plan, depthOf).run(steps, []);
}

function checkPlace(plan: ArenaPlan, buffer: Buffer): void {
  const offset = plan.offsets.get(buffer);
  if (offset === undefined) throw new Error(`internal: the arena has no place for ${buffer.name}`);
  const end = offset + byteSize(buffer.dtype, buffer.length);
  if (offset < 0 || offset % arenaAlignment !== 0 || end > plan.bytes)
    throw new Error(
      `internal: ${buffer.name} at bytes ${offset} to ${end} of an arena of ${plan.bytes} is misplaced`,
    );
}

/** For each arena buffer the repeats around all its accesses, outermost first. */
function commonRepeats(
  steps: readonly Step[],
  around: readonly Step[],
  found: Map<Buffer, readonly Step[]>,
): void {
  for (const step of steps)
    if (step.kind === "repeat") commonRepeats(step.body, [...around, step], found);
    else
      for (const buffer of step.kind === "call" ? step.buffers : [step.buffer]) {
        if (buffer.space !== "arena") continue;
        const known = found.get(buffer) ?? around;
        const split = known.findIndex((repeat, i) => repeat !== around[i]);
        found.set(buffer, split < 0 ? known : known.slice(0, split));
      }
}

class Execution {
  readonly #plan: ArenaPlan;
  readonly #depthOf: (buffer: Buffer) => number;
  readonly #owners = new Set<Buffer>();
  /** Who took the bytes of a buffer, and in which iterations the buffer was last used. */
  readonly #lost = new Map<Buffer, Buffer>();
  readonly #lastUsed = new Map<Buffer, readonly number[]>();

  constructor(plan: ArenaPlan, depthOf: (buffer: Buffer) => number) {
    this.#plan = plan;
    this.#depthOf = depthOf;
  }

  run(steps: readonly Step[], iterations: readonly number[]): void {
    for (const step of steps) {
      if (step.kind !== "repeat") this.#call(step.kind === "call" ? step : callOf(step), iterations);
      else for (let i = 0; i < timesOf(step); i++) this.run(step.body, [...iterations, i]);
    }
  }

  #call(call: Call, iterations: readonly number[]): void {
    const { reads, writes } = accessesOf(call);
    for (const read of reads) if (read.space === "arena") this.#read(call, read, iterations);
    const arena = writes.filter((b) => b.space === "arena");
    for (const written of arena) this.#write(call, written, iterations);
    for (const written of arena) if (!this.#owners.has(written)) this.#fail(call, written);
  }

  #read(call: Call, buffer: Buffer, iterations: readonly number[]): void {
    if (this.#lost.has(buffer)) this.#fail(call, buffer);
    if (!this.#owners.has(buffer)) this.#take(call, buffer);
    this.#lastUsed.set(buffer, iterations);
  }

  #write(call: Call, buffer: Buffer, iterations: readonly number[]): void {
    if (this.#lost.has(buffer) && !this.#mayStartAgain(call, buffer, iterations)) this.#fail(call, buffer);
    this.#take(call, buffer);
    this.#lastUsed.set(buffer, iterations);
  }

  #take(call: Call, buffer: Buffer): void {
    for (const owner of [...this.#owners]) {
      if (owner === buffer || !this.#meet(owner, buffer)) continue;
      const read = accessesOf(call).reads.includes(owner);
      if (read && !this.#mayWriteOver(call, owner, buffer))
        throw new Error(
          `internal: ${call.kernel.name} writes ${buffer.name} over ${owner.name}, which it still reads`,
        );
      this.#owners.delete(owner);
      this.#lost.set(owner, buffer);
    }
    this.#lost.delete(buffer);
    this.#owners.add(buffer);
  }

  #mayStartAgain(call: Call, buffer: Buffer, iterations: readonly number[]): boolean {
    const formal = call.kernel.writes[accessesOf(call).writes.indexOf(buffer)]!;
    if (partialWrites(call.kernel).has(formal)) return false;
    const last = this.#lastUsed.get(buffer) ?? [];
    return iterations.slice(0, this.#depthOf(buffer)).some((n, i) => n !== last[i]);
  }

  #mayWriteOver({ kernel, buffers }: Call, read: Buffer, written: Buffer): boolean {
    if (this.#offset(read) !== this.#offset(written)) return false;
    const formals = [...kernel.reads, ...kernel.writes];
    const [from, to] = [read, written].map((actual) => formals.filter((_, i) => buffers[i] === actual));
    return from!.every((a) => to!.every((b) => canShare(kernel, a, b)));
  }

  #meet(a: Buffer, b: Buffer): boolean {
    const end = (x: Buffer) => this.#offset(x) + byteSize(x.dtype, x.length);
    return this.#offset(a) < end(b) && this.#offset(b) < end(a);
  }

  #offset(buffer: Buffer): number {
    return this.#plan.offsets.get(buffer)!;
  }

  #fail({ kernel }: Call, buffer: Buffer): never {
    const other = this.#lost.get(buffer);
    throw new Error(
      `internal: ${kernel.name} needs ${buffer.name}, whose bytes ${other?.name} has taken meanwhile`,
    );
  }
}

/** Two iterations show what one leaves for the next. */
function timesOf({ extent }: Repeat): number {
  return Math.min(constantOf(extent) ?? 2, 2);
}
