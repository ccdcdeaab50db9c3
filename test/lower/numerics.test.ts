/**
 * Lowering for targets that round every step, run by the interpreter: the reference under the same numerics,
 * bit for bit. Graphs with float64 are left out, which these targets do not have.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { prepack } from "../../compiler/lower/prepack.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { graphArbitrary } from "../support/arbitrary/graphs.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";
import { type Arrays, firstDifference, inputsOf, type Tensors } from "../support/laws.ts";
import { runProgram } from "../support/run-program.ts";
import { runs } from "../support/runs.ts";

type TargetName = "wasm" | "wasm-relaxed";

function lowered(graph: Graph<BoundDim>, data: Tensors, name: TargetName): Arrays {
  const target = targets[name];
  const program = prepack(lower(graph, { target, parameters: data, symbols: new Map() }));
  return runProgram(program, inputsOf(graph, data), () => target.numerics);
}

function expected(graph: Graph<BoundDim>, data: Tensors, name: TargetName): Arrays {
  const outputs = evaluateGraph(graph, data, targets[name].numerics);
  return Object.fromEntries([...outputs].map(([output, { data: values }]) => [output, values]));
}

const graphs = graphArbitrary().filter((graph) => !printGraph(graph).includes("float64"));

describe.each(["wasm", "wasm-relaxed"] as const)("lowered for %s", (name) => {
  test("random graphs give the reference's answer", () => {
    fc.assert(
      fc.property(graphs, fillingArbitrary({ specials: name === "wasm" }), (graph, filling) => {
        const data = fill(graph, filling);
        const difference = firstDifference(graph, lowered(graph, data, name), expected(graph, data, name));
        if (difference) throw new Error(`${difference}\n${printGraph(graph)}`);
      }),
      runs(150),
    );
  });

  test("a float beyond the integers becomes the nearest of them, although 2^31 - 1 is no float32", () => {
    const g = new GraphBuilder("beyond");
    const x = g.input("x", { dtype: "float32", shape: [constant(6)] });
    const [y] = g.node("cast", [x], { dtype: "int32" });
    const graph = g.finish([{ name: "y", value: y! }]) as Graph<BoundDim>;
    const values = Float32Array.of(3e9, -3e9, Number.POSITIVE_INFINITY, Number.NaN, 2 ** 31 - 128, -1.5);
    const data = new Map([["x", { dtype: "float32", shape: [6], data: values } as const]]);
    const [highest, lowest] = [2 ** 31 - 1, -(2 ** 31)];
    expect([...lowered(graph, data, name)["y"]!]).toEqual([highest, lowest, highest, 0, 2 ** 31 - 128, -1]);
  });
});
