import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import { constant, dim, symbol } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Attributes, Graph } from "../../compiler/ir/graph.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { type Tensor, tensor } from "../../runtime/tensor.ts";

function mlp(): Graph {
  const g = new GraphBuilder("mlp");
  const x = g.input("x", { dtype: "float32", shape: [symbol("batch"), symbol("features")] });
  const at = { file: "src/model.ts", line: 3, column: 14 };
  const y = g.within({ path: "dense", at }, () => {
    const type = { dtype: "float32", shape: [g.unknown("dense.in"), constant(256)] } as const;
    const kernel = g.parameter("dense.kernel", type, { kind: "glorotUniform" });
    const bias = { dtype: "float32", shape: [constant(256)] } as const;
    const offset = g.parameter("dense.bias", bias, { kind: "zeros" }, { trainable: false });
    const [product] = g.node("dotGeneral", [x, kernel], { batch: [[], []], contract: [[1], [0]] });
    return g.node("add", [product!, offset])[0]!;
  });
  return g.finish([{ name: "logits", value: y }]);
}

/** A graph of one node with these attributes, whatever they mean. */
function attributed(attributes: Attributes): Graph {
  const source = { path: "" };
  const y = { id: 0, name: "y", type: { dtype: "float32", shape: [] }, source } as const;
  const node = { op: "any", attributes, operands: [], results: [y], source };
  return {
    name: "g",
    inputs: [],
    guards: [],
    parameters: [],
    nodes: [node],
    outputs: [{ name: "y", value: y }],
  };
}

function roundTrip(graph: Graph): Graph {
  const tensors = new Map<string, Tensor>();
  return parseGraph(printGraph(graph, tensors), tensors);
}

test("guarded inputs are printed with their elements and parsed again", () => {
  const text = `graph g(%shape: int32[2], %scale: float32[1]) {
  guard %shape = [<shape.0>, <4>]
  guard %scale = [0.5]
  return y=%scale
}
`;
  expect(printGraph(parseGraph(text))).toBe(text);
  expect(() => parseGraph(text.replace("0.5", '"half"'))).toThrow(/E3001 .*no list of numbers and dims/);
});

describe("graph text", () => {
  test("shows every value with its type, its op and the layer that made it", () => {
    expect(printGraph(mlp())).toMatchInlineSnapshot(`
      "graph mlp(%x: float32[batch, features]) {
        param %dense.kernel: float32[?dense.in, 256] @"dense" at "src/model.ts":3:14 = {"kind":"glorotUniform"}
        param %dense.bias: float32[256] @"dense" at "src/model.ts":3:14 = {"kind":"zeros"} frozen
        %dense.dotGeneral: float32[batch, 256] = dotGeneral(%x, %dense.kernel) {batch=[[], []], contract=[[1], [0]]} @"dense" at "src/model.ts":3:14
        %dense.add: float32[batch, 256] = add(%dense.dotGeneral, %dense.bias) @"dense" at "src/model.ts":3:14
        return logits=%dense.add
      }
      "
    `);
  });

  test("parses to the same graph", () => {
    expect(roundTrip(mlp())).toEqual(mlp());
  });

  test.each([-0, 0, 0.1, -1e-7, 1e300])("keeps the value %d of a constant initialiser", (value) => {
    const g = new GraphBuilder("g");
    const p = g.parameter("p", { dtype: "float32", shape: [] }, { kind: "constant", value });
    const [parameter] = roundTrip(g.finish([{ name: "y", value: p }])).parameters;
    expect(parameter!.initializer).toEqual({ kind: "constant", value });
  });

  test("tells a dim from a number, and keeps numbers that JSON has no word for", () => {
    const attributes = {
      dim: dim("2*h - floordiv(n, 2)"),
      one: constant(1),
      number: 1,
      odd: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e21, 1e-7, -1.5],
      text: 'a "b" \\ \n \u2028 </script> %x',
      nothing: undefined,
      "odd key": [[], [true, false]],
    };
    const text = printGraph(attributed(attributes));
    expect(text).toContain("dim=<2*h - floor(n/2)>, one=<1>, number=1,");
    expect(text).toContain("odd=[nan, inf, -inf, -0, 1e+21, 1e-7, -1.5]");
    expect(text.split("\n")).toHaveLength(5);
    expect(roundTrip(attributed(attributes))).toStrictEqual(attributed(attributes));
  });

  test("writes small constants out, as short as reads back the same", () => {
    const value = tensor([0.1, 1 / 3, -0, 16777216, Number.NaN, 3.4028234663852886e38, 1e-45], [7]);
    const graph = attributed({
      value,
      wide: tensor([0.1], [], "float64"),
      flags: tensor([1, 0], [2], "bool"),
    });
    const text = printGraph(graph);
    expect(text).toContain("value=float32[7](0.1, 0.33333334, -0, 16777216, nan, 3.4028235e+38, 1e-45)");
    expect(text).toContain("wide=float64[](0.1), flags=bool[2](1, 0)");
    expect(roundTrip(graph)).toEqual(graph);
  });

  test("puts a long constant beside the text, once", () => {
    const long = tensor(new Float32Array(33), [33]);
    const graph = attributed({ a: long, b: [long] });
    const tensors = new Map<string, Tensor>();
    const text = printGraph(graph, tensors);
    expect(text).toContain("{a=float32[33] @c0, b=[float32[33] @c0]}");
    expect([...tensors]).toEqual([["c0", long]]);
    expect(parseGraph(text, tensors)).toEqual(graph);
    expect(() => parseGraph(text)).toThrow("no constant @c0");
  });

  test("keeps ids, and sources that differ from the node's", () => {
    const text = `graph g(%x#7: int32[] @"in" at "m.ts":1:2) {
  %a#3: int32[] @"left", %b: int32[] = two(%x, %x) {} @"node"
  return %a
}
`
      .replace("return %a", "return a=%a, b=%b")
      .replace(" {}", "");
    const graph = parseGraph(text);
    expect(graph.nodes[0]!.results.map(({ id, source }) => [id, source.path])).toEqual([
      [3, "left"],
      [4, "node"],
    ]);
    expect(printGraph(graph)).toBe(text);
  });

  test("may have comments and any layout", () => {
    const graph = parseGraph(`// the identity
      graph g ( %x : float32 [ 2 ,max(a, 2) ] ) { // one input
      return y = %x }`);
    expect(printGraph(graph)).toBe("graph g(%x: float32[2, max(a, 2)]) {\n  return y=%x\n}\n");
  });

  test("of a graph without outputs parses", () => {
    expect(printGraph(parseGraph("graph g() { return }"))).toBe("graph g() {\n  return\n}\n");
  });
});

