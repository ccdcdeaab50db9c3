/** What an operator means in one version or another, by the formulas of its documentation. */
import { describe, expect, test } from "vitest";
import { compile, fromOnnx, load } from "../../../compiler/index.ts";
import { type Tensor, tensor } from "../../../runtime/tensor.ts";
import { bytesOf, graph, node } from "../../support/onnx.ts";
import { floats, runNode } from "../../support/run-onnx.ts";

const int64s = (...list: readonly number[]): Tensor => tensor(list.map(BigInt), [list.length], "int64");
const row = (...list: readonly number[]) => floats([list.length], ...list);
const numbers = (type: string, opset: number, inputs: Readonly<Record<string, Tensor>>, attributes = {}) => {
  const [{ dtype } = row()] = Object.values(inputs);
  return runNode({ type, opset, inputs, attributes, outputs: [`y: ${dtype}`] })[0]!;
};

describe("Attention with windows", () => {
  const [rows, columns] = [3, 4];
  // Scores are all 0, so a row is the mean of what it sees, and each value is a power of two.
  const query = floats([1, 1, rows, 1], 0, 0, 0);
  const key = floats([1, 1, columns, 1], 1, 1, 1, 1);
  const value = floats([1, 1, columns, 1], 1, 2, 4, 8);
  const seen = (attributes: Readonly<Record<string, number>>) =>
    numbers("Attention", 25, { query, key, value }, attributes).data.map(short);
  const short = (n: number | bigint | undefined) => Number(n).toFixed(5);
  const mean = (...list: readonly number[]) => short(list.reduce((a, b) => a + b) / list.length);

  test("sees so many keys before its place and behind it", () => {
    expect(seen({ left_window_size: 1 })).toEqual([mean(1, 2, 4, 8), mean(1, 2, 4, 8), mean(2, 4, 8)]);
    expect(seen({ right_window_size: 1 })).toEqual([mean(1, 2), mean(1, 2, 4), mean(1, 2, 4, 8)]);
    expect(seen({ left_window_size: 0, right_window_size: 0 })).toEqual([mean(1), mean(2), mean(4)]);
    expect(seen({ left_window_size: 1, right_window_size: 2, is_causal: 1 })).toEqual([
      mean(1),
      mean(1, 2),
      mean(2, 4),
    ]);
  });

  test("stands behind the keys of the past", () => {
    const names = ["query", "key", "value", "", "pastKey", "pastValue"];
    const past = { pastKey: floats([1, 1, 2, 1], 1, 1), pastValue: floats([1, 1, 2, 1], 16, 32) };
    const [y] = runNode({
      type: "Attention",
      opset: 25,
      operands: names,
      inputs: { query, key, value, ...past },
      attributes: { left_window_size: 1, right_window_size: 0 },
      outputs: ["y: float32"],
    });
    expect(y!.data.map(short)).toEqual([mean(32, 1), mean(1, 2), mean(2, 4)]);
  });

  test("of a negative size are refused", () => {
    expect(() => seen({ left_window_size: -2 })).toThrow(/E3103 Attention: left_window_size is -2/);
  });
});

