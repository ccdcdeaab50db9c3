/**
 * Philox4x32-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), the
 * generator of Random123, JAX-like frameworks, cuRAND and NumPy. A block cipher rather than a state machine: word i of a
 * parameter is a function of (seed, path, i), so values cannot depend on the order in which layers are bound.
 *
 * The key is the seed (64 bits, two's complement); the counter is the block number (word / 4) in its lower half and the
 * hash of the parameter's path in its upper half, so two parameters of a model never share a block unless their paths
 * collide in 64 bits. Not for cryptography.
 *
 * These functions are also emitted as text into compiled modules, hence plain functions without imports or tables.
 */

/** The upper 32 bits of a * b, by 16-bit halves: a double cannot hold the 64-bit product. */
function mulHigh(a: number, b: number): number {
  const middle = Math.imul(a >>> 16, b & 65535) + (Math.imul(a & 65535, b & 65535) >>> 16);
  const carry = Math.imul(a & 65535, b >>> 16) + (middle & 65535);
  return Math.imul(a >>> 16, b >>> 16) + (middle >>> 16) + (carry >>> 16);
}

/** Writes the four words of the block with counter (c0, c1, c2, c3) and key (k0, k1) to `bits`, from index `at`. */
export function philox(
  bits: Uint32Array,
  at: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const t0 = mulHigh(c2, 0xcd9e8d57) ^ c1 ^ k0;
    const t2 = mulHigh(c0, 0xd2511f53) ^ c3 ^ k1;
    c1 = Math.imul(c2, 0xcd9e8d57);
    c3 = Math.imul(c0, 0xd2511f53);
    c0 = t0;
    c2 = t2;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  bits[at] = c0;
  bits[at + 1] = c1;
  bits[at + 2] = c2;
  bits[at + 3] = c3;
}

/**
 * Fills the memory of `out` with random words and returns it viewed as words: each caller turns word i into element i in
 * place, which saves a second array of the parameter's size. A last block that is not full is cut off by the view.
 */
export function randomBits(out: Float32Array, seed: number, pathLow: number, pathHigh: number): Uint32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const k1 = Math.floor(seed / 2 ** 32);
  for (let i = 0; i < out.length; i += 4) philox(bits, i, i >>> 2, 0, pathLow, pathHigh, seed | 0, k1 | 0);
  return bits;
}
