/**
 * The weights of several lowerings that end up in one module: what one of them has made a buffer for, the
 * next one reads there. A parameter is known by its name, a constant by its elements, since each lowering
 * computes its own.
 */
import type { TypedArray } from "../../runtime/dtype.ts";
import type { Weight } from "../ir/program.ts";
import { bytesOf, weightBytes } from "../ir/weight-bytes.ts";

export class WeightPool {
  readonly #parameters = new Map<string, Weight>();
  readonly #constants = new Map<string, Weight[]>();

  /** The weight of that parameter, made by `make` if there is none yet. */
  parameter(name: string, make: () => Weight): Weight {
    const weight = this.#parameters.get(name) ?? make();
    this.#parameters.set(name, weight);
    return weight;
  }

  /** The weight with these elements. */
  constant(data: TypedArray, make: () => Weight): Weight {
    // Bits, not numbers: 0 and -0 are two constants.
    const bytes = bytesOf(data);
    const key = `${data.constructor.name} ${data.length} ${hash(bytes)}`;
    const alike = this.#constants.get(key) ?? [];
    this.#constants.set(key, alike);
    const known = alike.find((weight) => sameBytes(weightBytes(weight), bytes));
    if (known) return known;
    const made = make();
    alike.push(made);
    return made;
  }
}

function hash(bytes: Uint8Array): number {
  let h = 0;
  for (const byte of bytes) h = (Math.imul(h, 31) + byte) | 0;
  return h;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
