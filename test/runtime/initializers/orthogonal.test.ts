import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { initialize } from "../../../runtime/initializers/index.ts";

const draw = (shape: readonly number[], gain: number, seed: number) =>
  initialize({ kind: "orthogonal", gain }, shape, seed, "lstm.recurrentKernel");

/** The largest deviation of A^T A (tall) or A A^T (wide) from gain^2 times the identity. */
function deviation(values: Float32Array, rows: number, columns: number, gain: number): number {
  const at = (i: number, j: number) => (rows < columns ? values[i * columns + j]! : values[j * columns + i]!);
  const [vectors, length] = rows < columns ? [rows, columns] : [columns, rows];
  let worst = 0;
  for (let a = 0; a < vectors; a++)
    for (let b = a; b < vectors; b++) {
      let dot = 0;
      for (let j = 0; j < length; j++) dot += at(a, j) * at(b, j);
      worst = Math.max(worst, Math.abs(dot - (a === b ? gain * gain : 0)));
    }
  return worst;
}

describe("orthogonal", () => {
  test("has orthonormal columns or rows times its gain, tall, square and wide", () => {
    const dim = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        dim,
        dim,
        fc.double({ min: 0.1, max: 4, noNaN: true }),
        fc.maxSafeInteger(),
        (rows, columns, gain, seed) => {
          const worst = deviation(draw([rows, columns], gain, seed), rows, columns, gain);
          expect(worst).toBeLessThanOrEqual(3e-7 * gain * gain);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("flattens all dims but the last", () => {
    expect(draw([3, 3, 4, 8], 1, 5)).toEqual(draw([36, 8], 1, 5));
  });

  test("stays orthogonal at the size of a recurrent kernel", () => {
    expect(deviation(draw([128, 512], 1, 7), 128, 512, 1)).toBeLessThanOrEqual(1e-6);
  });

  test("has no preferred sign: first entries are symmetric about 0", () => {
    const positive = Array.from({ length: 400 }, (_, seed) => draw([3, 3], 1, seed)[0]! > 0).filter(
      Boolean,
    ).length;
    expect(Math.abs(positive - 200)).toBeLessThanOrEqual(50);
  });
});
