import { describe, expect, test } from "vitest";
import type { CompileError } from "../../compiler/diagnostics/index.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { tensor } from "../../runtime/tensor.ts";

const dense = parseGraph(`
  graph dense(%x: float32[2, 3]) {
    param %kernel: float32[3, 1] = {"kind":"ones"}
    %y: float32[2, 1] = dotGeneral(%x, %kernel) {batch=[[], []], contract=[[1], [0]]}
    return y=%y, input=%x
  }`);

const x = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
const kernel = tensor([1, 10, 100], [3, 1]);

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return (error as CompileError).code;
  }
  return undefined;
}

describe("evaluating a graph", () => {
  test("takes inputs and parameters by name and gives outputs by name", () => {
    const outputs = evaluateGraph(
      dense,
      new Map([
        ["x", x],
        ["kernel", kernel],
      ]),
    );
    expect([...outputs.keys()]).toEqual(["y", "input"]);
    expect(outputs.get("y")).toEqual(tensor([321, 654], [2, 1]));
  });

  test("refuses a missing tensor, a wrong shape and a wrong dtype", () => {
    expect(codeOf(() => evaluateGraph(dense, new Map([["x", x]])))).toBe("E2102");
    const withX = (other: typeof x) =>
      codeOf(() =>
        evaluateGraph(
          dense,
          new Map([
            ["x", other],
            ["kernel", kernel],
          ]),
        ),
      );
    expect(withX(tensor([1, 2, 3], [1, 3]))).toBe("E2104");
    expect(withX(tensor([1, 2, 3, 4, 5, 6], [2, 3], "int32"))).toBe("E2107");
  });

  test("does not trust a declared type", () => {
    const wrong = parseGraph(`
      graph wrong(%x: float32[2, 3]) {
        %y: float32[3] = reduceSum(%x) {axes=[1], keepDims=false}
        return y=%y
      }`) satisfies Graph;
    expect(() => evaluateGraph(wrong, new Map([["x", x]]))).toThrow(
      "internal: reduceSum declares float32[3] for %y, but gives float32[2]",
    );
  });
});
