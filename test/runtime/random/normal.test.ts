import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fillNormal, fillTruncatedNormal, minusLog, normalQuantile } from "../../../runtime/random/normal.ts";
import { philox } from "../../../runtime/random/philox.ts";

const density = (z: number) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** Phi(z) for z <= 0, about 1e-14 relative: power series near 0, Laplace's continued fraction in the tail. */
function lowerTail(z: number): number {
  if (z < -2.5) {
    let fraction = -z;
    for (let n = 200; n > 0; n--) fraction = -z + n / fraction;
    return density(z) / fraction;
  }
  let term = z;
  let sum = z;
  for (let n = 1; n < 80; n++) {
    term *= (z * z) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + density(z) * sum;
}

describe("the reference of these tests", () => {
  test("knows Phi to twelve digits at places tabulated elsewhere", () => {
    expect(lowerTail(-1) / 0.15865525393145705).toBeCloseTo(1, 12);
    expect(lowerTail(-2) / 0.02275013194817921).toBeCloseTo(1, 12);
    expect(lowerTail(-6) / 9.865876450376946e-10).toBeCloseTo(1, 12);
  });
});

describe("minusLog", () => {
  test("agrees with Math.log to the last bits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (word) => {
        const expected = -Math.log(word / 2 ** 32);
        expect(Math.abs(minusLog(word / 2 ** 32) - expected)).toBeLessThanOrEqual(1e-15 * expected);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the normal quantile", () => {
  // Computed with 40 digits.
  test.each([
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.99, 2.3263478740408408],
    [0.001, -3.090232306167813],
    [1e-6, -4.753424308822899],
    [1e-10, -6.361340902404056],
  ])("at %d is %d", (p, z) => {
    expect(Math.abs(normalQuantile(p) - z)).toBeLessThanOrEqual(2e-15 * Math.abs(z));
  });

  test("inverts the distribution function to 1e-11 relative, in the furthest tail as in the middle", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.integer({ min: 0, max: 31 }),
        (word, shift) => {
          const p = ((word >>> shift) + 0.5) / 2 ** 32;
          const z = normalQuantile(p);
          const error = (lowerTail(z) - p) / density(z);
          expect(Math.abs(error)).toBeLessThanOrEqual(1e-11 * Math.max(Math.abs(z), 1e-3));
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("is antisymmetric about one half", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (word) => {
        const p = (word + 0.5) / 2 ** 32;
        expect(normalQuantile(1 - p)).toBe(-normalQuantile(p));
      }),
      { numRuns: 1000 },
    );
  });

  test("has no step where the two approximations meet", () => {
    for (const p of [0.075, 0.925]) {
      const step = normalQuantile(p + 1e-12) - normalQuantile(p - 1e-12);
      expect(step / (2e-12 / density(normalQuantile(p)))).toBeCloseTo(1, 3);
    }
  });

  test("uses no function whose last bits the engine may choose", () => {
    const text = [normalQuantile, minusLog, fillNormal, fillTruncatedNormal].map(String).join();
    expect([...new Set(text.match(/Math\.\w+/g))].sort()).toEqual(["Math.LN2", "Math.sqrt"]);
    expect(text).not.toContain("**");
  });
});

describe("normal fills", () => {
  const length = 4096;
  const words = philox(new Float32Array(length), 0, 0, 3, 4, 1, 2);

  test("take one word per element", () => {
    const out = new Float32Array(length);
    fillNormal(out, 1, 2, 3, 4, 10, 2);
    const expected = Array.from(words, (word) =>
      Math.fround(10 + 2 * normalQuantile((word + 0.5) / 2 ** 32)),
    );
    expect([...out]).toEqual(expected);
  });

  test("truncated ones invert the distribution cut at two standard deviations", () => {
    const out = new Float32Array(length);
    fillTruncatedNormal(out, 1, 2, 3, 4, 0, 1);
    const tail = lowerTail(-2);
    out.forEach((z, i) => {
      const below = z <= 0 ? lowerTail(z) : 1 - lowerTail(-z);
      const rounding = 2 ** -24 * Math.abs(z) * density(z);
      const error = (below - tail) / (1 - 2 * tail) - (words[i]! + 0.5) / 2 ** 32;
      expect(Math.abs(error)).toBeLessThanOrEqual(1.1 * rounding + 1e-13);
    });
  });
});
