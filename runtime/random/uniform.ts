/**
 * Uniform numbers from the upper 24 bits of each word: the multiples of 2^-24 in [0, 1), each exactly representable as a
 * float32, the lattice JAX and PyTorch use.
 */
import { randomBits } from "./philox.ts";

/** Overwrites `out` with low + (high - low) * u, u uniform in [0, 1); `high` itself can occur only by rounding. */
export function fillUniform(
  out: Float32Array,
  seed: number,
  pathLow: number,
  pathHigh: number,
  low: number,
  high: number,
): void {
  const bits = randomBits(out, seed, pathLow, pathHigh);
  const step = (high - low) / 2 ** 24;
  for (let i = 0; i < out.length; i++) out[i] = low + (bits[i]! >>> 8) * step;
}
