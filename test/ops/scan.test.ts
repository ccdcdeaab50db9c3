import { describe, expect, test } from "vitest";
import { constant, symbol } from "../../compiler/dims/index.ts";
import { bind } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Graph, Value } from "../../compiler/ir/graph.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { numbersIn } from "../../runtime/elements.ts";
import { type Tensor, tensor } from "../../runtime/tensor.ts";

/** total' = total * decay + step; each step also gives total' * 10. */
function recurrence(reverse: boolean): Graph {
  const g = new GraphBuilder("recurrence");
  const scalar = { dtype: "float32", shape: [] } as const;
  const start = g.input("start", scalar);
  const series = g.input("series", { dtype: "float32", shape: [symbol("time")] });
  const decay = g.input("decay", scalar);
  const body = g.subgraph("step", (inner) => {
    const [total, x, factor] = ["total", "x", "factor"].map((name) => inner.input(name, scalar));
    const next = inner.node("add", [inner.node("mul", [total!, factor!])[0]!, x!])[0]!;
    const ten = inner.constant(tensor([10], []));
    return [
      { name: "total", value: next },
      { name: "shown", value: inner.node("mul", [next, ten])[0]! },
    ];
  });
  const attributes = { body, states: 1, sequences: 1, reverse, conditional: false };
  const [last, shown] = g.node("scan", [start, series, decay], attributes);
  return g.finish([
    { name: "last", value: last! },
    { name: "shown", value: shown! },
  ]);
}

function run(graph: Graph, series: readonly number[]): Record<string, number[]> {
  const inputs: Record<string, Tensor> = {
    start: tensor([1], []),
    series: tensor(series, [series.length]),
    decay: tensor([2], []),
  };
  const outputs = evaluateGraph(bind(graph, inputs).graph, new Map(Object.entries(inputs)));
  return Object.fromEntries([...outputs].map(([name, { data }]) => [name, [...numbersIn(data)]]));
}

describe("scan", () => {
  test("carries the state from step to step and stacks what each step gives", () => {
    expect(run(recurrence(false), [1, 2, 3])).toEqual({ last: [19], shown: [30, 80, 190] });
  });

  test("in reverse begins with the last step and stacks each output at its own step", () => {
    expect(run(recurrence(true), [1, 2, 3])).toEqual({ last: [25], shown: [250, 120, 50] });
  });

  test("of no steps gives back the first state", () => {
    expect(run(recurrence(false), [])).toEqual({ last: [1], shown: [] });
  });

  test("has stacked outputs as long as the sequence, symbolic or not", () => {
    const types = recurrence(false).outputs.map(({ value }) => value.type.shape.map(String));
    expect(types).toEqual([[], ["time"]]);
  });

  test("that is conditional stops where its first state is false, and stacks zeros from there on", () => {
    const g = new GraphBuilder("until");
    const series = g.input("series", { dtype: "float32", shape: [constant(4)] });
    const first = g.input("first", { dtype: "bool", shape: [] });
    const body = g.subgraph("step", (inner) => {
      inner.input("goes", { dtype: "bool", shape: [] });
      const total = inner.input("total", { dtype: "float32", shape: [] });
      const x = inner.input("x", { dtype: "float32", shape: [] });
      const [next] = inner.node("add", [total, x]);
      const [goesOn] = inner.node("gt", [x, inner.constant(tensor([0], []))]);
      return ["goes", "total", "shown"].map((name, i) => ({ name, value: i === 0 ? goesOn! : next! }));
    });
    const zero = g.constant(tensor([0], []));
    const attributes = { body, states: 2, sequences: 1, reverse: false, conditional: true };
    const [, total, shown] = g.node("scan", [first, zero, series], attributes);
    const graph = g.finish([
      { name: "total", value: total! },
      { name: "shown", value: shown! },
    ]);
    const given = (goes: number) =>
      new Map([
        ["series", tensor([1, 2, -1, 5], [4])],
        ["first", tensor([goes], [], "bool")],
      ]);
    const results = (goes: number) =>
      [...evaluateGraph(graph, given(goes)).values()].map(({ data }) => [...data]);
    expect(results(1)).toEqual([[2], [1, 3, 2, 0]]);
    expect(results(0)).toEqual([[0], [0, 0, 0, 0]]);
  });

  test("hands a step of a matrix as a row", () => {
    const g = new GraphBuilder("rows");
    const rows = g.input("rows", { dtype: "int32", shape: [constant(2), constant(3)] });
    const body = g.subgraph("body", (inner) => {
      const row = inner.input("row", { dtype: "int32", shape: [constant(3)] });
      const sum: Value = inner.node("reduceSum", [row], { axes: [0], keepDims: false })[0]!;
      return [{ name: "sum", value: sum }];
    });
    const [sums] = g.node("scan", [rows], {
      body,
      states: 0,
      sequences: 1,
      reverse: false,
      conditional: false,
    });
    const graph = g.finish([{ name: "sums", value: sums! }]);
    const data = tensor([1, 2, 3, 4, 5, 6], [2, 3], "int32");
    expect(evaluateGraph(graph, new Map([["rows", data]])).get("sums")).toEqual(
      tensor([6, 15], [2], "int32"),
    );
  });
});
