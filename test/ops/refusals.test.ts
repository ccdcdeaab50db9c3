/** What each op refuses: the code, and a message with both values. */
import { describe, expect, test } from "vitest";
import { constant, dim, symbol } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Attributes, Graph } from "../../compiler/ir/graph.ts";
import { refusal, type Spec, summary } from "../support/refusal.ts";
import { dims, pairs } from "../support/run-op.ts";

const conv = {
  strides: dims(1),
  padding: pairs([0, 0]),
  dilations: dims(1),
  inputDilations: dims(1),
  groups: constant(1),
  layout: "channelsLast",
};
const pool = {
  window: dims(3),
  strides: dims(1),
  padding: pairs([0, 0]),
  dilations: dims(1),
  combine: "max",
};

describe("wrong dtypes (E2107)", () => {
  test.each<[string, readonly Spec[], Attributes, string]>([
    ["exp", [["int32", 2]], {}, "exp takes float values, but x is int32"],
    ["neg", [["bool", 2]], {}, "neg takes number values, but x is bool"],
    ["not", [["float32"]], {}, "not takes integer or bool values, but x is float32"],
    ["add", [["float32"], ["int32"]], {}, "add needs one dtype, but a is float32 and b is int32"],
    ["and", [["float32"], ["float32"]], {}, "and takes integer or bool values, but a is float32"],
    ["lt", [["bool"], ["bool"]], {}, "lt takes number values, but a is bool"],
    ["select", [["int32"], ["int32"], ["int32"]], {}, "select needs condition to be bool, but it is int32"],
    ["select", [["bool"], ["int32"], ["bool"]], {}, "select needs one dtype, but a is int32 and b is bool"],
    ["cast", [["int32"]], { dtype: "float128" }, "cast to float128, which is no dtype"],
    ["bitCast", [["int32"]], { dtype: "float128" }, "bitCast to float128, which is no dtype"],
    ["bitCast", [["int32"]], { dtype: "int4" }, "bitCast of int32, 32 bits, to int4, 4 bits"],
    [
      "iota",
      [],
      { dtype: "bool", shape: dims(2), axis: 0 },
      "iota takes number values, but the result is bool",
    ],
    ["iota", [], { dtype: "half", shape: dims(2), axis: 0 }, "iota of half, which is no dtype"],
    [
      "reduceSum",
      [["bool", 2]],
      { axes: [0], keepDims: false },
      "reduceSum takes number values, but x is bool",
    ],
    [
      "gather",
      [["float32", 2], ["float32"]],
      { axis: 0 },
      "gather needs indices to be int32, but it is float32",
    ],
    [
      "concat",
      [
        ["int32", 2],
        ["bool", 2],
      ],
      { axis: 0 },
      "concat needs one dtype, but x0 is int32 and x1 is bool",
    ],
    [
      "pad",
      [["int32", 2]],
      { low: dims(1), high: dims(0), value: 0.5 },
      "pad with 0.5, which int32 cannot hold",
    ],
    [
      "conv",
      [
        ["float32", 1, 4, 1],
        ["int32", 2, 1, 1],
      ],
      conv,
      "conv needs one dtype, but x is float32 and kernel is int32",
    ],
  ])("%s of %j", (op, operands, attributes, message) => {
    expect(summary(refusal(op, operands, attributes))).toEqual(["E2107", message, "layer"]);
  });

  test("name the dtypes that would do", () => {
    expect(refusal("exp", [["int32", 2]])).toMatchObject({
      facts: [{ subject: "x", value: "int32[2]" }],
      fix: "cast x to float32, float64",
    });
  });
});

