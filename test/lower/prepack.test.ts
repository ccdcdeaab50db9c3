import { expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { bind } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { prepack } from "../../compiler/lower/prepack.ts";
import { runProgram } from "../support/run-program.ts";

const float = (...shape: number[]) => ({ dtype: "float32" as const, shape: shape.map((n) => constant(n)) });
const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(1 + i * 0.7));
const matrix = { batch: [[], []], contract: [[1], [0]] };

function lowered(graph: Graph): Program {
  const bound = bind(graph, {});
  const parameters = new Map(
    graph.parameters.map(({ value }) => {
      const length = value.type.shape.reduce((n, d) => n * Number(String(d)), 1);
      return [value.name, { data: noise(length) }];
    }),
  );
  return lower(bound.graph, { target: targets.ts, parameters, symbols: bound.symbols });
}

function twoProducts(shared: boolean): Program {
  const g = new GraphBuilder("products");
  const x = g.input("x", float(3, 24));
  const a = g.parameter("a", float(24, 24), { kind: "zeros" });
  const b = shared ? a : g.parameter("b", float(24, 24), { kind: "zeros" });
  const [first] = g.node("dotGeneral", [x, a], matrix);
  const [second] = g.node(
    "dotGeneral",
    [first!, b],
    shared ? { batch: [[], []], contract: [[1], [1]] } : matrix,
  );
  return lowered(g.finish([{ name: "y", value: second! }]));
}

test("weights that one kernel reads are shipped in its order, and nothing is left to prepare", () => {
  const program = twoProducts(false);
  expect(program.prepare).toHaveLength(2);
  const packed = prepack(program);
  expect(packed.prepare).toEqual([]);
  expect(packed.widened.map(({ from, to }) => [from.dtype, to.dtype])).toEqual([
    ["float32", "float64"],
    ["float32", "float64"],
  ]);
  const x = noise(72);
  expect(runProgram(packed, { x })).toEqual(runProgram(program, { x }));
});

test("a convolution's kernel is laid out too", () => {
  const g = new GraphBuilder("conv");
  const x = g.input("x", float(1, 9, 9, 3));
  const kernel = g.parameter("kernel", float(3, 3, 3, 10), { kind: "zeros" });
  const one = constant(1);
  const [y] = g.node("conv", [x, kernel], {
    strides: [one, one],
    padding: [
      [constant(0), constant(0)],
      [constant(0), constant(0)],
    ],
    dilations: [one, one],
    inputDilations: [one, one],
    groups: one,
    layout: "channelsLast",
  });
  const program = lowered(g.finish([{ name: "y", value: y! }]));
  const packed = prepack(program);
  expect(packed.prepare.length).toBeLessThan(program.prepare.length);
  const image = noise(243);
  expect(runProgram(packed, { x: image })).toEqual(runProgram(program, { x: image }));
});

test("a weight two kernels read in different orders keeps its own; the originals stay as they were", () => {
  const program = twoProducts(true);
  const before = program.weights.map(({ data }) => data.slice());
  const packed = prepack(program);
  const x = noise(72);
  expect(runProgram(packed, { x })).toEqual(runProgram(program, { x }));
  expect(packed.prepare).toEqual(program.prepare);
  expect(program.weights.map(({ data }) => data)).toEqual(before);
});

test("an initialiser does not travel with numbers that no longer are what it gives", () => {
  const program = twoProducts(false);
  const initializer = { spec: { kind: "zeros" as const }, seed: 0, path: "a" };
  const seeded = { ...program, weights: program.weights.map((weight) => ({ ...weight, initializer })) };
  expect(prepack(seeded).weights.map((weight) => weight.initializer)).toEqual([undefined, undefined]);
});
