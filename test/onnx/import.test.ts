import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import type { OnnxFunction } from "../../compiler/frontend/onnx/model.ts";
import { fromOnnx, type Tensor, tensor } from "../../compiler/index.ts";
import { bytesOf, floats, graph, int64s, node, reference } from "../support/onnx.ts";

/** The outputs for float inputs, as plain numbers. */
function run(bytes: Uint8Array, inputs: Readonly<Record<string, readonly [number[], number[]]>>) {
  const entries = Object.entries(inputs).map(([name, [values, shape]]): [string, Tensor] => [
    name,
    tensor(Float32Array.from(values), shape),
  ]);
  const results = fromOnnx(bytes).predict(Object.fromEntries(entries));
  return Object.fromEntries([...results].map(([name, { data }]) => [name, Array.from(data, Number)]));
}

const x = "x: float32[2, 3]";
const y = "y: float32";
const given = {
  x: [
    [1, 2, 3, 4, 5, 6],
    [2, 3],
  ],
} as const satisfies Record<string, readonly [readonly number[], readonly number[]]>;
const xGiven = { x: [[...given.x[0]], [...given.x[1]]] } satisfies Record<string, [number[], number[]]>;

describe("opsets", () => {
  test("decide what an operator means: Softmax flattened its operand until 13", () => {
    const bytes = (opset: number) =>
      bytesOf(graph(["x: float32[1, 2, 2]"], [node("Softmax", ["x"], ["y"], { axis: 1 })], [y]), opset);
    const ones: Record<string, [number[], number[]]> = {
      x: [
        [0, 0, 0, 0],
        [1, 2, 2],
      ],
    };
    expect(run(bytes(11), ones)).toEqual({ y: [0.25, 0.25, 0.25, 0.25] });
    expect(run(bytes(13), ones)).toEqual({ y: [0.5, 0.5, 0.5, 0.5] });
  });

  test("lay a second operand along a named axis before 7", () => {
    const add = node("Add", ["x", "b"], ["y"], { axis: 0, broadcast: 1 });
    const bytes = bytesOf(graph([x], [add], [y], [floats("b", [2], [10, 20])]), 6);
    expect(run(bytes, xGiven)).toEqual({ y: [11, 12, 13, 24, 25, 26] });
  });

  test("turn attributes into inputs: axes of Unsqueeze, bounds of Clip", () => {
    const old = graph([x], [node("Clip", ["x"], ["y"], { min: 2.5, max: 4.5 })], [y]);
    const bounds = [floats("low", [], [2.5]), floats("high", [], [4.5])];
    const now = graph([x], [node("Clip", ["x", "low", "high"], ["y"])], [y], bounds);
    for (const bytes of [bytesOf(old, 6), bytesOf(now, 13)])
      expect(run(bytes, xGiven)).toEqual({ y: [2.5, 2.5, 3, 4, 4.5, 4.5] });
  });
});

describe("functions of the model", () => {
  const scale: OnnxFunction = {
    name: "Scale",
    domain: "my",
    overload: "",
    inputs: ["a"],
    outputs: ["b"],
    attributes: ["by"],
    defaults: [{ name: "alpha", refersTo: "", kind: "float", value: 0.5 }],
    nodes: [
      node("Constant", [], ["k"], { value_float: reference("by") }),
      node("Mul", ["a", "k"], ["t"]),
      node("LeakyRelu", ["t"], ["b"], { alpha: reference("alpha") }),
    ],
    opsets: new Map([["", 17]]),
  };
  const call = (attributes: Parameters<typeof node>[3]) =>
    bytesOf(graph([x], [node("my::Scale", ["x"], ["y"], attributes)], [y]), 17, [scale], { my: 1 });

  test("take the attributes of the call, and their defaults", () => {
    expect(run(call({ by: { kind: "float", value: -2 } }), xGiven)).toEqual({ y: [-1, -2, -3, -4, -5, -6] });
    const both = { by: { kind: "float", value: -2 }, alpha: { kind: "float", value: 1 } } as const;
    expect(run(call(both), xGiven)).toEqual({ y: [-2, -4, -6, -8, -10, -12] });
  });

  test("do not see the names around the call", () => {
    const nodes = [node("Relu", ["x"], ["t"]), node("my::Scale", ["t"], ["y"], { by: 1.5 })];
    const bytes = bytesOf(graph([x], nodes, [y]), 17, [scale], { my: 1 });
    expect(run(bytes, xGiven)).toEqual({ y: [1.5, 3, 4.5, 6, 7.5, 9] });
  });
});