describe("wrong ranks and axes (E2111)", () => {
  test.each<[string, readonly Spec[], Attributes, string]>([
    [
      "reduceMax",
      [["float32", 2, 3]],
      { axes: [2], keepDims: false },
      "reduceMax names axis 2, but x has rank 2",
    ],
    ["reduceMax", [["float32"]], { axes: [0], keepDims: false }, "reduceMax names axis 0, but x has rank 0"],
    ["reduceSum", [["float32", 2]], { axes: [0, 0], keepDims: false }, "reduceSum names axis 0 of x0 twice"],
    [
      "transpose",
      [["float32", 2, 3]],
      { permutation: [0] },
      "transpose has 1 entries of the permutation for 2 axes",
    ],
    ["transpose", [["float32", 2, 3]], { permutation: [1, 1] }, "transpose names axis 1 of x0 twice"],
    ["broadcast", [["float32", 2]], { shape: dims(2, 2), axes: [] }, "broadcast has 0 axes for 1 axes"],
    [
      "broadcast",
      [["float32", 2, 2]],
      { shape: dims(2, 2), axes: [1, 0] },
      "broadcast axes [1, 0] do not increase",
    ],
    ["concat", [], { axis: 0 }, "concat has no operands"],
    [
      "concat",
      [
        ["float32", 2],
        ["float32", 2, 2],
      ],
      { axis: 0 },
      "concat needs x1 of rank 1, but it has rank 2",
    ],
    [
      "pad",
      [["float32", 2]],
      { low: dims(), high: dims(1), value: 0 },
      "pad has 0 entries of low for 1 axes",
    ],
    [
      "slice",
      [["float32"]],
      { axis: 0, start: dim(0), size: dim(1), stride: dim(1) },
      "slice names axis 0, but x has rank 0",
    ],
    [
      "conv",
      [
        ["float32", 4, 1],
        ["float32", 2, 1, 1],
      ],
      conv,
      "conv needs x of rank 3 or more, but it has rank 2",
    ],
    [
      "conv",
      [
        ["float32", 1, 4, 1],
        ["float32", 1, 1],
      ],
      conv,
      "conv needs kernel of rank 3, but it has rank 2",
    ],
    [
      "conv",
      [
        ["float32", 1, 4, 1],
        ["float32", 1, 1, 1],
      ],
      { ...conv, strides: dims(1, 1) },
      "conv has 2 strides for 1 axes",
    ],
    [
      "conv",
      [
        ["float32", 1, 4, 1],
        ["float32", 1, 1, 1],
      ],
      { ...conv, layout: "NHWC" },
      "conv has the layout NHWC",
    ],
    ["windowReduce", [["float32", 4, 4]], pool, "windowReduce has 1 entries of window for 2 axes"],
    ["windowReduce", [["float32", 4]], { ...pool, combine: "mean" }, "windowReduce cannot combine by mean"],
    [
      "dotGeneral",
      [
        ["float32", 2],
        ["float32", 2],
      ],
      { batch: [[0], []], contract: [[], []] },
      "dotGeneral pairs a different number of axes of a and of b",
    ],
  ])("%s of %j", (op, operands, attributes, message) => {
    expect(summary(refusal(op, operands, attributes))).toEqual(["E2111", message, "layer"]);
  });
});

describe("sizes that do not fit", () => {
  test("a slice that leaves less than nothing is E2201, with what is cut from what", () => {
    const cut = { axis: 0, start: dim(3), size: dim(-1), stride: dim(1) };
    expect(refusal("slice", [["float32", 5]], cut)).toMatchObject({
      code: "E2201",
      message: "3 before and 3 after are cut from axis 0 of x0, which has only 5",
      fix: "cut at most 5 in all, or feed at least 6",
    });
  });

  test("a kernel larger than its padded input is E2106 with both sizes", () => {
    const wide = { ...conv, padding: pairs([1, 0]), dilations: dims(2) };
    expect(
      refusal(
        "conv",
        [
          ["float32", 1, 5, 1],
          ["float32", 4, 1, 1],
        ],
        wide,
      ),
    ).toMatchObject({
      code: "E2106",
      message: "conv needs 7 elements along axis 1 of x0, but the padded input has 6",
      facts: [
        { subject: "input", value: "5", note: "padded by 1 and 0" },
        { subject: "window", value: "4", note: "spans 7 with dilation 2" },
      ],
      layer: "layer",
    });
    expect(refusal("windowReduce", [["float32", 2]], pool).code).toBe("E2106");
    const cropped = { ...pool, window: dims(1), padding: pairs([-3, 0]) };
    expect(refusal("windowReduce", [["float32", 2]], cropped).code).toBe("E2106");
  });

  test("a reshape that cannot divide is E2105 with both counts", () => {
    expect(refusal("reshape", [["float32", 2, 6]], { shape: dims(5, 2) })).toMatchObject({
      code: "E2105",
      message: "reshape of [2, 6] to [5, 2] cannot divide",
      facts: [
        { subject: "x", value: "float32[2, 6]", note: "12 elements" },
        { subject: "shape", value: "[5, 2]", note: "10 elements" },
      ],
    });
    const open = { shape: [constant(5), symbol("?rest")] };
    expect(refusal("reshape", [["float32", 2, 6]], open)).toMatchObject({
      code: "E2105",
      message: "reshape of [2, 6] to [5, -1] cannot divide",
    });
  });

  test("a reshape to negative sizes is E2105, also where their product is right", () => {
    expect(refusal("reshape", [["float32", 2, 6]], { shape: dims(-2, -6) })).toMatchObject({
      code: "E2105",
      message: "reshape of [2, 6] to [-2, -6] has a negative size",
    });
  });

  test("a reshape that cannot divide behind a batch of any size is E2105 as well", () => {
    const open = { shape: [symbol("batch"), constant(4), symbol("?rest")] };
    expect(refusal("reshape", [["float32", "batch", 30]], open)).toMatchObject({
      code: "E2105",
      message: "reshape of [batch, 30] to [batch, 4, -1] cannot divide",
    });
    const closed = { shape: [symbol("batch"), constant(28)] };
    expect(refusal("reshape", [["float32", "batch", 30]], closed).code).toBe("E2105");
  });

  test.each<[string, readonly Spec[], Attributes]>([
    [
      "add",
      [
        ["float32", 2, 3],
        ["float32", 4],
      ],
      {},
    ],
    [
      "dotGeneral",
      [
        ["float32", 2, 3],
        ["float32", 4, 2],
      ],
      { batch: [[], []], contract: [[1], [0]] },
    ],
    ["broadcast", [["float32", 3]], { shape: dims(2), axes: [0] }],
    [
      "concat",
      [
        ["float32", 2, 3],
        ["float32", 3, 3],
      ],
      { axis: 1 },
    ],
    [
      "conv",
      [
        ["float32", 1, 4, 3],
        ["float32", 2, 2, 1],
      ],
      conv,
    ],
    [
      "dotGeneral",
      [
        ["float32", 2, 3],
        ["float32", 4, 3],
      ],
      { batch: [[0], [0]], contract: [[1], [1]] },
    ],
  ])("%s of %j is E2103", (op, operands, attributes) => {
    expect(refusal(op, operands, attributes)).toMatchObject({ code: "E2103", layer: "layer" });
  });

  test.each<[string, readonly Spec[], Attributes]>([
    ["slice", [["float32", 4]], { axis: 0, start: dim(2), size: dim(3), stride: dim(1) }],
    ["slice", [["float32", 4]], { axis: 0, start: dim(-1), size: dim(1), stride: dim(1) }],
    ["slice", [["float32", 4]], { axis: 0, start: dim(0), size: dim(1), stride: dim(0) }],
    ["pad", [["float32", 4]], { low: dims(-1), high: dims(0), value: 0 }],
    ["argMax", [["float32", 0]], { axis: 0 }],
    [
      "conv",
      [
        ["float32", 1, 4, 4],
        ["float32", 1, 2, 3],
      ],
      { ...conv, groups: constant(2) },
    ],
    ["slice", [["float32", 4]], { axis: 0, start: dim(0), size: dim(3), stride: dim(2) }],
  ])("%s of %j is refused with the constraint", (op, operands, attributes) => {
    expect(refusal(op, operands, attributes)).toMatchObject({ code: expect.stringMatching(/^E2(103|201)$/) });
  });
});

