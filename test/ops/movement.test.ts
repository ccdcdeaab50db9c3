import { describe, expect, test } from "vitest";
import { constant, symbol } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import { tensor, toNested } from "../../runtime/tensor.ts";
import { counted, dims, ints, resultOf, runOp } from "../support/run-op.ts";

const n = constant;

describe("shape and data movement", () => {
  test("a constant gives its tensor, and a fresh copy of it", () => {
    const value = tensor([1, 2], [2]);
    const [result] = runOp("constant", [], { value });
    expect(result).toEqual(value);
    expect(result!.data).not.toBe(value.data);
  });

  test("iota counts along its axis", () => {
    expect(resultOf("iota", [], { dtype: "int32", shape: dims(2, 3), axis: 1 })).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(resultOf("iota", [], { dtype: "float32", shape: dims(2, 3), axis: 0 })).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
  });

  test("broadcast puts operand axes where it is told and repeats along the others", () => {
    expect(resultOf("broadcast", [[1, 2]], { shape: dims(2, 3), axes: [0] })).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ]);
    expect(resultOf("broadcast", [[[1], [2]]], { shape: dims(2, 2), axes: [0, 1] })).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(resultOf("broadcast", [7], { shape: dims(3), axes: [] })).toEqual([7, 7, 7]);
  });

  test("reshape keeps the order of the elements", () => {
    expect(resultOf("reshape", [counted(2, 3)], { shape: dims(3, 2) })).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  test("reshape determines the one dim that is open", () => {
    const g = new GraphBuilder("flatten");
    const shape = [symbol("batch"), n(28), n(28)];
    const x = g.input("x", { dtype: "float32", shape });
    const [flat] = g.node("reshape", [x], { shape: [symbol("batch"), g.unknown("rest")] });
    expect(flat!.type.shape.map(String)).toEqual(["batch", "784"]);
  });

  test("transpose makes result axis i of operand axis permutation[i]", () => {
    const [result] = runOp("transpose", [counted(2, 1, 3)], { permutation: [2, 0, 1] });
    expect(result!.shape).toEqual([3, 2, 1]);
    expect([...result!.data]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test("reverse flips the axes it names", () => {
    expect(resultOf("reverse", [counted(2, 2)], { axes: [1] })).toEqual([
      [2, 1],
      [4, 3],
    ]);
    expect(resultOf("reverse", [counted(2, 2)], { axes: [0, 1] })).toEqual([
      [4, 3],
      [2, 1],
    ]);
  });

  test("slice takes every stride-th element from its start", () => {
    const every = { axis: 1, start: n(1), size: n(2), stride: n(2) };
    expect(resultOf("slice", [counted(2, 5)], every)).toEqual([
      [2, 4],
      [7, 9],
    ]);
    const later = { axis: 0, start: n(1), size: n(1), stride: n(1) };
    expect(resultOf("slice", [counted(2, 2)], later)).toEqual([[3, 4]]);
    const empty = { axis: 0, start: n(2), size: n(0), stride: n(1) };
    expect(runOp("slice", [counted(2, 5)], empty)[0]!.shape).toEqual([0, 5]);
  });

  test("concat puts operands behind each other", () => {
    expect(resultOf("concat", [counted(2, 1), counted(2, 2)], { axis: 1 })).toEqual([
      [1, 1, 2],
      [2, 3, 4],
    ]);
    expect(resultOf("concat", [ints([1]), ints([]), ints([2, 3])], { axis: 0 })).toEqual([1, 2, 3]);
  });

  test("pad surrounds with its value", () => {
    const attributes = { low: dims(1, 0), high: dims(0, 2), value: -1 };
    expect(resultOf("pad", [counted(1, 2)], attributes)).toEqual([
      [-1, -1, -1, -1],
      [1, 2, -1, -1],
    ]);
  });

  test("gather replaces the axis by the shape of the indices", () => {
    const table = counted(3, 2);
    expect(resultOf("gather", [table, ints([[2, 0]])], { axis: 0 })).toEqual([
      [
        [5, 6],
        [1, 2],
      ],
    ]);
    expect(resultOf("gather", [table, ints(1)], { axis: 1 })).toEqual([2, 4, 6]);
  });

  test.each([-1, 3])("gather refuses the index %i of 3", (index) => {
    expect(() => runOp("gather", [[1, 2, 3], ints([index])], { axis: 0 })).toThrow(
      new RangeError(`gather index ${index} is outside 0 .. 2`),
    );
  });

  test("values move unchanged whatever their dtype", () => {
    const flags = tensor([1, 0, 1], [3], "bool");
    expect(toNested(runOp("reverse", [flags], { axes: [0] })[0]!)).toEqual([true, false, true]);
    expect(resultOf("pad", [flags], { low: dims(1), high: dims(0), value: 1 })).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });
});
