import fc from "fast-check";
import { expect, test } from "vitest";
import { printKernel } from "../../compiler/ir/loop-print.ts";
import { verifyProgram } from "../../compiler/ir/program-verify.ts";
import { targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { parseBound } from "../support/graph-text.ts";
import { runProgram } from "../support/run-program.ts";

/** The kernel of a grouped convolution; its result is the reference's, bit for bit. */
function grouped(groups: number, inputs: number, outputs: number, seed = 1): string {
  const [c, o] = [groups * inputs, groups * outputs];
  const graph = parseBound(`graph g(%x: float32[1, 3, 5, ${c}]) {
  param %k: float32[2, 2, ${inputs}, ${o}] = {"kind":"zeros"}
  %y: float32[1, 2, 4, ${o}] = conv(%x, %k) {strides=[<1>, <1>], padding=[[<0>, <0>], [<0>, <0>]], dilations=[<1>, <1>], inputDilations=[<1>, <1>], groups=<${groups}>, layout="channelsLast"}
  return y=%y
}`);
  const data = fill(graph, { style: "normal", seed });
  const program = lower(graph, { target: targets.wasm, parameters: data, symbols: new Map() });
  verifyProgram(program);
  const found = runProgram(program, { x: data.get("x")!.data }, () => targets.wasm.numerics);
  expect(found["y"]).toEqual(evaluateGraph(graph, data, targets.wasm.numerics).get("y")!.data);
  const [step] = program.steps;
  return step?.kind === "call" ? printKernel(step.kernel) : "";
}

test("a grouped convolution has the outputs of a group as lanes", () => {
  expect(grouped(3, 2, 8)).toContain("vector");
  expect(grouped(3, 2, 8)).not.toContain("floor");
});

test("groups of any size keep every bit", () => {
  const size = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(size, size, size, fc.nat(), (groups, inputs, outputs, seed) => {
      grouped(groups, inputs, outputs, seed);
    }),
    { numRuns: 12, seed: 1 },
  );
});
