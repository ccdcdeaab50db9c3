import { describe, expect, test } from "vitest";
import { constant, symbol } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import { ops } from "../../compiler/ops/index.ts";
import { tensor, toNested } from "../../runtime/tensor.ts";
import { counted, dims, ints, pairs, resultOf, runOp } from "../support/run-op.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

describe("dotGeneral", () => {
  test("is the matrix product", () => {
    const attributes = { batch: [[], []], contract: [[1], [0]] };
    expect(resultOf("dotGeneral", [counted(2, 3), counted(3, 2)], attributes)).toEqual([
      [22, 28],
      [49, 64],
    ]);
  });

  test("runs batch axes side by side and puts them first", () => {
    const attributes = { batch: [[0], [1]], contract: [[1], [0]] };
    const a = [
      [1, 2],
      [3, 4],
    ];
    const b = [
      [1, 10],
      [100, 1000],
    ];
    // Row i of a times column i of b.
    expect(resultOf("dotGeneral", [a, b], attributes)).toEqual([201, 4030]);
  });

  test("orders the result as batch, free axes of a, free axes of b", () => {
    const attributes = { batch: [[2], [0]], contract: [[0], [2]] };
    expect(runOp("dotGeneral", [counted(2, 3, 4), counted(4, 5, 2)], attributes)[0]!.shape).toEqual([
      4, 3, 5,
    ]);
  });

  test("without contracted axes is the outer product", () => {
    expect(
      resultOf(
        "dotGeneral",
        [
          [1, 2],
          [3, 4, 5],
        ],
        { batch: [[], []], contract: [[], []] },
      ),
    ).toEqual([
      [3, 4, 5],
      [6, 8, 10],
    ]);
  });

  test("of integers wraps", () => {
    const attributes = { batch: [[], []], contract: [[0], [0]] };
    expect(resultOf("dotGeneral", [ints([65536, 1]), ints([65536, 5])], attributes)).toBe(5);
    // The exact square has more bits than a double.
    expect(resultOf("dotGeneral", [ints([2147483647]), ints([2147483647])], attributes)).toBe(1);
  });

  test("accumulates as the numerics say", () => {
    const attributes = { batch: [[], []], contract: [[0], [0]] };
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: float32 loses the last part unless the product is not rounded before
    // -1 is added.
    const a = [1 + 2 ** -12, 1];
    const b = [1 + 2 ** -12, -1];
    const reversed = (x: readonly number[]) => [...x].reverse();
    const dot = (accumulate: "float64" | "float32" | "float32-fma") =>
      resultOf("dotGeneral", [reversed(a), reversed(b)], attributes, { accumulate });
    expect(dot("float64")).toBe(2 ** -11 + 2 ** -24);
    expect(dot("float32")).toBe(2 ** -11);
    expect(dot("float32-fma")).toBe(2 ** -11 + 2 ** -24);
  });

  test("counts a multiply-accumulate per result element and contracted index", () => {
    const type = (...shape: number[]) => ({ dtype: "float32" as const, shape: dims(...shape) });
    const attributes = { batch: [[], []], contract: [[1], [0]] };
    const macs = ops.get("dotGeneral")!.macs!([type(2, 3), type(3, 5)], attributes, [type(2, 5)]);
    expect(String(macs)).toBe("30");
  });

  test("solves a deferred kernel", () => {
    const g = new GraphBuilder("dense");
    const x = g.input("x", { dtype: "float32", shape: [symbol("batch"), constant(20)] });
    const inner = g.unknown("dense.in");
    const kernel = g.parameter("k", { dtype: "float32", shape: [inner, constant(8)] }, { kind: "zeros" });
    g.node("dotGeneral", [x, kernel], { batch: [[], []], contract: [[1], [0]] });
    expect(g.resolve(kernel.type.shape).map(String)).toEqual(["20", "8"]);
  });
});

const plain = {
  strides: dims(1),
  padding: pairs([0, 0]),
  dilations: dims(1),
  inputDilations: dims(1),
  groups: constant(1),
  layout: "channelsLast",
};