describe("scan", () => {
  const body = (make: (g: GraphBuilder) => Graph["outputs"]) => new GraphBuilder("g").subgraph("body", make);
  const keep = body((g) => [{ name: "s", value: g.input("s", { dtype: "float32", shape: dims(2) }) }]);

  test("needs a sequence, the body's inputs, and an output per state", () => {
    const scan = (specs: readonly Spec[], attributes: Attributes) =>
      summary(refusal("scan", specs, attributes))[1];
    const one = { body: keep, states: 1, sequences: 0, reverse: false, conditional: false };
    expect(scan([["float32", 2]], one)).toBe("scan has no sequence to run along");
    expect(scan([["float32", 2]], { ...one, sequences: 1 })).toBe(
      "scan has 1 operands, but its body body takes 1",
    );
    const silent = body((g) => {
      g.input("s", { dtype: "float32", shape: [] });
      g.input("x", { dtype: "float32", shape: [] });
      return [];
    });
    expect(scan([["float32"], ["float32", 3]], { ...one, body: silent, sequences: 1 })).toBe(
      "scan has 1 states, but its body gives 0 outputs",
    );
  });

  test("runs while its first state is true only where that is a bool", () => {
    const attributes = { body: keep, states: 1, sequences: 1, reverse: false, conditional: true };
    const pair = body((g) => {
      const [s] = ["s", "x"].map((name) => g.input(name, { dtype: "float32", shape: [] }));
      return [{ name: "s", value: s! }];
    });
    expect(summary(refusal("scan", [["float32"], ["float32", 3]], { ...attributes, body: pair }))[1]).toBe(
      "scan runs while its first state is true, but that is no bool of rank 0",
    );
  });

  test("refuses a state that changes its type, and sequences of different lengths", () => {
    const swap = body((g) => {
      const [, x] = ["s", "x"].map((name, i) => g.input(name, { dtype: i ? "int32" : "float32", shape: [] }));
      return [{ name: "s", value: x! }];
    });
    const attributes = { body: swap, states: 1, sequences: 1, reverse: false, conditional: false };
    expect(summary(refusal("scan", [["float32"], ["int32", 3]], attributes))).toEqual([
      "E2107",
      "scan needs one dtype, but state 0 is float32 and the new state 0 is int32",
      "layer",
    ]);
    const two = body((g) => {
      const [x] = ["x", "y"].map((name) => g.input(name, { dtype: "float32", shape: [] }));
      return [{ name: "x", value: x! }];
    });
    const uneven = refusal(
      "scan",
      [
        ["float32", 3],
        ["float32", 4],
      ],
      { ...attributes, body: two, states: 0, sequences: 2 },
    );
    expect(uneven).toMatchObject({ code: "E2103", because: expect.stringContaining("sequences 0 and 1") });
  });
});
