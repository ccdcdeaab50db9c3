/**
 * Random data for the inputs and parameters of a bound graph. The data is a function of a few numbers, which
 * shrink well.
 */
import fc from "fast-check";
import { constantOf } from "../../../compiler/dims/index.ts";
import type { BoundDim, Graph, Value } from "../../../compiler/ir/graph.ts";
import { type DType, dtypes, type Scalar } from "../../../runtime/dtype.ts";
import { allocateNumbers, type Elements, encode, scalarOf } from "../../../runtime/elements.ts";
import { size, type Tensor } from "../../../runtime/tensor.ts";

/**
 * What the numbers are like: small integers and halves, so that sums are exact; about normal; or with the
 * values that break things.
 */
export type Style = "exact" | "normal" | "special";

export interface Filling {
  readonly style: Style;
  readonly seed: number;
}

const specialFloats = [0, -0, 1, -1, Number.NaN, Infinity, -Infinity, 1e-45, 3.4e38, -3.4e38, 0.5, 2.5, -1.5];
const specialInts = [0, 1, -1, 2147483647, -2147483648, 65536, 46341, -3];

const specialBigs = [
  0n,
  1n,
  -1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 53n + 1n,
  3037000500n,
  2n ** 62n + 2n ** 38n + 1n,
];

/** How to fill tensors; exact values first. `specials` allows NaN, infinities, signed zeros, extremes. */
export function fillingArbitrary({ specials = false } = {}): fc.Arbitrary<Filling> {
  const styles: readonly Style[] = specials ? ["exact", "normal", "special"] : ["exact", "normal"];
  return fc.record({ style: fc.constantFrom(...styles), seed: fc.nat(0x7fffffff) });
}

/** Tensors for every input and parameter, by name. */
export function tensorsFor(
  graph: Graph<BoundDim>,
  options: { readonly specials?: boolean } = {},
): fc.Arbitrary<Map<string, Tensor>> {
  return fillingArbitrary(options).map((filling) => fill(graph, filling));
}

export function fill(graph: Graph<BoundDim>, { style, seed }: Filling): Map<string, Tensor> {
  const next = generator(seed);
  const values = [...graph.inputs, ...graph.parameters.map(({ value }) => value)];
  return new Map(values.map((value) => [value.name, tensorOf(value, style, next)]));
}

function tensorOf({ type }: Value<BoundDim>, style: Style, next: () => number): Tensor {
  const shape = type.shape.map((d) => constantOf(d)!);
  const numbers = allocateNumbers(type.dtype, size(shape));
  const elements: Elements = numbers;
  for (let i = 0; i < numbers.length; i++)
    elements[i] = scalarOf(type.dtype, element(type.dtype, style, next));
  return { dtype: type.dtype, shape, data: encode(type.dtype, numbers) };
}

function element(dtype: DType, style: Style, next: () => number): Scalar {
  const x = next();
  if (dtype === "bool") return Number(x < 0.5);
  const whole = Math.floor(x * 17) - 8;
  if (dtypes[dtype].kind !== "float") {
    if (style === "special" && x < 0.3 && dtypes[dtype].big)
      return specialBigs[Math.floor(next() * specialBigs.length)]!;
    if (style === "special" && x < 0.3) return specialInts[Math.floor(next() * specialInts.length)]!;
    return style === "exact" ? whole : Math.floor((x - 0.5) * 1000);
  }
  if (style === "exact") return whole / 2;
  if (style === "special" && x < 0.3) return specialFloats[Math.floor(next() * specialFloats.length)]!;
  return Math.sqrt(-2 * Math.log(1 - x)) * Math.cos(2 * Math.PI * next());
}

/** Mulberry32: numbers in [0, 1), the same everywhere. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
