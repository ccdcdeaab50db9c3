import { describe, expect, test } from "vitest";
import { tensor } from "../../runtime/tensor.ts";
import { counted, ints, resultOf, runOp } from "../support/run-op.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

describe("reductions", () => {
  test("remove the axes they name, or keep them as 1", () => {
    const x = counted(2, 3);
    expect(resultOf("reduceSum", [x], { axes: [1], keepDims: false })).toEqual([6, 15]);
    expect(resultOf("reduceSum", [x], { axes: [0], keepDims: true })).toEqual([[5, 7, 9]]);
    expect(resultOf("reduceProd", [x], { axes: [1, 0], keepDims: false })).toBe(720);
    expect(resultOf("reduceMax", [x], { axes: [0, 1], keepDims: true })).toEqual([[6]]);
    expect(resultOf("reduceMin", [x], { axes: [1], keepDims: false })).toEqual([1, 4]);
    expect(resultOf("reduceSum", [x], { axes: [], keepDims: false })).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  test("of nothing give the identity", () => {
    const empty = tensor([], [2, 0]);
    const over = { axes: [1], keepDims: false };
    expect(resultOf("reduceSum", [empty], over)).toEqual([0, 0]);
    expect(resultOf("reduceProd", [empty], over)).toEqual([1, 1]);
    expect(resultOf("reduceMax", [empty], over)).toEqual([-inf, -inf]);
    expect(resultOf("reduceMin", [tensor([], [0], "int32")], { axes: [0], keepDims: false })).toBe(
      2147483647,
    );
  });

  test("let NaN through, and order the zeros", () => {
    const over = { axes: [0], keepDims: false };
    expect(resultOf("reduceMax", [[1, nan, 2]], over)).toBe(nan);
    expect(resultOf("reduceMin", [[0, -0]], over)).toBe(-0);
    expect(resultOf("reduceSum", [[-0]], over)).toBe(0);
  });

  test("of integers wrap", () => {
    const over = { axes: [0], keepDims: false };
    expect(resultOf("reduceSum", [ints([2147483647, 2])], over)).toBe(-2147483647);
    expect(resultOf("reduceProd", [ints([65536, 65536])], over)).toBe(0);
  });

  /** 2^24 + 1 + 1: each 1 alone is lost in float32, both together are not. */
  test("accumulate as the numerics say", () => {
    const x = [16777216, 1, 1];
    const over = { axes: [0], keepDims: false };
    expect(resultOf("reduceSum", [x], over, { accumulate: "float64" })).toBe(16777218);
    expect(resultOf("reduceSum", [x], over, { accumulate: "float32" })).toBe(16777216);
    expect(resultOf("reduceSum", [tensor(x, [3], "float64")], over, { accumulate: "float32" })).toBe(
      16777218,
    );
  });
});

/** Row by row 2^24 + 1 loses the 1, and one 1 is left; column by column both are. */
test("several axes are added up in row-major order, however they are listed", () => {
  const x = [
    [16777216, 1],
    [-16777216, 1],
  ];
  for (const axes of [
    [0, 1],
    [1, 0],
  ])
    expect(resultOf("reduceSum", [x], { axes, keepDims: false }, { accumulate: "float32" })).toBe(1);
});

describe("argMax and argMin", () => {
  test("give the first position of the best element, as int32", () => {
    const x = [
      [3, 7, 7],
      [2, 2, 1],
    ];
    expect(runOp("argMax", [x], { axis: 1 })[0]).toEqual(ints([1, 0]));
    expect(resultOf("argMin", [x], { axis: 1 })).toEqual([0, 2]);
    expect(resultOf("argMax", [x], { axis: 0 })).toEqual([0, 0, 0]);
  });

  test("find the first NaN, as NumPy", () => {
    expect(resultOf("argMax", [[1, nan, inf, nan]], { axis: 0 })).toBe(1);
    expect(resultOf("argMin", [[nan, -inf]], { axis: 0 })).toBe(0);
  });
});

describe("cumsum", () => {
  test.each([
    [false, false, [1, 3, 6]],
    [false, true, [0, 1, 3]],
    [true, false, [6, 5, 3]],
    [true, true, [5, 3, 0]],
  ])("reverse %s, exclusive %s", (reverse, exclusive, expected) => {
    expect(resultOf("cumsum", [[1, 2, 3]], { axis: 0, reverse, exclusive })).toEqual(expected);
  });

  test("runs along its axis only", () => {
    const attributes = { axis: 0, reverse: false, exclusive: false };
    expect(resultOf("cumsum", [counted(2, 2)], attributes)).toEqual([
      [1, 2],
      [4, 6],
    ]);
  });

  test("keeps a wide total, and rounds what it stores", () => {
    const attributes = { axis: 0, reverse: false, exclusive: false };
    const x = [16777216, 1, 1];
    expect(resultOf("cumsum", [x], attributes)).toEqual([16777216, 16777216, 16777218]);
    expect(resultOf("cumsum", [x], attributes, { accumulate: "float32" })).toEqual([
      16777216, 16777216, 16777216,
    ]);
  });
});