describe("Resize", () => {
  const x = floats([1, 1, 1, 6], 0, 1, 2, 3, 4, 5);
  const resized = (opset: number, scale: number, attributes = {}) =>
    numbers("Resize", opset, { x, scales: row(1, 1, 1, scale) }, attributes).data;

  test("of opset 10 takes the element before where it grows, and the next one where it shrinks", () => {
    expect(resized(10, 1.5)).toEqual([0, 0, 1, 2, 2, 3, 4, 4, 5]);
    expect(resized(10, 0.8)).toEqual([0, 2, 3, 4]);
  });

  test("divides by a scale as the float32 it is", () => {
    const asymmetric = { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    const inputs = { x, roi: row(), scales: row(1, 1, 1, 1.2) };
    expect(numbers("Resize", 13, inputs, asymmetric).data).toEqual([0, 0, 1, 2, 3, 4, 5]);
  });

  test("counts its results in float32: 10 by 0.7 are 7", () => {
    const ten = floats([10], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(numbers("Resize", 13, { x: ten, roi: row(), scales: row(0.7) }).shape).toEqual([7]);
  });

  test("rounds integers once, not after each axis", () => {
    const square = tensor([0, 3, 3, 6], [2, 2], "int32");
    const inputs = { x: square, roi: row(), scales: row(2, 2) };
    expect(numbers("Resize", 13, inputs, { mode: "linear" }).data.slice(4, 8)).toEqual([0, 1, 3, 3]);
  });
});

describe("first versions", () => {
  const x = floats([1, 1, 2, 2], 1, 2, 3, 4);

  test("of Upsample have scales for height and width", () => {
    const y = numbers("Upsample", 1, { x }, { height_scale: { kind: "float", value: 1 }, width_scale: 1.5 });
    expect(y).toEqual({ shape: [1, 1, 2, 3], data: [1, 1, 2, 3, 3, 4] });
  });

  test("of Tile name one axis", () => {
    const y = numbers("Tile", 1, { x, tiles: row(2), axis: row(3) });
    expect(y).toEqual({ shape: [1, 1, 2, 4], data: [1, 2, 1, 2, 3, 4, 3, 4] });
  });

  test("of Split may take its lengths as an operand", () => {
    const of = { type: "Split", opset: 1, inputs: { x: row(1, 2, 3), split: int64s(1, 2) } };
    expect(runNode({ ...of, outputs: ["a: float32", "b: float32"] }).map(({ data }) => data)).toEqual([
      [1],
      [2, 3],
    ]);
  });
});

describe("Split into more parts than there are elements", () => {
  test("ends with empty ones", () => {
    const of = { type: "Split", opset: 18, inputs: { x: row(1, 2, 3) }, attributes: { num_outputs: 5 } };
    const parts = runNode({ ...of, outputs: [..."abcde"].map((name) => `${name}: float32`) });
    expect(parts.map(({ data }) => data)).toEqual([[1], [2], [3], [], []]);
  });
});

describe("ConvTranspose", () => {
  test("has zeros behind what it reaches, where the shape it is told is longer", () => {
    const inputs = { x: floats([1, 1, 2], 1, 2), w: floats([1, 1, 1], 1) };
    expect(numbers("ConvTranspose", 11, inputs, { strides: [3], output_shape: [6] }).data).toEqual([
      1, 0, 0, 2, 0, 0,
    ]);
  });
});

describe("SpaceToDepth", () => {
  test("orders blocks before channels, or behind them", () => {
    const x = floats([1, 2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8);
    const blocks = (mode: string) => numbers("SpaceToDepth", 28, { x }, { blocksize: 2, mode }).data;
    expect(blocks("DCR")).toEqual([1, 5, 2, 6, 3, 7, 4, 8]);
    expect(blocks("CRD")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("Dropout in training", () => {
  const x = row(1, 2);
  const training = tensor([1], [], "bool");
  const dropped = (ratio: number) => numbers("Dropout", 13, { x, ratio: floats([], ratio), training });

  test("that drops nothing is the input", () => {
    expect(dropped(0).data).toEqual([1, 2]);
    expect(() => dropped(0.5)).toThrow(/E4103 Dropout: training_mode is on/);
  });
});

describe("Range of numbers of 16 bits", () => {
  test("counts in float32", () => {
    // In bfloat16, 257 is 256.
    const given = Object.entries({ start: 0, limit: 26, delta: 0.1 });
    const inputs = Object.fromEntries(given.map(([name, n]) => [name, tensor([n], [], "bfloat16")] as const));
    const { data } = numbers("Range", 27, inputs, { stash_type: 1 });
    expect(data[257]).toBe(25.75);
    expect(data.length).toBe(260);
  });
});

describe("DynamicQuantizeLinear", () => {
  test("of zeros has the scale 1", () => {
    const of = { type: "DynamicQuantizeLinear", inputs: { x: row(0, 0) } };
    const [y, scale, zero] = runNode({ ...of, outputs: ["y: uint8", "scale: float32", "zero: uint8"] });
    expect([y!.data, scale!.data, zero!.data]).toEqual([[0, 0], [1], [0]]);
  });
});

describe("Hardmax", () => {
  test("along an axis without elements is empty", () => {
    expect(numbers("Hardmax", 13, { x: floats([2, 0]) }).shape).toEqual([2, 0]);
  });
});

describe("optional values", () => {
  test("are there unless they are left out", () => {
    const nodes = [
      node("Optional", ["x"], ["o"]),
      node("OptionalHasElement", ["o"], ["has"]),
      node("OptionalHasElement", [""], ["hasNot"]),
      node("OptionalGetElement", ["o"], ["y"]),
    ];
    const outputs = ["has: bool[]", "hasNot: bool[]", "y: float32[2]"];
    const bytes = bytesOf(graph(["x: float32[2]"], nodes, outputs), 18);
    const { has, hasNot, y } = load(compile(fromOnnx(bytes), { format: "js" }))
      .instantiate()
      .run({ x: Float32Array.of(1, 2) });
    expect([has, hasNot, y]).toEqual([Uint8Array.of(1), Uint8Array.of(0), Float32Array.of(1, 2)]);
  });
});

describe("sizes that a file leaves open", () => {
  const run = (nodes: ReturnType<typeof node>[], shapes: Readonly<Record<string, readonly number[]>>) => {
    const inputs = Object.entries(shapes).map(([name, sizes]) => {
      return `${name}: float32[${sizes.map((_, axis) => `${name}${axis}`).join(", ")}]`;
    });
    const net = fromOnnx(bytesOf(graph(inputs, nodes, ["y: float32"]), 17));
    return compile(net, { sample: shapes, format: "js" });
  };

  test("are those of the sample where an operator needs numbers", () => {
    const { code } = run([node("DFT", ["x"], ["y"])], { x: [1, 4, 1] });
    expect(code).toContain("[1, 4, 2]");
  });

  test("may be repeated in a sample though they have names of their own", () => {
    const shapes = { a: [1, 4], b: [3, 4] };
    const instance = load(run([node("Add", ["a", "b"], ["y"])], shapes)).instantiate();
    const { y } = instance.run({ a: Float32Array.of(1, 2, 3, 4), b: new Float32Array(12).fill(1) });
    expect(y).toEqual(Float32Array.of(2, 3, 4, 5, 2, 3, 4, 5, 2, 3, 4, 5));
  });

  test("that fit nobody are reported as the file names them", () => {
    expect(() => run([node("Add", ["a", "b"], ["y"])], { a: [2], b: [3] })).toThrow(/a0/);
  });
});

describe("DequantizeLinear", () => {
  test("of a vector by one scale has no use for the axis, whose default is 1", () => {
    const x = tensor([1, -2, 3], [3], "int32");
    const scale = tensor([0.5], [], "float32");
    const [y] = runNode({
      type: "DequantizeLinear",
      opset: 13,
      inputs: { x, scale },
      outputs: ["y: float32"],
    });
    expect([...y!.data]).toEqual([0.5, -1, 1.5]);
  });
});
