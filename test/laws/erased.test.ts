/**
 * Deferred initialisation as a law: forget the shapes of all parameters of a bound model, unify, and get them
 * back. What stays declared are the inputs and the results of nodes; a size that no equation reaches (the
 * rows of an embedding, the window of a strided convolution, a bias that might be broadcast) stays open, but
 * nothing may ever come back as another size.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constantOf, symbol } from "../../compiler/dims/index.ts";
import { infer } from "../../compiler/infer/bind.ts";
import type { Graph, Value } from "../../compiler/ir/graph.ts";
import { graphArbitrary } from "../support/arbitrary/graphs.ts";
import { runs } from "../support/runs.ts";
import { stackArbitrary } from "../support/stacks.ts";

/** The graph with an unknown of its own for every dim of every parameter. */
function erase(graph: Graph): Graph {
  const erased = new Map<Value, Value>(
    graph.parameters.map(({ value }) => {
      const shape = value.type.shape.map((_, axis) => symbol(`?p${value.id}.${axis}`));
      return [value, { ...value, type: { ...value.type, shape } }];
    }),
  );
  const current = (value: Value) => erased.get(value) ?? value;
  return {
    ...graph,
    parameters: graph.parameters.map((parameter) => ({ ...parameter, value: current(parameter.value) })),
    nodes: graph.nodes.map((node) => ({ ...node, operands: node.operands.map(current) })),
    outputs: graph.outputs.map((output) => ({ ...output, value: current(output.value) })),
  };
}

/**
 * Parameters that a product with something known determines in every axis: dense kernels, recurrent ones,
 * projections.
 */
function multiplied(graph: Graph): ReadonlySet<Value> {
  const parameters = new Set(graph.parameters.map(({ value }) => value));
  const products = graph.nodes.filter(
    ({ op, operands }) => op === "dotGeneral" && !parameters.has(operands[0]!),
  );
  return new Set(products.map(({ operands }) => operands[1]!));
}

/** How many of the erased dims came back and how many are open; throws if one came back as another size. */
function recovered(graph: Graph): { readonly back: number; readonly open: number } {
  const again = infer(erase(graph));
  const determined = multiplied(graph);
  let [back, open] = [0, 0];
  for (const [i, { value }] of graph.parameters.entries())
    for (const [axis, d] of again.parameters[i]!.value.type.shape.entries()) {
      const found = constantOf(d);
      if (found === undefined && !determined.has(value)) open++;
      else {
        expect(`${value.name} axis ${axis}: ${found}`).toBe(
          `${value.name} axis ${axis}: ${value.type.shape[axis]}`,
        );
        back++;
      }
    }
  return { back, open };
}

describe("erased parameter shapes come back, or stay open", () => {
  test("in random stacks of layers, most of them whole", () => {
    let [back, open] = [0, 0];
    fc.assert(
      fc.property(stackArbitrary(), (stack) => {
        const sample = Object.fromEntries(stack.inputs.map(({ name, shape }) => [name, shape]));
        const found = recovered(stack.build().bind(sample).graph);
        back += found.back;
        open += found.open;
      }),
      runs(),
    );
    expect(back / (back + open)).toBeGreaterThan(0.5);
  });

  test("in random graphs of core ops", () => {
    fc.assert(
      fc.property(graphArbitrary(), (graph) => {
        recovered(graph);
      }),
      runs(),
    );
  });
});
