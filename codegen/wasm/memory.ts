/**
 * Where everything lies in the one memory of an instance: inputs and outputs, the arena, packed weights,
 * weights. All of it is known when the module is emitted, so an address is a constant of the code and the
 * memory never grows. Each part starts at a multiple of 64 bytes, a line of the cache.
 *
 * Pointers of a kernel may be before their buffer (the offset that brings them back inside is part of each
 * access), and an address below zero would trap: where a buffer lies too low for that, the first bytes are
 * left free.
 */
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { callsIn } from "../../compiler/ir/program-walk.ts";
import { byteSize } from "../../runtime/dtype.ts";
import type { WeightPlan } from "../typescript/weights.ts";

export const pageBytes = 65_536;
const line = 64;

/** A part of the memory, in bytes. */
export interface Part {
  readonly start: number;
  readonly bytes: number;
}

export interface MemoryPlan {
  readonly pages: number;
  /** First byte of each buffer of the program. */
  readonly addresses: ReadonlyMap<Buffer, number>;
  readonly inputs: Part;
  readonly outputs: Part;
  readonly arena: Part;
  readonly packed: Part;
  /** Where the blob of the weight plan goes as a whole. */
  readonly stored: Part;
  readonly seeded: Part;
}

/**
 * `members`: the programs that take turns in the memory of `program`, their ports its ports. `below`: bytes
 * that must lie below what is passed for a buffer of a kernel.
 */
export function planMemory(
  program: Program,
  members: readonly Program[],
  weights: WeightPlan,
  below: ReadonlyMap<Buffer, number>,
): MemoryPlan {
  const plan = planFrom(0, program, members, weights);
  const calls = callsIn([...program.prepare, ...members.flatMap(({ steps }) => steps)]);
  const missing = calls.flatMap(({ kernel, buffers }) =>
    [...kernel.reads, ...kernel.writes].map((formal, i) => {
      const needed = below.get(formal) ?? 0;
      return needed > 0 ? needed - plan.addresses.get(buffers[i]!)! : 0;
    }),
  );
  const free = missing.reduce((most, bytes) => Math.max(most, bytes), 0);
  return free > 0 ? planFrom(free, program, members, weights) : plan;
}

function planFrom(
  free: number,
  program: Program,
  members: readonly Program[],
  weights: WeightPlan,
): MemoryPlan {
  const addresses = new Map<Buffer, number>();
  let end = align(free);
  const part = (buffers: Iterable<Buffer>): Part => {
    const start = end;
    for (const buffer of new Set(buffers)) {
      addresses.set(buffer, end);
      end = align(end + byteSize(buffer.dtype, buffer.length));
    }
    return { start, bytes: end - start };
  };
  const reserve = (bytes: number): Part => {
    const start = end;
    end = align(end + bytes);
    return { start, bytes };
  };
  const inputs = part(program.inputs.map(({ buffer }) => buffer));
  const outputs = part(program.outputs.map(({ buffer }) => buffer));
  const arena = reserve(program.arena.bytes);
  for (const member of members) {
    for (const [buffer, offset] of member.arena.offsets) addresses.set(buffer, arena.start + offset);
    for (const [i, { buffer }] of member.inputs.entries())
      addresses.set(buffer, addresses.get(program.inputs[i]!.buffer)!);
    for (const [i, { buffer }] of member.outputs.entries())
      addresses.set(buffer, addresses.get(program.outputs[i]!.buffer)!);
  }
  const packed = part(program.packed);
  const seeded = part(weights.seeded.map(({ buffer }) => buffer));
  const stored = reserve(weights.blob.length);
  for (const { weight, offset } of weights.stored) addresses.set(weight.buffer, stored.start + offset);
  return { pages: Math.ceil(end / pageBytes), addresses, inputs, outputs, arena, packed, stored, seeded };
}

const align = (offset: number) => Math.ceil(offset / line) * line;
