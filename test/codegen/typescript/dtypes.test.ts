/** Modules whose doors, kernels and weights are of every dtype. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { constant } from "../../../compiler/dims/index.ts";
import { GraphBuilder } from "../../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../../compiler/ir/graph.ts";
import { type DType, dtypes } from "../../../runtime/dtype.ts";
import { storedNumbers } from "../../../runtime/elements.ts";
import { checkModule, inputs } from "../../../runtime/fuzz/index.ts";
import { load } from "../../../runtime/load.ts";
import { emitGraph, inline } from "../../support/laws.ts";
import { checkEmitted } from "../../support/typecheck.ts";

const names = Object.keys(dtypes) as DType[];

/** x and a weight of each dtype: their larger, whether they are equal, and x as two other dtypes. */
function everything(): Graph<BoundDim> {
  const g = new GraphBuilder("everything");
  const outputs = names.flatMap((dtype) => {
    const x = g.input(`x_${dtype}`, { dtype, shape: [constant(4)] });
    const w = g.constant({ dtype, shape: [4], data: storedNumbers(dtype, [0, 1, 1, 0]) });
    const op = dtype === "bool" ? "or" : "max";
    return [
      g.node(op, [x, w])[0]!,
      g.node("eq", [x, w])[0]!,
      g.node("cast", [x], { dtype: "int64" })[0]!,
      g.node("cast", [x], { dtype: "float16" })[0]!,
    ];
  });
  return g.finish(outputs.map((value, i) => ({ name: `y${i}`, value }))) as Graph<BoundDim>;
}

test("a module of every dtype passes the strictest compiler", () => {
  const { module } = emitGraph(everything(), new Map(), { ...inline, format: "ts" });
  expect(checkEmitted(module.code)).toEqual([]);
});

test("a module of every dtype keeps its promises on random inputs, specials among them", () => {
  const module = load(emitGraph(everything(), new Map()).module);
  fc.assert(
    fc.property(inputs(module.signature, { specials: true }), (input) => checkModule(module, input)),
    { numRuns: 20, seed: 3 },
  );
});
