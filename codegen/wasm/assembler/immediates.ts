// The immediates: what a method of the assembler takes for each kind, and how it is written after the opcode.
// One entry per kind in both halves, so that the argument list of f.v128_load32_lane(lane, offset, align)
// follows from its table row.

import type { ByteWriter } from "./byte-writer.ts";
import { type BlockType, type FunctionType, typeByte } from "./types.ts";

export interface Immediates {
  none: [];
  blockType: [type?: BlockType];
  /** Blocks to leave outwards; 0 is the innermost. A loop is continued, any other block is left. */
  depth: [depth: number];
  /** The depth for 0, 1, …, then the depth for every other value. */
  depths: [depths: readonly number[], otherwise: number];
  func: [index: number];
  local: [index: number];
  global: [index: number];
  /** Bytes added to the address; alignment in bytes, a hint, by default the natural one. */
  memory: [offset?: number, align?: number];
  lane: [lane: number];
  laneMemory: [lane: number, offset?: number, align?: number];
  memoryIndex: [];
  memoryPair: [];
  i32: [value: number];
  i64: [value: bigint];
  f32: [value: number];
  f64: [value: number];
  /** 16 bytes, as a typed array of any element type: `Float32Array.of(1, 2, 3, 4)`. */
  v128: [lanes: ArrayBufferView];
  /** 16 byte indices into the two operands laid end to end, each in [0, 32). */
  shuffle: [lanes: readonly number[]];
}

export type ImmediateKind = keyof Immediates;

/** What a writer needs besides the arguments. */
export interface ImmediateContext {
  /** Of the opcode that the immediates follow; `bytes` it touches in memory, or of a lane. */
  readonly opcode: { readonly bytes: number };
  typeIndex(type: FunctionType): number;
  fail(problem: string): never;
}

type Writers = {
  readonly [K in ImmediateKind]: (out: ByteWriter, context: ImmediateContext, ...args: Immediates[K]) => void;
};

const emptyBlock = 0x40;

const index = (out: ByteWriter, _context: ImmediateContext, value: number) => out.u32(value);

const writers: Writers = {
  none() {},
  blockType(out, context, type) {
    if (type === undefined) out.byte(emptyBlock);
    else if (typeof type === "string") out.byte(typeByte[type]);
    // A type index is a signed number here, so that it cannot be taken for a value type.
    else out.i32(context.typeIndex(type));
  },
  depth: index,
  depths(out, _context, depths, otherwise) {
    out.vector(depths, (depth) => out.u32(depth));
    out.u32(otherwise);
  },
  func: index,
  local: index,
  global: index,
  memory: writeMemory,
  lane: writeLane,
  laneMemory(out, context, lane, offset, align) {
    writeMemory(out, context, offset, align);
    writeLane(out, context, lane);
  },
  memoryIndex: (out) => out.byte(0),
  memoryPair: (out) => out.bytes([0, 0]),
  i32: (out, _context, value) => out.i32(value),
  i64: (out, _context, value) => out.i64(value),
  f32: (out, _context, value) => out.f32(value),
  f64: (out, _context, value) => out.f64(value),
  v128(out, context, lanes) {
    if (lanes.byteLength !== 16) context.fail(`takes 16 bytes, not ${lanes.byteLength}`);
    out.bytes(new Uint8Array(lanes.buffer, lanes.byteOffset, 16));
  },
  shuffle(out, context, lanes) {
    const valid =
      lanes.length === 16 && lanes.every((lane) => Number.isInteger(lane) && lane >= 0 && lane < 32);
    if (!valid) context.fail(`takes 16 byte indices below 32, not [${lanes.join(", ")}]`);
    out.bytes(lanes);
  },
};

function writeMemory(out: ByteWriter, context: ImmediateContext, offset = 0, align?: number): void {
  const natural = context.opcode.bytes;
  const log = Math.log2(align ?? natural);
  if (!Number.isInteger(log) || log < 0 || (align ?? natural) > natural) {
    context.fail(`cannot be aligned to ${align} bytes (a power of two up to ${natural})`);
  }
  out.u32(log);
  out.u32(offset);
}

function writeLane(out: ByteWriter, context: ImmediateContext, lane: number): void {
  const count = 16 / context.opcode.bytes;
  if (!Number.isInteger(lane) || lane < 0 || lane >= count) {
    context.fail(`has lanes 0 to ${count - 1}, not ${lane}`);
  }
  out.byte(lane);
}

export function writeImmediate<K extends ImmediateKind>(
  out: ByteWriter,
  context: ImmediateContext,
  kind: K,
  args: Immediates[K],
): void {
  writers[kind](out, context, ...args);
}
