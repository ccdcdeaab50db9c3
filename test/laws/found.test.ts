/** What random cases once found wrong, kept as the smallest case that shows it. */
import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { dense, sequential } from "../../compiler/index.ts";
import { infer } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { emitGraph, reference, requireEqual, runEmitted } from "../support/laws.ts";
import { checkAll } from "../support/laws-typescript.ts";

describe("kernels are shared only if they do the same", () => {
  const numbers = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  test("filling with zeros of either sign, infinities and NaN are different kernels", () => {
    const g = new GraphBuilder("fills");
    const outputs = numbers.map((x, i) => ({
      name: `y${i}`,
      value: g.constant({ dtype: "float32", shape: [2], data: Float32Array.of(x, x) }),
    }));
    const filled = g.finish(outputs) as Graph<BoundDim>;
    const emitted = emitGraph(filled, new Map());
    requireEqual(runEmitted(emitted, new Map()), reference(filled, new Map()), emitted);
    expect(emitted.program.kernels).toHaveLength(numbers.length);
  });
});

test("integers of eight bits wrap also where they never reach memory", () => {
  const g = new GraphBuilder("wrap");
  const x = g.input("x", { dtype: "int8", shape: [constant(3)] });
  const square = g.node("mul", [x, x])[0]!;
  const total = g.node("reduceSum", [x], { axes: [0], keepDims: false })[0]!;
  const outputs = [square, total, g.node("neg", [x])[0]!].map((value, i) => {
    const wide = g.node("cast", [value], { dtype: "float32" })[0]!;
    return { name: `y${i}`, value: g.node("neg", [wide])[0]! };
  });
  const wrapping = g.finish(outputs) as Graph<BoundDim>;
  const data = new Map([["x", { dtype: "int8", shape: [3], data: Int8Array.of(-128, 127, -127) } as const]]);
  const emitted = emitGraph(wrapping, data);
  const expected = {
    y0: Float32Array.of(-0, -1, -1),
    y1: Float32Array.of(128),
    y2: Float32Array.of(128, 127, -127),
  };
  requireEqual(reference(wrapping, data), expected, emitted);
  requireEqual(runEmitted(emitted, data), expected, emitted);
});

test("a gated linear unit refuses an odd number of channels instead of dropping one", () => {
  const gated = (units: number) => sequential([dense({ units, activation: "glu" })]);
  expect(() => gated(3).bind({ x: [2, 5] })).toThrow(/^E2105 /);
  expect(gated(4).predict(new Float32Array(10).fill(1), [2, 5]).shape).toEqual([2, 2]);
});

test("a weight that no kernel turns out to read is not shipped", () => {
  const g = new GraphBuilder("padding");
  const parameter = (name: string, ...shape: number[]) =>
    g.parameter(name, { dtype: "float32", shape: shape.map((n) => constant(n)) }, { kind: "zeros" });
  const one = constant(1);
  // Of a stride of 2 over an input spread by 2, behind one element of padding, every window meets the gaps
  // only.
  const attributes = {
    strides: [constant(2)],
    padding: [[one, constant(0)]],
    dilations: [one],
    inputDilations: [constant(2)],
    groups: one,
    layout: "channelsLast",
  };
  const y = g.node("conv", [parameter("x", 2, 2, 2), parameter("k", 1, 2, 1)], attributes)[0]!;
  const gaps = g.finish([{ name: "y", value: y }]) as Graph<BoundDim>;
  const data = fill(gaps, { style: "normal", seed: 1 });
  for (const weights of ["inline", "file"] as const) {
    const { code } = emitGraph(gaps, data, { format: "ts", weights, header: [] }).module;
    expect(checkAll([code])).toEqual([]);
    expect(code).not.toContain("new Float32Array(bytes, 0, 8)");
  }
});

test("two broadcasts of an unknown size do not settle it: it may be 1", () => {
  const g = new GraphBuilder("broadcasts");
  const x = g.input("x", { dtype: "float32", shape: [constant(2)] });
  const p = g.parameter("p", { dtype: "float32", shape: [g.unknown("p")] }, { kind: "zeros" });
  const once = g.node("add", [x, p])[0]!;
  const twice = g.node("sub", [p, once])[0]!;
  const open = infer(g.finish([{ name: "y", value: twice }]));
  expect(open.parameters[0]!.value.type.shape.map(String)).toEqual(["?p"]);
});
