import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { verifyGraph } from "../../compiler/ir/graph-verify.ts";
import { verifyProgram } from "../../compiler/ir/program-verify.ts";
import { type Numerics, type Target, targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { ops } from "../../compiler/ops/index.ts";
import { canonicalise } from "../../compiler/passes/canonicalise.ts";
import { winograd } from "../../compiler/passes/winograd.ts";
import { numbersIn } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";
import { runProgram } from "../support/run-program.ts";

const attributes = (layout = "channelsLast") =>
  `strides=[<1>, <1>], padding=[[<0>, <0>], [<0>, <0>]], dilations=[<1>, <1>], ` +
  `inputDilations=[<1>, <1>], groups=<1>, layout="${layout}"`;

interface Shape {
  readonly n: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** A convolution, a bias and a residual sum, as the passes before leave them. */
function network({ n, height, width, inputs, outputs }: Shape): Graph<BoundDim> {
  const result = `float32[${n}, ${height}, ${width}, ${outputs}]`;
  return parseBound(`graph g(%x: float32[${n}, ${height + 2}, ${width + 2}, ${inputs}], %r: ${result}) {
  param %k: float32[3, 3, ${inputs}, ${outputs}] = {"kind":"zeros"}
  param %b: float32[${outputs}] = {"kind":"zeros"}
  %c: ${result} = conv(%x, %k) {${attributes()}}
  %s: ${result} = add(%c, %b)
  %y: ${result} = add(%s, %r)
  return y=%y
}`);
}

const shapes = fc.record({
  n: fc.integer({ min: 1, max: 2 }),
  height: fc.integer({ min: 2, max: 11 }),
  width: fc.integer({ min: 2, max: 11 }),
  inputs: fc.integer({ min: 8, max: 20 }),
  outputs: fc.integer({ min: 2, max: 5 }).map((n) => 4 * n),
});

type Run = (graph: Graph<BoundDim>, data: Map<string, Tensor>) => ArrayLike<number>;

const evaluated =
  (numerics: Numerics): Run =>
  (graph, data) =>
    numbersIn(evaluateGraph(graph, data, numerics).get("y")!.data);

/** Lowered, proven to stay inside its buffers, and interpreted. */
const lowered =
  (target: Target): Run =>
  (graph, data) => {
    const program = lower(graph, { target, parameters: data, symbols: new Map() });
    verifyProgram(program);
    const inputs = Object.fromEntries(graph.inputs.map(({ name }) => [name, data.get(name)!.data]));
    return numbersIn(runProgram(program, inputs, () => target.numerics)["y"]!);
  };

const absolute = (data: Map<string, Tensor>): Map<string, Tensor> =>
  new Map(
    [...data].map(([name, tensor]) => [
      name,
      { ...tensor, data: Float32Array.from(numbersIn(tensor.data), Math.abs) },
    ]),
  );

/** The largest difference from the convolution in double precision, by the sum of absolute values. */
function error(shape: Shape, seed: number, run: Run): number {
  const graph = network(shape);
  const data = fill(graph, { style: "normal", seed });
  const exact = evaluated(targets.ts.numerics);
  const expected = exact(graph, data);
  const magnitude = exact(graph, absolute(data));
  const actual = run(canonicalise(winograd(graph)), data);
  return Math.max(...Array.from(expected, (value, i) => Math.abs(actual[i]! - value) / magnitude[i]!));
}

const isFiltered = (shape: Shape) => linesOf(winograd(network(shape))).includes("winogradOutput");

describe("a 3x3 convolution of stride 1", () => {
  test("becomes three transforms around a batch of products, and what is behind it stays", () => {
    const graph = network({ n: 1, height: 6, width: 8, inputs: 16, outputs: 24 });
    expect(linesOf(winograd(graph))).toMatchInlineSnapshot(`
      "param %k: float32[3, 3, 16, 24] = {"kind":"zeros"}
      param %b: float32[24] = {"kind":"zeros"}
      %pad: float32[1, 10, 10, 16] = pad(%x) {low=[<0>, <0>, <0>, <0>], high=[<0>, <2>, <0>, <0>], value=0}
      %winogradInput: float32[36, 4, 16] = winogradInput(%pad) {tile=4, rows=<4>, columns=<16>}
      %winogradKernel: float32[36, 3, 16, 8] = winogradKernel(%k) {tile=4, width=8, depth=<16>}
      %dotGeneral: float32[36, 4, 3, 8] = dotGeneral(%winogradInput, %winogradKernel) {batch=[[0], [0]], contract=[[2], [2]]}
      %c: float32[1, 6, 8, 24] = winogradOutput(%dotGeneral) {tile=4, shape=[<1>, <6>, <8>, <24>]}
      %s: float32[1, 6, 8, 24] = add(%c, %b)
      %y: float32[1, 6, 8, 24] = add(%s, %r)
      return y=%y"
    `);
  });

  test.each([
    ["evaluated in float64", evaluated(targets.ts.numerics), 2 ** -20],
    ["evaluated in float32", evaluated(targets.wasm.numerics), 2 ** -17],
    ["lowered for plain loops", lowered(targets.ts), 2 ** -20],
    ["lowered for vectors", lowered(targets.wasm), 2 ** -17],
    ["lowered for fused vectors", lowered(targets["wasm-relaxed"]), 2 ** -17],
  ] as const)("stays within the stated bound, %s", (_how, run, bound) => {
    fc.assert(
      fc.property(shapes.filter(isFiltered), fc.nat(), (shape, seed) => {
        expect(error(shape, seed, run)).toBeLessThan(bound);
      }),
      { numRuns: 3, seed: 3 },
    );
  });

  test("keeps the elements of a tile from lying a power of two apart", () => {
    const shape = { n: 1, height: 16, width: 16, inputs: 16, outputs: 8 };
    const graph = winograd(network(shape));
    expect(linesOf(graph)).toContain("float32[36, 16, 20] = winogradInput");
    const wide = winograd(network({ ...shape, outputs: 16 }));
    expect(linesOf(wide)).toContain("float32[36, 2, 17, 8] = winogradKernel");
    expect(error({ ...shape, outputs: 16 }, 7, lowered(targets.wasm))).toBeLessThan(2 ** -17);
    for (const run of [evaluated(targets.wasm.numerics), lowered(targets.wasm)])
      expect(error(shape, 7, run)).toBeLessThan(2 ** -17);
    const { steps } = lower(graph, {
      target: targets.wasm,
      parameters: fill(graph, { style: "normal", seed: 1 }),
      symbols: new Map(),
    });
    expect(steps).toHaveLength(3);
  });

  test("has its kernel transformed early, and what is behind it done where results are stored", () => {
    const graph = winograd(network({ n: 1, height: 8, width: 8, inputs: 16, outputs: 16 }));
    const data = fill(graph, { style: "normal", seed: 1 });
    const { steps, prepare } = lower(graph, { target: targets.wasm, parameters: data, symbols: new Map() });
    const names = (list: typeof steps) => list.map((step) => (step.kind === "call" ? step.kernel.name : ""));
    expect(names(prepare)).toEqual(["winogradKernel_36x2x17x8"]);
    expect(names(steps)).toEqual(["winogradInput_36x4x16", "dotGeneral_36x4x2x8x16", "add_1x8x8x16"]);
  });
});

test.each([
  ["few channels", network({ n: 1, height: 8, width: 8, inputs: 3, outputs: 4 })],
  ["outputs that fill no vectors", network({ n: 1, height: 8, width: 8, inputs: 32, outputs: 30 })],
  [
    "channels that come first",
    parseBound(`graph g(%x: float32[1, 32, 10, 10]) {
  param %k: float32[3, 3, 32, 32] = {"kind":"zeros"}
  %y: float32[1, 32, 8, 8] = conv(%x, %k) {${attributes("channelsFirst")}}
  return y=%y
}`),
  ],
])("a convolution of %s stays", (_what, graph) => {
  expect(winograd(graph)).toBe(graph);
});

test("the ops that the pass makes are well-formed", () => {
  verifyGraph(winograd(network({ n: 2, height: 5, width: 9, inputs: 16, outputs: 16 })), ops);
});
