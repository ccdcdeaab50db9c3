// All opcodes under the names of the specification, and the method name each has in the assembler (f32x4.mul
// is f32x4_mul).

import type { Immediates } from "./immediates.ts";
import type { Opcode } from "./opcode.ts";
import { scalarOpcodes } from "./opcodes-scalar.ts";
import { simdOpcodes } from "./opcodes-simd.ts";

export const opcodes = { ...scalarOpcodes, ...simdOpcodes } as const;

export type OpcodeName = keyof typeof opcodes;

export const opcodeNames = Object.keys(opcodes) as readonly OpcodeName[];

type MethodName<N extends string> = N extends `${infer Shape}.${infer Operation}`
  ? `${Shape}_${Operation}`
  : N;

export function methodName<N extends OpcodeName>(name: N): MethodName<N> {
  return name.replace(".", "_") as MethodName<N>;
}

type KindOf<O> = O extends Opcode<infer K> ? K : never;

/** One method per opcode, taking its immediates and returning the assembler, so that calls can be chained. */
export type OpcodeMethods<Self> = {
  readonly [N in OpcodeName as MethodName<N>]: (...args: Immediates[KindOf<(typeof opcodes)[N]>]) => Self;
};
