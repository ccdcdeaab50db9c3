/** Laws of all ops that need no target: over random graphs, 200 runs each with a fixed seed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant, substitute } from "../../compiler/dims/index.ts";
import { bind } from "../../compiler/infer/bind.ts";
import type { Graph, Value } from "../../compiler/ir/graph.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { ops, passOps } from "../../compiler/ops/index.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { graphArbitrary, symbolicGraphArbitrary } from "../support/arbitrary/graphs.ts";
import { recipes } from "../support/arbitrary/recipes.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";

const runs = { numRuns: 200, seed: 20_240 };

function opsIn(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => {
    const body = node.attributes["body"];
    return [node.op, ...(typeof body === "object" && "nodes" in body ? opsIn(body) : [])];
  });
}

describe("random graphs", () => {
  test("have a recipe for every op of the table", () => {
    expect([...recipes.keys(), ...passOps].sort()).toEqual([...ops.keys()].sort());
  });

  test("reach every op", () => {
    const seen = new Set(fc.sample(graphArbitrary(), { numRuns: 400, seed: 1 }).flatMap(opsIn));
    expect([...ops.keys()].filter((name) => !seen.has(name) && !passOps.has(name))).toEqual([]);
  });

  test("are well-formed", () => {
    fc.assert(
      fc.property(graphArbitrary(), (graph) => verifyGraph(graph, ops)),
      runs,
    );
  });
});

describe("a failing random graph", () => {
  /**
   * Convolutions with two groups are rare and need many things to fit: about the hardest thing to shrink to.
   */
  const grouped = (graph: Graph) =>
    graph.nodes.some(({ op, attributes }) => op === "conv" && String(attributes["groups"]) !== "1");

  test("shrinks to the node that matters and its operands, and prints as IR text", () => {
    const result = fc.check(
      fc.property(graphArbitrary(), (graph) => !grouped(graph)),
      { numRuns: 2000, seed: 7 },
    );
    expect(result.failed).toBe(true);
    const [graph] = result.counterexample!;
    expect(graph.nodes.length).toBeLessThanOrEqual(4);
    expect(grouped(graph)).toBe(true);
    expect(fc.defaultReportMessage(result)).toContain(`\n${printGraph(graph)}`);
  });
});

describe("every op", () => {
  test("evaluates to the shape that inference declares, in every numerics", () => {
    const numerics = fc.constantFrom("float64" as const, "float32" as const, "float32-fma" as const);
    fc.assert(
      fc.property(
        graphArbitrary(),
        fillingArbitrary({ specials: true }),
        numerics,
        (graph, filling, accumulate) => {
          const outputs = evaluateGraph(graph, fill(graph, filling), { accumulate });
          for (const { name, value } of graph.outputs)
            expect([name, ...outputs.get(name)!.shape]).toEqual([name, ...value.type.shape.map(Number)]);
        },
      ),
      runs,
    );
  });

  test("leaves its operands as they were", () => {
    fc.assert(
      fc.property(graphArbitrary(), fillingArbitrary({ specials: true }), (graph, filling) => {
        const inputs = fill(graph, filling);
        const before = printGraph(graph);
        evaluateGraph(graph, inputs);
        expect([...inputs]).toEqual([...fill(graph, filling)]);
        expect(printGraph(graph)).toBe(before);
      }),
      runs,
    );
  });

  test("infers then substitutes to what it infers from substituted inputs", () => {
    fc.assert(
      fc.property(symbolicGraphArbitrary(), ({ graph, binding, sample }) => {
        const sizes = new Map([...binding].map(([name, n]) => [name, constant(n)]));
        const typeOf = ({ name, type }: Value) =>
          `${name}: ${type.dtype}[${type.shape.map((d) => substitute(d, sizes)).join(", ")}]`;
        const bound = bind(graph, sample).graph;
        const results = (g: Graph) => g.nodes.flatMap((node) => node.results.map(typeOf));
        expect(results(bound)).toEqual(results(graph));
        evaluateGraph(bound, fill(bound, { style: "exact", seed: 1 }));
      }),
      runs,
    );
  });
});

describe("the text form", () => {
  test("of a random graph parses to the same graph", () => {
    fc.assert(fc.property(graphArbitrary(), sameAfterParsing), runs);
  });

  test("of a symbolic graph parses to the same graph", () => {
    fc.assert(
      fc.property(symbolicGraphArbitrary(), ({ graph }) => sameAfterParsing(graph)),
      runs,
    );
  });
});

function sameAfterParsing(graph: Graph): void {
  const tensors = new Map<string, Tensor>();
  const text = printGraph(graph, tensors);
  const parsed = parseGraph(text, tensors);
  expect(parsed).toEqual(graph);
  expect(printGraph(parsed)).toBe(text);
}
