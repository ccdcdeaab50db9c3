/** Laws of all passes: over random graphs, 200 runs each with a fixed seed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { infer } from "../../compiler/infer/bind.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { printGraph, printType } from "../../compiler/ir/graph-print.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { ops } from "../../compiler/ops/index.ts";
import { pipeline, runPasses } from "../../compiler/passes/pipeline.ts";
import { graphArbitrary } from "../support/arbitrary/graphs.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";
import { bitsOf } from "../support/tensor-bits.ts";

const runs = { numRuns: 200, seed: 20_241 };
const numericsArbitrary = fc
  .constantFrom("float64" as const, "float32" as const, "float32-fma" as const)
  .map((accumulate) => ({ accumulate }));

const typesOf = (graph: Graph<BoundDim>) =>
  graph.outputs.map(({ name, value }) => `${name}: ${printType(value.type)}`);

/** A well-formed graph whose declared types are those inference finds. */
function expectValid(graph: Graph<BoundDim>): void {
  verifyGraph(graph, ops);
  expect(printGraph(infer(graph))).toBe(printGraph(graph));
}

/** The pipeline runs some passes twice. */
const passes = pipeline.filter(({ run }, i) => pipeline.findIndex((other) => other.run === run) === i);

describe.each(passes.map((pass) => [pass.name, pass] as const))("%s", (_name, pass) => {
  test("keeps the graph well-formed and its types, and has nothing left to do the second time", () => {
    fc.assert(
      fc.property(graphArbitrary(), fillingArbitrary(), numericsArbitrary, (graph, filling, numerics) => {
        const context = { numerics, lanes: 4, parameters: fill(graph, filling) };
        const once = pass.run(graph, context);
        expectValid(once);
        expect(once.inputs).toBe(graph.inputs);
        expect(typesOf(once)).toEqual(typesOf(graph));
        const twice = pass.run(once, context);
        expect(printGraph(twice)).toBe(printGraph(once));
        expect(twice === once).toBe(true);
      }),
      runs,
    );
  });

  if (pass.exact)
    test("keeps every bit of what is computed", () => {
      fc.assert(
        fc.property(
          graphArbitrary(),
          fillingArbitrary({ specials: true }),
          numericsArbitrary,
          (graph, filling, numerics) => {
            const inputs = fill(graph, filling);
            const before = printGraph(graph);
            const after = pass.run(graph, { numerics, lanes: 4, parameters: inputs });
            const evaluate = (g: Graph) => bitsOf(evaluateGraph(g, inputs, numerics));
            expect(evaluate(after)).toEqual(evaluate(graph));
            expect(printGraph(graph)).toBe(before);
          },
        ),
        runs,
      );
    });
});

describe("the pipeline", () => {
  test("without weights keeps every bit", () => {
    fc.assert(
      fc.property(graphArbitrary(), fillingArbitrary({ specials: true }), (graph, filling) => {
        const inputs = fill(graph, filling);
        const after = runPasses(graph);
        expectValid(after);
        expect(bitsOf(evaluateGraph(after, inputs))).toEqual(bitsOf(evaluateGraph(graph, inputs)));
      }),
      runs,
    );
  });

  test("reports the graph after each pass, by its name", () => {
    const graph = fc.sample(graphArbitrary(), { numRuns: 1, seed: 3 })[0]!;
    const seen: [string, Graph][] = [];
    const last = runPasses(graph, { onPass: (name, after) => seen.push([name, after]) });
    expect(seen.map(([name]) => name)).toEqual(pipeline.map((pass) => pass.name));
    expect(seen.at(-1)![1]).toBe(last);
    expect(new Set(pipeline.map((pass) => pass.name)).size).toBe(pipeline.length);
  });

  test("runs the passes it is given", () => {
    const graph = fc.sample(graphArbitrary(), { numRuns: 1, seed: 3 })[0]!;
    const seen: string[] = [];
    const after = runPasses(graph, { passes: [], onPass: (name) => seen.push(name) });
    expect([after, seen]).toEqual([graph, []]);
  });
});
