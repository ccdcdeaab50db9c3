import { describe, expect, test } from "vitest";
import { constant, symbol } from "../../compiler/dims/index.ts";
import { bind } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Graph, Value } from "../../compiler/ir/graph.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { runProgram } from "../support/run-program.ts";

const float = (...shape: number[]) => ({ dtype: "float32" as const, shape: shape.map((n) => constant(n)) });

/** Values that no two positions share, so a wrong index shows. */
function ramp(shape: readonly number[], scale = 0.37): Tensor {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  data.forEach((_, i) => {
    data[i] = Math.sin(1 + i * scale) * 2;
  });
  return { dtype: "float32", shape, data };
}

const sizes = (value: Value) => value.type.shape.map((d) => Number(String(d)));

/** Lowers, runs through the interpreter, and compares with the reference, bit for bit. */
function check(graph: Graph, inputs: Readonly<Record<string, Tensor>>): Program {
  const bound = bind(graph, inputs);
  const parameters = new Map(
    bound.graph.parameters.map(({ value }) => [value.name, ramp(sizes(value), 0.91)]),
  );
  const program = lower(bound.graph, {
    target: targets.ts,
    parameters,
    symbols: bound.symbols,
  });
  const expected = evaluateGraph(
    bound.graph,
    new Map([...Object.entries(inputs), ...parameters]),
    targets.ts.numerics,
  );
  const data = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, t.data]));
  const got = runProgram(program, data);
  for (const [name, tensor] of expected) expect(got[name], name).toEqual(tensor.data);
  return program;
}

const kernels = (program: Program) =>
  program.steps.map((step) => (step.kind === "call" ? step.kernel.name : "repeat"));

describe("lowering a graph", () => {
  test("a matmul, its bias and its relu are one kernel", () => {
    const g = new GraphBuilder("dense");
    const x = g.input("x", { dtype: "float32", shape: [symbol("batch"), symbol("features")] });
    const kernel = g.parameter(
      "kernel",
      { dtype: "float32", shape: [g.unknown("in"), constant(6)] },
      { kind: "zeros" },
    );
    const bias = g.parameter("bias", float(6), { kind: "zeros" });
    const [y] = g.node("dotGeneral", [x, kernel], { batch: [[], []], contract: [[1], [0]] });
    const [biased] = g.node("add", [y!, bias]);
    const zero = g.constant({ dtype: "float32", shape: [], data: new Float32Array(1) });
    const [out] = g.node("max", [biased!, zero]);
    const program = check(g.finish([{ name: "y", value: out! }]), { x: ramp([3, 5]) });
    expect(kernels(program)).toEqual(["dotGeneral_3x6x5"]);
    expect(program.arena.bytes).toBe(0);
    expect(program.macs).toBe(3 * 5 * 6);
  });

  test("a swish behind a matmul is its epilogue: the sum is read twice and computed once", () => {
    const g = new GraphBuilder("swish");
    const [x, kernel] = [g.input("x", float(3, 5)), g.parameter("kernel", float(5, 4), { kind: "zeros" })];
    const [y] = g.node("dotGeneral", [x, kernel], { batch: [[], []], contract: [[1], [0]] });
    const [e] = g.node("tanh", [y!]);
    const [gate] = g.node("add", [e!, y!]);
    const [out] = g.node("mul", [gate!, y!]);
    const program = check(g.finish([{ name: "y", value: out! }]), { x: ramp([3, 5]) });
    expect(kernels(program)).toEqual(["dotGeneral_3x4x5"]);
  });

  test("a value that a reduction and its epilogue read has memory", () => {
    const g = new GraphBuilder("normalised");
    const x = g.input("x", float(4, 7));
    const [e] = g.node("exp", [x]);
    const [total] = g.node("reduceSum", [e!], { axes: [1], keepDims: true });
    const [y] = g.node("sub", [e!, total!]);
    expect(check(g.finish([{ name: "y", value: y! }]), { x: ramp([4, 7]) }).steps).toHaveLength(3);
  });

  test("a softmax keeps the exponentials, which two consumers read", () => {
    const g = new GraphBuilder("softmax");
    const x = g.input("x", float(4, 7));
    const [peak] = g.node("reduceMax", [x], { axes: [1], keepDims: true });
    const [shifted] = g.node("sub", [x, peak!]);
    const [e] = g.node("exp", [shifted!]);
    const [total] = g.node("reduceSum", [e!], { axes: [1], keepDims: true });
    const [y] = g.node("div", [e!, total!]);
    const program = check(g.finish([{ name: "y", value: y! }]), { x: ramp([4, 7]) });
    expect(program.steps).toHaveLength(4);
  });

  test("an elementwise chain over equal shapes is one flat loop", () => {
    const g = new GraphBuilder("chain");
    const x = g.input("x", float(2, 3, 4));
    const [a] = g.node("mul", [x, x]);
    const [b] = g.node("tanh", [a!]);
    const program = check(g.finish([{ name: "y", value: b! }]), { x: ramp([2, 3, 4]) });
    expect(program.kernels).toHaveLength(1);
    const [loop] = program.kernels[0]!.body;
    expect(loop).toMatchObject({ kind: "for" });
    expect(program.kernels[0]!.body).toHaveLength(1);
  });

  test("a chain too long for one kernel is several, however long it is", () => {
    const g = new GraphBuilder("chain");
    let y = g.input("x", float(2));
    for (let i = 0; i < 3000; i++) [y] = g.node(i % 2 ? "neg" : "abs", [y]) as [Value];
    const { steps } = check(g.finish([{ name: "y", value: y }]), { x: ramp([2]) });
    expect(steps.length).toBeGreaterThan(3000 / 300);
    expect(steps.length).toBeLessThan(3000 / 200);
  });

  test("a reshape is the same memory, a transpose is read in place, and neither has a kernel", () => {
    const g = new GraphBuilder("moves");
    const x = g.input("x", float(4, 6));
    const [t] = g.node("transpose", [x], { permutation: [1, 0] });
    const [s] = g.node("exp", [t!]);
    const [r] = g.node("reshape", [s!], { shape: [constant(3), constant(8)] });
    const [y] = g.node("neg", [r!]);
    expect(check(g.finish([{ name: "y", value: y! }]), { x: ramp([4, 6]) }).steps).toHaveLength(2);
  });

  test("an output that is a view, an input or a second name of another output is copied", () => {
    const g = new GraphBuilder("aliases");
    const x = g.input("x", float(2, 6));
    const [r] = g.node("reshape", [x], { shape: [constant(3), constant(4)] });
    const [e] = g.node("exp", [x]);
    const [f] = g.node("reshape", [e!], { shape: [constant(12)] });
    const outputs = { same: x, view: r!, e: e!, again: e!, flat: f! };
    check(g.finish(Object.entries(outputs).map(([name, value]) => ({ name, value }))), { x: ramp([2, 6]) });
  });

  test("two equal layers share one kernel", () => {
    const g = new GraphBuilder("shared");
    const x = g.input("x", float(3, 5));
    const dense = (value: Value, name: string): Value => {
      const kernel = g.parameter(`${name}.kernel`, float(5, 5), { kind: "zeros" });
      return g.node("dotGeneral", [value, kernel], { batch: [[], []], contract: [[1], [0]] })[0]!;
    };
    const y = dense(dense(dense(dense(x, "a"), "b"), "c"), "d");
    const program = check(g.finish([{ name: "y", value: y }]), { x: ramp([3, 5]) });
    expect(program.steps).toHaveLength(4);
    expect(new Set(kernels(program)).size).toBeLessThan(4);
  });
});

