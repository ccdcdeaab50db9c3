import { describe, expect, test } from "vitest";
import type { DType } from "../../runtime/dtype.ts";
import { type Tensor, tensor } from "../../runtime/tensor.ts";
import { ints, resultOf, runOp } from "../support/run-op.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const f = Math.fround;

describe("functions of one value", () => {
  test.each([
    ["neg", [1, -2, 0], [-1, 2, -0]],
    ["abs", [-1.5, 2, -inf], [1.5, 2, inf]],
    ["sign", [-3, 0, 7, nan], [-1, 0, 1, nan]],
    ["exp", [0, 1, -inf], [1, f(Math.E), 0]],
    ["expm1", [0, 1e-10], [0, f(1e-10)]],
    ["log", [1, 0, -1], [0, -inf, nan]],
    ["log1p", [0, 1e-10], [0, f(1e-10)]],
    ["sqrt", [9, 2, -1], [3, f(Math.SQRT2), nan]],
    ["sin", [0, f(Math.PI / 2)], [0, 1]],
    ["cos", [0, f(Math.PI)], [1, -1]],
    ["tan", [0, f(Math.PI / 4)], [0, 1]],
    ["asin", [1, 2], [f(Math.PI / 2), nan]],
    ["acos", [1, -1], [0, f(Math.PI)]],
    ["atan", [inf, 1], [f(Math.PI / 2), f(Math.PI / 4)]],
    ["sinh", [0, inf], [0, inf]],
    ["cosh", [0, -inf], [1, inf]],
    ["tanh", [0, inf, -inf], [0, 1, -1]],
    ["asinh", [0], [0]],
    ["acosh", [1, 0.5], [0, nan]],
    ["atanh", [0, 1], [0, inf]],
    ["erf", [0, 1, -1, inf, nan], [0, f(0.8427007929497149), f(-0.8427007929497149), 1, nan]],
    ["floor", [1.5, -1.5], [1, -2]],
    ["ceil", [1.5, -1.5], [2, -1]],
    ["round", [-0, 0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 8388609, inf], [-0, 0, 2, 2, -0, -2, 2, 8388609, inf]],
  ] as const)("%s of %j is %j", (op, x, expected) => {
    expect(resultOf(op, [x])).toEqual(expected);
  });

  test("not turns a bool around", () => {
    expect(resultOf("not", [[true, false]])).toEqual([false, true]);
  });

  test("neg and abs of the lowest integer wrap", () => {
    expect(resultOf("neg", [ints([-2147483648, 5])])).toEqual([-2147483648, -5]);
    expect(resultOf("abs", [ints([-2147483648, -5])])).toEqual([-2147483648, 5]);
  });
});

describe("functions of two values", () => {
  test.each([
    ["add", [1, inf], [2, -inf], [3, nan]],
    ["sub", [1, 2], [2, 0.5], [-1, 1.5]],
    ["mul", [3, 0], [-2, inf], [-6, nan]],
    ["div", [1, 1, 0], [4, 0, 0], [0.25, inf, nan]],
    ["mod", [7, -7, 7, -7, 5.5, 6, -6], [3, 3, -3, -3, 2, -3, 3], [1, 2, -2, -1, 1.5, -0, 0]],
    ["pow", [2, -8, 0], [10, 1 / 3, 0], [1024, nan, 1]],
    ["max", [1, nan, -0], [2, 1, 0], [2, nan, 0]],
    ["min", [1, nan, 0], [2, 1, -0], [1, nan, -0]],
    ["atan2", [1, -1, 0], [0, 0, -1], [f(Math.PI / 2), f(-Math.PI / 2), f(Math.PI)]],
  ] as const)("%s of %j and %j is %j", (op, a, b, expected) => {
    expect(resultOf(op, [a, b])).toEqual(expected);
  });

  test.each([
    ["add", [2147483647], [1], [-2147483648]],
    ["sub", [-2147483648], [1], [2147483647]],
    ["mul", [65536, 46341], [65536, 46341], [0, -2147479015]],
    ["div", [7, -7, 7, 5], [2, 2, -2, 0], [3, -3, -3, 0]],
    ["mod", [7, -7, 7, -7, 5, 6], [3, 3, -3, -3, 0, -3], [1, 2, -2, -1, 0, 0]],
    ["max", [-1], [3], [3]],
    ["min", [-1], [3], [-1]],
  ] as const)("%s of the integers %j and %j is %j", (op, a, b, expected) => {
    expect(resultOf(op, [ints(a), ints(b)])).toEqual(expected);
  });

  test("and, or, xor are the tables of logic", () => {
    const [a, b] = [
      [false, false, true, true],
      [false, true, false, true],
    ];
    expect(resultOf("and", [a, b])).toEqual([false, false, false, true]);
    expect(resultOf("or", [a, b])).toEqual([false, true, true, true]);
    expect(resultOf("xor", [a, b])).toEqual([false, true, true, false]);
  });

  test("a narrow integer wraps at its own width", () => {
    const bytes = tensor([200, 3], [2], "uint8");
    expect(resultOf("add", [bytes, bytes])).toEqual([144, 6]);
  });

  test("shapes broadcast from the last axis", () => {
    const column = [[1], [2]];
    expect(resultOf("add", [column, [10, 20, 30]])).toEqual([
      [11, 21, 31],
      [12, 22, 32],
    ]);
    expect(resultOf("sub", [5, column])).toEqual([[4], [3]]);
    expect(runOp("mul", [tensor([], [0, 1]), tensor([1, 2], [2])])[0]!.shape).toEqual([0, 2]);
  });
});

