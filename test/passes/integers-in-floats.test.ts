import { expect, test } from "vitest";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { ops } from "../../compiler/ops/index.ts";
import { integersInFloats } from "../../compiler/passes/integers-in-floats.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";
import { bitsOf } from "../support/tensor-bits.ts";

/** After the pass; every bit of the outputs is as before, with extreme operands too. */
function rewritten(graph: Graph<BoundDim>): readonly string[] {
  const after = integersInFloats(graph);
  verifyGraph(after, ops);
  for (const seed of [1, 2])
    for (const accumulate of ["float64", "float32"] as const) {
      const inputs = fill(graph, { style: seed === 1 ? "normal" : "special", seed });
      expect(bitsOf(evaluateGraph(after, inputs, { accumulate }))).toEqual(
        bitsOf(evaluateGraph(graph, inputs, { accumulate })),
      );
    }
  return linesOf(after).split("\n");
}

const product = (terms: number, a = "uint8", b = "int8") =>
  parseBound(`graph g(%a: ${a}[2, ${terms}], %b: ${b}[${terms}, 3]) {
  %c: int32[2, ${terms}] = cast(%a) {dtype="int32"}
  %d: int32[${terms}, 3] = cast(%b) {dtype="int32"}
  %y: int32[2, 3] = dotGeneral(%c, %d) {batch=[[], []], contract=[[1], [0]]}
  return y=%y
}`);

const contraction = (lines: readonly string[]) => lines.find((line) => /dotGeneral|conv/.test(line));

test("a matrix product of bytes is one of floats as long as its sums are exact", () => {
  expect(rewritten(product(4)).slice(2)).toMatchInlineSnapshot(`
    [
      "%cast: float32[2, 4] = cast(%c) {dtype="float32"}",
      "%cast_1: float32[4, 3] = cast(%d) {dtype="float32"}",
      "%dotGeneral: float32[2, 3] = dotGeneral(%cast, %cast_1) {batch=[[], []], contract=[[1], [0]]}",
      "%cast_2: int32[2, 3] = cast(%dotGeneral) {dtype="int32"}",
      "return y=%cast_2",
    ]
  `);
  // 255 * 128 * 514 is below 2^24.
  expect(contraction(rewritten(product(514)))).toContain("float32[2, 3]");
  expect(contraction(rewritten(product(515)))).toContain("int32[2, 3]");
});

test("what may be any integer is left alone", () => {
  expect(contraction(rewritten(product(4, "uint8", "int32")))).toContain("int32[2, 3]");
});

test("a zero point counts, and so does the window of a convolution", () => {
  const conv = (window: number) => {
    const size = `[1, 2, ${window + 2}, ${window + 2}]`;
    return parseBound(`graph g(%x: uint8${size}) {
  param %k: int8[${window}, ${window}, 2, 4] = {"kind":"zeros"}
  %zero: int32[] = constant() {value=int32[](128)}
  %wide: int32${size} = cast(%x) {dtype="int32"}
  %centred: int32${size} = sub(%wide, %zero)
  %w: int32[${window}, ${window}, 2, 4] = cast(%k) {dtype="int32"}
  %y: int32[1, 4, 3, 3] = conv(%centred, %w) {strides=[<1>, <1>], padding=[[<0>, <0>], [<0>, <0>]], dilations=[<1>, <1>], inputDilations=[<1>, <1>], groups=<1>, layout="channelsFirst"}
  return y=%y
}`);
  };
  expect(contraction(rewritten(conv(22)))).toContain("float32[1, 4, 3, 3]");
  expect(contraction(rewritten(conv(23)))).toContain("int32[1, 4, 3, 3]");
});
