/** Nodes with operands that their operators do not take: told with the node's name, all of a file at once. */
import { describe, expect, test } from "vitest";
import { CompileError, fromOnnx } from "../../compiler/index.ts";
import { bytesOf, graph, node } from "../support/onnx.ts";

type Nodes = readonly ReturnType<typeof node>[];

function refused(inputs: readonly string[], nodes: Nodes, opset = 17): readonly string[] {
  try {
    fromOnnx(bytesOf(graph(inputs, nodes, ["y: float32"]), opset));
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.diagnostics.map(({ code, message, fix }) => `${code} ${message}; ${fix}`);
  }
  return [];
}

const again = "; reshape it, or export the model again";
const matrix = ["x: float32[2, 3]"];

describe("operands", () => {
  test("that are too many or too few are told of every node", () => {
    const nodes = [
      node("Relu", ["x", "x"], ["a"]),
      node("Add", ["a"], ["b"]),
      node("Neg", ["b", "x", "x"], ["c"]),
      node("com.microsoft::Gelu", ["c", "c"], ["y"]),
    ];
    expect(refused(matrix, nodes)).toEqual([
      "E3103 Relu takes at most 1 operands, but 2 are given (a_node); leave out the rest",
      "E3103 Add takes at least 2 operands, but 1 are given (b_node); give what is missing",
      "E3103 Neg takes at most 1 operands, but 3 are given (c_node); leave out the rest",
      "E3103 com.microsoft::Gelu takes at most 1 operands, but 2 are given (y_node); leave out the rest",
    ]);
  });

  test("that end in names left out are not too many", () => {
    expect(refused(matrix, [node("Relu", ["x", ""], ["y"])])).toEqual([]);
  });

  test("of a rank that the operator does not take are refused", () => {
    expect(refused(matrix, [node("SpaceToDepth", ["x"], ["y"], { blocksize: 2 })])).toEqual([
      `E3103 SpaceToDepth: operand x is of rank 2, but has to be of 4 (opset 17)${again}`,
    ]);
    expect(
      refused(matrix, [node("GlobalMaxPool", ["x"], ["p"]), node("Conv", ["x", "x"], ["y"])]).at(-1),
    ).toBe(`E3103 Conv: operand x is of rank 2, but has to be of 3 or more (opset 17)${again}`);
  });

  test("do not have the axis that is named", () => {
    expect(refused(matrix, [node("Hardmax", ["x"], ["y"], { axis: 2 })])).toEqual([
      "E2111 axis 2 of a value of rank 2; use an axis from -2 to 1",
    ]);
  });

  test("must say as many sizes as there are axes", () => {
    const nodes = [node("Shape", ["x"], ["s"]), node("CenterCropPad", ["x", "s"], ["y"], { axes: [0] })];
    expect(refused(matrix, nodes, 18)).toEqual([
      "E3103 CenterCropPad: 2 sizes for 1 axes (opset 18); give one for each axis",
    ]);
  });

  test("ask for no table that is larger than memory", () => {
    const nodes = [node("Constant", [], ["n"], { value_int: 2 ** 31 - 1 }), node("HannWindow", ["n"], ["y"])];
    expect(refused([], nodes)[0]).toMatch(/^E3103 HannWindow: its size is 2147483647 /);
  });
});
