/**
 * exp, expm1, log, log1p, tanh and erf of four float32 lanes.
 *
 * exp and log reduce their argument by the exact parts of ln 2 (Cody and Waite, 1980) and end in a minimax
 * polynomial; tanh and erf, the hot ones of recurrent networks and transformers, are odd rational functions
 * on the interval where they are not yet one. The coefficients were fitted for this file by Remez exchange
 * and by iterated weighted least squares, each for the relative error of the whole function.
 */
import type { Lanes, Value } from "./lanes.ts";

const log2e = Math.LOG2E;
/** 355/512: a product with an exponent is exact. Both add up to ln 2. */
const ln2High = 0.693359375;
const ln2Low = -2.1219444005469057e-4;
/** Adding this to |x| < 2^22 leaves x, rounded to an integer, in the low bits. */
const shifter = 12_582_912;
const shifterBits = 0x4b400000;
const exponentBits = 23;
const bias = 127;

/** (exp(r) - 1 - r) / r^2 for |r| <= ln(2)/2, within 2^-28. */
const expTail = [
  0.49999993412501315, 0.16666520107817162, 0.04166839421122782, 0.008368780411450573, 0.0013814467033969947,
];
/** The same for the relative error of expm1. */
const expm1Tail = [
  0.4999999814407276, 0.16666543178090812, 0.04166720177927506, 0.008366580331778516, 0.0013882510116514511,
];
/** (log(1 + f) - f + f^2/2) / f^3 for sqrt(1/2) <= 1 + f <= sqrt(2), within 2^-27. */
const logTail = [
  0.33333331705070157, -0.25000821605036444, 0.20001227778999545, -0.16623336135061595, 0.1420171904790641,
  -0.13160363974023284, 0.12761962233798926, -0.07634487070964711,
];

interface Reduced {
  /** What is left, at most ln(2)/2. */
  readonly rest: Value;
  /** The multiple of ln 2, with the shifter added. */
  readonly shifted: Value;
  readonly multiple: Value;
}

/** x = multiple * ln 2 + rest; `x` must be kept and small. */
function reduceByLn2(m: Lanes, x: Value): Reduced {
  const shifted = m.keep(m.madd(x, m.c(log2e), m.c(shifter)));
  const multiple = m.keep(m.sub(shifted, m.c(shifter)));
  const near = m.madd(multiple, m.c(-ln2High), x);
  return { shifted, multiple, rest: m.keep(m.madd(multiple, m.c(-ln2Low), near)) };
}

/** Two steps, because 2^128 is no float32 and subnormal results must be rounded once. */
export function exp(m: Lanes, x: Value): Value {
  const bounded = m.keep(m.pmax(m.pmin(x, m.c(89)), m.c(-104)));
  const { rest, shifted } = reduceByLn2(m, bounded);
  const square = m.keep(m.mul(rest, rest));
  const value = m.madd(square, m.polynomial(rest, expTail), m.add(rest, m.c(1)));
  const both = m.keep(m.op("i32x4.sub", shifted, m.bits(shifterBits - 2 * bias)));
  const first = m.keep(m.shift("i32x4.shr_u", both, 1));
  const second = m.op("i32x4.sub", both, first);
  const power = (exponent: Value) => m.shift("i32x4.shl", exponent, exponentBits);
  return m.mul(m.mul(value, power(first)), power(second));
}

/** 2^n (e^r - 1) + (2^n - 1), with halves of the powers so that 2^128 is one. */
export function expm1(m: Lanes, x: Value): Value {
  const kept = m.keep(x);
  const bounded = m.keep(m.pmax(m.pmin(kept, m.c(89)), m.c(-18)));
  const { rest, shifted } = reduceByLn2(m, bounded);
  const square = m.keep(m.mul(rest, rest));
  const value = m.madd(square, m.polynomial(rest, expm1Tail), rest);
  const exponent = m.op("i32x4.sub", shifted, m.bits(shifterBits - bias + 1));
  const half = m.keep(m.shift("i32x4.shl", exponent, exponentBits));
  const sum = m.madd(half, value, m.sub(half, m.c(0.5)));
  return m.select(m.lt(m.abs(kept), m.c(2 ** -25)), kept, m.mul(sum, m.c(2)));
}

interface Split {
  readonly exponent: Value;
  /** In [sqrt(1/2), sqrt(2)). */
  readonly fraction: Value;
  /** Bits to subtract from a float to divide it by 2^exponent. */
  readonly shift: Value;
}

