import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { foldScale } from "../../compiler/passes/fold-scale.ts";
import { hoistParameters } from "../../compiler/passes/hoist-parameters.ts";
import { runPasses } from "../../compiler/passes/pipeline.ts";
import { numbersIn } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";
import { bitsOf } from "../support/tensor-bits.ts";

const float64 = { accumulate: "float64" } as const;
const param = (name: string, shape: string) => `param %${name}: float32[${shape}] = {"kind":"zeros"}`;

/**
 * A convolution with bias and the batch normalisation behind it; \`c\` is the shape of a value per channel.
 */
const convolution = (layout: string, c: string, x: string, y: string, output = "y=%y") =>
  parseBound(`graph g(%x: float32[${x}]) {
  ${param("k", "3, 2, 4")}
  ${param("b", c)}
  ${param("mean", c)}
  ${param("variance", c)}
  ${param("gamma", c)}
  ${param("beta", c)}
  %eps: float32[] = constant() {value=float32[](0.001)}
  %conv: float32[${y}] = conv(%x, %k) {strides=[<1>], padding=[[<0>, <0>]], dilations=[<1>], inputDilations=[<1>], groups=<1>, layout="${layout}"}
  %biased: float32[${y}] = add(%conv, %b)
  %centred: float32[${y}] = sub(%biased, %mean)
  %v: float32[${c}] = add(%variance, %eps)
  %deviation: float32[${c}] = sqrt(%v)
  %normal: float32[${y}] = div(%centred, %deviation)
  %scaled: float32[${y}] = mul(%gamma, %normal)
  %y: float32[${y}] = add(%scaled, %beta)
  return ${output}
}`);

const last = () => convolution("channelsLast", "4", "1, 7, 2", "1, 5, 4");
const first = () => convolution("channelsFirst", "4, 1", "1, 2, 7", "1, 4, 5");

const product = parseBound(`graph g(%x: float32[3, 5]) {
  ${param("w", "2, 5, 4")}
  ${param("s", "4")}
  ${param("t", "2, 1")}
  %dot: float32[3, 2, 4] = dotGeneral(%x, %w) {batch=[[], []], contract=[[1], [1]]}
  %a: float32[3, 2, 4] = mul(%dot, %s)
  %y: float32[3, 2, 4] = div(%a, %t)
  return y=%y
}`);

/** Parameters as a trained model has them: variances are positive, divisors not near 0. */
function trained(graph: Graph<BoundDim>, seed: number): Map<string, Tensor> {
  const tensors = fill(graph, { style: "normal", seed });
  for (const [name, { data }] of tensors)
    if (name === "variance" || name === "t")
      numbersIn(data).set(numbersIn(data).map((x) => Math.abs(x) + 0.5));
  return tensors;
}

describe("a factor per channel behind a contraction", () => {
  test.each([
    ["a convolution", last()],
    ["a convolution with the channels first", first()],
    ["a product with several output axes", product],
  ])("goes into the kernel of %s, within the stated bound", (_what, graph) => {
    const folded = foldScale(graph);
    expect(linesOf(folded)).toContain(".scaled");
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const tensors = trained(graph, seed);
        const before = numbersIn(evaluateGraph(graph, tensors).get("y")!.data);
        const after = numbersIn(evaluateGraph(folded, tensors).get("y")!.data);
        const magnitude = numbersIn(evaluateGraph(graph, magnitudes(tensors)).get("y")!.data);
        const bound = 9 * 2 ** -23;
        before.forEach((x, i) => {
          expect(Math.abs(x - after[i]!)).toBeLessThanOrEqual(bound * magnitude[i]!);
        });
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  test("leaves one convolution and one addition once the parameters are hoisted", () => {
    const graph = last();
    const after = runPasses(graph, { parameters: trained(graph, 1) });
    expect(linesOf(after).replace(/\(-?\d[^)]*\)/g, "(...)")).toMatchInlineSnapshot(`
      "%add: float32[4] = constant() {value=float32[4](...)}
      %k.scaled: float32[3, 2, 4] = constant() {value=float32[3, 2, 4](...)}
      %conv_1: float32[1, 5, 4] = conv(%x, %k.scaled) {strides=[<1>], padding=[[<0>, <0>]], dilations=[<1>], inputDilations=[<1>], groups=<1>, layout="channelsLast"}
      %y: float32[1, 5, 4] = add(%conv_1, %add)
      return y=%y"
    `);
    expect(after.parameters).toEqual([]);
  });

  test("stays without values of the parameters", () => {
    const graph = last();
    expect(runPasses(graph).parameters.length).toBe(6);
  });

  test("stays where something else reads a value between, or the kernel", () => {
    const layout = ["channelsLast", "4", "1, 7, 2", "1, 5, 4"] as const;
    for (const output of ["y=%y, k=%k", "y=%y, c=%conv"]) {
      const graph = convolution(...layout, output);
      expect(foldScale(graph)).toBe(graph);
    }
    const graph = convolution(...layout, "y=%y, n=%normal");
    const folded = linesOf(foldScale(graph));
    expect(folded).toContain("mul(%gamma, %normal)");
  });

  test("stays if it varies along another axis, is no parameter, or the elements are integers", () => {
    const graph = (dtype: string, s: string) =>
      parseBound(`graph g(%x: ${dtype}[3, 5], %z: ${dtype}[4]) {
  param %w: ${dtype}[5, 4] = {"kind":"zeros"}
  param %s: ${dtype}[3, 1] = {"kind":"zeros"}
  param %t: ${dtype}[4] = {"kind":"zeros"}
  %dot: ${dtype}[3, 4] = dotGeneral(%x, %w) {batch=[[], []], contract=[[1], [0]]}
  %y: ${dtype}[3, 4] = mul(%dot, ${s})
  return y=%y
}`);
    for (const stays of [graph("float32", "%s"), graph("float32", "%z"), graph("int32", "%t")])
      expect(foldScale(stays)).toBe(stays);
    expect(linesOf(foldScale(graph("float32", "%t")))).not.toContain("%dot");
  });
});

/** Every operand's size: what is added up in a result, without cancellation. */
function magnitudes(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const sign = (name: string) => (name === "mean" ? -1 : 1);
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const data = numbersIn(tensor.data).map((x) => sign(name) * Math.abs(x));
      return [name, { ...tensor, data }];
    }),
  );
}

