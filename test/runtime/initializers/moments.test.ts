/**
 * Moments within five standard errors. The seeds of fast-check are fixed here, because a true generator
 * leaves five standard errors once in about two million draws and a test should not.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type InitializerInput, initialize, parseInitializer } from "../../../runtime/initializers/index.ts";

interface Expected {
  readonly mean: number;
  readonly variance: number;
  /** Fourth central moment divided by the squared variance. */
  readonly kurtosis: number;
}

const settings = { numRuns: 60, seed: 20111112 };
const seeds = fc.maxSafeInteger();
const paths = fc.string({ maxLength: 20 });
const matrices = fc.tuple(fc.integer({ min: 40, max: 90 }), fc.integer({ min: 40, max: 90 }));
const finite = (min: number, max: number) => fc.double({ min, max, noNaN: true });

const uniformKurtosis = 9 / 5;
/**
 * Variance and kurtosis of the standard normal cut at +-2, from its moments 1 - 2ck and 3 - 2c(k^3 + 3k), k =
 * 2.
 */
const cut = (() => {
  const c = Math.exp(-2) / Math.sqrt(2 * Math.PI) / (1 - 2 * 0.02275013194817921);
  const variance = 1 - 4 * c;
  return { variance, kurtosis: (3 - 28 * c) / variance ** 2 };
})();

function expectMoments(values: Float32Array, { mean, variance, kurtosis }: Expected): void {
  const n = values.length;
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value - mean;
    squares += (value - mean) ** 2;
  }
  const standardErrorOfMean = Math.sqrt(variance / n);
  const standardErrorOfVariance = variance * Math.sqrt((kurtosis - 1) / n);
  expect(Math.abs(sum / n)).toBeLessThanOrEqual(5 * standardErrorOfMean);
  expect(Math.abs(squares / n - variance)).toBeLessThanOrEqual(5 * standardErrorOfVariance);
}

const draw = (input: InitializerInput, shape: readonly number[], seed: number, path: string) =>
  initialize(parseInitializer(input), shape, seed, path);

function expectWithin(values: Float32Array, low: number, high: number): void {
  for (const value of values)
    if (!(value >= Math.fround(low) && value <= Math.fround(high)))
      expect.fail(`${value} is not within ${low} and ${high}`);
}

describe("moments", () => {
  test("randomUniform has the mean and variance of its interval and stays inside", () => {
    fc.assert(
      fc.property(
        finite(-3, 3),
        finite(0.01, 5),
        matrices,
        seeds,
        paths,
        (minval, width, shape, seed, path) => {
          const maxval = minval + width;
          const values = draw({ kind: "randomUniform", minval, maxval }, shape, seed, path);
          expectWithin(values, minval, maxval);
          expectMoments(values, {
            mean: minval + width / 2,
            variance: width ** 2 / 12,
            kurtosis: uniformKurtosis,
          });
        },
      ),
      settings,
    );
  });

  test("randomNormal has its mean and variance", () => {
    fc.assert(
      fc.property(
        finite(-3, 3),
        finite(0.01, 5),
        matrices,
        seeds,
        paths,
        (mean, stddev, shape, seed, path) => {
          const values = draw({ kind: "randomNormal", mean, stddev }, shape, seed, path);
          expectMoments(values, { mean, variance: stddev ** 2, kurtosis: 3 });
        },
      ),
      settings,
    );
  });

  test("truncatedNormal has the variance of the cut distribution and stays within two stddev", () => {
    fc.assert(
      fc.property(
        finite(-3, 3),
        finite(0.01, 5),
        matrices,
        seeds,
        paths,
        (mean, stddev, shape, seed, path) => {
          const values = draw({ kind: "truncatedNormal", mean, stddev }, shape, seed, path);
          expectWithin(values, mean - 2 * stddev, mean + 2 * stddev);
          expectMoments(values, { mean, variance: cut.variance * stddev ** 2, kurtosis: cut.kurtosis });
        },
      ),
      settings,
    );
  });

  const fan = {
    glorot: ([a, b]: readonly [number, number]) => 2 / (a + b),
    he: ([a]: readonly [number, number]) => 2 / a,
    lecun: ([a]: readonly [number, number]) => 1 / a,
  };
  test.each(["glorot", "he", "lecun"] as const)(
    "%s, normal and uniform, has the variance of its paper",
    (family) => {
      fc.assert(
        fc.property(matrices, seeds, paths, (shape, seed, path) => {
          const variance = fan[family](shape);
          const uniform = draw(`${family}Uniform`, shape, seed, path);
          expectMoments(uniform, { mean: 0, variance, kurtosis: uniformKurtosis });
          expectWithin(uniform, -Math.sqrt(3 * variance), Math.sqrt(3 * variance));
          const normal = draw(`${family}Normal`, shape, seed, path);
          expectMoments(normal, { mean: 0, variance, kurtosis: cut.kurtosis });
        }),
        settings,
      );
    },
  );

  test.each([
    ["randomUniform", { mean: 0, variance: 0.1 ** 2 / 12, kurtosis: uniformKurtosis }],
    ["randomNormal", { mean: 0, variance: 0.05 ** 2, kurtosis: 3 }],
    ["truncatedNormal", { mean: 0, variance: 0.05 ** 2 * cut.variance, kurtosis: cut.kurtosis }],
    ["glorotNormal", { mean: 0, variance: 1e-3, kurtosis: cut.kurtosis }],
  ])("a million elements of %s are within a percent of their variance", (kind, expected) => {
    expectMoments(draw(kind, [1000, 1000], 42, "embedding.table"), expected);
  });

  test("each of the four words of a block is uniform on its own, and so is each bit", () => {
    const values = draw({ kind: "randomUniform", minval: 0, maxval: 1 }, [80_000], 3, "w");
    for (let lane = 0; lane < 4; lane++) {
      const own = values.filter((_, i) => i % 4 === lane);
      expectMoments(own, { mean: 0.5, variance: 1 / 12, kurtosis: uniformKurtosis });
    }
    for (let bit = 1; bit <= 24; bit++) {
      const ones = values.reduce((count, value) => count + (Math.floor(value * 2 ** bit) % 2), 0);
      expect(Math.abs(ones - 40_000)).toBeLessThanOrEqual(5 * Math.sqrt(20_000));
    }
  });
});
