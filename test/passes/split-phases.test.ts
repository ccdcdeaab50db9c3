import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { ops } from "../../compiler/ops/index.ts";
import { splitPhases } from "../../compiler/passes/split-phases.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";
import { bitsOf } from "../support/tensor-bits.ts";

interface Axis {
  readonly x: number;
  readonly kernel: number;
  readonly spacing: number;
  readonly low: number;
  readonly high: number;
}

interface Case {
  readonly axes: readonly Axis[];
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly layout: "channelsFirst" | "channelsLast";
}

const lengthOf = ({ x, kernel, spacing, low, high }: Axis) => (x - 1) * spacing + 1 + low + high - kernel + 1;

function graphOf({ axes, batch, channels, outputs, groups, layout }: Case): Graph<BoundDim> {
  const arranged = (sizes: readonly number[], c: number) =>
    (layout === "channelsFirst" ? [batch, c, ...sizes] : [batch, ...sizes, c]).join(", ");
  const list = (of: (axis: Axis) => string) => `[${axes.map(of).join(", ")}]`;
  const x = arranged(
    axes.map((a) => a.x),
    channels * groups,
  );
  const y = arranged(axes.map(lengthOf), outputs * groups);
  const kernel = [...axes.map((a) => a.kernel), channels, outputs * groups].join(", ");
  return parseBound(`graph g(%x: float32[${x}], %k: float32[${kernel}]) {
  %y: float32[${y}] = conv(%x, %k) {strides=${list(() => "<1>")}, padding=${list((a) => `[<${a.low}>, <${a.high}>]`)}, dilations=${list(() => "<1>")}, inputDilations=${list((a) => `<${a.spacing}>`)}, groups=<${groups}>, layout="${layout}"}
  return y=%y
}`);
}

const small = (min: number, max: number) => fc.integer({ min, max });
const axisArbitrary = fc
  .record({
    x: small(1, 5),
    kernel: small(1, 5),
    spacing: small(1, 3),
    low: small(-1, 4),
    high: small(-1, 4),
  })
  .filter((axis) => lengthOf(axis) >= 1);
const caseArbitrary: fc.Arbitrary<Case> = fc.record({
  axes: fc.array(axisArbitrary, { minLength: 1, maxLength: 2 }),
  batch: small(1, 2),
  channels: small(1, 3),
  outputs: small(1, 3),
  groups: small(1, 2),
  layout: fc.constantFrom("channelsFirst", "channelsLast"),
});

const convolutions = (graph: Graph<BoundDim>) => graph.nodes.filter(({ op }) => op === "conv");

describe("transposed convolutions", () => {
  test("give the same bits as convolutions of their input alone", () => {
    let split = 0;
    fc.assert(
      fc.property(caseArbitrary, fc.constantFrom(1, 4), fc.integer(), (each, lanes, seed) => {
        const graph = graphOf(each);
        const after = splitPhases(graph, lanes);
        verifyGraph(after, ops);
        if (after !== graph) split++;
        const inputs = fill(graph, { style: "normal", seed });
        expect(bitsOf(evaluateGraph(after, inputs))).toEqual(bitsOf(evaluateGraph(graph, inputs)));
      }),
      { numRuns: 300 },
    );
    expect(split).toBeGreaterThan(100);
  });

  test("have no gaps left, unless their kernel is smaller than these or they do other things too", () => {
    const axis = { x: 4, kernel: 3, spacing: 2, low: 1, high: 1 };
    const base = { batch: 1, channels: 2, outputs: 3, groups: 1, layout: "channelsLast" } as const;
    const gapsOf = (axes: readonly Axis[]) =>
      convolutions(splitPhases(graphOf({ ...base, axes }), 1)).flatMap(({ attributes }) =>
        (attributes["inputDilations"] as readonly BoundDim[]).map(String),
      );
    expect(gapsOf([axis, axis])).toEqual(Array(8).fill("1"));
    expect(gapsOf([{ ...axis, kernel: 1 }])).toEqual(["2"]);
  });

  test("whose windows do not overlap become one convolution", () => {
    const axis = { x: 4, kernel: 2, spacing: 2, low: 1, high: 1 };
    const graph = graphOf({
      axes: [axis, axis],
      batch: 1,
      channels: 2,
      outputs: 3,
      groups: 1,
      layout: "channelsLast",
    });
    expect(convolutions(splitPhases(graph, 1))).toHaveLength(1);
    expect(linesOf(splitPhases(graph, 1))).toMatchInlineSnapshot(`
      "%slice: float32[1, 2, 2, 3] = slice(%k) {axis=0, start=<1>, size=<1>, stride=<2>}
      %slice_1: float32[1, 1, 2, 3] = slice(%slice) {axis=1, start=<1>, size=<1>, stride=<2>}
      %slice_2: float32[1, 2, 2, 3] = slice(%k) {axis=0, start=<1>, size=<1>, stride=<2>}
      %slice_3: float32[1, 1, 2, 3] = slice(%slice_2) {axis=1, start=<0>, size=<1>, stride=<2>}
      %slice_4: float32[1, 2, 2, 3] = slice(%k) {axis=0, start=<0>, size=<1>, stride=<2>}
      %slice_5: float32[1, 1, 2, 3] = slice(%slice_4) {axis=1, start=<1>, size=<1>, stride=<2>}
      %slice_6: float32[1, 2, 2, 3] = slice(%k) {axis=0, start=<0>, size=<1>, stride=<2>}
      %slice_7: float32[1, 1, 2, 3] = slice(%slice_6) {axis=1, start=<0>, size=<1>, stride=<2>}
      %concat: float32[1, 1, 2, 12] = concat(%slice_1, %slice_3, %slice_5, %slice_7) {axis=3}
      %conv: float32[1, 4, 4, 12] = conv(%x, %concat) {strides=[<1>, <1>], padding=[[<0>, <0>], [<0>, <0>]], dilations=[<1>, <1>], inputDilations=[<1>, <1>], groups=<1>, layout="channelsLast"}
      %reshape: float32[1, 4, 4, 2, 2, 3] = reshape(%conv) {shape=[<1>, <4>, <4>, <2>, <2>, <3>]}
      %transpose: float32[1, 4, 2, 4, 2, 3] = transpose(%reshape) {permutation=[0, 1, 3, 2, 4, 5]}
      %reshape_1: float32[1, 8, 8, 3] = reshape(%transpose) {shape=[<1>, <8>, <8>, <3>]}
      return y=%reshape_1"
    `);
  });
});