describe("text that is no graph is refused with its place", () => {
  test.each([
    ["", "1:1", 'expected "graph", but found the end of the text'],
    ["graph g(", "1:9", 'expected "%", but found the end of the text'],
    ["graph g(%x float32[])", "1:12", 'expected ":", but found "float32[])"'],
    ["graph g(%x: half[2]) {}", "1:13", "expected a type such as float32[2, 3]"],
    ["graph g(%x: int32[2, h +]) {}", "1:22", ""],
    ["graph g(%x: int32[2", "1:19", 'expected "]"'],
    ["graph g(%x: int32[], %x: int32[]) { return }", "1:22", "%x is defined twice"],
    ["graph g() {\n  return y=%z\n}", "2:12", "no %z above"],
    ["graph g() {\n  %y: int32[] = neg(%y)\n}", "2:21", "no %y above"],
    ["graph g() {\n  %y: int32[] = iota() {a=?}\n}", "2:27", 'expected "[", but found "?}"'],
    ["graph g() {\n  %y: int32[] = c() {a=int32[2](1)}\n}", "2:29", "a constant of 2 elements has 1"],
    [
      "graph g() {\n  %y: int32[] = c() {a=uint8[](256)}\n}",
      "2:29",
      "element 0 is 256, which uint8 cannot hold",
    ],
    ['graph g() {\n  param %p: int32[] = {"kind":"magic"}\n}', "2:23", "no initialiser: unknown initializer"],
    ["graph g() {\n  param %p: int32[] = 7\n}", "2:23", "expected an initialiser"],
    ['graph g() {\n  %y: int32[] = c() {a="\\x"}\n}', "2:28", "is no string"],
    ["graph g() { return } x", "1:22", 'expected nothing more, but found "x"'],
  ])("%j at %s", (text, place, message) => {
    const error = refused(text);
    const [{ code, at }] = error.diagnostics as [CompileError["diagnostics"][number]];
    expect([code, `${at?.line}:${at?.column}`]).toEqual(["E3001", place]);
    expect(at?.file).toBe("model.graph");
    expect(error.message).toContain(message);
  });

  test("nested without end", () => {
    const error = refused(`graph g() { %y: int32[] = c() {a=${"[".repeat(100_000)}`);
    expect(error.diagnostics[0]!.message).toBe("nested more than 64 deep");
  });
});

function refused(text: string): CompileError {
  try {
    parseGraph(text, new Map(), "model.graph");
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("accepted");
}
