import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import type { Graph, Value } from "../../compiler/ir/graph.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { ops } from "../../compiler/ops/index.ts";

/** The messages of the verifier, without the name of the graph. */
function violations(graph: Graph): readonly string[] {
  try {
    verifyGraph(graph, ops);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    expect(error.diagnostics.map(({ code }) => code)).toEqual(error.diagnostics.map(() => "E3002"));
    return error.diagnostics.map(({ message }) => message);
  }
  return [];
}

/** Lines over the float32[2] inputs x and y. */
function withLines(...lines: readonly string[]): Graph {
  return parseGraph(`graph g(%x: float32[2], %y: float32[2]) { ${lines.join("\n")} return out=%x }`);
}

const named = (value: Value, changes: Partial<Value>): Value => ({ ...value, ...changes });

describe("the verifier", () => {
  test("accepts a well-formed graph", () => {
    const graph = withLines("%a: float32[2] = add(%x, %y)", "%b: float32[4] = concat(%a, %x) {axis=0}");
    expect(violations(graph)).toEqual([]);
  });

  test.each([
    ["%a: float32[2] = addd(%x, %y)", "there is no op addd"],
    ["%a: float32[2] = add(%x)", "add has 1 operands, but takes a, b"],
    ['%a: float32[2] = iota(%x) {dtype="int32", shape=[<2>], axis=0}', "iota has 1 operands, but takes none"],
    ["%a: float32[2], %b: float32[2] = neg(%x)", "neg has 2 results, but gives 1"],
    ["%a: float32[2] = neg(%x) {axis=0}", "neg has no attribute axis"],
    [
      "%a: float32[2] = cumsum(%x) {axis=0, reverse=true}",
      "cumsum misses the attribute exclusive, true or false",
    ],
    [
      "%a: float32[2] = reverse(%x) {axes=[<0>]}",
      "reverse needs other values in its attribute axes, a list of integers",
    ],
    [
      "%a: float32[2] = reshape(%x) {shape=[2]}",
      "reshape needs other values in its attribute shape, a list of dims",
    ],
    [
      "%a: float32[2] = dotGeneral(%x, %y) {batch=[[]], contract=[[], []]}",
      "dotGeneral needs other values in its attribute batch, two lists of axes",
    ],
  ])("refuses %s", (line, message) => {
    expect(violations(withLines(line))).toEqual([`graph g: ${message}`]);
  });

  test("refuses a value used before it is defined, by the identity of the value", () => {
    const graph = withLines("%a: float32[2] = neg(%x)", "%b: float32[2] = neg(%a)");
    const [first, second] = graph.nodes;
    expect(violations({ ...graph, nodes: [second!, first!] })).toEqual([
      "graph g: neg reads %a, which is not defined above",
    ]);
    const copy = named(graph.inputs[0]!, {});
    const reading = { ...first!, operands: [copy] };
    expect(violations({ ...graph, nodes: [reading, second!] })).toEqual([
      "graph g: neg reads %x, which is not defined above (another value of that name is)",
    ]);
  });

  test("refuses names, ids and outputs that are not unique, all at once", () => {
    const { inputs, ...rest } = withLines();
    const [x, y] = inputs as [Value, Value];
    const twin = named(y, { name: "x", id: x.id });
    const outputs = [
      { name: "out", value: x },
      { name: "out", value: x },
    ];
    expect(violations({ ...rest, inputs: [x, twin], outputs })).toEqual([
      "graph g: %x is defined twice",
      "graph g: %x has the id 0 of another value",
      "graph g: two outputs are named out",
    ]);
  });

  test("refuses a result with the name and the id of another", () => {
    const graph = withLines("%a: float32[2] = neg(%x)", "%b: float32[2] = neg(%y)");
    const [first, second] = graph.nodes;
    const twin = named(second!.results[0]!, { name: "a", id: first!.results[0]!.id });
    expect(violations({ ...graph, nodes: [first!, { ...second!, results: [twin] }] })).toEqual([
      "graph g: %a is defined twice",
      "graph g: %a has the id 2 of another value",
    ]);
  });

  test("refuses guards of what is no input, of one input twice, and of another number of elements", () => {
    const graph = withLines("%a: float32[2] = neg(%x)");
    const [x, y] = graph.inputs as [Value, Value];
    const a = graph.nodes[0]!.results[0]!;
    const guards = [
      { input: a, elements: [1, 2] },
      { input: x, elements: [1, 2] },
      { input: x, elements: [1, 2] },
      { input: y, elements: [1] },
    ];
    expect(violations({ ...graph, guards })).toEqual(
      ["%a is guarded, but no input", "%x is guarded twice", "1 elements are guarded of %y, which has 2"].map(
        (message) => `graph g: ${message}`,
      ),
    );
  });

  test("looks into nested graphs, and counts a scan's results by its body", () => {
    const scan = (body: string, results: string) =>
      withLines(
        `${results} = scan(%x) {body=${body}, states=0, sequences=1, reverse=false, conditional=false} @"layer"`,
      );
    const good = "graph body(%s: float32[]) { %t: float32[] = neg(%s) return t=%t, s=%s }";
    expect(violations(scan(good, "%a: float32[2], %b: float32[2]"))).toEqual([]);
    expect(violations(scan(good, "%a: float32[2]"))).toEqual(["graph g: scan has 1 results, but gives 2"]);
    const bad =
      'graph body(%s: float32[]) { param %p: float32[] = {"kind":"zeros"} %t: float32[] = no(%s) return }';
    expect(violations(scan(bad, "%a: float32[2]"))).toEqual([
      "graph g: the body body has parameters of its own",
      "graph g.body: there is no op no",
    ]);
  });

  test("says which layer made the offender", () => {
    const graph = withLines('%a: float32[2] = no(%x) @"encoder.dense" at "m.ts":4:2');
    expect(() => verifyGraph(graph, ops)).toThrow(/encoder\.dense[\s\S]*m\.ts:4:2/);
  });
});
