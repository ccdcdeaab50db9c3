import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import { constant, type Dim, symbol } from "../../compiler/dims/index.ts";
import { type BindOptions, bind, type Sample } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Graph, Value } from "../../compiler/ir/graph.ts";

const float = (...shape: (Dim | number)[]) => ({
  dtype: "float32" as const,
  shape: shape.map((d) => (typeof d === "number" ? constant(d) : d)),
});

function dense(g: GraphBuilder, x: Value, units: number, name: string): Value {
  return g.within({ path: name }, () => {
    const kernel = g.parameter(`${name}.kernel`, float(g.unknown(`${name}.in`), units), { kind: "zeros" });
    return g.node("dotGeneral", [x, kernel], { batch: [[], []], contract: [[1], [0]] })[0]!;
  });
}

function mlp(): Graph {
  const g = new GraphBuilder("mlp");
  const x = g.input("x", float(symbol("batch"), symbol("features")));
  return g.finish([{ name: "y", value: dense(g, dense(g, x, 256, "dense"), 10, "dense_1") }]);
}

function failure(graph: Graph, sample: Sample, options?: BindOptions): CompileError {
  try {
    bind(graph, sample, options);
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("bound without an error");
}

const shapes = (graph: Graph) => graph.parameters.map((p) => `[${p.value.type.shape.join(", ")}]`);

describe("binding a graph to a sample", () => {
  test("gives every parameter its shape and leaves the symbolic graph alone", () => {
    const graph = mlp();
    const { graph: bound, symbols } = bind(graph, { x: [2, 20] });
    expect(shapes(bound)).toEqual(["[20, 256]", "[256, 10]"]);
    expect(shapes(graph)).toEqual(["[?dense.in, 256]", "[?dense_1.in, 10]"]);
    expect(Object.fromEntries(symbols)).toEqual({
      batch: 2,
      features: 20,
      "?dense.in": 20,
      "?dense_1.in": 256,
    });
  });

  test("another size is possible as long as nothing is known from before", () => {
    const graph = mlp();
    bind(graph, { x: [2, 20] });
    expect(shapes(bind(graph, { x: [1, 784] }).graph)).toEqual(["[784, 256]", "[256, 10]"]);
  });

  test("a size that contradicts an earlier sample names input, parameter, both sizes and the sample", () => {
    const known = [
      {
        dim: symbol("?dense.in"),
        value: 20,
        origin: {
          kind: "known" as const,
          subject: "dense.kernel",
          shape: "[20, 256]",
          value: 20,
          clause: "20 fixed by the sample [2, 20]",
        },
      },
    ];
    const graph = mlp();
    const error = failure(graph, { x: [3, 30] }, { known });
    expect(error.code).toBe("E2104");
    expect(error.message).toContain('E2104 input "x" has 30 features, but dense.kernel expects 20');
    expect(error.message).toContain("20 fixed by the sample [2, 20]");
    expect(shapes(bind(graph, { x: [3, 20] }, { known }).graph)).toEqual(["[20, 256]", "[256, 10]"]);
  });

  test("failures that do not depend on each other are reported together, those that do are not", () => {
    const g = new GraphBuilder("two");
    const x = g.input("x", float(symbol("batch"), symbol("features")));
    const fixed = (name: string, rows: number) => g.parameter(name, float(rows, 4), { kind: "zeros" });
    const times = (a: Value, b: Value, path: string) =>
      g.within({ path }, () => g.node("dotGeneral", [a, b], { batch: [[], []], contract: [[1], [0]] })[0]!);
    const left = times(g.node("neg", [x])[0]!, fixed("left.kernel", 5), "left");
    const after = g.node("exp", [left])[0]!;
    const right = times(x, g.parameter("right.kernel", float(g.unknown("k"), 4), { kind: "zeros" }), "right");
    const other = g.within({ path: "other" }, () => g.node("add", [right, fixed("other.table", 7)])[0]!);
    const graph = g.finish([after, other].map((value, i) => ({ name: `y${i}`, value })));
    const error = failure(graph, { x: [2, 6] });
    expect(error.diagnostics.map((d) => d.layer)).toEqual(["left", "other"]);
    expect(error.message).toContain("left.kernel");
    expect(error.message).toContain("other.table");
  });

  test("inputs without a sample and samples without an input are named", () => {
    const error = failure(mlp(), { image: [1, 2] });
    expect(error.diagnostics.map((d) => d.code)).toEqual(["E2102", "E2102"]);
    expect(error.message).toContain('no sample for input "x"');
    expect(error.message).toContain('the sample names "image"');
  });

  test("a dim given by name takes the place of a sample", () => {
    const by = { kind: "known" as const, subject: "--dim", shape: "", clause: "given by name" };
    const known = ["batch", "features"].map((name, i) => ({
      dim: symbol(name),
      value: [4, 20][i]!,
      origin: by,
    }));
    expect(shapes(bind(mlp(), {}, { known }).graph)).toEqual(["[20, 256]", "[256, 10]"]);
  });

  test.each([
    [[2, Number.NaN], "E2108"],
    [[2, 1.5], "E2108"],
    [[2, -1], "E2108"],
    [[2], "E2111"],
    [[2, 3, 4], "E2111"],
  ])("the sample %j is refused with %s", (shape, code) => {
    expect(failure(mlp(), { x: shape }).code).toBe(code);
  });

  test("data of another dtype is refused with E2107, naming both", () => {
    const tokens = { dtype: "int32" as const, shape: [2, 20], data: new Int32Array(40) };
    const error = failure(mlp(), { x: tokens });
    expect(error.code).toBe("E2107");
    expect(error.diagnostics[0]?.fix).toBe("give the sample as float32, in a Float32Array");
    expect(error.message).toContain("declared float32");
    expect(error.message).toContain("int32");
  });

  test("a declared size refuses another, naming both", () => {
    const g = new GraphBuilder("fixed");
    const x = g.input("x", float(symbol("batch"), 20));
    const error = failure(g.finish([{ name: "y", value: dense(g, x, 3, "dense") }]), { x: [2, 30] });
    expect(error.code).toBe("E2104");
    expect(error.message).toContain('input "x" has 30 at axis 1, but the model declares 20');
  });

  test("a named dim with two sizes in one sample is named, with both inputs", () => {
    const g = new GraphBuilder("pair");
    const [x, y] = ["x", "y"].map((name) => g.input(name, float(symbol("batch"), symbol("n"))));
    const error = failure(g.finish([{ name: "sum", value: g.node("add", [x!, y!])[0]! }]), {
      x: [2, 4],
      y: [2, 5],
    });
    expect(error.code).toBe("E2104");
    expect(error.message).toContain('n is 4 in input "x" (axis 1), but 5 in input "y" (axis 1)');
    expect(error.message).toContain("[batch, n]");
  });

  test("a dim that nothing determines is E2101, naming it", () => {
    const g = new GraphBuilder("loose");
    const x = g.input("x", float(symbol("batch")));
    g.parameter("table", float(g.unknown("rows"), 3), { kind: "zeros" });
    const error = failure(g.finish([{ name: "y", value: g.node("neg", [x])[0]! }]), { x: [2] });
    expect(error.code).toBe("E2101");
    expect(error.message).toContain("?rows");
    expect(error.message).toContain("table");
  });

  test("an empty batch binds", () => {
    const { graph } = bind(mlp(), { x: [0, 20] });
    expect(graph.outputs[0]!.value.type.shape.join()).toBe("0,10");
  });

  test("a deep conflict names the layers that led to it, first to last", () => {
    const g = new GraphBuilder("deep");
    let value = g.input("x", float(symbol("batch"), symbol("features")));
    for (const name of ["one", "two"]) value = dense(g, value, 8, name);
    const table = g.parameter("table", float(g.unknown("n")), { kind: "zeros" });
    const sum = g.within({ path: "merge" }, () => g.node("add", [value, table])[0]!);
    const late = g.input("late", float(symbol("length")));
    const joined = g.within({ path: "join" }, () => g.node("mul", [sum, late])[0]!);
    const graph = g.finish([{ name: "y", value: joined }]);
    const error = failure(graph, { x: [2, 3], late: [5] });
    expect(error.diagnostics[0]!.chain).toEqual(["one", "two", "merge", "join"]);
  });
});

test("a size no layer can mend is refused with what is demanded and the nearest that would do", () => {
  const g = new GraphBuilder("halves");
  const x = g.input("x", float(symbol("batch"), symbol("H")));
  const one = constant(1);
  const two = constant(2);
  const [pooled] = g.within({ path: "pool" }, () =>
    g.node("windowReduce", [x], {
      window: [one, two],
      strides: [one, two],
      padding: [
        [constant(0), constant(0)],
        [constant(0), constant(0)],
      ],
      dilations: [one, one],
      combine: "max",
    }),
  );
  const twice = g.within({ path: "up" }, () => g.node("concat", [pooled!, pooled!], { axis: 1 })[0]!);
  const [sum] = g.within({ path: "skip" }, () => g.node("concat", [x, twice], { axis: 0 }));
  const graph = g.finish([{ name: "y", value: sum! }]);
  const error = failure(graph, { x: [1, 101] });
  expect(error.diagnostics.map((d) => d.code)).toEqual(["E2201"]);
  expect(error.message).toContain("H % 2 == 0");
  expect(error.message).toContain("nearest 100, 102");
  expect(error.message).toContain("skip: ");
  expect(bind(graph, { x: [1, 100] }).symbols.get("H")).toBe(100);
});