describe("graphs in attributes", () => {
  const branches = {
    then_branch: graph([], [node("Neg", ["x"], ["a"])], ["a: float32"]),
    else_branch: graph([], [node("Abs", ["x"], ["b"])], ["b: float32"]),
  };

  test("see the values around their node; data chooses between two branches", () => {
    const nodes = [
      node("ReduceSum", ["x"], ["s"], { keepdims: 0 }),
      node("Greater", ["s", "zero"], ["c"]),
      node("If", ["c"], ["y"], branches),
    ];
    const bytes = bytesOf(graph(["x: float32[2]"], nodes, [y], [floats("zero", [], [0])]));
    expect(run(bytes, { x: [[1, 2], [2]] })).toEqual({ y: [-1, -2] });
    expect(run(bytes, { x: [[-1, -2], [2]] })).toEqual({ y: [1, 2] });
  });

  test("are chosen by sizes, so that only one branch is built", () => {
    const nodes = [
      node("Shape", ["x"], ["s"]),
      node("Gather", ["s", "zero"], ["n"]),
      node("Equal", ["n", "one"], ["c"]),
      node("If", ["c"], ["y"], {
        then_branch: graph([], [node("Squeeze", ["x", "axis"], ["a"])], ["a: float32"]),
        else_branch: graph([], [node("Neg", ["x"], ["b"])], ["b: float32"]),
      }),
    ];
    const tensors = [int64s("zero", [], [0]), int64s("one", [], [1]), int64s("axis", [1], [0])];
    const bytes = bytesOf(graph(["x: float32[n, 2]"], nodes, [y], tensors));
    const shapeFor = (n: number) => fromOnnx(bytes).bind({ x: [n, 2] }).graph.outputs[0]!.value.type.shape;
    expect(shapeFor(1).map(Number)).toEqual([2]);
    expect(shapeFor(3).map(Number)).toEqual([3, 2]);
  });

  test("are the steps of a Scan, with what they capture", () => {
    const body = graph(
      ["before: float32[2]", "step: float32[2]"],
      [
        node("Mul", ["step", "w"], ["scaled"]),
        node("Add", ["before", "scaled"], ["after"]),
        node("Identity", ["after"], ["seen"]),
      ],
      ["after: float32[2]", "seen: float32[2]"],
    );
    const nodes = [node("Scan", ["start", "x"], ["last", "y"], { body, num_scan_inputs: 1 })];
    const tensors = [floats("start", [2], [0, 0]), floats("w", [2], [1, 10])];
    const bytes = bytesOf(graph(["x: float32[3, 2]"], nodes, ["last: float32", y], tensors));
    expect(
      run(bytes, {
        x: [
          [1, 2, 3, 4, 5, 6],
          [3, 2],
        ],
      }),
    ).toEqual({
      last: [9, 120],
      y: [1, 20, 4, 60, 9, 120],
    });
  });

  const growing = graph(
    ["i: int64[]", "going: bool[]", "sum: float32[]"],
    [
      node("Add", ["sum", "x"], ["more"]),
      node("Less", ["more", "limit"], ["still"]),
      node("Identity", ["more"], ["seen"]),
    ],
    ["still: bool[]", "more: float32[]"],
  );

  test.each([3, 20])("are the turns of a Loop that data ends before its %i turns are over", (turns) => {
    const nodes = [node("Loop", ["m", "", "start"], ["y"], { body: growing })];
    const tensors = [int64s("m", [], [turns]), floats("start", [], [0]), floats("limit", [], [2])];
    const bytes = bytesOf(graph(["x: float32[]"], nodes, [y], tensors));
    expect(run(bytes, { x: [[0.25], []] })["y"]).toEqual([turns === 3 ? 0.75 : 2]);
    expect(run(bytes, { x: [[1.5], []] })["y"]).toEqual([3]);
  });
});