describe("what follows from parameters", () => {
  const hoisted = (text: string, seed = 1) => {
    const graph = parseBound(text);
    return { graph, after: hoistParameters(graph, fill(graph, { style: "normal", seed }), float64) };
  };
  const scaledKernel = (more: string) => `graph g(%x: float32[2, 64]) {
  param %k: float32[64, 64] = {"kind":"zeros"}
  param %s: float32[64] = {"kind":"zeros"}
  %w: float32[64, 64] = mul(%k, %s)
  %y: float32[2, 64] = dotGeneral(%x, %w) {batch=[[], []], contract=[[1], [0]]}
  return y=%y${more}
}`;

  test("is computed once, bit for bit, however it is scaled", () => {
    const shapes = ["64", "1", "64, 1", "1, 64", "64, 64", ""];
    fc.assert(
      fc.property(fc.constantFrom(...shapes), fillingArbitrary({ specials: true }), (s, filling) => {
        const graph = parseBound(scaledKernel("").replace("%s: float32[64]", `%s: float32[${s}]`));
        const tensors = fill(graph, filling);
        const after = hoistParameters(graph, tensors, float64);
        expect(linesOf(after)).not.toContain("mul(");
        expect(bitsOf(evaluateGraph(after, tensors))).toEqual(bitsOf(evaluateGraph(graph, tensors)));
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  test("is left where a large parameter would be shipped twice", () => {
    const { graph, after } = hoisted(scaledKernel(", k=%k"));
    expect(after).toBe(graph);
  });

  test("is put together where its parts need a copy, and left where an index reads it in place", () => {
    const rows = (op: string) => `graph g(%x: float32[2, 64]) {
  param %k: float32[64, 64] = {"kind":"zeros"}
  %a: float32[32, 64] = slice(%k) {axis=0, start=<0>, size=<32>, stride=<1>}
  %b: float32[32, 64] = slice(%k) {axis=0, start=<32>, size=<32>, stride=<1>}
  ${op}
  %y: float32[2, 64] = dotGeneral(%x, %w) {batch=[[], []], contract=[[1], [0]]}
  return y=%y
}`;
    const joined = hoisted(rows("%w: float32[64, 64] = concat(%b, %a) {axis=0}")).after;
    expect(linesOf(joined)).not.toContain("concat(");
    const { graph, after } = hoisted(rows("%w: float32[64, 64] = transpose(%k) {permutation=[1, 0]}"));
    expect(after).toBe(graph);
  });

  test("is stored once where several large values follow from one parameter", () => {
    const { after } = hoisted(`graph g(%x: float32[2, 64]) {
  param %k: float32[64, 64] = {"kind":"zeros"}
  %a: float32[64, 64] = neg(%k)
  %b: float32[64, 64] = exp(%k)
  %p: float32[2, 64] = dotGeneral(%x, %a) {batch=[[], []], contract=[[1], [0]]}
  %q: float32[2, 64] = dotGeneral(%x, %b) {batch=[[], []], contract=[[1], [0]]}
  return p=%p, q=%q
}`);
    expect(after.nodes.map((node) => node.op)).toEqual(["constant", "exp", "dotGeneral", "dotGeneral"]);
  });

  test("is left where nothing is computed", () => {
    const { graph, after } = hoisted(`graph g(%x: float32[2, 3]) {
  param %k: float32[3, 2] = {"kind":"zeros"}
  %t: float32[2, 3] = transpose(%k) {permutation=[1, 0]}
  %y: float32[2, 3] = add(%x, %t)
  return y=%y
}`);
    expect(after).toBe(graph);
  });
});
