/**
 * Exact integers: a plain number while it is safe, a bigint beyond. A value has one representation only
 * (never a bigint that fits a safe number), so `===` compares and `<` orders the two kinds alike.
 */
import { type Code, fail } from "../diagnostics/index.ts";

export type Int = number | bigint;

/** The one representation of `n`. */
export function shrink(n: Int): Int {
  return typeof n === "bigint" && n >= -9007199254740991n && n <= 9007199254740991n ? Number(n) : n;
}

export function plus(a: Int, b: Int): Int {
  const fast = typeof a === "number" && typeof b === "number" ? a + b : Number.NaN;
  return Number.isSafeInteger(fast) ? fast + 0 : shrink(BigInt(a) + BigInt(b));
}

export function times(a: Int, b: Int): Int {
  const fast = typeof a === "number" && typeof b === "number" ? a * b : Number.NaN;
  return Number.isSafeInteger(fast) ? fast + 0 : shrink(BigInt(a) * BigInt(b));
}

export function negate(a: Int): Int {
  return typeof a === "number" ? 0 - a : shrink(-a);
}

/** The remainder with the sign of the divisor, as Python's `%`. */
export function remainder(a: Int, b: Int): Int {
  if (typeof a === "number" && typeof b === "number") {
    const r = a % b;
    return r !== 0 && r < 0 !== b < 0 ? r + b : r + 0;
  }
  const [x, y] = [BigInt(a), BigInt(b)];
  const r = x % y;
  return shrink(r !== 0n && r < 0n !== y < 0n ? r + y : r);
}

/** Floor division; the divisor is not zero (the callers refuse that with a message). */
export function quotient(a: Int, b: Int): Int {
  const whole = plus(a, negate(remainder(a, b)));
  const small = typeof whole === "number" && typeof b === "number";
  return small ? whole / b + 0 : shrink(BigInt(whole) / BigInt(b));
}

export function magnitude(a: Int): Int {
  return a < 0 ? negate(a) : a;
}

export function gcd(a: Int, b: Int): Int {
  let [x, y] = [magnitude(a), magnitude(b)];
  while (y !== 0) [x, y] = [y, remainder(x, y)];
  return x;
}

export function lcm(a: Int, b: Int): Int {
  return times(quotient(magnitude(a), gcd(a, b)), magnitude(b));
}

/** @throws CompileError: what a user's expression may not be, in one line. */
export function refuse(code: Code, message: string, fix: string): never {
  fail({ code, message, fix });
}