/** One batch, one channel in, one out. */
const signal = (...x: number[]) => tensor(x, [1, x.length, 1]);
const taps = (...k: number[]) => tensor(k, [k.length, 1, 1]);
const conv = (x: number[], k: number[], attributes: object) => [
  ...runOp("conv", [signal(...x), taps(...k)], { ...plain, ...attributes })[0]!.data,
];

describe("conv", () => {
  test("slides the kernel without flipping it", () => {
    expect(conv([1, 2, 3, 4], [1, 0, -1], {})).toEqual([-2, -2]);
    expect(conv([1, 2, 3, 4], [1, 10], {})).toEqual([21, 32, 43]);
  });

  test("pads with zeros, steps by its stride and spreads by its dilation", () => {
    expect(conv([1, 2, 3], [1, 1, 1], { padding: pairs([1, 1]) })).toEqual([3, 6, 5]);
    expect(conv([1, 2, 3, 4, 5], [1, 1], { strides: dims(2) })).toEqual([3, 7]);
    expect(conv([1, 2, 3, 4, 5], [1, 10], { dilations: dims(2) })).toEqual([31, 42, 53]);
    expect(conv([1, 2, 3, 4, 5], [1, 10], { dilations: dims(2), padding: pairs([2, 0]) })).toEqual([
      10, 20, 31, 42, 53,
    ]);
  });

  test("cuts where padding is negative", () => {
    expect(conv([1, 2, 3, 4], [1, 1], { padding: pairs([-1, -1]) })).toEqual([5]);
  });

  /**
   * Stride 2 transposed: each input element spreads over the kernel, two places apart (Keras Conv1DTranspose,
   * valid).
   */
  test("with input dilation is the transposed convolution", () => {
    const flipped = [100, 10, 1];
    const attributes = { inputDilations: dims(2), padding: pairs([2, 2]) };
    expect(conv([1, 2], flipped, attributes)).toEqual([1, 10, 102, 20, 200]);
  });

  test("multiplies padding like any element, so an infinite weight shows", () => {
    expect(conv([1], [inf, 1], { padding: pairs([1, 0]) })).toEqual([nan]);
  });

  test("sums over the window, then over channels", () => {
    const x = counted(1, 2, 2, 2);
    const kernel = tensor([1, 10, 100, 1000, 1, 10, 100, 1000], [2, 2, 2, 1]);
    const square = { ...plain, strides: dims(1, 1), padding: pairs([0, 0], [0, 0]), dilations: dims(1, 1) };
    const [result] = runOp("conv", [x, kernel], { ...square, inputDilations: dims(1, 1) });
    expect(result!.shape).toEqual([1, 1, 1, 1]);
    expect([...result!.data]).toEqual([1 + 20 + 300 + 4000 + 5 + 60 + 700 + 8000]);
  });

  test("gives the same in either layout", () => {
    const last = tensor([1, 2, 3, 4, 5, 6], [1, 3, 2]);
    const first = tensor([1, 3, 5, 2, 4, 6], [1, 2, 3]);
    const kernel = counted(2, 2, 2);
    expect(resultOf("conv", [last, kernel], plain)).toEqual([
      [
        [1 + 6 + 15 + 28, 2 + 8 + 18 + 32],
        [3 + 12 + 25 + 42, 6 + 16 + 30 + 48],
      ],
    ]);
    expect(resultOf("conv", [first, kernel], { ...plain, layout: "channelsFirst" })).toEqual([
      [
        [50, 82],
        [60, 100],
      ],
    ]);
  });

  test("in groups lets each output see its group's channels only", () => {
    const x = tensor([1, 2, 3, 4], [1, 1, 4]);
    const kernel = tensor([1, 10, 100, 1000], [1, 2, 2]);
    // Output 0: channels 0, 1 with weights 1, 100; output 1: channels 2, 3 with weights 10, 1000.
    expect(resultOf("conv", [x, kernel], { ...plain, groups: constant(2) })).toEqual([[[201, 4030]]]);
    const depthwise = tensor([1, 10, 100, 1000, 1, 1, 1, 1], [1, 1, 8]);
    const each = resultOf("conv", [x, depthwise], { ...plain, groups: constant(4) });
    expect(each).toEqual([[[1, 10, 200, 2000, 3, 3, 4, 4]]]);
  });

  test("has the output size of the formula when sizes are symbolic", () => {
    const g = new GraphBuilder("conv");
    const shape = [symbol("n"), symbol("h"), constant(3)];
    const x = g.input("x", { dtype: "float32", shape });
    const kernel = g.input("k", { dtype: "float32", shape: dims(3, 3, 8) });
    const attributes = { ...plain, strides: dims(2), padding: pairs([1, 1]) };
    const [y] = g.node("conv", [x, kernel], attributes);
    expect(y!.type.shape.map(String)).toEqual(["n", "floor((h + 1)/2)", "8"]);
  });

  test("counts window times channels per result element", () => {
    const type = (...shape: number[]) => ({ dtype: "float32" as const, shape: dims(...shape) });
    const macs = ops.get("conv")!.macs!([type(1, 8, 4), type(3, 2, 6)], {}, [type(1, 6, 6)]);
    expect(String(macs)).toBe(String(6 * 6 * 3 * 2));
  });
});

