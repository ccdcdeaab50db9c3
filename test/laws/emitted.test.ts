/** The laws of emitted modules: random graphs, really emitted as JavaScript, loaded and run. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bind } from "../../compiler/infer/bind.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { ops, passOps } from "../../compiler/ops/index.ts";
import { checkModule } from "../../runtime/fuzz/index.ts";
import { load } from "../../runtime/load.ts";
import { graphArbitrary, symbolicGraphArbitrary } from "../support/arbitrary/graphs.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";
import {
  emitGraph,
  emitOptimised,
  inputsOf,
  poisoned,
  reference,
  requireEqual,
  runEmitted,
} from "../support/laws.ts";
import { contractionArbitrary } from "../support/laws-contractions.ts";
import { runs } from "../support/runs.ts";

const filling = fillingArbitrary({ specials: true });

const bound = symbolicGraphArbitrary().map(({ graph, sample }) =>
  Object.defineProperty(bind(graph, sample).graph, fc.toStringMethod, {
    value: () => `\n${printGraph(graph)}\n`,
  }),
);

describe.each([
  ["a random graph", graphArbitrary(), emitGraph, 400],
  ["a random graph after all exact passes", graphArbitrary(), emitOptimised, 400],
  ["a symbolic graph bound to a sample", bound, emitOptimised, 200],
  ["nothing but scans", graphArbitrary({ ops: ["scan"], maxSteps: 2 }), emitOptimised, 400],
  ["a contraction of many sizes", contractionArbitrary(), emitOptimised, 200],
])("the emitted module of %s", (_, graph, emit, numRuns) => {
  test("gives the reference's answer, bit for bit", () => {
    fc.assert(
      fc.property(graph, filling, (graph, filling) => {
        const data = fill(graph, filling);
        const emitted = emit(graph, data);
        requireEqual(runEmitted(emitted, data), reference(graph, data), emitted);
      }),
      runs(numRuns),
    );
  });

  test("gives it twice on a poisoned arena", () => {
    fc.assert(
      fc.property(graph, filling, (graph, filling) => {
        const data = fill(graph, filling);
        const emitted = emit(graph, data);
        const instance = load(poisoned(emitted)).instantiate();
        const expected = reference(graph, data);
        for (let i = 0; i < 2; i++) requireEqual(instance.run(inputsOf(graph, data)), expected, emitted);
      }),
      runs(),
    );
  });

  test("keeps the promises that every module makes", () => {
    fc.assert(
      fc.property(graph, filling, (graph, filling) => {
        const data = fill(graph, filling);
        checkModule(load(emit(graph, data).module), inputsOf(graph, data));
      }),
      runs(),
    );
  });
});

test("every op of the table is emitted at least ten times in 600 random graphs", () => {
  const built = [...ops.keys()].filter((name) => !passOps.has(name));
  const counts = new Map(built.map((name) => [name, 0]));
  for (const graph of fc.sample(graphArbitrary(), runs(600)))
    for (const op of opsIn(graph)) counts.set(op, counts.get(op)! + 1);
  expect([...counts].filter(([, count]) => count < 10)).toEqual([]);
});

function opsIn(graph: Graph): string[] {
  return graph.nodes.flatMap(({ op, attributes: { body } }) => [
    op,
    ...(typeof body === "object" && "nodes" in body ? opsIn(body) : []),
  ]);
}
