/**
 * FNV-1a with 64 bits (Fowler, Noll, Vo) over the UTF-8 bytes of a parameter's path. Any 64-bit hash would
 * do, since Philox scrambles it; this one is published, short and has known answers.
 */

/** The hash as two unsigned 32-bit words, low first. */
export function hashPath(path: string): readonly [low: number, high: number] {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(path))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return [Number(hash & 0xffffffffn), Number(hash >> 32n)];
}