describe("lowering a scan", () => {
  function cell(reverse: boolean, swap = false): Graph {
    const g = new GraphBuilder("rnn");
    const x = g.input("x", float(2, 4, 3));
    const kernel = g.parameter("kernel", float(3, 3), { kind: "zeros" });
    const [time] = g.node("transpose", [x], { permutation: [1, 0, 2] });
    const zeros = g.constant({ dtype: "float32", shape: [2, 3], data: new Float32Array(6) });
    const ones = g.constant({ dtype: "float32", shape: [2, 3], data: new Float32Array(6).fill(1) });
    const body = g.subgraph("step", (inner) => {
      const h = inner.input("h", float(2, 3));
      const c = inner.input("c", float(2, 3));
      const xt = inner.input("xt", float(2, 3));
      const w = inner.input("w", float(3, 3));
      const [product] = inner.node("dotGeneral", [h, w], { batch: [[], []], contract: [[1], [0]] });
      const [sum] = inner.node("add", [product!, xt]);
      const [next] = inner.node("tanh", [sum!]);
      const [decayed] = inner.node("mul", [c, next!]);
      return [
        { name: "h", value: swap ? c : next! },
        { name: "c", value: swap ? h : decayed! },
        { name: "y", value: next! },
      ];
    });
    const attributes = { body, states: 2, sequences: 1, reverse, conditional: false };
    const results = g.node("scan", [zeros, ones, time!, kernel], attributes);
    return g.finish(results.map((value, i) => ({ name: ["h", "c", "ys"][i]!, value })));
  }

  test("carries states, stacks outputs and reads one step of its sequence at a time", () => {
    check(cell(false), { x: ramp([2, 4, 3]) });
  });

  test("runs backwards and still stacks each output at its own step", () => {
    check(cell(true), { x: ramp([2, 4, 3]) });
  });

  test("may exchange its states", () => {
    check(cell(false, true), { x: ramp([2, 4, 3]) });
  });
});
