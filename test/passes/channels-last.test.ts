import { describe, expect, test } from "vitest";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { ops } from "../../compiler/ops/index.ts";
import { canonicalise } from "../../compiler/passes/canonicalise.ts";
import { channelsLast } from "../../compiler/passes/channels-last.ts";
import { eliminateDead } from "../../compiler/passes/eliminate-dead.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";
import { bitsOf } from "../support/tensor-bits.ts";

const conv = (result: string, x: string, kernel: string, padding = "[[<0>, <0>], [<0>, <0>]]") =>
  `%${result} = conv(%${x}, %${kernel}) {strides=[<1>, <1>], padding=${padding}, dilations=[<1>, <1>], ` +
  `inputDilations=[<1>, <1>], groups=<1>, layout="channelsFirst"}`;

/** As the pipeline leaves it; every bit of the outputs is as before. */
function rewritten(graph: Graph<BoundDim>): string {
  const after = eliminateDead(canonicalise(channelsLast(graph)));
  verifyGraph(after, ops);
  const inputs = fill(graph, { style: "normal", seed: 7 });
  for (const accumulate of ["float64", "float32"] as const)
    expect(bitsOf(evaluateGraph(after, inputs, { accumulate }))).toEqual(
      bitsOf(evaluateGraph(graph, inputs, { accumulate })),
    );
  return linesOf(after).replaceAll(/ \{strides=.*?layout="(\w+)"\}/g, " {$1}");
}

