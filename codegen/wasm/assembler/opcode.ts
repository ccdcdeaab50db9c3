// What one row of the opcode tables says, and the constructors the rows are written with. A row gives the
// code, the kind of immediate that follows it, and its effect on the operand stack as a short text ("vv:v"
// takes two v128 and leaves one, letters as in types.ts). Instructions whose effect depends on the function
// around them (branches, locals, calls) have no text; stack-rules.ts holds a rule for each.

import type { ImmediateKind } from "./immediates.ts";
import { parseSignature, type Signature } from "./types.ts";

export interface Opcode<K extends ImmediateKind = ImmediateKind> {
  /** 0xfc (saturating truncation, bulk memory) or 0xfd (vector); the code then follows as LEB128. */
  readonly prefix: number | undefined;
  readonly code: number;
  readonly immediate: K;
  readonly signature: Signature | undefined;
  /** Bytes touched in memory, which is the natural alignment, or bytes of a lane; 0 where neither applies. */
  readonly bytes: number;
}

const miscPrefix = 0xfc;
const simdPrefix = 0xfd;

function row<K extends ImmediateKind>(
  prefix: number | undefined,
  code: number,
  signature: string,
  immediate: K,
  bytes = 0,
): Opcode<K> {
  return { prefix, code, immediate, signature: parseSignature(signature), bytes };
}

export function byRule<K extends ImmediateKind>(code: number, immediate: K): Opcode<K> {
  return { prefix: undefined, code, immediate, signature: undefined, bytes: 0 };
}

export function op(code: number, signature: string): Opcode<"none">;
export function op<K extends ImmediateKind>(code: number, signature: string, immediate: K): Opcode<K>;
export function op(code: number, signature: string, immediate: ImmediateKind = "none"): Opcode {
  return row(undefined, code, signature, immediate);
}

export function misc(code: number, signature: string): Opcode<"none">;
export function misc<K extends ImmediateKind>(code: number, signature: string, immediate: K): Opcode<K>;
export function misc(code: number, signature: string, immediate: ImmediateKind = "none"): Opcode {
  return row(miscPrefix, code, signature, immediate);
}

export function simd(code: number, signature: string): Opcode<"none">;
export function simd<K extends ImmediateKind>(code: number, signature: string, immediate: K): Opcode<K>;
export function simd(code: number, signature: string, immediate: ImmediateKind = "none"): Opcode {
  return row(simdPrefix, code, signature, immediate);
}

export const access = (code: number, signature: string, bytes: number) =>
  row(undefined, code, signature, "memory", bytes);

export const simdAccess = (code: number, signature: string, bytes: number) =>
  row(simdPrefix, code, signature, "memory", bytes);

export const lane = (code: number, signature: string, bytes: number) =>
  row(simdPrefix, code, signature, "lane", bytes);

export const laneAccess = (code: number, signature: string, bytes: number) =>
  row(simdPrefix, code, signature, "laneMemory", bytes);
