import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import type { OnnxFunction } from "../../compiler/frontend/onnx/model.ts";
import { fromOnnx, tensor } from "../../compiler/index.ts";
import { bytesOf, floats, graph, node } from "../support/onnx.ts";

/** Codes and messages of all that is wrong. */
function problems(bytes: Uint8Array): readonly string[] {
  try {
    fromOnnx(bytes);
    return [];
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.diagnostics.map(({ code, message }) => `${code} ${message}`);
  }
}

const x = "x: float32[2, 3]";
const y = "y: float32[2, 3]";

describe("what is not supported", () => {
  test("is reported at once, each operator with its nodes, their number and the opset", () => {
    const nodes = [
      node("Foo", ["x"], ["a"]),
      node("Foo", ["a"], ["b"]),
      node("Relu", ["b"], ["c"]),
      node("my::Bar", ["c"], ["d"]),
      node("Softmax", ["d"], ["e"], { axes: 1 }),
      node("Pad", ["e", "p"], ["y"], { mode: "mirror" }),
    ];
    const body = graph([x, "s: string[1]", "p: int32[4]"], nodes, [y]);
    expect(problems(bytesOf(body, 13))).toEqual([
      'E4102 string is not supported: "s"',
      "E4101 Foo x2 is not supported (a_node, b_node), opset 13",
      "E4101 my::Bar x1 is not supported (d_node), without an opset",
      "E4103 Softmax: the attribute axes is not one of the operator's (e_node, opset 13)",
      'E4103 Pad: the attribute mode is "mirror" (y_node, opset 13)',
    ]);
  });

  test("is an operator that is younger than the file's opset", () => {
    expect(problems(bytesOf(graph([x], [node("Gelu", ["x"], ["y"])], [y]), 9))).toEqual([
      "E4101 Gelu x1 is not supported (y_node), opset 9; it is known from opset 20 on",
    ]);
  });

  test("says how exporters leave out what they add", () => {
    const bytes = bytesOf(graph([x], [node("ai.onnx.ml::ZipMap", ["x"], ["y"])], [y]), 13);
    expect(() => fromOnnx(bytes)).toThrow(/ZipMap x1[\s\S]*Fix: convert with options={'zipmap': False}/);
  });

  test("is an opset from the future", () => {
    expect(problems(bytesOf(graph([x], [node("Relu", ["x"], ["y"])], [y]), 99))).toEqual([
      "E4101 opset 99 is newer than 28, the newest one known (the model)",
    ]);
  });
});

describe("a graph that contradicts itself", () => {
  test("names what is read and never given, what is given twice, and nodes in a circle", () => {
    const nodes = [
      node("Add", ["x", "nowhere"], ["a"]),
      node("Add", ["c", "x"], ["b"]),
      node("Relu", ["b"], ["c"]),
      node("Relu", ["x"], ["a"]),
    ];
    expect(problems(bytesOf(graph([x], nodes, [y])))).toEqual([
      "E3102 nodes wait for each other: b_node -> c_node -> b_node",
      'E3102 names are given twice: "a"',
      'E3102 nothing gives "nowhere", which is read by a_node',
      'E3102 nothing gives "y", which is read by the output of the model',
    ]);
  });

  test("is refused for a dim that no array can have", () => {
    const body = graph([`x: float32[${2n ** 62n}]`], [node("Relu", ["x"], ["y"])], ["y: float32"]);
    expect(problems(bytesOf(body))).toEqual([
      `E3102 "x" has a dim of ${2n ** 62n}, but no array has more than 2^31 elements`,
    ]);
  });

  test("is refused for a missing or wrongly typed attribute", () => {
    const nodes = [node("Concat", ["x", "x"], ["a"]), node("Concat", ["x", "a"], ["y"], { axis: "first" })];
    expect(problems(bytesOf(graph([x], nodes, [y])))).toEqual([
      "E3103 Concat: the attribute axis is missing (a_node, opset 17)",
      "E3103 Concat: the attribute axis is of type string, but must be an integer (y_node, opset 17)",
    ]);
  });

  test("is refused when a function calls itself", () => {
    const f: OnnxFunction = {
      name: "F",
      domain: "my",
      overload: "",
      inputs: ["a"],
      outputs: ["b"],
      attributes: [],
      defaults: [],
      nodes: [node("my::F", ["a"], ["b"])],
      opsets: new Map([["my", 1]]),
    };
    const body = graph([x], [node("my::F", ["x"], ["y"])], [y]);
    expect(problems(bytesOf(body, 17, [f], { my: 1 }))).toEqual([
      "E3102 functions call each other in a circle: my::F -> my::F",
    ]);
  });
});