describe("comparisons", () => {
  test("give bool, and beside a NaN only ne holds", () => {
    const [a, b] = [
      [1, 2, 2, nan],
      [2, 2, 1, nan],
    ];
    expect(resultOf("eq", [a, b])).toEqual([false, true, false, false]);
    expect(resultOf("ne", [a, b])).toEqual([true, false, true, true]);
    expect(resultOf("lt", [a, b])).toEqual([true, false, false, false]);
    expect(resultOf("le", [a, b])).toEqual([true, true, false, false]);
    expect(resultOf("gt", [a, b])).toEqual([false, false, true, false]);
    expect(resultOf("ge", [a, b])).toEqual([false, true, true, false]);
  });

  test("take bools for eq and ne", () => {
    expect(resultOf("eq", [[true, false], true])).toEqual([true, false]);
  });
});

describe("select", () => {
  test("takes a where the condition holds, else b, broadcasting all three", () => {
    const condition = [[true], [false]];
    expect(resultOf("select", [condition, [1, 2], 9])).toEqual([
      [1, 2],
      [9, 9],
    ]);
  });
});

describe("cast", () => {
  const cast = (x: Parameters<typeof resultOf>[1][number], dtype: string) => resultOf("cast", [x], { dtype });

  test("of a float to an integer truncates, saturates, and makes NaN 0", () => {
    expect(cast([1.9, -1.9, nan, 3e9, -inf], "int32")).toEqual([1, -1, 0, 2147483647, -2147483648]);
    expect(cast([-1, 254.9, 300], "uint8")).toEqual([0, 254, 255]);
    expect(cast([-200, 127.5], "int8")).toEqual([-128, 127]);
  });

  test("of an integer to a narrower one wraps", () => {
    expect(cast(ints([257, -1, 128]), "uint8")).toEqual([1, 255, 128]);
    expect(cast(ints([257, -129, 128]), "int8")).toEqual([1, 127, -128]);
  });

  test("to bool asks whether the value is not 0", () => {
    expect(cast([0, -0, 0.1, nan], "bool")).toEqual([false, false, true, true]);
  });

  test("to float32 rounds", () => {
    expect(cast(ints([16777217]), "float32")).toEqual([16777216]);
    expect(cast([true, false], "float32")).toEqual([1, 0]);
  });
});

describe("bitCast", () => {
  const seen = (x: Tensor, dtype: DType) => [...runOp("bitCast", [x], { dtype })[0]!.data];
  const hold = (dtype: DType, ...stored: number[]) => tensor(stored, [stored.length], dtype);

  test("sees the bits of a float as an integer, and back", () => {
    expect(seen(hold("float32", 1, -0, 1e-45, inf), "uint32")).toEqual([0x3f800000, 2 ** 31, 1, 0x7f800000]);
    expect(seen(hold("float64", -2), "int64")).toEqual([-(2n ** 62n)]);
    expect(seen(hold("int32", 0x40490fdb), "float32")).toEqual([f(Math.PI)]);
    expect(seen(hold("float16", 1.5), "bfloat16")).toEqual([0x3e00]);
  });

  test("of any NaN gives the bits of the one without a sign", () => {
    expect(seen(hold("float32", nan), "int32")).toEqual([0x7fc00000]);
  });

  test("between integers wraps, a bool is 0 or 1", () => {
    expect(seen(hold("int8", -1, 5), "uint8")).toEqual([255, 5]);
    expect(seen(hold("int4", -8, 7), "uint4")).toEqual([8, 7]);
    expect(seen(hold("uint8", 0, 2), "bool")).toEqual([0, 1]);
    expect(seen(hold("bool", 0, 1), "int8")).toEqual([0, 1]);
  });
});