/** x = 2^exponent * fraction for positive, normal and finite x. */
function splitFloat(m: Lanes, x: Value): Split {
  const distance = m.op("i32x4.sub", x, m.bits(0x3f3504f3));
  const exponent = m.keep(m.shift("i32x4.shr_s", distance, exponentBits));
  const shift = m.keep(m.shift("i32x4.shl", exponent, exponentBits));
  return {
    exponent: m.op("f32x4.convert_i32x4_s", exponent),
    fraction: m.op("i32x4.sub", x, shift),
    shift,
  };
}

/** exponent * ln 2 + log(1 + f). */
function logOf(m: Lanes, f: Value, exponent: Value): Value {
  const kept = m.keep(exponent);
  const square = m.keep(m.mul(f, f));
  const tail = m.mul(m.mul(square, f), m.polynomial(f, logTail));
  const small = m.madd(kept, m.c(ln2Low), tail);
  return m.madd(kept, m.c(ln2High), m.add(m.madd(square, m.c(-0.5), small), f));
}

/** What a logarithm gives at zero, infinity and below; `of` is its argument, plus one for log1p. */
function logEdges(m: Lanes, value: Value, of: Value): Value {
  const [infinity, zero] = [m.c(Number.POSITIVE_INFINITY), m.c(0)];
  const atMost = m.select(m.lt(of, infinity), value, of);
  const pole = m.select(m.eq(of, zero), m.c(Number.NEGATIVE_INFINITY), m.c(Number.NaN));
  return m.select(m.gt(of, zero), atMost, pole);
}

export function log(m: Lanes, x: Value): Value {
  const kept = m.keep(x);
  const tiny = m.keep(m.lt(kept, m.c(2 ** -126)));
  const normal = m.keep(m.select(tiny, m.mul(kept, m.c(2 ** 23)), kept));
  const { exponent, fraction } = splitFloat(m, normal);
  const f = m.keep(m.sub(fraction, m.c(1)));
  return logEdges(m, logOf(m, f, m.sub(exponent, m.and(tiny, m.c(23)))), kept);
}

/** The rounding error of 1 + x is found exactly and added to the fraction (Kahan). */
export function log1p(m: Lanes, x: Value): Value {
  const kept = m.keep(x);
  const sum = m.keep(m.add(kept, m.c(1)));
  const larger = m.pmax(kept, m.c(1));
  const lost = m.keep(m.sub(m.pmin(kept, m.c(1)), m.sub(sum, larger)));
  const { exponent, fraction, shift } = splitFloat(m, sum);
  // lost / 2^exponent, as long as that is a normal float; where it is not, `lost` is nothing beside the sum.
  const power = m.op("i32x4.sub", m.bits(bias << exponentBits), shift);
  const f = m.keep(m.madd(lost, m.pmax(power, m.c(0)), m.sub(fraction, m.c(1))));
  const value = logEdges(m, logOf(m, f, exponent), sum);
  return m.select(m.lt(m.abs(kept), m.c(2 ** -13)), m.madd(m.mul(kept, kept), m.c(-0.5), kept), value);
}

/** x P(x^2) / Q(x^2). */
function oddRational(m: Lanes, x: Value, top: readonly number[], bottom: readonly number[]): Value {
  const square = m.keep(m.mul(x, x));
  return m.div(m.mul(x, m.polynomial(square, top)), m.polynomial(square, bottom));
}

/** Rounding may push a quotient past one. */
const withinOne = (m: Lanes, x: Value) => m.pmax(m.pmin(x, m.c(1)), m.c(-1));

/** Within 2^-27 up to 9.02; what is computed for 8.99 rounds to one under either form of `madd`. */
const tanhTop = [
  1, 0.13084922175265493, 0.0031049354135116777, 1.1163456998167053e-5, -2.0255786996108024e-8,
  5.2891617492223156e-11, -8.50885322597831e-14,
];
const tanhBottom = [1, 0.46418251253668324, 0.024499186266457283, 0.0002547506762507606];

export function tanh(m: Lanes, x: Value): Value {
  const bounded = m.keep(m.pmax(m.pmin(x, m.c(8.99)), m.c(-8.99)));
  return withinOne(m, oddRational(m, bounded, tanhTop, tanhBottom));
}

/** Within 2^-25.6 up to 3.93, where erf rounds to one; beyond one from there to 4.1. */
const erfTop = [
  1.1283791453473757, 0.19078503858670412, 0.05279040513015467, 0.0037796513788705905, 0.00028480783127446185,
  2.0419377282182884e-6,
];
const erfBottom = [
  1, 0.5024115576024724, 0.1142579850716078, 0.014997521255717279, 0.001165219858030132, 3.80036950895143e-5,
];

export function erf(m: Lanes, x: Value): Value {
  const bounded = m.keep(m.pmax(m.pmin(x, m.c(4.1)), m.c(-4.1)));
  return withinOne(m, oddRational(m, bounded, erfTop, erfBottom));
}
