/**
 * Addresses by strength reduction. An index is split into a part that is linear in the axes of loops, a
 * constant, and the rest. The constant goes into the instruction's offset. For the linear part one pointer
 * local is kept at each loop level and stepped at the end of an iteration, so that nothing is multiplied out
 * inside a loop; accesses that differ by a constant share it, and a loop that does not move it shares that of
 * the level outside. The rest (floors, symbols bound to data) is computed where it is used.
 */
import {
  add,
  constant,
  constantOf,
  type Dim,
  mul,
  print,
  range,
  sub,
  symbol,
  terms,
} from "../../compiler/dims/index.ts";
import type { Buffer } from "../../compiler/ir/loop.ts";
import { dtypes } from "../../runtime/dtype.ts";
import { laneCount, type Node, visitAddresses, visitNodes } from "./flatten.ts";

/** The start of an address, known where the symbols in `moving` are. */
export interface Pointer {
  readonly buffer: Buffer;
  /** Elements; linear in axes and parameters. */
  readonly moving: Dim;
  /** Added to the start of the buffer so that no offset is negative: elements, zero or less. */
  readonly bias: number;
}

export interface Address {
  readonly pointer: Pointer;
  /** Elements from the pointer, zero or more. */
  readonly offset: number;
  /** Elements still to be added, or undefined for none. */
  readonly rest: Dim | undefined;
}

export const keyOf = ({ buffer, moving, bias }: Pointer) => `${buffer.name} ${bias} ${print(moving)}`;

export function coefficientOf({ moving }: Pointer, axis: string): number {
  return coefficients(moving).get(axis) ?? 0;
}

function coefficients(linear: Dim): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { coefficient, factors } of terms(linear)) {
    const [atom] = factors;
    if (atom?.kind === "symbol") found.set(atom.name, Number(coefficient));
  }
  return found;
}

/** The part of a pointer that is known where only `symbols` are. */
function restrict(pointer: Pointer, symbols: ReadonlySet<string>): Pointer {
  let moving = constant(0);
  for (const [name, coefficient] of coefficients(pointer.moving))
    if (symbols.has(name)) moving = add(moving, mul(coefficient, symbol(name)));
  return { ...pointer, moving };
}

/** The addresses of one kernel. */
export class Addresses {
  readonly #counted = new Set<string>();
  readonly #least = new Map<string, number>();

  constructor(nodes: readonly Node[], parameters: readonly string[]) {
    for (const name of parameters) this.#counted.add(name);
    visitNodes(nodes, (node) => {
      if (node.kind === "loop") this.#counted.add(node.loop.axis);
    });
    visitAddresses(nodes, (buffer, index) => {
      const { moving, offset } = this.#split(index);
      const key = `${buffer.name} ${print(moving)}`;
      this.#least.set(key, Math.min(this.#least.get(key) ?? offset, offset));
    });
  }

  of(buffer: Buffer, index: Dim): Address {
    const { moving, offset, rest } = this.#split(index);
    const bias = this.#least.get(`${buffer.name} ${print(moving)}`) ?? 0;
    return { pointer: { buffer, moving, bias }, offset: offset - bias, rest };
  }

  /**
   * How many bytes below the start of each buffer a pointer may be where it is read or written through: the
   * offset of the instruction brings it back, but an address below zero is none. Every axis, parameter and
   * bound symbol is 0 or more.
   */
  bytesBelow(nodes: readonly Node[]): ReadonlyMap<Buffer, number> {
    const last = new Map<string, number>();
    visitNodes(nodes, (node) => {
      if (node.kind === "loop") last.set(node.loop.axis, (constantOf(node.loop.extent) ?? Infinity) - 1);
    });
    const bounds = (name: string) => ({ min: 0, max: last.get(name) ?? Infinity });
    const below = new Map<Buffer, number>();
    const visit = (buffer: Buffer, index: Dim) => {
      const { pointer, offset, rest } = this.of(buffer, index);
      const { min } = range(add(pointer.moving, pointer.bias, rest ?? 0), bounds);
      const bytes = Math.min(-min, offset) * dtypes[buffer.dtype].bytes;
      if (bytes > 0) below.set(buffer, Math.max(bytes, below.get(buffer) ?? 0));
    };
    // The last lane has the largest offset, and a guard may let it pass where the first does not.
    visitAddresses(nodes, visit, [0, laneCount - 1]);
    return below;
  }

  /**
   * The pointers that accesses below the nodes start from where only `symbols` are known, in order of first
   * use.
   */
  startsOf(nodes: readonly Node[], symbols: ReadonlySet<string>): readonly Pointer[] {
    const found = new Map<string, Pointer>();
    visitAddresses(nodes, (buffer, index) => {
      const pointer = restrict(this.of(buffer, index).pointer, symbols);
      found.set(keyOf(pointer), pointer);
    });
    return [...found.values()];
  }

  /** The pointer one loop further out, from which a loop over `axis` starts. */
  outside(pointer: Pointer, axis: string): Pointer {
    return { ...pointer, moving: sub(pointer.moving, mul(coefficientOf(pointer, axis), symbol(axis))) };
  }

  #split(index: Dim): { readonly moving: Dim; readonly offset: number; readonly rest: Dim | undefined } {
    let [moving, offset] = [constant(0), 0];
    for (const { coefficient, factors } of terms(index)) {
      const [atom, ...more] = factors;
      if (atom === undefined) offset = Number(coefficient);
      else if (more.length === 0 && atom.kind === "symbol" && this.#counted.has(atom.name))
        moving = add(moving, mul(Number(coefficient), symbol(atom.name)));
    }
    const rest = sub(index, add(moving, offset));
    return { moving, offset, rest: rest === constant(0) ? undefined : rest };
  }
}
