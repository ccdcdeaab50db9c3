/** Bodies of scans: what memory their values get. Random scans are in test/laws. */
import { expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { emitGraph, reference, requireEqual, runEmitted } from "../support/laws.ts";

test("one graph may be the body of several scans", () => {
  const type = (...sizes: number[]) => ({ dtype: "float32", shape: sizes.map((n) => constant(n)) }) as const;
  const g = new GraphBuilder("twice");
  const [first, other, start] = [g.input("a", type(4, 2)), g.input("b", type(4, 2)), g.input("s", type(2))];
  const body = g.subgraph("body", (inner) => {
    const [state, x] = [inner.input("state", type(2)), inner.input("x", type(2))];
    const weight = inner.constant({ dtype: "float32", shape: [2], data: Float32Array.of(3, 5) });
    const next = inner.node("add", [state, x])[0]!;
    const scaled = inner.node("mul", [next, weight])[0]!;
    return [next, scaled, inner.node("exp", [scaled])[0]!].map((value, i) => ({ name: `o${i}`, value }));
  });
  const attributes = { body, states: 1, sequences: 1, reverse: false, conditional: false };
  const one = g.node("scan", [start, first], attributes);
  const two = g.node("scan", [one[0]!, other], { ...attributes, reverse: true });
  const three = g.node("scan", [two[0]!, one[1]!], attributes);
  const outputs = [...one, ...two, ...three].map((value, i) => ({ name: `y${i}`, value }));
  const graph = g.finish(outputs) as Graph<BoundDim>;
  const data = fill(graph, { style: "normal", seed: 1 });
  const emitted = emitGraph(graph, data);
  requireEqual(runEmitted(emitted, data), reference(graph, data), emitted);
  expect(emitted.program.weights).toHaveLength(1);
});
