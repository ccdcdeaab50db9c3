/**
 * Which memory a value is: a buffer and where in it the value's first element lies (a time step's window
 * moves).
 */
import { add, constant, constantOf, type Dim, mul, type Shape } from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Buffer, Space } from "../ir/loop.ts";

export interface Storage {
  readonly buffer: Buffer;
  readonly offset: Dim;
}

const zero = constant(0);

/** Row-major position of `index`. */
export function ravel(shape: Shape, index: readonly Dim[]): Dim {
  let flat: Dim | undefined;
  shape.forEach((extent, axis) => {
    flat = flat === undefined ? index[axis]! : add(mul(flat, extent), index[axis]!);
  });
  return flat ?? zero;
}

/** Number of elements of a bound value. */
export const sizeOf = (value: Value): number => numbersOf(value).reduce((a, b) => a * b, 1);

export function numbersOf(value: Value): readonly number[] {
  return value.type.shape.map((d) => {
    const n = constantOf(d);
    if (n === undefined)
      throw new Error(`internal: ${value.name} is not bound: [${value.type.shape.join(", ")}]`);
    return n;
  });
}

/** Makes buffers with names that are unique in the program. */
export class Buffers {
  readonly #names = new Map<string, number>();

  create(stem: string, value: Value, space: Space): Buffer {
    const count = this.#names.get(stem) ?? 0;
    this.#names.set(stem, count + 1);
    const name = count === 0 ? stem : `${stem}_${count}`;
    if (count > 0 && this.#names.has(name)) return this.create(stem, value, space);
    this.#names.set(name, Math.max(1, this.#names.get(name) ?? 0));
    return { name, dtype: value.type.dtype, length: sizeOf(value), space };
  }
}