describe("channels last", () => {
  test("no transpose is left between convolutions, biases, activations and residual sums", () => {
    const graph = parseBound(`graph g(%x: float32[1, 3, 6, 6]) {
  param %k: float32[3, 3, 3, 8] = {"kind":"zeros"}
  param %b: float32[1, 8, 1, 1] = {"kind":"zeros"}
  param %k2: float32[1, 1, 8, 8] = {"kind":"zeros"}
  ${conv("a: float32[1, 8, 4, 4]", "x", "k")}
  %c: float32[1, 8, 4, 4] = add(%a, %b)
  %d: float32[1, 8, 4, 4] = tanh(%c)
  ${conv("e: float32[1, 8, 4, 4]", "d", "k2")}
  %f: float32[1, 8, 4, 4] = add(%e, %d)
  %g: float32[1, 8] = reduceSum(%f) {axes=[2, 3], keepDims=false}
  return y=%g
}`);
    expect(rewritten(graph)).toMatchInlineSnapshot(`
      "param %k: float32[3, 3, 3, 8] = {"kind":"zeros"}
      param %b: float32[1, 8, 1, 1] = {"kind":"zeros"}
      param %k2: float32[1, 1, 8, 8] = {"kind":"zeros"}
      %transpose: float32[1, 6, 6, 3] = transpose(%x) {permutation=[0, 2, 3, 1]}
      %a_1: float32[1, 4, 4, 8] = conv(%transpose, %k) {channelsLast}
      %reshape: float32[1, 1, 1, 8] = reshape(%b) {shape=[<1>, <1>, <1>, <8>]}
      %c_1: float32[1, 4, 4, 8] = add(%a_1, %reshape)
      %d_1: float32[1, 4, 4, 8] = tanh(%c_1)
      %e_1: float32[1, 4, 4, 8] = conv(%d_1, %k2) {channelsLast}
      %f_1: float32[1, 4, 4, 8] = add(%e_1, %d_1)
      %reduceSum: float32[1, 8] = reduceSum(%f_1) {axes=[1, 2], keepDims=false}
      return y=%reduceSum"
    `);
  });

  test("sink through padding, pooling, slices, concatenation and sums that keep their axes", () => {
    const graph = parseBound(`graph g(%x: float32[1, 3, 4, 4], %z: float32[1, 2, 2, 3]) {
  param %k: float32[1, 1, 3, 4] = {"kind":"zeros"}
  ${conv("a: float32[1, 4, 4, 4]", "x", "k")}
  %p: float32[1, 4, 5, 6] = pad(%a) {low=[<0>, <0>, <1>, <0>], high=[<0>, <0>, <0>, <2>], value=0}
  %w: float32[1, 4, 2, 3] = windowReduce(%p) {window=[<1>, <1>, <3>, <2>], strides=[<1>, <1>, <2>, <2>], padding=[[<0>, <0>], [<0>, <0>], [<0>, <0>], [<0>, <0>]], dilations=[<1>, <1>, <1>, <1>], combine="max"}
  %c: float32[1, 6, 2, 3] = concat(%w, %z) {axis=1}
  %s: float32[1, 6, 2, 2] = slice(%c) {axis=3, start=<1>, size=<2>, stride=<1>}
  %r: float32[1, 1, 2, 2] = reduceMax(%s) {axes=[1], keepDims=true}
  return y=%r
}`);
    expect(rewritten(graph)).toMatchInlineSnapshot(`
      "param %k: float32[1, 1, 3, 4] = {"kind":"zeros"}
      %transpose: float32[1, 4, 4, 3] = transpose(%x) {permutation=[0, 2, 3, 1]}
      %a_1: float32[1, 4, 4, 4] = conv(%transpose, %k) {channelsLast}
      %p_1: float32[1, 5, 6, 4] = pad(%a_1) {low=[<0>, <1>, <0>, <0>], high=[<0>, <0>, <2>, <0>], value=0}
      %w_1: float32[1, 2, 3, 4] = windowReduce(%p_1) {window=[<1>, <3>, <2>, <1>], strides=[<1>, <2>, <2>, <1>], padding=[[<0>, <0>], [<0>, <0>], [<0>, <0>], [<0>, <0>]], dilations=[<1>, <1>, <1>, <1>], combine="max"}
      %transpose_1: float32[1, 2, 3, 2] = transpose(%z) {permutation=[0, 2, 3, 1]}
      %c_1: float32[1, 2, 3, 6] = concat(%w_1, %transpose_1) {axis=3}
      %s_1: float32[1, 2, 2, 6] = slice(%c_1) {axis=2, start=<1>, size=<2>, stride=<1>}
      %r_1: float32[1, 2, 2, 1] = reduceMax(%s_1) {axes=[3], keepDims=true}
      %r: float32[1, 1, 2, 2] = reshape(%r_1) {shape=[<1>, <1>, <2>, <2>]}
      return y=%r"
    `);
  });

  test("a flattened image meets the axes of the dense kernel one by one", () => {
    const graph = parseBound(`graph g(%x: float32[2, 3, 4, 4]) {
  param %k: float32[1, 1, 3, 4] = {"kind":"zeros"}
  param %w: float32[64, 5] = {"kind":"zeros"}
  ${conv("a: float32[2, 4, 4, 4]", "x", "k")}
  %f: float32[2, 64] = reshape(%a) {shape=[<2>, <64>]}
  %y: float32[2, 5] = dotGeneral(%f, %w) {batch=[[], []], contract=[[1], [0]]}
  return y=%y
}`);
    expect(rewritten(graph)).toMatchInlineSnapshot(`
      "param %k: float32[1, 1, 3, 4] = {"kind":"zeros"}
      param %w: float32[64, 5] = {"kind":"zeros"}
      %transpose: float32[2, 4, 4, 3] = transpose(%x) {permutation=[0, 2, 3, 1]}
      %a_1: float32[2, 4, 4, 4] = conv(%transpose, %k) {channelsLast}
      %reshape: float32[4, 4, 4, 5] = reshape(%w) {shape=[<4>, <4>, <4>, <5>]}
      %y: float32[2, 5] = dotGeneral(%a_1, %reshape) {batch=[[], []], contract=[[3, 1, 2], [0, 1, 2]]}
      return y=%y"
    `);
  });

  test("leaves sums over channels and places at once, and convolutions of few outputs", () => {
    const graph = parseBound(`graph g(%x: float32[1, 3, 4, 4]) {
  param %k: float32[1, 1, 3, 4] = {"kind":"zeros"}
  param %few: float32[1, 1, 4, 2] = {"kind":"zeros"}
  ${conv("a: float32[1, 4, 4, 4]", "x", "k")}
  %s: float32[1] = reduceSum(%a) {axes=[1, 2, 3], keepDims=false}
  ${conv("b: float32[1, 2, 4, 4]", "a", "few")}
  return s=%s, b=%b
}`);
    expect(rewritten(graph)).toMatchInlineSnapshot(`
      "param %k: float32[1, 1, 3, 4] = {"kind":"zeros"}
      param %few: float32[1, 1, 4, 2] = {"kind":"zeros"}
      %transpose: float32[1, 4, 4, 3] = transpose(%x) {permutation=[0, 2, 3, 1]}
      %a_1: float32[1, 4, 4, 4] = conv(%transpose, %k) {channelsLast}
      %a: float32[1, 4, 4, 4] = transpose(%a_1) {permutation=[0, 3, 1, 2]}
      %s: float32[1] = reduceSum(%a) {axes=[1, 2, 3], keepDims=false}
      %b: float32[1, 2, 4, 4] = conv(%a, %few) {channelsFirst}
      return s=%s, b=%b"
    `);
  });

  test("has nothing to do without convolutions", () => {
    const graph = parseBound(`graph g(%x: float32[1, 3, 4, 4]) {
  %t: float32[1, 4, 3, 4] = transpose(%x) {permutation=[0, 3, 1, 2]}
  %y: float32[1, 4, 3, 4] = neg(%t)
  return y=%y
}`);
    expect(channelsLast(graph)).toBe(graph);
  });
});
