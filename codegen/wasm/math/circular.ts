/**
 * sin, cos, tan and their inverses, of four float32 lanes. An angle is reduced to a quarter turn in doubles:
 * by two parts of pi/2 up to 2^20 (Cody and Waite), beyond that by the bits of 2/pi that matter (Payne and
 * Hanek, 1983), lane by lane. Sine and cosine of the rest, and the inverses, are minimax polynomials fitted
 * for this file.
 */
import type { Lanes, Value } from "./lanes.ts";

/** (sin(r) - r) / r^3 and (cos(r) - 1 + r^2/2) / r^4 over r^2, for |r| <= pi/4, within 2^-37 and 2^-33. */
const sinTail = [-0.16666666640588215, 0.008333329280525468, -0.00019839304415690708, 2.7180464728061662e-6];
const cosTail = [0.04166664555447925, -0.0013887309867049104, 2.443241302640484e-5];
/** (atan(t) - t) / t^3 over t^2, for t <= 1, within 2^-28. */
const atanTail = [
  -0.33333299089300605, 0.19998548289316948, -0.14264241730654068, 0.10952186024142571, -0.0840345101858937,
  0.057957604850329726, -0.03117785664395399, 0.010914611339677029, -0.0017936229196000928,
];
/** (asin(t) - t) / t^3 over t^2, for t <= 1/2, within 2^-27. */
const asinTail = [
  0.16666752681396807, 0.0749528867156498, 0.04547160722672486, 0.024172951240330587, 0.04217823069624846,
];

/** The nearest float32 below or above pi/2, and what it lacks. */
const halfPi = Math.fround(Math.PI / 2);
const halfPiLow = Math.PI / 2 - halfPi;

/** From the reduction of `reduce-angle.ts`. */
export interface Angle {
  /** At most pi/4 in size. */
  readonly rest: Value;
  /** Quarter turns, of which the low two bits count. */
  readonly quarters: Value;
}

/** The select keeps a negative zero. */
function sineOfRest(m: Lanes, { rest }: Angle, square: Value): Value {
  const value = m.madd(m.mul(square, rest), m.polynomial(square, sinTail), rest);
  return m.keep(m.select(m.eq(rest, m.c(0)), rest, value));
}

function cosineOfRest(m: Lanes, square: Value): Value {
  const tail = m.mul(m.mul(square, square), m.polynomial(square, cosTail));
  return m.keep(m.add(m.c(1), m.madd(square, m.c(-0.5), tail)));
}

function bothOfRest(m: Lanes, angle: Angle) {
  const square = m.keep(m.mul(angle.rest, angle.rest));
  return { sine: sineOfRest(m, angle, square), cosine: cosineOfRest(m, square) };
}

const isOdd = (m: Lanes, quarters: Value) => m.op("i32x4.eq", m.and(quarters, m.bits(1)), m.bits(1));

/** sin(rest + quarters * pi/2) */
function sineOf(m: Lanes, angle: Angle, quarters: Value): Value {
  const { sine, cosine } = bothOfRest(m, angle);
  const kept = m.keep(quarters);
  const negative = m.shift("i32x4.shl", m.and(kept, m.bits(2)), 30);
  return m.xor(m.select(isOdd(m, kept), cosine, sine), negative);
}

export function sin(m: Lanes, angle: Angle): Value {
  return sineOf(m, angle, angle.quarters);
}

export function cos(m: Lanes, angle: Angle): Value {
  return sineOf(m, angle, m.op("i32x4.add", angle.quarters, m.bits(1)));
}

export function tan(m: Lanes, angle: Angle): Value {
  const { sine, cosine } = bothOfRest(m, angle);
  const odd = m.keep(isOdd(m, angle.quarters));
  const top = m.xor(m.select(odd, cosine, sine), m.signOf(odd));
  return m.div(top, m.select(odd, sine, cosine));
}

/** t + t^3 P(t^2) */
function oddPolynomial(m: Lanes, t: Value, square: Value, tail: readonly number[]): Value {
  return m.keep(m.madd(m.mul(square, t), m.polynomial(square, tail), t));
}

/** pi/2 - x */
const complement = (m: Lanes, x: Value) => m.add(m.sub(m.c(halfPi), x), m.c(halfPiLow));

/** atan of a ratio of at most one. */
function atanOfRatio(m: Lanes, t: Value): Value {
  const kept = m.keep(t);
  return oddPolynomial(m, kept, m.keep(m.mul(kept, kept)), atanTail);
}

export function atan(m: Lanes, x: Value): Value {
  const kept = m.keep(x);
  const size = m.keep(m.abs(kept));
  const steep = m.keep(m.gt(size, m.c(1)));
  const value = atanOfRatio(m, m.select(steep, m.div(m.c(1), size), size));
  return m.or(m.select(steep, complement(m, value), value), m.signOf(kept));
}

/** The angle of the point (x, y): the ratio of the shorter to the longer side, mirrored into place. */
export function atan2(m: Lanes, y: Value, x: Value): Value {
  const [ky, kx] = [m.keep(y), m.keep(x)];
  const [dy, dx] = [m.keep(m.abs(ky)), m.keep(m.abs(kx))];
  const steep = m.keep(m.gt(dy, dx));
  const short = m.keep(m.select(steep, dx, dy));
  const long = m.keep(m.select(steep, dy, dx));
  // Equal sides have the ratio one, infinite ones too, but 0/0 is 0.
  const equal = m.and(m.gt(long, m.c(0)), m.c(1));
  const value = atanOfRatio(m, m.select(m.eq(short, long), equal, m.div(short, long)));
  const first = m.keep(m.select(steep, complement(m, value), value));
  const left = m.shift("i32x4.shr_s", kx, 31);
  const half = m.add(m.sub(m.c(2 * halfPi), first), m.c(2 * halfPiLow));
  return m.or(m.select(left, half, first), m.signOf(ky));
}

interface Arc {
  /** asin of `x` up to 1/2, else asin(sqrt((1 - x) / 2)), which is half of what is missing to pi/2. */
  readonly value: Value;
  readonly large: Value;
}

function arcOf(m: Lanes, size: Value): Arc {
  const large = m.keep(m.gt(size, m.c(0.5)));
  const halved = m.mul(m.sub(m.c(1), size), m.c(0.5));
  const square = m.keep(m.select(large, halved, m.mul(size, size)));
  const t = m.keep(m.select(large, m.sqrt(square), size));
  return { large, value: oddPolynomial(m, t, square, asinTail) };
}

const twice = (m: Lanes, x: Value) => m.add(x, x);

export function asin(m: Lanes, x: Value): Value {
  const kept = m.keep(x);
  const { value, large } = arcOf(m, m.keep(m.abs(kept)));
  return m.or(m.select(large, complement(m, twice(m, value)), value), m.signOf(kept));
}

export function acos(m: Lanes, x: Value): Value {
  const kept = m.keep(x);
  const { value, large } = arcOf(m, m.keep(m.abs(kept)));
  const sign = m.keep(m.signOf(kept));
  const small = complement(m, m.xor(value, sign));
  const double = m.keep(twice(m, value));
  const mirrored = m.add(m.sub(m.c(2 * halfPi), double), m.c(2 * halfPiLow));
  return m.select(large, m.select(m.shift("i32x4.shr_s", kept, 31), mirrored, double), small);
}
