/**
 * Laws on the text of emitted modules: the same input gives the same bytes, and formats and weights modes
 * agree.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import type { EmitOptions, WeightsMode } from "../../compiler/ir/target.ts";
import type { ParameterData } from "../../compiler/lower/context.ts";
import { initialize } from "../../runtime/initializers/index.ts";
import { load } from "../../runtime/load.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { graphArbitrary } from "../support/arbitrary/graphs.ts";
import { type Filling, fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";
import { emitGraph, inline, inputsOf, reference, requireEqual } from "../support/laws.ts";
import { contractionArbitrary } from "../support/laws-contractions.ts";
import { checkAll, withoutTypes } from "../support/laws-typescript.ts";
import { runs } from "../support/runs.ts";

const filling = fillingArbitrary({ specials: true });
const typescript: EmitOptions = { ...inline, format: "ts" };
const graphs = fc.oneof({ arbitrary: graphArbitrary(), weight: 3 }, contractionArbitrary());

describe("the text of an emitted module", () => {
  test("is the same when compiled twice, and when the graph went through its text form", () => {
    fc.assert(
      fc.property(graphs, filling, (graph, filling) => {
        const data = fill(graph, filling);
        const { code } = emitGraph(graph, data, typescript).module;
        expect(emitGraph(graph, data, typescript).module.code).toBe(code);
        const tensors = new Map<string, Tensor>();
        const parsed = parseGraph(printGraph(graph, tensors), tensors) as Graph<BoundDim>;
        expect(emitGraph(parsed, data, typescript).module.code).toBe(code);
      }),
      runs(),
    );
  });

  test("differs between TypeScript and JavaScript in types only", () => {
    fc.assert(
      fc.property(graphs, filling, (graph, filling) => {
        const data = fill(graph, filling);
        const { code } = emitGraph(graph, data, typescript).module;
        expect(withoutTypes(code)).toBe(withoutTypes(emitGraph(graph, data).module.code));
      }),
      runs(),
    );
  });

  test("passes the strictest type checks", () => {
    const modes = fc.constantFrom<WeightsMode>("inline", "file", "init");
    const cases = fc.sample(fc.tuple(graphs, filling, modes), runs(120));
    const modules = cases.map(
      ([graph, filling, weights]) =>
        emitGraph(graph, seededData(graph, filling), { ...typescript, weights }).module.code,
    );
    expect(checkAll(modules)).toEqual([]);
  });
});

describe("weights", () => {
  test("give the same answer from the module, from a file and from their seed", () => {
    fc.assert(
      fc.property(graphs, filling, (graph, filling) => {
        const data = seededData(graph, filling);
        const expected = reference(graph, data);
        for (const weights of ["inline", "file", "init", "auto"] as const) {
          const emitted = emitGraph(graph, data, { ...inline, weights });
          requireEqual(load(emitted.module).instantiate().run(inputsOf(graph, data)), expected, emitted);
        }
      }),
      runs(),
    );
  });
});

/** Parameters as their initialisers give them; only those of floats have one. */
function seededData(graph: Graph<BoundDim>, filling: Filling): ReadonlyMap<string, Tensor & ParameterData> {
  const seed = 7;
  const seeded = graph.parameters.filter(({ value }) => value.type.dtype === "float32");
  return new Map<string, Tensor & ParameterData>([
    ...fill(graph, filling),
    ...seeded.map(({ value: { name, type }, initializer: spec }) => {
      const shape = type.shape.map(Number);
      const data = initialize(spec, shape, seed, name);
      const tensor: Tensor & ParameterData = {
        dtype: type.dtype,
        shape,
        data,
        initializer: { spec, seed, path: name },
      };
      return [name, tensor] as const;
    }),
  ]);
}
