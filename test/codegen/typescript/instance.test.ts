/** What an instance promises about memory: outputs fed back as inputs, and models without a byte of arena. */
import { expect, test } from "vitest";
import { constant } from "../../../compiler/dims/index.ts";
import { GraphBuilder } from "../../../compiler/infer/builder.ts";
import type { BoundDim, Graph, Value } from "../../../compiler/ir/graph.ts";
import { load } from "../../../runtime/load.ts";
import { type Emitted, emitGraph, reference, requireEqual, runEmitted } from "../../support/laws.ts";

function emitted(length: number, build: (g: GraphBuilder, x: Value) => Value): Emitted {
  const g = new GraphBuilder("model");
  const x = g.input("x", { dtype: "float32", shape: [constant(length)] });
  return emitGraph(g.finish([{ name: "y", value: build(g, x) }]) as Graph<BoundDim>, new Map());
}

const reversed = (g: GraphBuilder, x: Value) => g.node("reverse", [x], { axes: [0] })[0]!;
const doubled = (g: GraphBuilder, x: Value) => g.node("concat", [reversed(g, x), x], { axis: 0 })[0]!;

test.each([
  ["an output", reversed, [3, 2, 1, 0], (y: Float32Array) => y, [0, 1, 2, 3]],
  [
    "a part of an output",
    doubled,
    [3, 2, 1, 0, 0, 1, 2, 3],
    (y: Float32Array) => y.subarray(1, 5),
    [0, 0, 1, 2, 2, 1, 0, 0],
  ],
])("%s may be fed back to the instance that overwrites it", (_, build, first, part, second) => {
  const instance = load(emitted(4, build).module).instantiate();
  const y = instance.run({ x: Float32Array.of(0, 1, 2, 3) })["y"] as Float32Array;
  expect([...y]).toEqual(first);
  instance.run({ x: part(y) });
  expect([...y]).toEqual(second);
});

test("an empty batch goes through a model whose arena has no bytes", () => {
  const chain = emitted(0, (g, x) => {
    const body = g.subgraph("body", (inner) => [
      { name: "o", value: inner.input("i", { dtype: "float32", shape: [] }) },
    ]);
    const [copy] = g.node("scan", [g.node("neg", [x])[0]!], {
      body,
      states: 0,
      sequences: 1,
      reverse: false,
      conditional: false,
    });
    return g.node("neg", [copy!])[0]!;
  });
  const data = new Map([["x", { dtype: "float32", shape: [0], data: new Float32Array(0) } as const]]);
  expect(chain.program.arena.bytes).toBe(0);
  requireEqual(runEmitted(chain, data), reference(chain.graph, data), chain);
});
