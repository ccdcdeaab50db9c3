/**
 * The whole story in under a second, to be read from top to bottom: a model without sizes, a sample, a
 * module. Everything else in test/ looks closer at one part of it.
 */
import { test as property } from "@fast-check/vitest";
import { CompileError, compile, dense, load, sequential } from "shapecast";
import { checkModule, inputs } from "shapecast/fuzz";
import { describe, expect, test } from "vitest";

/** Nobody says how many features x has. */
const twoLayers = () => sequential([dense({ units: 256, activation: "relu" }), dense({ units: 10 })]);

describe("a network without an input size", () => {
  const net = twoLayers();

  test("has no weights yet, and an unknown where a shape is", () => {
    expect(net.getWeights()).toEqual([]);
    expect(net.summary()).toBe(
      [
        "layer    output        parameters",
        "dense    [batch, 256]  kernel [?, 256]  bias [256]",
        "dense_1  [batch, 10]   kernel [256, 10] bias [10]",
        "? is decided by the first sample",
      ].join("\n"),
    );
  });

  test("gets its shapes from the first sample", () => {
    net.bind({ x: [2, 20] });
    expect(net.getWeights().map(({ shape }) => shape)).toEqual([[20, 256], [256], [256, 10], [10]]);
  });

  test("predicts for any batch of 20 features", () => {
    const { shape, data } = net.predict(new Float32Array(3 * 20).fill(0.5), [3, 20]);
    expect(shape).toEqual([3, 10]);
    expect(data.slice(0, 10)).toEqual(data.slice(20));
    expect(data.some((value) => value !== 0)).toBe(true);
  });

  test("refuses 30 features, says who wanted 20, and goes on working", () => {
    const wrong = () => net.predict(new Float32Array(3 * 30), [3, 30]);
    expect(wrong).toThrow(CompileError);
    expect(wrong).toThrow(/^E2104 input "x" has 30 features, but dense\.kernel expects 20\n/);
    expect(wrong).toThrow(/20 fixed by the sample \[2, 20\] at .*tiny\.test\.ts:\d+/);
    expect(net.predict(new Float32Array(20), [1, 20]).shape).toEqual([1, 10]);
  });
});

describe("the same network compiled for one row", () => {
  const net = twoLayers();
  const emitted = compile(net, { sample: { x: [1, 20] }, format: "js", name: "tiny" });
  const module = load(emitted);

  test("is one text that imports nothing", () => {
    expect(emitted.code).toContain("export function instantiate(");
    expect(emitted.code).not.toMatch(/\b(import|require)\b/);
    expect(emitted.report).toMatchObject({ parameters: 20 * 256 + 256 + 256 * 10 + 10, arenaBytes: 1024 });
  });

  test("knows its inputs and outputs", () => {
    expect(module.signature).toEqual({
      name: "tiny",
      inputs: { x: { dtype: "float32", shape: [1, 20] } },
      outputs: { dense_1: { dtype: "float32", shape: [1, 10] } },
    });
  });

  test("gives the numbers predict gives", () => {
    const x = Float32Array.from({ length: 20 }, (_, i) => Math.sin(i));
    const { dense_1 } = module.instantiate().run({ x });
    expect(dense_1).toEqual(net.predict(x, [1, 20]).data);
  });

  property.prop([inputs(module.signature)], { numRuns: 30 })("keeps its promises on any input", (input) =>
    checkModule(module, input),
  );
});
