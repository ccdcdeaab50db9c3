/**
 * The elementwise core ops on elements that are sizes. What an op says of integers is said of expressions:
 * a quotient truncates, so its sign must be known; a comparison must be decided, for a boolean has no
 * expression. Floats stay exact: they are dyadic fractions, and as much of the symbols is demanded as makes
 * the float's own arithmetic exact ("H <= 16777216" for a size that becomes float32); where that would leave
 * hardly any sizes, as a scale of 0.7 would, there is no answer. No answer is `undefined`, never a guess.
 *
 * A symbol that nobody declared is at least 1 for inference, yet a sample may bring an empty batch. Nothing
 * would decide a comparison again then, so comparisons are decided for 0 as well.
 */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import {
  add,
  ceilDiv,
  constant,
  type Dim,
  decide,
  type Facts,
  floorDiv,
  max,
  min,
  mod,
  mul,
  neg,
  type Relation,
  sub,
} from "../dims/index.ts";
import type { Fraction } from "./dim-tensor.ts";

/** What arithmetic may assume, and demand. */
export interface Arithmetic {
  readonly facts: Facts;
  /** Demands |d| <= limit; false where that cannot hold. */
  within(d: Dim, limit: number): boolean;
}

type Rule = (elements: readonly Fraction[], arithmetic: Arithmetic, dtype: DType) => Fraction | undefined;

const whole = (dim: Dim): Fraction => ({ dim, shift: 0 });
const truth = (holds: boolean | undefined): Fraction | undefined =>
  holds === undefined ? undefined : whole(constant(Number(holds)));

/** Two fractions over one power of two. */
function aligned([a, b]: readonly Fraction[]): readonly [Dim, Dim, number] {
  const shift = Math.max(a!.shift, b!.shift);
  const scaled = ({ dim, shift: own }: Fraction) => mul(dim, constant(2n ** BigInt(shift - own)));
  return [scaled(a!), scaled(b!), shift];
}

/** Bits of the significand, of the floats whose arithmetic is followed. */
const precision: Readonly<Record<string, number>> = { float32: 24, float64: 53, float16: 11, bfloat16: 8 };

/** No fewer sizes than this have to remain, for a demand on them to be worth making. */
const LEAST_SIZES = 1024;

/** The fraction if `dtype` represents it: integers always, floats as far as their significand goes. */
function exact(f: Fraction, { within }: Arithmetic, dtype: DType): Fraction | undefined {
  if (dtypes[dtype].kind !== "float") return f;
  const reduced = withoutTwos(f);
  const bits = precision[dtype];
  if (bits === undefined) return undefined;
  const { value, terms } = reduced.dim;
  const magnitude = value === undefined ? largestCoefficient(terms) * LEAST_SIZES : Math.abs(Number(value));
  return magnitude <= 2 ** bits && within(reduced.dim, 2 ** bits) ? reduced : undefined;
}

const largestCoefficient = (terms: Dim["terms"]): number =>
  terms.reduce((most, { coefficient, factors }) => {
    return factors.length === 0 ? most : Math.max(most, Math.abs(Number(coefficient)));
  }, 0);

/** In lowest terms, as far as coefficients tell. */
function withoutTwos({ dim, shift }: Fraction): Fraction {
  let [d, left] = [dim, shift];
  while (left > 0 && mod(d, 2).value === 0) [d, left] = [floorDiv(d, 2), left - 1];
  return { dim: d, shift: left };
}

const binary =
  (apply: (a: Dim, b: Dim) => Dim): Rule =>
  (elements, arithmetic, dtype) => {
    const [a, b, shift] = aligned(elements);
    return exact({ dim: apply(a, b), shift }, arithmetic, dtype);
  };

const multiply: Rule = ([a, b], arithmetic, dtype) =>
  exact({ dim: mul(a!.dim, b!.dim), shift: a!.shift + b!.shift }, arithmetic, dtype);

/** A maximum or minimum that is decided is one of the two. */
const extreme =
  (apply: (a: Dim, b: Dim) => Dim, largest: boolean): Rule =>
  (elements, { facts }) => {
    const [a, b, shift] = aligned(elements);
    const [wins, loses] = largest ? [a, b] : [b, a];
    if (holds(">=", wins, loses, facts)) return { dim: a, shift };
    if (holds(">=", loses, wins, facts)) return { dim: b, shift };
    return { dim: apply(a, b), shift };
  };

/** true, false, or undefined where it depends. */
function holds(relation: Relation, a: Dim, b: Dim, facts: Facts): boolean | undefined {
  const verdict = decide(relation, a, b, withEmpty(facts));
  if (verdict.kind === "always" && !verdict.assumed) return true;
  return verdict.kind === "never" ? false : undefined;
}

