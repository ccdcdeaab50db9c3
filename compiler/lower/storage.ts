/**
 * Which memory a value is: a buffer and where in it the value's first element lies (a time step's window
 * moves).
 */
import { fail } from "../diagnostics/index.ts";
import { add, constant, constantOf, type Dim, mul, product, type Shape, sum } from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Buffer, Space } from "../ir/loop.ts";
import { largest, type OpenDims, ruleText } from "../ir/open-dims.ts";

export interface Storage {
  readonly buffer: Buffer;
  readonly offset: Dim;
  /** Elements between neighbours along each axis, where the value is a part of a larger one. */
  readonly steps?: readonly Dim[];
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

/** Where the element `index` of a value of this shape lies in its buffer. */
export function positionIn({ offset, steps }: Storage, shape: Shape, index: readonly Dim[]): Dim {
  const at = steps ? sum(index.map((i, axis) => mul(i, steps[axis]!))) : ravel(shape, index);
  return offset === zero ? at : add(offset, at);
}

/** The part of a value that begins at `start`. */
export function partOf(storage: Storage, shape: Shape, start: readonly number[]): Storage {
  const steps = storage.steps ?? shape.map((_, axis) => product(shape.slice(axis + 1)));
  const first = sum(start.map((n, axis) => mul(n, steps[axis]!)));
  return { buffer: storage.buffer, offset: add(storage.offset, first), steps };
}

/** Number of elements of a bound value. */
export const sizeOf = (value: Value): Dim => product(value.type.shape);

/** Whether it has no elements whatever the open dims are. */
export const isEmpty = (value: Value): boolean => sizeOf(value) === zero;

export function numbersOf(value: Value): readonly number[] {
  return value.type.shape.map((d) => {
    const n = constantOf(d);
    if (n === undefined)
      throw new Error(`internal: ${value.name} is not bound: [${value.type.shape.join(", ")}]`);
    return n;
  });
}

function tooLarge({ name, type, source }: Value, { dims }: OpenDims): never {
  const names = dims.map((dim) => dim.name);
  return fail({
    code: "E2302",
    message: `${name} [${type.shape.join(", ")}] can have more than 2^53 - 1 elements`,
    facts: dims.map((dim) => ({ subject: dim.name, value: ruleText(dim) })),
    because: "the memory of a run is planned for the largest sizes",
    fix: `give ${names.join(" and ")} a smaller max`,
    ...(source.path !== "" && { layer: source.path }),
    ...(source.at && { at: source.at }),
  });
}

/** Makes buffers with names that are unique in the program, as long as open dims can make them. */
export class Buffers {
  readonly #names = new Map<string, number>();
  readonly #open: OpenDims;

  constructor(open: OpenDims) {
    this.#open = open;
  }

  create(stem: string, value: Value, space: Space): Buffer {
    const count = this.#names.get(stem) ?? 0;
    this.#names.set(stem, count + 1);
    const name = count === 0 ? stem : `${stem}_${count}`;
    if (count > 0 && this.#names.has(name)) return this.create(stem, value, space);
    this.#names.set(name, Math.max(1, this.#names.get(name) ?? 0));
    const size = sizeOf(value);
    const { dtype } = value.type;
    const length = constantOf(size);
    if (length !== undefined) return { name, dtype, length, space };
    return { name, dtype, length: this.#capacity(value, size), size, space };
  }

  #capacity(value: Value, size: Dim): number {
    const most = largest(size, this.#open);
    if (Number.isSafeInteger(most)) return most;
    return tooLarge(value, this.#open);
  }
}
