/** Casts to float8 with saturation and rounding modes, by the tables of ONNX Cast. */
import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { Ops } from "../../compiler/frontend/ops/composites.ts";
import { castSaturating, castToPowers } from "../../compiler/frontend/ops/float8-casts.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Value } from "../../compiler/ir/graph.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import type { DType } from "../../runtime/dtype.ts";
import { tensor, toNested } from "../../runtime/tensor.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

function valuesOf(numbers: readonly number[], dtype: DType, build: (ops: Ops, x: Value) => Value) {
  const g = new GraphBuilder("cast");
  const x = g.input("x", { dtype, shape: [constant(numbers.length)] });
  const graph = g.finish([{ name: "y", value: build(new Ops(g), x) }]);
  const inputs = new Map([["x", tensor(numbers, [numbers.length], dtype)]]);
  return toNested(evaluateGraph(graph, inputs).get("y")!);
}

describe("a saturating cast", () => {
  test.each([
    ["float8e4m3fn", 448, -0],
    ["float8e4m3fnuz", 240, 0],
    ["float8e5m2", 57344, -0],
    ["float8e5m2fnuz", 57344, 0],
  ] as const)("to %s ends at %d and keeps NaN", (dtype, most, negativeZero) => {
    const given = [0, -0, nan, inf, -inf, 1e6, -1e6, 1, most];
    const expected = [0, negativeZero, nan, most, -most, most, -most, 1, most];
    expect(valuesOf(given, "float32", (ops, x) => castSaturating(ops, x, dtype))).toEqual(expected);
    expect(valuesOf([100000, -5], "int32", (ops, x) => castSaturating(ops, x, dtype))).toEqual([most, -5]);
  });

  test("from another float8 saturates at the end of the target", () => {
    const fromE5m2 = valuesOf([57344, inf, 2], "float8e5m2", (ops, x) =>
      castSaturating(ops, x, "float8e4m3fn"),
    );
    expect(fromE5m2).toEqual([448, 448, 2]);
  });
});

describe("a cast to powers of two", () => {
  const given = [0, 1, 1.25, 1.5, -3, 2 ** -130, 2 ** 127, 1.25 * 2 ** 127, 3.4e38, inf, nan];
  const [low, high] = [2 ** -127, 2 ** 127];
  test.each([
    ["up", true, [low, 1, 2, 2, 4, low, high, high, high, nan, nan]],
    ["up", false, [low, 1, 2, 2, 4, low, high, nan, nan, nan, nan]],
    ["down", true, [low, 1, 1, 1, 2, low, high, high, high, nan, nan]],
    ["down", false, [low, 1, 1, 1, 2, low, high, high, high, nan, nan]],
    ["nearest", true, [low, 1, 1, 2, 4, low, high, high, high, nan, nan]],
    ["nearest", false, [low, 1, 1, 2, 4, low, high, high, nan, nan, nan]],
  ] as const)("rounds %s, saturating: %s", (mode, saturate, expected) => {
    expect(valuesOf(given, "float32", (ops, x) => castToPowers(ops, x, mode, saturate))).toEqual(expected);
  });
});
