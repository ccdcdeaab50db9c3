import { expect, test } from "vitest";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { ops } from "../../compiler/ops/index.ts";
import { narrowFactors } from "../../compiler/passes/narrow-factors.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";
import { bitsOf } from "../support/tensor-bits.ts";

/** After the pass; every bit of the outputs is as before. */
function rewritten(graph: Graph<BoundDim>): string {
  const after = narrowFactors(graph);
  verifyGraph(after, ops);
  for (const style of ["normal", "special"] as const) {
    const inputs = fill(graph, { style, seed: 1 });
    expect(bitsOf(evaluateGraph(after, inputs))).toEqual(bitsOf(evaluateGraph(graph, inputs)));
  }
  return linesOf(after);
}

const product = (a: string, b: string) =>
  parseBound(`graph g(%a: ${a}[2, 4], %b: ${b}[4, 3]) {
  %zero: int32[] = constant() {value=int32[](128)}
  %c: int32[2, 4] = cast(%a) {dtype="int32"}
  %d: int32[2, 4] = sub(%c, %zero)
  %e: int32[4, 3] = cast(%b) {dtype="int32"}
  %y: int32[2, 3] = dotGeneral(%d, %e) {batch=[[], []], contract=[[1], [0]]}
  return y=%y
}`);

test("a matrix product of bytes less a zero point has factors of 16 bits", () => {
  expect(rewritten(product("uint8", "int8"))).toMatchInlineSnapshot(`
    "%zero: int32[] = constant() {value=int32[](128)}
    %c: int32[2, 4] = cast(%a) {dtype="int32"}
    %d: int32[2, 4] = sub(%c, %zero)
    %e: int32[4, 3] = cast(%b) {dtype="int32"}
    %cast: int16[2, 4] = cast(%d) {dtype="int16"}
    %cast_1: int32[2, 4] = cast(%cast) {dtype="int32"}
    %cast_2: int16[4, 3] = cast(%e) {dtype="int16"}
    %cast_3: int32[4, 3] = cast(%cast_2) {dtype="int32"}
    %y: int32[2, 3] = dotGeneral(%cast_1, %cast_3) {batch=[[], []], contract=[[1], [0]]}
    return y=%y"
  `);
});

test("what may have more than 16 bits is left alone", () => {
  expect(rewritten(product("int16", "int8"))).not.toContain('"int16"');
  expect(rewritten(product("uint8", "uint16"))).not.toContain('"int16"');
  expect(rewritten(product("int32", "int8"))).not.toContain('"int16"');
});