describe("errors of nodes", () => {
  test("name the node and its operator, all independent ones at once", () => {
    const nodes = [
      node("MatMul", ["x", "w"], ["a"]),
      node("Relu", ["a"], ["b"]),
      node("Reshape", ["x"], ["c"]),
      node("Add", ["b", "c"], ["y"]),
    ];
    const found = problems(bytesOf(graph([x], nodes, [y], [floats("w", [2, 2], [1, 2, 3, 4])])));
    expect(found).toEqual([
      expect.stringMatching(/^E2103 .*a_node/),
      "E3103 Reshape: operand 1 is left out (opset 17)",
    ]);
  });
});

describe("external data", () => {
  test("that was not given is E5002 with the name of the file", () => {
    const bytes = bytesOf(graph([x], [node("Relu", ["x"], ["y"])], [y]));
    const tensor = floats("w", [1], [1]);
    const location = [0x6a, 0x11, 0x0a, 8, ...ascii("location"), 0x12, 5, ...ascii("a.bin")];
    const external = {
      ...tensor,
      bytes: new Uint8Array([...tensor.bytes.subarray(0, 7), ...location, 0x70, 1]),
    };
    const body = graph([x], [node("Mul", ["x", "w"], ["y"])], [y], [external]);
    expect(bytes.length).toBeGreaterThan(0);
    expect(problems(bytesOf(body))).toEqual([
      'E5002 the tensor "w" lies in the file "a.bin", which was not given',
    ]);
    const data = new Uint8Array(new Float32Array([2]).buffer);
    expect(fromOnnx(bytesOf(body), { externalData: new Map([["a.bin", data]]) }).name).toBe("test");
  });
});

const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];

describe("elements of inputs that decide shapes", () => {
  const nodes = [node("Unsqueeze", ["x", "axes"], ["y"])];
  const bytes = bytesOf(graph([x, "axes: int32[1]"], nodes, ["y: float32"]));

  test("come from the sample, and the module is for those", () => {
    const net = fromOnnx(bytes);
    const at = (axis: number) => ({ x: [2, 3], axes: tensor(Int32Array.of(axis), [1]) });
    const shapes = [0, 2].map((axis) => net.bind(at(axis)).graph.outputs[0]!.value.type.shape.map(Number));
    expect(shapes).toEqual([
      [1, 2, 3],
      [2, 3, 1],
    ]);
  });

  test("are asked for (E3104) by whoever needs the graph without them", () => {
    expect(() => fromOnnx(bytes).graph()).toThrow(
      'E3104 Unsqueeze: "axes" decides the shape of the result, but its elements are not known',
    );
  });
});

describe("an input of which the file says no shape", () => {
  const bytes = bytesOf(graph(["x: float32"], [node("Relu", ["x"], ["y"])], ["y: float32"]));

  test("has the sample's", () => {
    const { graph: bound } = fromOnnx(bytes).bind({ x: [2, 3] });
    expect(bound.outputs[0]!.value.type.shape.map(Number)).toEqual([2, 3]);
  });

  test("is asked for (E3104) without one", () => {
    expect(() => fromOnnx(bytes).graph()).toThrow(
      'E3104 the file does not say how many axes the input "x" has',
    );
  });
});
