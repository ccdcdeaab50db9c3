/**
 * What is exported computes the same in onnxruntime-web. Random graphs of every op that ONNX can express,
 * with numbers that casts and divisions do not leave open.
 */
import fc from "fast-check";
import { compile, dense, fromOnnx, sequential, toOnnx } from "shapecast";
import { describe, expect, test } from "vitest";
import { CompileError } from "../../../compiler/diagnostics/index.ts";
import { constant, floorDiv, mul, symbol } from "../../../compiler/dims/index.ts";
import { exportable } from "../../../compiler/frontend/onnx/export/index.ts";
import { bind } from "../../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../../compiler/infer/builder.ts";
import type { Graph } from "../../../compiler/ir/graph.ts";
import { evaluateGraph } from "../../../compiler/ops/evaluate.ts";
import { ops, passOps } from "../../../compiler/ops/index.ts";
import { load } from "../../../runtime/load.ts";
import { type Tensor, tensor } from "../../../runtime/tensor.ts";
import { graphArbitrary, symbolicGraphArbitrary } from "../../support/arbitrary/graphs.ts";
import { fill } from "../../support/arbitrary/tensors.ts";
import { runInOnnxRuntime } from "../../support/onnxruntime.ts";
import { isLegal, opened, parametersOf, sampleOf, withoutOpenParameters } from "../../support/open-graphs.ts";

/** Not in ONNX, left open there (division by zero is an error of the runtime), or not in this runtime. */
const unlike = ["bitCast", "div", "lu", "mod"];

/**
 * The largest difference relative to the size of the numbers; infinity where a NaN or an infinity differs.
 */
function differenceOf(found: Tensor, wanted: Tensor): number {
  let largest = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [Number(found.data[i]), Number(wanted.data[i])];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const difference = Math.abs(a - b) / Math.max(1, Math.abs(b));
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
}

/** Element types that the runtime computes with and takes from JavaScript. */
const common = ["float32", "float64", "int32", "int8", "uint8", "bool", "int16", "uint16", "uint32"];
const isCommon = (graph: Graph): boolean =>
  [...graph.inputs, ...graph.nodes.flatMap((node) => node.results)].every(({ type }) =>
    common.includes(type.dtype),
  );

/** Whether the runtime could run it. */
async function agrees(graph: Graph, seed: number): Promise<boolean> {
  if (!isCommon(graph)) return false;
  const data = fill(graph as never, { style: "exact", seed });
  const wanted = evaluateGraph(graph, data);
  const found = await runInOnnxRuntime(toOnnx(graph, { parameters: data }), data);
  if (found === undefined) return false;
  for (const [name, tensorWanted] of wanted) {
    const tensorFound = found.get(name)!;
    expect([name, ...tensorFound.shape]).toEqual([name, ...tensorWanted.shape]);
    expect(tensorFound.dtype).toBe(tensorWanted.dtype);
    expect(differenceOf(tensorFound, tensorWanted)).toBeLessThan(1e-4);
  }
  return true;
}

