import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import { fromOnnx } from "../../compiler/index.ts";
import { bytesOf, graph, node } from "../support/onnx.ts";

function messageOf(inputs: readonly string[], opType: string, attributes = {}): string {
  const names = inputs.map((input) => input.split(":")[0]!);
  const one = node(opType, names, ["y"], attributes);
  try {
    fromOnnx(bytesOf(graph(inputs, [one], ["y: float32"])));
    return "taken";
  } catch (error) {
    if (error instanceof CompileError) return `${error.code} ${error.diagnostics[0]!.message}`;
    throw error;
  }
}

describe("an operand with axes that its operator does not take", () => {
  test("is named with its rank and those the operator takes", () => {
    expect(messageOf(["x: float32[4]"], "EyeLike")).toBe(
      "E3103 EyeLike: operand x is of rank 1, but has to be of 2 (opset 17)",
    );
    const image = "x: float32[1,3,8,8]";
    expect(messageOf([image, "w: float32[4,3,3,3]", "b: float32[4,1]"], "Conv")).toBe(
      "E3103 Conv: operand b is of rank 2, but has to be of 1 (opset 17)",
    );
    expect(messageOf(["x: float32[3,4,5]"], "DepthToSpace", { blocksize: 2 })).toBe(
      "E3103 DepthToSpace: operand x is of rank 3, but has to be of 4 (opset 17)",
    );
  });

  test("is told with the shapes where an attribute says how many there must be", () => {
    expect(messageOf(["x: float32[6]", "s: float32[2,2]"], "Resize")).toMatch(/^E3103/);
  });

  test("may have any number where the operator does not care", () => {
    for (const shape of ["", "4", "2,3,4,5,6"])
      expect(messageOf([`x: float32[${shape}]`], "Relu")).toBe("taken");
  });
});