/** The same facts, but a size that is at least 1 may be 0 too. */
function withEmpty(facts: Facts): Facts {
  return {
    domainOf(name) {
      const domain = facts.domainOf(name);
      return domain.min === 1 && domain.max > 1 ? { ...domain, min: 0 } : domain;
    },
    resolve: (d) => facts.resolve(d),
    under: (d, firm) => facts.under(d, firm),
  };
}

const comparison =
  (relation: Relation, options: { readonly swapped?: boolean; readonly not?: boolean } = {}): Rule =>
  (elements, { facts }) => {
    const [a, b] = aligned(elements);
    const answer = options.swapped ? holds(relation, b, a, facts) : holds(relation, a, b, facts);
    return truth(options.not && answer !== undefined ? !answer : answer);
  };

const isPositive = (d: Dim, facts: Facts) => decide(">=", d, constant(1), facts).kind === "always";

/** Toward zero, as ONNX divides integers; the divisor is positive. */
function truncated(a: Dim, b: Dim, facts: Facts): Dim | undefined {
  if (holds(">=", a, constant(0), facts)) return floorDiv(a, b);
  return holds(">=", constant(0), a, facts) ? ceilDiv(a, b) : undefined;
}

const divide: Rule = (elements, arithmetic, dtype) => {
  const [a, b] = aligned(elements);
  const { facts } = arithmetic;
  if (dtypes[dtype].kind === "float") return quotient(elements, arithmetic, dtype);
  const [top, bottom] = b.value !== undefined && b.value < 0 ? [neg(a), neg(b)] : [a, b];
  if (!isPositive(bottom, facts)) return undefined;
  const dim = truncated(top, bottom, facts);
  return dim && whole(dim);
};

/** A float quotient is exact by a power of two, or where the divisor always goes in. */
function quotient(elements: readonly Fraction[], arithmetic: Arithmetic, dtype: DType): Fraction | undefined {
  const [a, b] = aligned(elements);
  const twos = b.value === undefined ? Number.NaN : Math.log2(Number(b.value));
  if (Number.isInteger(twos)) return exact({ dim: a, shift: twos }, arithmetic, dtype);
  if (b.value === undefined ? !isPositive(b, arithmetic.facts) : b.value <= 0) return undefined;
  const divides = holds("==", mod(a, b), constant(0), arithmetic.facts);
  return divides ? exact(whole(floorDiv(a, b)), arithmetic, dtype) : undefined;
}

/** The sign of the divisor, as the core op's. */
const modulo: Rule = (elements, { facts }, dtype) => {
  const [a, b, shift] = aligned(elements);
  if (dtypes[dtype].kind === "float" || !(isPositive(b, facts) || isPositive(neg(b), facts)))
    return undefined;
  return { dim: mod(a, b), shift };
};

const absolute: Rule = ([x], { facts }) => {
  if (holds(">=", x!.dim, constant(0), facts)) return x;
  return { dim: max(x!.dim, neg(x!.dim)), shift: x!.shift };
};

const sign: Rule = ([x], { facts }) => {
  if (holds(">", x!.dim, constant(0), facts)) return whole(constant(1));
  if (holds(">", constant(0), x!.dim, facts)) return whole(constant(-1));
  return holds("==", x!.dim, constant(0), facts) ? whole(constant(0)) : undefined;
};

const rounded =
  (apply: (d: Dim, by: Dim) => Dim): Rule =>
  ([x]) =>
    whole(apply(x!.dim, constant(2n ** BigInt(x!.shift))));

/** Between floats the value has to fit; to an integer it is truncated; to a boolean it must be decided. */
const cast: Rule = ([x], arithmetic, dtype) => {
  const { kind } = dtypes[dtype];
  const { facts } = arithmetic;
  if (kind === "bool") return truth(holds("!=", x!.dim, constant(0), facts));
  if (kind === "float") return exact(x!, arithmetic, dtype);
  const dim = x!.shift === 0 ? x!.dim : truncated(x!.dim, constant(2n ** BigInt(x!.shift)), facts);
  return dim && whole(dim);
};

/** By the name of the core op. */
export const arithmetic: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["add", binary((a, b) => add(a, b))],
  ["sub", binary((a, b) => sub(a, b))],
  ["mul", multiply],
  ["div", divide],
  ["mod", modulo],
  ["max", extreme((a, b) => max(a, b), true)],
  ["min", extreme((a, b) => min(a, b), false)],
  ["neg", ([x]) => ({ dim: neg(x!.dim), shift: x!.shift })],
  ["abs", absolute],
  ["sign", sign],
  ["floor", rounded(floorDiv)],
  ["ceil", rounded(ceilDiv)],
  ["cast", cast],
  ["eq", comparison("==")],
  ["ne", comparison("==", { not: true })],
  ["ge", comparison(">=")],
  ["gt", comparison(">")],
  ["le", comparison(">=", { swapped: true })],
  ["lt", comparison(">", { swapped: true })],
]);
