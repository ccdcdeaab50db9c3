/** The bounds proof of whole programs: no kernel of a random graph reads or writes outside its buffers. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import type { Program, Step } from "../../compiler/ir/program.ts";
import { verifyProgram } from "../../compiler/ir/program-verify.ts";
import { targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { prepack } from "../../compiler/lower/prepack.ts";
import { pipeline, runPasses } from "../../compiler/passes/pipeline.ts";
import { graphArbitrary } from "../support/arbitrary/graphs.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { runs } from "../support/runs.ts";

function lowered(graph: Graph<BoundDim>, target: keyof typeof targets): Program {
  const parameters = fill(graph, { style: "exact", seed: 1 });
  return prepack(lower(graph, { target: targets[target], parameters, symbols: new Map() }));
}

describe("every address is proven inside its buffer", () => {
  test.each(["ts", "wasm"] as const)("in random graphs for the target %s", (target) => {
    fc.assert(
      fc.property(graphArbitrary(), (graph) => verifyProgram(lowered(graph, target))),
      runs(150),
    );
  });

  test("in random graphs after all passes", () => {
    fc.assert(
      fc.property(graphArbitrary(), (graph) => {
        const parameters = fill(graph, { style: "exact", seed: 1 });
        verifyProgram(lowered(runPasses(graph, { passes: pipeline, parameters }), "ts"));
      }),
      runs(150),
    );
  });
});

describe("a program is refused", () => {
  const g = new GraphBuilder("sums");
  const x = g.input("x", { dtype: "float32", shape: [constant(4), constant(2)] });
  const body = g.subgraph("body", (inner) => {
    const [total, step] = ["total", "step"].map((name) =>
      inner.input(name, { dtype: "float32", shape: [constant(2)] }),
    );
    return [{ name: "next", value: inner.node("add", [total!, step!])[0]! }];
  });
  const start = g.input("start", { dtype: "float32", shape: [constant(2)] });
  const [sum] = g.node("scan", [start, x], {
    body,
    states: 1,
    sequences: 1,
    reverse: false,
    conditional: false,
  });
  const program = lowered(g.finish([{ name: "sum", value: sum! }]) as Graph<BoundDim>, "ts");
  const withSteps = (change: (step: Step) => Step): Program => ({
    ...program,
    steps: program.steps.map(change),
  });

  test("that runs a window past the end of its sequence", () => {
    verifyProgram(program);
    const longer = withSteps((step) => (step.kind === "repeat" ? { ...step, extent: constant(5) } : step));
    expect(() => verifyProgram(longer)).toThrow(
      /^internal: kernel add_2 indexes .* in \[0, 9\], outside \[0, 7\]/,
    );
  });

  test("that asks for a condition where there is none, or outside of a repeat", () => {
    const [buffer] = program.steps.flatMap((step) => (step.kind === "call" ? step.buffers : []));
    const stop: Step = { kind: "stop", buffer: buffer!, index: constant(0) };
    const asking = withSteps((step) =>
      step.kind === "repeat" ? { ...step, body: [stop, ...step.body] } : step,
    );
    expect(() => verifyProgram(asking)).toThrow("has no condition where one is asked for");
    expect(() => verifyProgram({ ...program, steps: [stop] })).toThrow("a stop stands in no repeat");
  });

  test("that passes a shorter buffer, or too few arguments", () => {
    const inside = (change: (call: Extract<Step, { kind: "call" }>) => Step) =>
      withSteps((step) => {
        if (step.kind !== "repeat") return step;
        return { ...step, body: step.body.map((inner) => (inner.kind === "call" ? change(inner) : inner)) };
      });
    const shorter = inside((call) => ({ ...call, buffers: call.buffers.map((b) => ({ ...b, length: 1 })) }));
    expect(() => verifyProgram(shorter)).toThrow("kernel add_2 is called with buffers unlike its own");
    const without = inside((call) => ({ ...call, args: [] }));
    expect(() => verifyProgram(without)).toThrow("kernel add_2 is called with 0 arguments");
  });
});
