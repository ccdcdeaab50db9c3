/**
 * The fills that draw no numbers. Like those in runtime/random they overwrite an array, take plain numbers
 * and are emitted as text into compiled modules.
 */

/** Overwrites `out` with `value`. */
export function fillConstant(out: Float32Array, value: number): void {
  out.fill(value);
}

/** Overwrites `out`, a matrix of `columns` columns, with `gain` on the main diagonal and 0 elsewhere. */
export function fillIdentity(out: Float32Array, columns: number, gain: number): void {
  out.fill(0);
  for (let i = 0; i < Math.min(out.length, columns * columns); i += columns + 1) out[i] = gain;
}

/** Overwrites `out` with 0, and with `value` in the `length` elements from `start`. */
export function fillBlock(out: Float32Array, start: number, length: number, value: number): void {
  out.fill(0);
  out.fill(value, start, start + length);
}
