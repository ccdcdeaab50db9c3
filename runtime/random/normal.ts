/**
 * The standard normal by inversion, one draw per 32-bit word, so that each element of a parameter depends on
 * its own counter alone (Box-Muller and rejection would tie neighbours together). The quantile function is
 * PPND16 of M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
 * Statistics 37 (1988).
 *
 * ECMAScript leaves the last bits of Math.log, cos, exp and pow to the engine, so none is used: everything
 * here is + - * / and Math.sqrt on doubles, which IEEE 754 rounds exactly. The results are the same bits on
 * every engine.
 *
 * Words become probabilities (word + 1/2) / 2^32: symmetric about 1/2 and never 0 or 1. The furthest value is
 * 6.34, and AS 241's third branch (beyond exp(-25), |z| > 6.6) cannot be reached and is left out.
 */
import { philox } from "./philox.ts";

/**
 * -ln(x) for 0 < x < 1, to 3e-16 of its size: halve out the exponent exactly, then ln m = 2 artanh((m - 1) /
 * (m + 1)), with |(m - 1) / (m + 1)| <= 0.1765, by its series.
 */
export function minusLog(x: number): number {
  let halvings = 0;
  while (x < 0.7) {
    x *= 2;
    halvings++;
  }
  const s = (1 - x) / (1 + x);
  let series = 0;
  for (let n = 21; n > 0; n -= 2) series = series * s * s + 1 / n;
  return halvings * Math.LN2 + 2 * s * series;
}

/** a + bx + cx^2 + ... + hx^7, by Horner's rule. */
function poly(
  x: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  h: number,
): number {
  return ((((((h * x + g) * x + f) * x + e) * x + d) * x + c) * x + b) * x + a;
}

/**
 * The z with Phi(z) = p, for exp(-25) <= p <= 1 - exp(-25). Relative error below 1e-15 (6.5e-16 is
 * the worst found against 40 digits).
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (q * q <= 0.180625) {
    const r = 0.180625 - q * q;
    const a = poly(
      r,
      3.3871328727963665,
      133.14166789178438,
      1971.5909503065513,
      13731.69376550946,
      45921.95393154987,
      67265.7709270087,
      33430.57558358813,
      2509.0809287301227,
    );
    const b = poly(
      r,
      1,
      42.31333070160091,
      687.1870074920579,
      5394.196021424751,
      21213.794301586597,
      39307.89580009271,
      28729.085735721943,
      5226.495278852854,
    );
    return (q * a) / b;
  }
  const r = Math.sqrt(minusLog(q < 0 ? p : 1 - p)) - 1.6;
  const c = poly(
    r,
    1.4234371107496835,
    4.630337846156546,
    5.769497221460691,
    3.6478483247632045,
    1.2704582524523684,
    0.2417807251774506,
    0.022723844989269184,
    0.0007745450142783414,
  );
  const d = poly(
    r,
    1,
    2.053191626637759,
    1.6763848301838038,
    0.6897673349851,
    0.14810397642748008,
    0.015198666563616457,
    0.0005475938084995345,
    1.0507500716444169e-9,
  );
  return q < 0 ? -c / d : c / d;
}

/** Overwrites `out` with mean + stddev * z, z standard normal. */
export function fillNormal(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  mean: number,
  stddev: number,
): void {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  for (let i = 0; i < out.length; i++)
    out[i] = mean + stddev * normalQuantile((bits[i]! + 0.5) / 0x100000000);
}

/**
 * Overwrites `out` with mean + stddev * z, z standard normal given |z| <= 2: the distribution Keras and
 * TensorFlow get by drawing again, here by inverting over [Phi(-2), Phi(2)] so that each element takes
 * exactly one word.
 */
export function fillTruncatedNormal(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  mean: number,
  stddev: number,
): void {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const tail = 0.02275013194817921;
  for (let i = 0; i < out.length; i++)
    out[i] = mean + stddev * normalQuantile(tail + (1 - 2 * tail) * ((bits[i]! + 0.5) / 0x100000000));
}
