/**
 * What is known while one WebAssembly function is written: pointers, index symbols, registers and loaded
 * values.
 */
import { type Dim, print, terms } from "../../compiler/dims/index.ts";
import type { Buffer, Register } from "../../compiler/ir/loop.ts";
import { type Address, type Addresses, keyOf } from "./address.ts";
import type { FunctionAssembler, Module, ValueType } from "./assembler/index.ts";

export interface Cell {
  readonly local: number;
  readonly type: ValueType;
  /** Which one of a vector's lanes the element is; 0 for scalars. */
  readonly lane: number;
}

export interface Scope {
  /** Where functions that this one calls are added. */
  readonly module: Module;
  readonly f: FunctionAssembler;
  readonly addresses: Addresses;
  /** Locals by pointer key; a pointer's local holds bytes. */
  readonly pointers: Map<string, number>;
  /** Axes and parameters that the pointers have in them; not all of them need be locals here. */
  readonly reached: ReadonlySet<string>;
  /** Locals of axes, parameters and bound symbols. */
  readonly symbols: Map<string, number>;
  /** Locals of register elements, by register and constant index. */
  readonly registers: Map<Register, Map<string, Cell>>;
  /** Values loaded in the present straight line, by kind and address. */
  readonly loaded: Map<string, { readonly buffer: Buffer; readonly local: number }>;
}

/** The same function, with nothing remembered that a branch or the next iteration could make wrong. */
export function innerScope(scope: Scope): Scope {
  return {
    ...scope,
    pointers: new Map(scope.pointers),
    symbols: new Map(scope.symbols),
    registers: new Map([...scope.registers].map(([r, cells]) => [r, new Map(cells)])),
    loaded: new Map(),
  };
}

export const elementKey = (index: readonly Dim[]) => index.map(print).join(",");

/** Leaves the address's first byte, less `address.offset` elements, on the stack. */
export function emitAddress(scope: Scope, { pointer, rest }: Address, bytes: number): void {
  const local = scope.pointers.get(keyOf(pointer));
  if (local === undefined) throw new Error(`internal: no pointer ${keyOf(pointer)}`);
  scope.f.local_get(local);
  if (rest === undefined) return;
  emitDim(scope, rest);
  scope.f.i32_const(bytes).i32_mul().i32_add();
}

/** Leaves the Dim's value on the stack as i32. Divisions floor, as Dims do. */
export function emitDim(scope: Scope, d: Dim): void {
  const { f } = scope;
  const parts = terms(d);
  if (parts.length === 0) f.i32_const(0);
  parts.forEach(({ coefficient, factors }, i) => {
    f.i32_const(Number(coefficient));
    for (const factor of factors) {
      emitAtom(scope, factor);
      f.i32_mul();
    }
    if (i > 0) f.i32_add();
  });
}

type Factor = ReturnType<typeof terms>[number]["factors"][number];

function emitAtom(scope: Scope, atom: Factor): void {
  const { f } = scope;
  if (atom.kind === "symbol") {
    const local = scope.symbols.get(atom.name);
    if (local === undefined) throw new Error(`internal: ${atom.name} has no local`);
    f.local_get(local);
  } else if (atom.kind === "floor") emitFloor(scope, atom.numerator, atom.denominator);
  else {
    const [left, right] = [f.local("i32"), f.local("i32")];
    emitDim(scope, atom.left);
    f.local_tee(left);
    emitDim(scope, atom.right);
    f.local_tee(right).local_get(left).local_get(right).i32_gt_s().select();
  }
}

/** The truncated quotient, less one where the remainder is negative; the denominator is at least 1. */
function emitFloor(scope: Scope, numerator: Dim, denominator: Dim): void {
  const { f } = scope;
  const [n, q] = [f.local("i32"), f.local("i32")];
  emitDim(scope, numerator);
  f.local_set(n);
  emitDim(scope, denominator);
  f.local_set(q);
  f.local_get(n).local_get(q).i32_div_s();
  f.local_get(n).local_get(q).i32_rem_s().i32_const(0).i32_lt_s().i32_sub();
}
