import { describe, expect, test } from "vitest";
import { tensor } from "../../../runtime/tensor.ts";
import { floats, runNode } from "../../support/run-onnx.ts";

describe("Einsum", () => {
  test("repeats axes of size 1 behind dots, as numpy does", () => {
    const a = floats([2, 1, 2], 1, 2, 3, 4);
    const b = floats([3, 2], 1, 0, 0, 1, 1, 1);
    const [y] = runNode({
      type: "Einsum",
      inputs: { a, b },
      attributes: { equation: "...i,...i->..." },
      outputs: ["y: float32"],
    });
    expect(y).toEqual({ shape: [2, 3], data: [1, 2, 3, 3, 4, 7] });
  });
});

describe("Col2Im", () => {
  test("adds where windows overlap and cuts off the padding", () => {
    const x = floats([1, 2, 4], 1, 2, 3, 4, 10, 20, 30, 40);
    const inputs = {
      x,
      image: { dtype: "int64", shape: [1], data: BigInt64Array.of(3n) } as const,
      block: { dtype: "int64", shape: [1], data: BigInt64Array.of(2n) } as const,
    };
    const [y] = runNode({
      type: "Col2Im",
      opset: 18,
      inputs,
      attributes: { pads: [1, 1] },
      outputs: ["y: float32"],
    });
    // Windows begin at -1, 0, 1, 2: element p gets tap 0 of window p and tap 1 of window p - 1.
    expect(y).toEqual({ shape: [1, 1, 3], data: [2 + 10, 3 + 20, 4 + 30] });
  });
});

describe("TfIdfVectorizer", () => {
  const ngrams = {
    max_gram_length: 2,
    min_gram_length: 1,
    ngram_counts: [0, 2],
    ngram_indexes: [0, 1, 3, 2],
    pool_int64s: [7, 8, 7, 8, 8, 7],
  };

  test("counts single tokens once, however far pairs may be apart", () => {
    const [y] = runNode({
      type: "TfIdfVectorizer",
      inputs: { x: tensor([7, 8, 7, 7], [4], "int32") },
      attributes: { ...ngrams, max_skip_count: 1, mode: "TF" },
      outputs: ["y: float32"],
    });
    // 7 three times, 8 once; 8 7 at distance 1 and 2; 7 8 at distance 1.
    expect(y).toEqual({ shape: [4], data: [3, 1, 2, 1] });
  });

  test("weighs what it finds, whether once or more often, in mode IDF", () => {
    const [y] = runNode({
      type: "TfIdfVectorizer",
      inputs: { x: tensor([7, 7, 7, 9], [2, 2], "int32") },
      attributes: { ...ngrams, max_skip_count: 0, mode: "IDF", weights: [0.5, 1.5, 2.5, 3.5] },
      outputs: ["y: float32"],
    });
    expect(y).toEqual({ shape: [2, 4], data: [0.5, 0, 0, 0, 0.5, 0, 0, 0] });
  });
});

describe("DeformConv", () => {
  test("samples between neighbours, nothing outside, and keeps groups apart", () => {
    const [y] = runNode({
      type: "DeformConv",
      opset: 19,
      inputs: {
        x: floats([1, 2, 2, 2], 1, 2, 3, 4, 10, 20, 30, 40),
        w: floats([2, 1, 1, 1], 1, 2),
        // Two offset groups, each [y, x] over 2 x 2 places: the first half a row down, the second a column.
        offset: floats([1, 4, 2, 2], 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1),
      },
      attributes: { group: 2, offset_group: 2 },
      outputs: ["y: float32"],
    });
    expect(y).toEqual({ shape: [1, 2, 2, 2], data: [2, 3, 1.5, 2, 40, 0, 80, 0] });
  });
});

test("BitShift shifts bits out and zeros in", () => {
  const [y] = runNode({
    type: "BitShift",
    inputs: { a: tensor([255, 3, 16], [3], "uint8"), b: tensor([4, 1, 9], [3], "uint8") },
    attributes: { direction: "LEFT" },
    outputs: ["y: uint8"],
  });
  expect(y!.data).toEqual([240, 6, 0]);
});

describe("BitCast", () => {
  const x = tensor([200, 3], [2], "uint8");

  test("keeps the bits of integers of one width", () => {
    const of = { type: "BitCast", opset: 26, inputs: { x }, attributes: { to: 3 }, outputs: ["y: int8"] };
    expect(runNode(of)[0]!.data).toEqual([-56, 3]);
  });

  test("sees the bits of floats, and refuses another width", () => {
    const of = { type: "BitCast", opset: 26, inputs: { x }, attributes: { to: 6 }, outputs: ["y: int32"] };
    expect(() => runNode(of)).toThrow(/bitCast of uint8, 8 bits, to int32, 32 bits/);
    const bits = { ...of, inputs: { x: floats([2], 1, -1) } };
    expect(runNode(bits)[0]!.data).toEqual([0x3f800000, -0x40800000]);
  });
});
