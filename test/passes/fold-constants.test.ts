import { describe, expect, test } from "vitest";
import { eliminateDead } from "../../compiler/passes/eliminate-dead.ts";
import { foldConstants } from "../../compiler/passes/fold-constants.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";

const float64 = { accumulate: "float64" } as const;
const foldedText = (text: string, numerics: Parameters<typeof foldConstants>[1] = float64) =>
  linesOf(eliminateDead(foldConstants(parseBound(text), numerics)));

describe("constants are folded", () => {
  test("when a small result follows from them, through large values too", () => {
    expect(
      foldedText(`graph g(%x: float32[]) {
  %one: float32[] = constant() {value=float32[](1)}
  %ones: float32[1000] = broadcast(%one) {shape=[<1000>], axes=[]}
  %count: float32[] = reduceSum(%ones) {axes=[0], keepDims=false}
  %y: float32[] = div(%x, %count)
  return y=%y
}`),
    ).toMatchInlineSnapshot(`
      "%count: float32[] = constant() {value=float32[](1000)}
      %y: float32[] = div(%x, %count)
      return y=%y"
    `);
  });

  test("when a large result takes the place of a constant that nothing else reads", () => {
    const text = `graph g(%x: float32[80]) {
  %i: int32[80] = iota() {dtype="int32", shape=[<80>], axis=0}
  %f: float32[80] = cast(%i) {dtype="float32"}
  %y: float32[80] = add(%x, %f)
  return y=%y
}`;
    expect(foldedText(text)).toBe(linesOf(parseBound(text)));
    const stored = (more: string) => `graph g(%x: float32[2, 33]) {
  %c: float32[2, 33] = constant() {value=float32[2, 33] @c}
  %n: float32[2, 33] = neg(%c)
  %y: float32[2, 33] = add(%x, %n)
  return y=%y${more}
}`;
    const tensors = new Map([
      [
        "c",
        { dtype: "float32", shape: [2, 33], data: Float32Array.from({ length: 66 }, (_, i) => i) } as const,
      ],
    ]);
    const fold = (more: string) =>
      linesOf(eliminateDead(foldConstants(parseBound(stored(more), tensors), float64)));
    expect(fold("")).not.toContain("neg(");
    expect(fold(", c=%c")).toContain("neg(");
  });

  test("in the numerics of the target", () => {
    const text = `graph g() {
  %c: float32[3] = constant() {value=float32[3](16777216, 1, 1)}
  %y: float32[] = reduceSum(%c) {axes=[0], keepDims=false}
  return y=%y
}`;
    expect(foldedText(text)).toContain("float32[](16777218)");
    expect(foldedText(text, { accumulate: "float32" })).toContain("float32[](16777216)");
  });

  test("never from parameters, and never where the op would raise", () => {
    const text = `graph g() {
  param %p: float32[2] = {"kind":"zeros"}
  %i: int32[1] = constant() {value=int32[1](5)}
  %c: float32[2] = constant() {value=float32[2](1, 2)}
  %n: float32[2] = neg(%p)
  %y: float32[1] = gather(%c, %i) {axis=0}
  return n=%n, y=%y
}`;
    const graph = parseBound(text);
    expect(foldConstants(graph, float64)).toBe(graph);
  });
});
