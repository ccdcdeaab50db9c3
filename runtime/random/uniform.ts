/**
 * Uniform numbers from the upper 24 bits of each word: the multiples of 2^-24 in [0, 1), each exactly
 * representable as a float32, the lattice PyTorch uses too. Here as in the other fills, (k0, k1) are the
 * words of the seed and (c2, c3) those of the hash of the parameter's path, low word first.
 */
import { philox } from "./philox.ts";

/**
 * Overwrites `out` with low + (high - low) * u, u uniform in [0, 1); `high` itself can occur only by
 * rounding.
 */
export function fillUniform(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  low: number,
  high: number,
): void {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const step = (high - low) / 0x1000000;
  for (let i = 0; i < out.length; i++) out[i] = low + (bits[i]! >>> 8) * step;
}
