import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fans,
  type InitializerInput,
  initialize,
  initializeInto,
  parseInitializer,
  planFill,
} from "../../../runtime/initializers/index.ts";
import { fillsOfKind } from "../../../runtime/initializers/plan.ts";

const draw = (input: InitializerInput, shape: readonly number[], seed = 1, path = "dense.kernel") =>
  initialize(parseInitializer(input), shape, seed, path);

const randomKinds = Object.entries(fillsOfKind).flatMap(([kind, fills]) =>
  fills.some((fill) => !["fillConstant", "fillBlock", "fillIdentity"].includes(fill)) ? [kind] : [],
);

describe("initialisers without randomness", () => {
  test("zeros, ones and constant", () => {
    expect([...draw("zeros", [3])]).toEqual([0, 0, 0]);
    expect([...draw("ones", [2])]).toEqual([1, 1]);
    expect([...draw({ kind: "constant", value: 0.5 }, [])]).toEqual([0.5]);
  });

  test("unitForgetBias is one for the forget gate, the second of four", () => {
    expect([...draw("unit_forget_bias", [8])]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
  });

  test.each([
    [
      [2, 2],
      [3, 0, 0, 3],
    ],
    [
      [2, 3],
      [3, 0, 0, 0, 3, 0],
    ],
    [
      [4, 2],
      [3, 0, 0, 3, 0, 0, 0, 0],
    ],
    [[2, 0], []],
  ])("identity of shape %j has its gain on the diagonal", (shape, expected) => {
    expect([...draw({ kind: "identity", gain: 3 }, shape)]).toEqual(expected);
  });
});

describe("fans", () => {
  test.each([
    [[], 1, 1],
    [[7], 7, 7],
    [[784, 256], 784, 256],
    [[3, 64, 128], 192, 384],
    [[3, 5, 16, 32], 240, 480],
  ])("of %j are Keras's", (shape, fanIn, fanOut) => {
    expect(fans(shape)).toEqual({ fanIn, fanOut });
  });

  // The formulas of Keras: limit = sqrt(3 scale / fan), stddev = sqrt(scale / fan) / 0.8796...
  test.each([
    ["glorotUniform", "fillUniform", Math.sqrt(6 / (100 + 50))],
    ["heUniform", "fillUniform", Math.sqrt(6 / 100)],
    ["lecunUniform", "fillUniform", Math.sqrt(3 / 100)],
    ["glorotNormal", "fillTruncatedNormal", Math.sqrt(2 / 150) / 0.87962566103423978],
    ["heNormal", "fillTruncatedNormal", Math.sqrt(2 / 100) / 0.87962566103423978],
    ["lecunNormal", "fillTruncatedNormal", Math.sqrt(1 / 100) / 0.87962566103423978],
  ])("%s scales by them", (kind, fill, scale) => {
    const call = planFill(parseInitializer(kind), [100, 50], 1, "w");
    expect(call.fill).toBe(fill);
    expect(call.args.at(-1)! / scale).toBeCloseTo(1, 14);
  });

  test.each([
    ["fanIn", 2 / 100],
    ["fanOut", 2 / 50],
    ["fanAvg", 2 / 75],
  ])("varianceScaling by %s has that variance, whatever its distribution", (mode, variance) => {
    const spec = (distribution: string) =>
      planFill(
        parseInitializer({ kind: "varianceScaling", scale: 2, mode, distribution }),
        [100, 50],
        1,
        "w",
      );
    expect(spec("uniform").args.at(-1)! ** 2 / 3).toBeCloseTo(variance, 15);
    expect(spec("untruncatedNormal").args.at(-1)! ** 2).toBeCloseTo(variance, 15);
    expect((spec("truncatedNormal").args.at(-1)! * 0.87962566103423978) ** 2).toBeCloseTo(variance, 15);
    expect(spec("normal")).toEqual(spec("truncatedNormal"));
  });

  test("an empty parameter does not divide by zero", () => {
    expect(planFill(parseInitializer("heUniform"), [0, 4], 1, "w").args.every(Number.isFinite)).toBe(true);
    expect(draw("orthogonal", [3, 0])).toHaveLength(0);
  });
});

describe("what the values depend on", () => {
  test.each(randomKinds)("%s: seed and path, each of them", (kind) => {
    const values = [
      draw(kind, [6, 5]),
      draw(kind, [6, 5], 2),
      draw(kind, [6, 5], 1 + 2 ** 32),
      draw(kind, [6, 5], -1),
      draw(kind, [6, 5], 1, "dense.kernel2"),
    ];
    expect(new Set(values.map(String)).size).toBe(values.length);
    expect(draw(kind, [6, 5])).toEqual(values[0]);
  });

  test("not the order in which parameters are initialised", () => {
    const paths = fc.uniqueArray(fc.string({ maxLength: 12 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(paths, fc.maxSafeInteger(), fc.constantFrom(...randomKinds), (names, seed, kind) => {
        const forward = names.map((name) => draw(kind, [3, 4], seed, name));
        const backward = names.toReversed().map((name) => draw(kind, [3, 4], seed, name));
        expect(backward.reverse()).toEqual(forward);
      }),
      { numRuns: 100 },
    );
  });

  test("neighbouring paths and seeds are uncorrelated", () => {
    const length = 20_000;
    const streams = [
      draw("randomNormal", [length], 1, "layer0.kernel"),
      draw("randomNormal", [length], 1, "layer1.kernel"),
      draw("randomNormal", [length], 2, "layer0.kernel"),
    ];
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      const products = streams[a]!.map((value, i) => (value / 0.05) * (streams[b]![i]! / 0.05));
      expect(Math.abs(products.reduce((x, y) => x + y, 0)) / Math.sqrt(length)).toBeLessThan(5);
    }
  });

  test("a longer parameter of the same path begins with the shorter one, if no fan is involved", () => {
    expect(draw("randomUniform", [40]).slice(0, 13)).toEqual(draw("randomUniform", [13]));
  });

  test("initializeInto gives the same values inside a larger buffer", () => {
    const buffer = new Float32Array(20);
    initializeInto(buffer.subarray(5, 17), parseInitializer("heNormal"), [3, 4], 9, "w");
    expect(buffer.slice(5, 17)).toEqual(draw("heNormal", [3, 4], 9, "w"));
    expect([...buffer.slice(0, 5), ...buffer.slice(17)]).toEqual(Array(8).fill(0));
  });
});

/**
 * SHA-256 of the little-endian bytes. A change here changes every seeded model: it needs a note in the
 * changelog.
 */
describe("recorded bits", () => {
  const digest = (values: Float32Array) => {
    const view = new DataView(new ArrayBuffer(values.length * 4));
    values.forEach((value, i) => {
      view.setFloat32(4 * i, value, true);
    });
    return createHash("sha256").update(new Uint8Array(view.buffer)).digest("hex").slice(0, 16);
  };

  test("stay what they were", () => {
    const digests = Object.fromEntries(
      Object.keys(fillsOfKind).map((kind) => [kind, digest(draw(kind, [61, 33], 42, "encoder.0.kernel"))]),
    );
    expect(digests).toMatchInlineSnapshot(`
      {
        "constant": "2fd8349b1c004f60",
        "glorotNormal": "757ab4430cb0fe59",
        "glorotUniform": "2422282cc17c6c70",
        "heNormal": "4f8ca40ab4898f3c",
        "heUniform": "6411794c403f4d7f",
        "identity": "bb0e3716148af329",
        "lecunNormal": "544e0dcc5d807ed9",
        "lecunUniform": "250e4e700355496b",
        "ones": "6f604c82fa75318f",
        "orthogonal": "d1438aa555e933e3",
        "randomNormal": "c756768c0ad60cae",
        "randomUniform": "39af3ef8eb5d9602",
        "truncatedNormal": "1ea8ea65ea75c6b2",
        "unitForgetBias": "3dbaeeed5ccaa20f",
        "varianceScaling": "544e0dcc5d807ed9",
        "zeros": "2fd8349b1c004f60",
      }
    `);
  });
});

describe("refusals", () => {
  test.each([1.5, Number.NaN, 2 ** 53])("seed %d", (seed) => {
    expect(() => draw("zeros", [2], seed)).toThrow(`seed ${seed} is not an integer`);
  });

  test("a shape that is none", () => {
    expect(() => draw("glorotUniform", [2, -1])).toThrow("shape [2, -1] has the dim -1");
  });

  test("orthogonal for a vector, identity for anything but a matrix", () => {
    expect(() => draw("orthogonal", [3])).toThrow("orthogonal needs a shape of rank 2 or more, but got [3]");
    expect(() => draw("identity", [2, 2, 2])).toThrow("identity needs a shape of rank 2, but got [2, 2, 2]");
  });

  test("memory of another size", () => {
    expect(() => initializeInto(new Float32Array(5), parseInitializer("zeros"), [2, 3], 1, "w")).toThrow(
      "an array of 5 elements cannot hold the shape [2, 3] of 6",
    );
  });
});