/** Whether no index in the data lies outside. */
function answers(graph: Graph, data: ReadonlyMap<string, Tensor>): boolean {
  try {
    evaluateGraph(graph, data);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Undefined for what cannot be said with sizes open. */
function exported(graph: Graph, parameters: ReadonlyMap<string, Tensor>): Uint8Array | undefined {
  try {
    return toOnnx(graph, { parameters });
  } catch (error) {
    if (error instanceof CompileError && error.code === "E4104") return undefined;
    throw error;
  }
}

describe("a graph exported to ONNX", () => {
  test("has a row for every op that ONNX can express", () => {
    expect([...ops.keys()].filter((op) => !exportable.includes(op) && !passOps.has(op))).toEqual([]);
  });

  test("computes the same in onnxruntime-web, op by op", { timeout: 300_000 }, async () => {
    const seen = new Set<string>();
    for (const op of exportable.filter((name) => !unlike.includes(name))) {
      const graphs = fc.sample(graphArbitrary({ ops: [op], maxSteps: 2 }), { numRuns: 12, seed: 5 });
      for (const [i, graph] of graphs.entries())
        if (await agrees(graph, i)) for (const node of graph.nodes) seen.add(node.op);
    }
    expect(exportable.filter((op) => !seen.has(op)).sort()).toEqual(unlike.filter((op) => !seen.has(op)));
  });

  test("keeps dims open: one file computes at every size what the file of that size does", {
    timeout: 300_000,
  }, async () => {
    const bounds = { a: { min: 1, max: 6 }, b: { min: 1, max: 6 }, c: { min: 1, max: 6 } };
    const fixed = new Set(["measure", "compress", ...unlike]);
    const all = [...ops.keys()].filter((op) => !fixed.has(op) && !passOps.has(op));
    const randoms = fc.sample(symbolicGraphArbitrary({ ops: all }), { numRuns: 150, seed: 7 });
    const seen = new Set<string>();
    let [ran, refused] = [0, 0];
    for (const { graph: original, binding } of randoms) {
      const graph = withoutOpenParameters(original);
      const open = opened(graph, bounds);
      if (!isCommon(graph) || open.open.dims.length === 0) continue;
      const parameters = parametersOf(open.graph);
      const bytes = exported(open.graph, parameters);
      if (!bytes) refused++;
      for (const sizes of bytes ? [binding, new Map([...binding.keys()].map((name) => [name, 5]))] : []) {
        if (!isLegal(open, graph, sizes)) continue;
        const bound = bind(graph, sampleOf(graph, sizes)).graph;
        const data = new Map([...fill(bound, { style: "exact", seed: 3 }), ...parameters]);
        const wanted = answers(bound, data) && (await runInOnnxRuntime(toOnnx(bound, { parameters }), data));
        if (!wanted) continue;
        expect(await runInOnnxRuntime(bytes!, data)).toEqual(wanted);
        for (const { op } of graph.nodes) seen.add(op);
        ran++;
      }
    }
    expect(refused).toBeLessThan(ran / 5);
    expect(ran).toBeGreaterThan(60);
    expect([...seen]).toEqual(expect.arrayContaining(["broadcast", "reshape", "slice", "pad", "dotGeneral"]));
  });

  test("names its open dims, which come back as they were", () => {
    const g = new GraphBuilder("open");
    const [n, m] = [symbol("n"), symbol("m")];
    const x = g.input("x", { dtype: "float32", shape: [n, m] });
    const [flat] = g.node("reshape", [x], { shape: [mul(n, m)] });
    const [half] = g.node("slice", [flat!], {
      axis: 0,
      start: constant(0),
      size: floorDiv(mul(n, m), 2),
      stride: constant(2),
    });
    const back = fromOnnx(toOnnx(g.finish([{ name: "y", value: half! }])));
    expect(back.graph().inputs.map(({ type }) => type.shape.join())).toEqual(["n,m"]);
    const [y] = [...back.predict(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8), [3, 3]).values()];
    expect([...y!.data]).toEqual([0, 2, 4, 6]);
  });

  test("keeps its inputs' and outputs' names, whatever they are", async () => {
    const g = new GraphBuilder("odd");
    const x = g.input('é "x"', { dtype: "float32", shape: [constant(2)] });
    const [y] = g.node("neg", [x]);
    const graph = g.finish([
      { name: "y", value: y! },
      { name: "again", value: y! },
      { name: "as it was", value: x },
    ]);
    const found = await runInOnnxRuntime(toOnnx(graph), new Map([['é "x"', tensor([1, -2], [2])]]));
    expect([...found!].map(([name, { data }]) => [name, ...data])).toEqual([
      ["y", -1, 2],
      ["again", -1, 2],
      ["as it was", 1, -2],
    ]);
  });
});

test("a model of layers goes out as ONNX and comes back as the same network", () => {
  const net = sequential([dense({ units: 4, activation: "relu" }), dense({ units: 2 })]);
  const { stages } = compile(net, { sample: { x: [2, 3] } });
  const parameters = new Map(net.weights.map((weight) => [weight.path, weight.tensor()]));
  const back = fromOnnx(toOnnx(stages.bound.graph, { parameters }));
  const x = Float32Array.of(1, -2, 3, 0.5, 0.25, -1);
  const wanted = net.predict(x, [2, 3]);
  const found = compile(back, { sample: { x: [2, 3] }, format: "js" });
  const { x: port } = load(found).signature.inputs;
  expect(port!.shape).toEqual([2, 3]);
  const [y] = Object.values(load(found).instantiate().run({ x }));
  expect([...y!]).toEqual([...(wanted as Tensor).data]);
});

describe("export refuses", () => {
  const refusal = (graph: Graph) => {
    try {
      toOnnx(graph);
    } catch (error) {
      if (error instanceof CompileError) return error.diagnostics[0]!;
      throw error;
    }
    throw new Error("it was exported");
  };

  test("a size that no input tells", () => {
    const g = new GraphBuilder("open");
    const n = symbol("n");
    const x = g.input("x", { dtype: "float32", shape: [mul(n, n)] });
    const [y] = g.node("slice", [x], { axis: 0, start: constant(0), size: n, stride: constant(1) });
    const { code, message } = refusal(g.finish([{ name: "y", value: y! }]));
    expect([code, message]).toEqual(["E4104", "the size n cannot be exported: no size of an input tells n"]);
  });

  test("an open size where ONNX wants a number, naming the value", () => {
    const g = new GraphBuilder("open");
    const x = g.input("x", { dtype: "float32", shape: [symbol("n"), constant(2)] });
    const [y] = g.node("cumprod", [x], { axis: 0, reverse: false, exclusive: false });
    const { code, message } = refusal(g.finish([{ name: "y", value: y! }]));
    expect([code, message]).toEqual([
      "E4104",
      "the axis of a running product has the open dim n, which has to be a number to be exported to ONNX",
    ]);
  });

  test("an op that ONNX cannot express, naming the layer", () => {
    const g = new GraphBuilder("lu");
    const x = g.input("x", { dtype: "float32", shape: [constant(2), constant(2)] });
    const [y] = g.within({ path: "solve" }, () => g.node("lu", [x]));
    expect(refusal(g.finish([{ name: "y", value: y! }])).message).toBe(
      "solve: an LU decomposition cannot be exported to ONNX",
    );
  });

  test("a parameter without values", () => {
    const g = new GraphBuilder("p");
    const p = g.parameter("dense.kernel", { dtype: "float32", shape: [constant(2)] }, { kind: "zeros" });
    expect(refusal(g.finish([{ name: "y", value: p }])).code).toBe("E2102");
  });
});
