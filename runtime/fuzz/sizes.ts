/**
 * Sizes of the open dims of a module, as its signature speaks of them: drawn, and put into the shapes. A
 * shape may say "2*time" or "floor((h + 1)/2)", a constraint "h >= w"; both are read here, in the text form
 * that signatures use, because the kit stands apart from the compiler. It refuses any other text.
 */
import * as fc from "fast-check";
import type { DimSignature } from "../load.ts";
import type { ModuleSignature, PortSignature, SizedPort } from "./signature.ts";

/** A size for each open dim. */
export type Sizes = Readonly<Record<string, number>>;

/** The port with the sizes of one run. */
export function sized(port: PortSignature, sizes: Sizes): SizedPort {
  return { ...port, shape: port.shape.map((d) => (typeof d === "number" ? d : sizeOf(d, sizes))) };
}

/** Sizes a module must take: often the least, the largest, or small ones. */
export function sizesOf({ dims = {}, constraints = [] }: ModuleSignature): fc.Arbitrary<Sizes> {
  const each = Object.fromEntries(Object.entries(dims).map(([name, dim]) => [name, sizeIn(dim)]));
  return fc.record(each).filter((sizes) => constraints.every((text) => holds(text, sizes)));
}

function sizeIn({ min, max, modulus = 1, residues = [0] }: DimSignature): fc.Arbitrary<number> {
  const firsts = residues.map((r) => min + ((((r - min) % modulus) + modulus) % modulus));
  const counts = firsts.map((first) => Math.floor((max - first) / modulus) + 1);
  const nth = (i: number) => {
    const list = firsts.filter((_, at) => counts[at]! > 0).sort((a, b) => a - b);
    return Math.min(list[i % list.length]! + modulus * Math.floor(i / list.length), max);
  };
  const last = counts.reduce((n, count) => n + Math.max(count, 0), 0) - 1;
  const few = fc.nat({ max: Math.min(last, 8) });
  return fc
    .oneof({ arbitrary: few, weight: 4 }, fc.constant(last), fc.nat({ max: last }))
    .map((i) => nth(i))
    .filter((n) => n >= min && residues.includes(n % modulus));
}

function holds(text: string, sizes: Sizes): boolean {
  const [, left = "", relation = "", right = ""] = /^(.*?)(==|!=|>=|>)(.*)$/.exec(text) ?? [];
  const [a, b] = [sizeOf(left, sizes), sizeOf(right, sizes)];
  if (relation === "==") return a === b;
  if (relation === "!=") return a !== b;
  return relation === ">" ? a > b : a >= b;
}

/** The number a size is. Throws RangeError for a text that is none. */
export function sizeOf(text: string, sizes: Sizes): number {
  return new Reader(text, sizes).whole();
}

const token = /\s*(\d+|[\p{L}_$][\p{L}\p{N}_.$]*|[-+*%/(),])/uy;

class Reader {
  readonly #text: string;
  readonly #sizes: Sizes;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string, sizes: Sizes) {
    this.#text = text;
    this.#sizes = sizes;
    this.#tokens =
      text
        .trim()
        .match(new RegExp(token.source, "gu"))
        ?.map((found) => found.trim()) ?? [];
  }

  whole(): number {
    const value = this.#sum();
    return this.#at === this.#tokens.length ? value : this.#refuse();
  }

  #take(...what: readonly string[]): string | undefined {
    const next = this.#tokens[this.#at];
    if (next === undefined || !what.includes(next)) return undefined;
    this.#at++;
    return next;
  }

  #sum(): number {
    let value = this.#product();
    for (let sign = this.#take("+", "-"); sign; sign = this.#take("+", "-"))
      value += sign === "+" ? this.#product() : -this.#product();
    return value;
  }

  #product(): number {
    let value = this.#factor();
    for (let by = this.#take("*", "%"); by; by = this.#take("*", "%")) {
      const right = this.#factor();
      value = by === "*" ? value * right : value - right * Math.floor(value / right);
    }
    return value;
  }

  #factor(): number {
    if (this.#take("-")) return -this.#factor();
    if (this.#take("(")) return this.#closed(this.#sum());
    const word = this.#tokens[this.#at++] ?? this.#refuse();
    if (/^\d/.test(word)) return Number(word);
    if (this.#take("(")) return this.#call(word);
    return Object.hasOwn(this.#sizes, word) ? this.#sizes[word]! : this.#refuse();
  }

  #call(name: string): number {
    const first = this.#sum();
    const separator = name === "floor" ? "/" : ",";
    if (!this.#take(separator)) return this.#refuse();
    const second = this.#closed(separator === "/" ? this.#factor() : this.#sum());
    if (name === "floor") return Math.floor(first / second);
    if (name === "max" || name === "min") return Math[name](first, second);
    return this.#refuse();
  }

  #closed(value: number): number {
    return this.#take(")") ? value : this.#refuse();
  }

  #refuse(): never {
    throw new RangeError(`"${this.#text}" is no size of ${Object.keys(this.#sizes).join(", ") || "numbers"}`);
  }
}

const drawn = new WeakMap<object, Sizes>();

/** Remembers with which sizes inputs were drawn: a module may have to be told. */
export function remember<T extends object>(inputs: T, sizes: Sizes): T {
  drawn.set(inputs, sizes);
  return inputs;
}

export const sizesDrawnWith = (inputs: object): Sizes | undefined => drawn.get(inputs);
