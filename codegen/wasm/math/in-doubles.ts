/**
 * pow, sinh, cosh, asinh, acosh and atanh, each computed in doubles, two lanes at a time, and rounded once.
 * They are rare in networks, and twice the digits make short formulas right: overflow, cancellation and
 * subnormal float32 values cannot happen on the way. Only the digits that a float32 keeps are asked of exp
 * and log.
 */
import type { Lanes, Value } from "./lanes.ts";

const shifter = 1.5 * 2 ** 52;
const bias = 1023n;
const exponentBits = 52;
/** ln 2 in two parts; a product of the first with an exponent is exact. */
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** exp(r) for |r| <= ln(2)/2, within 2^-46. */
const expSeries = [
  1.0000000000000129, 0.9999999999998916, 0.49999999999453665, 0.1666666666783615, 0.04166666703464803,
  0.008333333000866373, 0.0013888802485959087, 0.0001984159767375977, 2.4884174279871046e-5,
  2.748204719773309e-6,
];
/** (atanh(s)/s - 1) / s^2 over s^2, for 1/sqrt(2) <= (1 + s)/(1 - s) <= sqrt(2), within 2^-52. */
const atanhTail = [
  0.3333333333329336, 0.2000000002627099, 0.14285708541339884, 0.11111687624917664, 0.09061760604552918,
  0.08410672791729826,
];

/** e^x; beyond 200 in size x counts as 200, which no float32 can tell from infinity or zero. */
function exp(d: Lanes, x: Value): Value {
  const bounded = d.keep(d.pmax(d.pmin(x, d.c(200)), d.c(-200)));
  const shifted = d.keep(d.madd(bounded, d.c(Math.LOG2E), d.c(shifter)));
  const multiple = d.keep(d.sub(shifted, d.c(shifter)));
  const rest = d.keep(d.madd(multiple, d.c(-ln2Low), d.madd(multiple, d.c(-ln2High), bounded)));
  const exponent = d.shift("i64x2.shl", d.op("i64x2.add", shifted, d.bits(bias)), exponentBits);
  return d.mul(d.polynomial(rest, expSeries), exponent);
}

/** log x for finite x > 0. */
function log(d: Lanes, x: Value): Value {
  const kept = d.keep(x);
  // The bits of sqrt(1/2).
  const distance = d.op("i64x2.sub", kept, d.bits(0x3fe6a09e667f3bcdn));
  const exponent = d.keep(d.shift("i64x2.shr_s", distance, exponentBits));
  const fraction = d.keep(d.op("i64x2.sub", kept, d.shift("i64x2.shl", exponent, exponentBits)));
  // An integer in the low bits of the shifter is the shifter plus that integer.
  const count = d.keep(d.sub(d.op("i64x2.add", exponent, d.c(shifter)), d.c(shifter)));
  const s = d.keep(d.div(d.sub(fraction, d.c(1)), d.add(fraction, d.c(1))));
  const square = d.keep(d.mul(s, s));
  const half = d.madd(d.mul(square, s), d.polynomial(square, atanhTail), s);
  return d.madd(count, d.c(ln2Low + ln2High), d.mul(half, d.c(2)));
}

/** log(1 + x) for finite x >= 0: a small x would be lost in the sum. */
function log1p(d: Lanes, x: Value): Value {
  const kept = d.keep(x);
  const series = d.mul(kept, d.polynomial(kept, [1, -1 / 2, 1 / 3, -1 / 4]));
  return d.select(d.lt(kept, d.c(2 ** -11)), d.keep(series), d.keep(log(d, d.add(kept, d.c(1)))));
}

/** `compute` of |x| with the sign of x. */
function odd(m: Lanes, x: Value, compute: (d: Lanes, size: Value) => Value): Value {
  const kept = m.keep(x);
  const value = m.inDoubles(compute, m.abs(kept));
  return m.or(value, m.signOf(kept));
}

/** Where x is infinite or NaN, x itself. */
const finite = (d: Lanes, x: Value, value: Value) =>
  d.select(d.lt(x, d.c(Number.POSITIVE_INFINITY)), value, x);

export function sinh(m: Lanes, x: Value): Value {
  return odd(m, x, (d, size) => {
    const power = d.keep(exp(d, size));
    const square = d.keep(d.mul(size, size));
    const series = d.mul(size, d.polynomial(square, [1, 1 / 6, 1 / 120, 1 / 5040]));
    const difference = d.mul(d.sub(power, d.div(d.c(1), power)), d.c(0.5));
    return d.select(d.lt(size, d.c(2 ** -4)), series, difference);
  });
}

export function cosh(m: Lanes, x: Value): Value {
  return m.inDoubles((d, wide) => {
    const power = d.keep(exp(d, d.abs(wide)));
    return d.mul(d.add(power, d.div(d.c(1), power)), d.c(0.5));
  }, x);
}

export function asinh(m: Lanes, x: Value): Value {
  return odd(m, x, (d, size) => {
    const square = d.keep(d.mul(size, size));
    const root = d.sqrt(d.add(square, d.c(1)));
    const more = d.add(size, d.div(square, d.add(root, d.c(1))));
    return finite(d, size, d.keep(log1p(d, more)));
  });
}

export function acosh(m: Lanes, x: Value): Value {
  return m.inDoubles((d, wide) => {
    const less = d.keep(d.sub(wide, d.c(1)));
    const root = d.sqrt(d.mul(less, d.add(wide, d.c(1))));
    const value = finite(d, wide, d.keep(log1p(d, d.add(less, root))));
    return d.select(d.lt(wide, d.c(1)), d.c(Number.NaN), value);
  }, x);
}

/** Half of log1p(2 x / (1 - x)), an infinity at one and NaN beyond. */
export function atanh(m: Lanes, x: Value): Value {
  return odd(m, x, (d, size) => {
    const ratio = d.keep(d.div(d.add(size, size), d.sub(d.c(1), size)));
    const value = d.keep(d.mul(finite(d, ratio, d.keep(log1p(d, ratio))), d.c(0.5)));
    return d.select(d.gt(size, d.c(1)), d.c(Number.NaN), value);
  });
}

/** x ** y as ECMAScript has it: NaN for (±1) ** ±Infinity, 1 for anything ** 0. */
export function pow(m: Lanes, x: Value, y: Value): Value {
  return m.inDoubles(
    (d, base, exponent) => {
      const zero = d.c(0);
      const size = d.keep(d.abs(base));
      const known = d.keep(finite(d, size, d.keep(log(d, size))));
      const logarithm = d.select(d.eq(size, zero), d.c(Number.NEGATIVE_INFINITY), known);
      const value = exp(d, d.mul(logarithm, exponent));
      const half = d.keep(d.mul(exponent, d.c(0.5)));
      const whole = d.eq(d.nearest(exponent), exponent);
      const oddExponent = d.and(d.keep(whole), d.ne(d.nearest(half), half));
      const signed = d.xor(value, d.and(d.signOf(base), oddExponent));
      const between = d.and(d.lt(base, zero), d.gt(base, d.c(Number.NEGATIVE_INFINITY)));
      const undefined_ = d.op("v128.andnot", between, d.keep(whole));
      return d.select(d.eq(exponent, zero), d.c(1), d.select(undefined_, d.c(Number.NaN), d.keep(signed)));
    },
    x,
    y,
  );
}