describe("windowReduce", () => {
  const window = (combine: string, attributes: object = {}) => ({
    window: dims(2),
    strides: dims(1),
    padding: pairs([0, 0]),
    dilations: dims(1),
    combine,
    ...attributes,
  });

  test("combines what the window covers", () => {
    const x = [1, 5, 2, 4];
    expect(resultOf("windowReduce", [x], window("max"))).toEqual([5, 5, 4]);
    expect(resultOf("windowReduce", [x], window("min"))).toEqual([1, 2, 2]);
    expect(resultOf("windowReduce", [x], window("add"))).toEqual([6, 7, 6]);
    expect(resultOf("windowReduce", [x], window("max", { strides: dims(2) }))).toEqual([5, 4]);
    expect(resultOf("windowReduce", [x], window("add", { dilations: dims(2) }))).toEqual([3, 9]);
  });

  test("padding neither wins nor adds", () => {
    const padded = { padding: pairs([1, 1]) };
    expect(resultOf("windowReduce", [[-1, -5]], window("max", padded))).toEqual([-1, -1, -5]);
    expect(resultOf("windowReduce", [[-1, -5]], window("min", padded))).toEqual([-1, -5, -5]);
    expect(resultOf("windowReduce", [[-1, -5]], window("add", padded))).toEqual([-1, -6, -5]);
    expect(resultOf("windowReduce", [ints([-3])], window("max", padded))).toEqual([-3, -3]);
  });

  test("slides over every axis at once", () => {
    const attributes = {
      window: dims(2, 2),
      strides: dims(2, 1),
      padding: pairs([0, 0], [0, 0]),
      dilations: dims(1, 1),
      combine: "add",
    };
    expect(resultOf("windowReduce", [counted(2, 3)], attributes)).toEqual([[12, 16]]);
  });

  test("leaves an empty axis empty where it takes one element at a time", () => {
    const batch = {
      window: dims(1, 2),
      strides: dims(1, 2),
      padding: pairs([0, 0], [0, 0]),
      dilations: dims(1, 1),
    };
    const [pooled] = runOp("windowReduce", [tensor([], [0, 4])], { ...batch, combine: "max" });
    expect(pooled!.shape).toEqual([0, 2]);
  });
});

describe("lu", () => {
  test("gives L and U of the pivoted rows and the parity of the exchanges", () => {
    const [matrix, parity] = runOp("lu", [
      [
        [1, 2],
        [4, 6],
      ],
    ]);
    expect(toNested(matrix!)).toEqual([
      [4, 6],
      [0.25, 0.5],
    ]);
    expect(toNested(parity!)).toBe(-1);
  });

  test("leaves a column of zeros alone", () => {
    const [matrix, parity] = runOp("lu", [
      [
        [
          [0, 1],
          [0, 2],
        ],
        [
          [1, 0],
          [0, 1],
        ],
      ],
    ]);
    expect(toNested(matrix!)).toEqual([
      [
        [0, 1],
        [0, 2],
      ],
      [
        [1, 0],
        [0, 1],
      ],
    ]);
    expect(toNested(parity!)).toEqual([1, 1]);
  });
});
