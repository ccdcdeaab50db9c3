/**
 * Philox4x32-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC
 * 2011), the generator of Random123, also in cuRAND, NumPy and TensorFlow. A block cipher rather than a
 * state machine: word i of a parameter is a function of (seed, path, i), so values cannot depend on the order
 * in which layers are bound.
 *
 * The key is the seed (64 bits, two's complement); the counter is the block number (word / 4) in its lower
 * half and the hash of the parameter's path in its upper half, so two parameters of a model never share a
 * block unless their paths collide in 64 bits. Not for cryptography.
 *
 * These functions are also emitted as text into compiled modules, hence plain functions without imports or
 * tables.
 */

/** The upper 32 bits of a * b, by 16-bit halves: a double cannot hold the 64-bit product. */
function mulHigh(a: number, b: number): number {
  const middle = Math.imul(a >>> 16, b & 65535) + (Math.imul(a & 65535, b & 65535) >>> 16);
  const carry = Math.imul(a & 65535, b >>> 16) + (middle & 65535);
  return Math.imul(a >>> 16, b >>> 16) + (middle >>> 16) + (carry >>> 16);
}

/**
 * Fills the memory of `out` with random words and returns it viewed as words: each caller turns word i into
 * element i in place, which saves a second array of the parameter's size. Words 4n to 4n + 3 are the block
 * with the counter (c0 + n, c1, c2, c3) and the key (k0, k1); a last block that is not full is cut off by the
 * view.
 */
export function philox(
  out: Float32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): Uint32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i += 4) {
    let a = c0 + (i >>> 2);
    let b = c1;
    let c = c2;
    let d = c3;
    for (let round = 0; round < 10; round++) {
      const next = mulHigh(c, 0xcd9e8d57) ^ b ^ (k0 + Math.imul(round, 0x9e3779b9));
      b = Math.imul(c, 0xcd9e8d57);
      c = mulHigh(a, 0xd2511f53) ^ d ^ (k1 + Math.imul(round, 0xbb67ae85));
      d = Math.imul(a, 0xd2511f53);
      a = next;
    }
    bits[i] = a;
    bits[i + 1] = b;
    bits[i + 2] = c;
    bits[i + 3] = d;
  }
  return bits;
}
