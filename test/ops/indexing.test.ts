import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import type { Attributes } from "../../compiler/ir/graph.ts";
import { tensor, toNested } from "../../runtime/tensor.ts";
import { refusal, type Spec, summary } from "../support/refusal.ts";
import { counted, dims, ints, pairs, resultOf, runOp } from "../support/run-op.ts";

describe("gatherElements", () => {
  test("takes one element for each index, along its axis", () => {
    expect(
      resultOf(
        "gatherElements",
        [
          counted(2, 3),
          ints([
            [2, 0],
            [-1, 1],
          ]),
        ],
        { axis: 1 },
      ),
    ).toEqual([
      [3, 1],
      [6, 5],
    ]);
    expect(resultOf("gatherElements", [counted(3, 2), ints([[2, -3]])], { axis: 0 })).toEqual([[5, 2]]);
  });

  test("refuses an index outside the axis at run time", () => {
    expect(() => runOp("gatherElements", [counted(2), ints([2])], { axis: 0 })).toThrow(
      new RangeError("gatherElements index 2 is outside 0 .. 1"),
    );
  });
});

describe("gatherNd", () => {
  test("takes elements by full coordinates and slices by partial ones", () => {
    const x = counted(2, 2, 2);
    expect(
      resultOf(
        "gatherNd",
        [
          x,
          ints([
            [0, 0, 1],
            [1, 1, -2],
          ]),
        ],
        { batchDims: 0 },
      ),
    ).toEqual([2, 7]);
    expect(resultOf("gatherNd", [x, ints([[1], [0]])], { batchDims: 0 })).toEqual([
      [
        [5, 6],
        [7, 8],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ]);
  });

  test("shares its batch axes with the indices", () => {
    expect(resultOf("gatherNd", [counted(2, 2, 2), ints([[1], [0]])], { batchDims: 1 })).toEqual([
      [3, 4],
      [5, 6],
    ]);
  });
});

describe("scatterElements", () => {
  test("replaces elements, the last update winning", () => {
    const operands = [tensor([1, 2, 3], [3]), ints([1, -2, 0]), tensor([10, 20, 30], [3])];
    expect(resultOf("scatterElements", operands, { axis: 0, combine: "set" })).toEqual([30, 20, 3]);
  });

  test.each([
    ["add", [1, 32, 3]],
    ["mul", [1, 400, 3]],
    ["max", [1, 20, 3]],
    ["min", [1, 2, 3]],
  ])("combines by %s every update of one element", (combine, expected) => {
    const operands = [tensor([1, 2, 3], [3]), ints([1, 1]), tensor([10, 20], [2])];
    expect(resultOf("scatterElements", operands, { axis: 0, combine })).toEqual(expected);
  });
});

describe("scatterNd", () => {
  test("replaces slices by coordinates", () => {
    const operands = [counted(3, 2), ints([[2], [0]]), tensor([10, 11, 12, 13], [2, 2])];
    expect(resultOf("scatterNd", operands, { combine: "set" })).toEqual([
      [12, 13],
      [3, 4],
      [10, 11],
    ]);
  });

  test("adds elements by full coordinates", () => {
    const operands = [
      counted(2, 2),
      ints([
        [1, -1],
        [1, 1],
      ]),
      tensor([10, 20], [2]),
    ];
    expect(resultOf("scatterNd", operands, { combine: "add" })).toEqual([
      [1, 2],
      [3, 34],
    ]);
  });
});

describe("topK", () => {
  const run = (values: readonly number[], k: number, largest: boolean) =>
    runOp("topK", [tensor(values, [values.length])], { axis: 0, k: constant(k), largest }).map((t) =>
      toNested(t),
    );

  test("gives the largest or the smallest in order, the first of equals first", () => {
    expect(run([3, 1, 3, 2], 3, true)).toEqual([
      [3, 3, 2],
      [0, 2, 3],
    ]);
    expect(run([3, 1, 3, 2], 3, false)).toEqual([
      [1, 2, 3],
      [1, 3, 0],
    ]);
  });

  test("takes NaN for the largest", () => {
    expect(run([1, Number.NaN, 2], 2, true)).toEqual([
      [Number.NaN, 2],
      [1, 2],
    ]);
    expect(run([Number.NaN, 1, 2], 3, false)[1]).toEqual([1, 2, 0]);
  });

  test("takes none where k is 0", () => {
    expect(run([1, 2], 0, true)).toEqual([[], []]);
  });

  test("works along any axis", () => {
    const [values] = runOp("topK", [counted(2, 3)], { axis: 0, k: constant(1), largest: true });
    expect(toNested(values!)).toEqual([[4, 5, 6]]);
  });
});

describe("windowArgMax", () => {
  const window = {
    window: dims(1, 2),
    strides: dims(1, 1),
    padding: pairs([0, 0], [1, 0]),
    dilations: dims(1, 1),
  };

  test("gives the position in the whole of x, never one of the padding", () => {
    expect(
      resultOf(
        "windowArgMax",
        [
          [
            [1, 3],
            [5, 4],
          ],
        ],
        window,
      ),
    ).toEqual([
      [0, 1],
      [2, 2],
    ]);
    const lowest = Number.NEGATIVE_INFINITY;
    expect(resultOf("windowArgMax", [[[lowest, lowest]]], window)).toEqual([[0, 0]]);
  });
});

describe("cumprod", () => {
  test.each([
    [false, false, [2, 6, 24]],
    [false, true, [1, 2, 6]],
    [true, false, [24, 12, 4]],
    [true, true, [12, 4, 1]],
  ])("reverse %s, exclusive %s", (reverse, exclusive, expected) => {
    expect(resultOf("cumprod", [[2, 3, 4]], { axis: 0, reverse, exclusive })).toEqual(expected);
  });
});

const f32 = (...shape: readonly number[]): Spec => ["float32", ...shape];
const i32 = (...shape: readonly number[]): Spec => ["int32", ...shape];

describe("indexing ops refuse", () => {
  test.each<[string, readonly Spec[], Attributes, string, string]>([
    [
      "gatherElements",
      [f32(2, 2), i32(2)],
      { axis: 0 },
      "E2111",
      "gatherElements needs indices of rank 2, but it has rank 1",
    ],
    [
      "gatherElements",
      [f32(2), f32(2)],
      { axis: 0 },
      "E2107",
      "gatherElements needs indices to be int32, but it is float32",
    ],
    [
      "gatherNd",
      [f32(2), ["int32", 1, "n"]],
      { batchDims: 0 },
      "E2111",
      "gatherNd needs the last axis of indices to be a number, but it is n",
    ],
    [
      "gatherNd",
      [f32(2), i32(1, 2)],
      { batchDims: 0 },
      "E2111",
      "gatherNd needs x of rank 2 or more, but it has rank 1",
    ],
    [
      "scatterElements",
      [f32(2), i32(1), f32(1)],
      { axis: 0, combine: "xor" },
      "E2111",
      "scatterElements cannot combine by xor",
    ],
    [
      "scatterNd",
      [f32(2, 3), i32(1, 1), f32(1)],
      { combine: "set" },
      "E2111",
      "scatterNd needs updates of rank 2, but it has rank 1",
    ],
    [
      "scatterNd",
      [f32(2), i32(1, 1), i32(1)],
      { combine: "set" },
      "E2107",
      "scatterNd needs one dtype, but x is float32 and updates is int32",
    ],
  ])("%s of %j", (op, specs, attributes, code, message) => {
    expect(summary(refusal(op, specs, attributes)).slice(0, 2)).toEqual([code, message]);
  });

  test("more elements than the axis has", () => {
    const refused = refusal("topK", [f32(2)], { axis: 0, k: constant(3), largest: true });
    expect(summary(refused)).toEqual(["E2106", "topK takes 3 elements along axis 0, but x has 2", "layer"]);
  });
});
