import { expect, test } from "vitest";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { ops } from "../../compiler/ops/index.ts";
import { fixGuarded } from "../../compiler/passes/fix-guarded.ts";
import type { BoundGraph } from "../../compiler/passes/rewrite.ts";

const fixed = (text: string) => fixGuarded(parseGraph(text) as BoundGraph);

test("an input that is guarded is a constant where it is read, and stays an input", () => {
  const graph = fixed(`graph g(%k: int32[2], %s: float16[1]) {
  guard %k = [<3>, <-1>]
  guard %s = [0.5]
  %a: int32[2] = neg(%k)
  return a=%a, k=%k, s=%s
}
`);
  verifyGraph(graph, ops);
  expect(printGraph(graph)).toBe(`graph g(%k: int32[2], %s: float16[1]) {
  guard %k = [<3>, <-1>]
  guard %s = [0.5]
  %k_1#3: int32[2] = constant() {value=int32[2](3, -1)}
  %s_1: float16[1] = constant() {value=float16[1](0.5)}
  %a#2: int32[2] = neg(%k_1)
  return a=%a, k=%k_1, s=%s_1
}
`);
});

test("a size that is left open stays what the input says", () => {
  const text = `graph g(%k: int32[1]) {
  guard %k = [<times>]
  %a: int32[1] = neg(%k)
  return a=%a
}
`;
  expect(printGraph(fixed(text))).toBe(text);
});

test("a graph without guards is the same graph", () => {
  const graph = parseGraph("graph g(%x: float32[2]) { return y=%x }") as BoundGraph;
  expect(fixGuarded(graph)).toBe(graph);
});
