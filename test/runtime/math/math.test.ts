import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { erf, floorMod, roundEven } from "../../../runtime/math/index.ts";

describe("erf", () => {
  /** To 20 digits, from the series in exact arithmetic (mpmath, 60 digits). */
  test.each([
    [1e-300, 1.1283791670955126e-300],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [0.999, 0.8422852702064969],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [2.5, 0.999593047982555],
    [4, 0.9999999845827421],
    [6, 1],
  ])("of %f is within 2 units in the last place", (x, expected) => {
    const ulp = 2 ** (Math.floor(Math.log2(expected)) - 52);
    expect(Math.abs(erf(x) - expected)).toBeLessThanOrEqual(2 * ulp);
    expect(erf(-x)).toBe(-erf(x));
  });

  test("keeps zeros, infinities and NaN", () => {
    expect([0, -0, Infinity, -Infinity, Number.NaN].map(erf)).toEqual([0, -0, 1, -1, Number.NaN]);
  });

  test("never decreases by more than its error", () => {
    const inRange = fc.double({ min: -7, max: 7, noNaN: true });
    fc.assert(
      fc.property(inRange, inRange, (a, b) => erf(Math.max(a, b)) - erf(Math.min(a, b)) >= -3e-16),
      { numRuns: 500 },
    );
  });
});

test("roundEven rounds ties to even and keeps the sign of zero", () => {
  const cases = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 2 ** 52 + 1, -0, -0.2, Infinity];
  expect(cases.map(roundEven)).toEqual([0, 2, 2, -0, -2, -2, 0, 2 ** 52 + 1, -0, -0, Infinity]);
  expect(roundEven(Number.NaN)).toBeNaN();
});

test("floorMod has the sign of the divisor", () => {
  const pairs = [
    [7, 3],
    [-7, 3],
    [7, -3],
    [-7, -3],
    [6, 3],
    [-6, 3],
    [5.5, -2],
    [1, Infinity],
    [-1, Infinity],
  ] as const;
  expect(pairs.map(([a, b]) => floorMod(a, b))).toEqual([1, 2, -2, -1, 0, 0, -0.5, 1, Infinity]);
  expect(floorMod(6, -3)).toBe(-0);
  expect(floorMod(1, 0)).toBeNaN();
});
