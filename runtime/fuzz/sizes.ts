/** Sizes of the open dims of a module, as its signature speaks of them: drawn, and put into the shapes. */
import * as fc from "fast-check";
import type { DimSignature } from "../load.ts";
import { holds, type Sizes, sizeOf } from "../size-text.ts";
import type { ModuleSignature, PortSignature, SizedPort } from "./signature.ts";

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

const drawn = new WeakMap<object, Sizes>();

/** Remembers with which sizes inputs were drawn: a module may have to be told. */
export function remember<T extends object>(inputs: T, sizes: Sizes): T {
  drawn.set(inputs, sizes);
  return inputs;
}

export const sizesDrawnWith = (inputs: object): Sizes | undefined => drawn.get(inputs);
