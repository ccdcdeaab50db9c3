/**
 * Random orthogonal matrices (Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of
 * learning in deep linear neural networks", 2013): orthonormalise Gaussian vectors by Gram-Schmidt in
 * doubles. Gram-Schmidt's triangular factor has a positive diagonal by construction, which is the sign
 * correction that Keras adds after its QR and what makes the result uniform over the orthogonal group
 * (Mezzadri 2007). A vector that loses nearly all its length to the earlier ones is projected again (Daniel,
 * Gragg, Kaufman, Stewart 1976), so orthogonality holds to about 1e-12 before the rounding to float32. Four
 * running sums per dot product, in a fixed order: quick, and the same bits on every engine.
 */
import { normalQuantile } from "../random/normal.ts";
import { philox } from "../random/philox.ts";

/** The dot product of v[a ... a + length) and v[b ... b + length). */
function dot(v: Float64Array, a: number, b: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += v[a + i]! * v[b + i]!;
    s1 += v[a + i + 1]! * v[b + i + 1]!;
    s2 += v[a + i + 2]! * v[b + i + 2]!;
    s3 += v[a + i + 3]! * v[b + i + 3]!;
  }
  for (; i < length; i++) s0 += v[a + i]! * v[b + i]!;
  return s0 + s1 + (s2 + s3);
}

/** Makes v[at ... at + length) a unit vector orthogonal to the unit vectors of that length before it. */
function orthonormalise(v: Float64Array, at: number, length: number): void {
  let before = 0;
  let after = dot(v, at, at, length);
  do {
    before = after;
    for (let other = 0; other < at; other += length) {
      const along = dot(v, at, other, length);
      for (let i = 0; i < length; i++) v[at + i]! -= along * v[other + i]!;
    }
    after = dot(v, at, at, length);
  } while (after < 1e-6 * before);
  const norm = Math.sqrt(after);
  for (let i = 0; i < length; i++) v[at + i]! /= norm;
}

/**
 * Overwrites `out`, a matrix of `columns` columns, with `gain` times a matrix whose columns (if it is at
 * least as tall as wide) or rows (otherwise) are orthonormal.
 */
export function fillOrthogonal(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  columns: number,
  gain: number,
): void {
  const rows = out.length / columns;
  const length = Math.max(rows, columns);
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const v = new Float64Array(out.length);
  for (let i = 0; i < v.length; i++) v[i] = normalQuantile((bits[i]! + 0.5) / 0x100000000);
  for (let at = 0; at < v.length; at += length) orthonormalise(v, at, length);
  for (let i = 0; i < v.length; i++)
    out[i] = gain * v[rows < columns ? i : (i % columns) * rows + Math.floor(i / columns)]!;
}
