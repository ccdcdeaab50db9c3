import { describe, expect, test } from "vitest";
import { verifyProgram } from "../../compiler/ir/program-verify.ts";
import { targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { parseBound } from "../support/graph-text.ts";
import { runProgram } from "../support/run-program.ts";

/** Names of the kernels that run; the result is the reference's, bit for bit. */
function steps(text: string): readonly string[] {
  const graph = parseBound(text);
  const data = fill(graph, { style: "normal", seed: 5 });
  const target = targets.wasm;
  const program = lower(graph, { target, parameters: data, symbols: new Map() });
  verifyProgram(program);
  const inputs = Object.fromEntries(graph.inputs.map(({ name }) => [name, data.get(name)!.data]));
  const found = runProgram(program, inputs, () => target.numerics);
  for (const [name, { data: expected }] of evaluateGraph(graph, data, target.numerics))
    expect(found[name]).toEqual(expected);
  return program.steps.map((step) => (step.kind === "call" ? step.kernel.name : step.kind));
}

/** A sum over windows with steps of one: what it reads has memory. */
function window(sizes: string): string {
  const all = (value: string) => sizes.replaceAll(/\d+/g, value);
  const list = sizes.replaceAll(/\d+/g, "<$&>");
  const rest = `padding=[${all("[<0>, <0>]")}], dilations=[${all("<1>")}], combine="add"`;
  return `{window=[${list}], strides=[${all("<1>")}], ${rest}}`;
}

describe("a value is computed where it ends up", () => {
  test("in its part of a concatenation, inside a padding, inside of which it may be read, too", () => {
    expect(
      steps(`graph g(%x: float32[1, 3, 30, 4], %z: float32[1, 3, 30, 2]) {
  %a: float32[1, 3, 30, 4] = tanh(%x)
  %b: float32[1, 3, 30, 2] = neg(%z)
  %c: float32[1, 3, 30, 6] = concat(%a, %b) {axis=3}
  %p: float32[1, 5, 33, 6] = pad(%c) {low=[<0>, <1>, <2>, <0>], high=[<0>, <1>, <1>, <0>], value=2}
  %y: float32[1, 4, 33, 6] = windowReduce(%p) ${window("1, 2, 1, 1")}
  %w: float32[1, 3, 30] = reduceSum(%a) {axes=[3], keepDims=false}
  return y=%y, w=%w
}`),
    ).toEqual([
      "tanh_1x3x30x4",
      "neg_1x3x30x2",
      "border_1x5x33x6",
      "windowReduce_1x4x33x6x1x2x1x1",
      "reduceSum_1x3x30x4",
    ]);
  });

  test("once: what is concatenated twice, or is no value of its own, is copied", () => {
    expect(
      steps(`graph g(%x: float32[2, 3]) {
  %a: float32[2, 3] = tanh(%x)
  %c: float32[2, 9] = concat(%a, %x, %a) {axis=1}
  %y: float32[2, 9] = neg(%c)
  %s: float32[2] = reduceSum(%c) {axes=[1], keepDims=false}
  return y=%y, s=%s
}`),
    ).toEqual(["tanh_2x3", "copy_2x3", "copy_2x3_1", "neg_2x9", "reduceSum_2x9"]);
  });

  test("unless it is reshaped, an output, or too short a row", () => {
    expect(
      steps(`graph g(%x: float32[2, 3]) {
  %a: float32[2, 3] = tanh(%x)
  %b: float32[2, 3] = exp(%x)
  %f: float32[6] = reshape(%a) {shape=[<6>]}
  %c: float32[2, 6] = concat(%a, %b) {axis=1}
  %s: float32[1, 6] = windowReduce(%c) ${window("2, 1")}
  %n: float32[6] = neg(%f)
  %d: float32[2, 3] = sqrt(%b)
  %p: float32[3, 3] = pad(%d) {low=[<1>, <0>], high=[<0>, <0>], value=0}
  %r: float32[2, 3] = windowReduce(%p) ${window("2, 1")}
  return b=%b, s=%s, n=%n, r=%r
}`).filter((name) => /concat|pad|border/.test(name)),
    ).toEqual(["concat_2x6", "pad_3x3"]);
  });
});