describe("sizes", () => {
  test("that choose between branches of different shapes are asked for by name", () => {
    const squeezed = graph([], [node("Squeeze", ["x", "axis"], ["a"])], ["a: float32"]);
    const whole = graph([], [node("Identity", ["x"], ["b"])], ["b: float32"]);
    const nodes = [
      node("Shape", ["x"], ["s"], { start: 1 }),
      node("Equal", ["s", "one"], ["c"]),
      node("If", ["c"], ["y"], { then_branch: squeezed, else_branch: whole }),
    ];
    const tensors = [int64s("axis", [1], [0]), int64s("one", [1], [1])];
    const chosen = fromOnnx(bytesOf(graph(["x: float32[1,time]"], nodes, ["y: float32"], tensors)));
    expect(() => chosen.graph()).toThrow(
      "give time a size that decides the condition, with dims (--dim time=N)",
    );
    expect(chosen.bind([1, 4]).graph.outputs[0]!.value.type.shape).toHaveLength(2);
  });

  test("keep the names of the file where these are names, and get others where not", () => {
    const inputs = ["x: float32[batch, seq len, 2*n]", "z: float32[?, seq len, 7]"];
    const bytes = bytesOf(graph(inputs, [node("Relu", ["x"], ["y"])], [y]));
    const shapes = fromOnnx(bytes)
      .graph()
      .inputs.map(({ type }) => type.shape.map(String));
    expect(shapes).toEqual([
      ["batch", "seq_len", "_2_n"],
      ["z.0", "seq_len", "7"],
    ]);
  });

  test("pass through the tensors that shapes are computed in", () => {
    const nodes = [
      node("Shape", ["x"], ["s"]),
      node("Slice", ["s", "zero", "one"], ["batch"]),
      node("Concat", ["batch", "rest"], ["shape"], { axis: 0 }),
      node("Reshape", ["x", "shape"], ["y"]),
    ];
    const tensors = [int64s("zero", [1], [0]), int64s("one", [1], [1]), int64s("rest", [2], [2, -1])];
    const bytes = bytesOf(graph(["x: float32[n, 4, 6]"], nodes, [y], tensors));
    const shape = fromOnnx(bytes).graph().outputs[0]!.value.type.shape;
    expect(shape.map(String)).toEqual(["n", "2", "12"]);
    expect(shape[2]).toBe(constant(12));
  });
});

describe("declared types", () => {
  const relu = node("Relu", ["x"], ["t"]);
  const sum = node("ReduceSum", ["t"], ["y"], { keepdims: 0 });
  const contradictionOf = (output: string, inside?: string) => {
    const body = graph(["x: float32[n, 3]"], [relu, sum], [output]);
    const valueInfo = inside ? graph([inside], [], []).inputs : [];
    return () => fromOnnx(bytesOf({ ...body, valueInfo }, 12));
  };

  test("of elements must be what the nodes make", () => {
    expect(contradictionOf("y: int64")).toThrow(
      /E3102 the file declares the output "y" int64, but its nodes make it float32/,
    );
    expect(contradictionOf("y: float32", "t: int64[n, 3]")).toThrow(/the value "t" int64, but/);
  });

  test("with shapes that the nodes do not make are noted", () => {
    expect(contradictionOf("y: float32[3]")().notes).toEqual([
      'the file declares the output "y" [3], but its nodes make it []',
    ]);
    expect(contradictionOf("y: float32", "t: float32[n, 4]")().notes).toEqual([
      'the file declares the value "t" [n, 4], but its nodes make it [n, 3]',
    ]);
    expect(contradictionOf("y: float32", "t: float32[n, 3]")().notes).toEqual([]);
  });

  test("may leave sizes open, give open ones, and speak of what is not there", () => {
    expect(contradictionOf("y: float32", "t: float32[?, 3]")).not.toThrow();
    expect(contradictionOf("y: float32", "t: float32[1, 3]")).not.toThrow();
    expect(contradictionOf("y: float32", "gone: float32[7]")).not.toThrow();
  });
});

describe("tensors of the file", () => {
  test("become weights where something computes with them, and nothing where they only say sizes", () => {
    const nodes = [node("MatMul", ["x", "w"], ["t"]), node("Reshape", ["t", "shape"], ["y"])];
    const tensors = [floats("w", [3, 2], [1, 0, 0, 1, 1, 1]), int64s("shape", [1], [-1])];
    const net = fromOnnx(bytesOf(graph([x], nodes, [y], tensors)));
    expect(net.weights.map(({ path, sizes }) => [path, sizes])).toEqual([["w", [3, 2]]]);
    expect(net.graph().nodes.map(({ op }) => op)).toEqual(["dotGeneral", "reshape"]);
  });

  test("that are the default of an input take its place", () => {
    const nodes = [node("Add", ["x", "w"], ["y"])];
    const net = fromOnnx(bytesOf(graph([x, "w: float32[3]"], nodes, [y], [floats("w", [3], [1, 2, 3])])));
    expect(net.plan().inputs.map(({ name }) => name)).toEqual(["x"]);
  });
});
