/**
 * How the door of a module learns its open dims. A size is solved from the length of an input where that
 * determines it (x of shape [batch, 784] has batch = length / 784); what no length determines is asked for as
 * the second argument of `run`. What is written of it is in door-code.ts.
 *
 * A length is solved for a size that it is linear in, or a power of; other sizes in it must be known by then,
 * and its factor must not be able to vanish: an empty batch says nothing of the images in it.
 */
import {
  constant,
  type Dim,
  mul,
  product,
  range,
  type Shape,
  sub,
  sum,
  symbol,
  symbolsOf,
  terms,
} from "../../compiler/dims/index.ts";
import { intervalsOf, type OpenDims } from "../../compiler/ir/open-dims.ts";
import { dimOf } from "./polynomial.ts";

export interface DoorInput {
  readonly name: string;
  readonly shape: Shape;
}

/** The length of `input` is factor * dim ** power + rest. */
export interface Solution<I extends DoorInput = DoorInput> {
  readonly dim: string;
  readonly input: I;
  readonly factor: Dim;
  readonly power: number;
  readonly rest: Dim;
}

export interface Door<I extends DoorInput = DoorInput> {
  readonly open: OpenDims;
  /** Each uses only dims that are asked for or solved before it. */
  readonly solved: readonly Solution<I>[];
  /** Dims that no length determines, in the order of `open`. */
  readonly asked: readonly string[];
}

/**
 * Solves what lengths determine, one dim after the other. Of what is left, all are asked for but those that
 * count the rows of an input: of [batch, h, w, 3] h and w, and the length tells the batch.
 */
export function planDoor<I extends DoorInput>(inputs: readonly I[], open: OpenDims): Door<I> {
  const unknown = new Set(open.dims.map(({ name }) => name));
  const rows = new Set(inputs.map(({ shape }) => `${shape[0]}`));
  const asked: string[] = [];
  const solved: Solution<I>[] = [];
  while (unknown.size > 0) {
    const next = firstSolution(inputs, unknown, open);
    if (next) solved.push(next);
    const inner = [...unknown].filter((name) => !rows.has(name));
    const known = next ? [next.dim] : inner.length > 0 ? inner : [...unknown].slice(-1);
    if (!next) asked.push(...known);
    for (const name of known) unknown.delete(name);
  }
  return { open, solved, asked: open.dims.map(({ name }) => name).filter((name) => asked.includes(name)) };
}

function firstSolution<I extends DoorInput>(
  inputs: readonly I[],
  unknown: ReadonlySet<string>,
  open: OpenDims,
): Solution<I> | undefined {
  for (const input of inputs) {
    const length = product(input.shape);
    const [dim, ...others] = symbolsOf(length).filter((name) => unknown.has(name));
    const form = dim !== undefined && others.length === 0 ? powerOf(length, dim) : undefined;
    if (!form || !(range(form.factor, intervalsOf(open)).min >= 1)) continue;
    if (form.power === 1 || form.rest === constant(0)) return { dim: dim!, input, ...form };
  }
  return undefined;
}

/** `d` as factor * name ** power + rest, both free of the name. */
function powerOf(d: Dim, name: string): { factor: Dim; power: number; rest: Dim } | undefined {
  let power = 0;
  const factors: Dim[] = [];
  for (const { coefficient, factors: atoms } of terms(d)) {
    const own = atoms.filter((atom) => atom.kind === "symbol" && atom.name === name).length;
    const others = atoms.filter((atom) => !(atom.kind === "symbol" && atom.name === name)).map(dimOf);
    if (own === 0 && !others.some((other) => symbolsOf(other).includes(name))) continue;
    if (
      own === 0 ||
      (power !== 0 && power !== own) ||
      others.some((other) => symbolsOf(other).includes(name))
    )
      return undefined;
    power = own;
    factors.push(product([constant(coefficient), ...others]));
  }
  if (power === 0) return undefined;
  const factor = sum(factors);
  const whole = mul(factor, ...Array.from({ length: power }, () => symbol(name)));
  return { factor, power, rest: sub(d, whole) };
}
