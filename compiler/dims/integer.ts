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
  return Number.isSafeInteger(fast) ? fast : shrink(BigInt(a) + BigInt(b));
}

export function times(a: Int, b: Int): Int {
  const fast = typeof a === "number" && typeof b === "number" ? a * b : Number.NaN;
  return Number.isSafeInteger(fast) ? fast + 0 : shrink(BigInt(a) * BigInt(b));
}

export const negate = (a: Int): Int => times(a, -1);

/** Floor division; the divisor is not zero (the callers refuse that with a message). */
export function quotient(a: Int, b: Int): Int {
  if (typeof a === "number" && typeof b === "number") return Math.floor(a / b) + 0;
  const [x, y] = [BigInt(a), BigInt(b)];
  return shrink(x / y - (x % y !== 0n && x < 0n !== y < 0n ? 1n : 0n));
}

/** The remainder with the sign of the divisor, as Python's `%`. */
export const remainder = (a: Int, b: Int): Int => plus(a, negate(times(b, quotient(a, b))));

export const magnitude = (a: Int): Int => (a < 0 ? negate(a) : a);

export const gcd = (a: Int, b: Int): Int => (b === 0 ? magnitude(a) : gcd(b, remainder(a, b)));

export const lcm = (a: Int, b: Int): Int => magnitude(times(quotient(a, gcd(a, b)), b));

/** @throws CompileError: what a user's expression may not be, in one line. */
export function refuse(code: Code, message: string, fix: string): never {
  fail({ code, message, fix });
}
