/** Models compiled for WebAssembly, as their user sees them. */
import {
  add,
  compile,
  conv2d,
  dense,
  flatten,
  input,
  load,
  lstm,
  type Model,
  maxPooling2d,
  model,
  multiHeadAttention,
  sequential,
} from "shapecast";
import { describe, expect, test } from "vitest";
import type { CompileOptions } from "../../compiler/compile-model.ts";
import { checkModule } from "../../runtime/fuzz/index.ts";
import { checkAll } from "../support/laws-typescript.ts";

const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i));
const loaded = (net: Model<unknown>, options: CompileOptions) =>
  load(compile(net, { ...options, format: "js" }));

const mlp = () =>
  sequential([dense({ units: 37, activation: "relu" }), dense({ units: 11, activation: "softmax" })]);
const lenet = () =>
  sequential([
    conv2d({ filters: 6, kernelSize: 5, padding: "same", activation: "tanh" }),
    maxPooling2d({ poolSize: 2 }),
    conv2d({ filters: 9, kernelSize: 3, activation: "relu" }),
    flatten(),
    dense({ units: 10 }),
  ]);
const recurrent = () => sequential([lstm({ units: 12, returnSequences: true }), lstm({ units: 5 })]);

function encoder() {
  const x = input({ batchShape: ["batch", "seq", 6], name: "x" });
  const hidden = add().apply([x, multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply([x, x])]);
  const y = dense({ units: 4 }).apply(hidden);
  return model({ inputs: x, outputs: { y, last: lstm({ units: 5 }).apply(y) } });
}

function expectClose(actual: object, expected: object): void {
  for (const [name, values] of Object.entries(expected)) {
    const found = (actual as Record<string, Float32Array>)[name]!;
    expect(found.length).toBe(values.length);
    for (const [i, value] of (values as Float32Array).entries())
      expect(Math.abs(found[i]! - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)));
  }
}

describe.each([
  ["a multilayer perceptron", mlp, [3, 20]],
  ["a small convolution network", lenet, [2, 14, 14, 1]],
  ["a recurrent network", recurrent, [2, 7, 6]],
  ["attention", encoder, [2, 5, 6]],
] as const)("%s for WebAssembly", (_, build, shape) => {
  const net = build() as Model<unknown>;
  const sample: number[] = [...shape];
  const x = noise(sample.reduce((a, b) => a * b, 1));
  const name = Object.keys(loaded(net, { sample }).signature.inputs)[0]!;
  const expected = loaded(net, { sample })
    .instantiate()
    .run({ [name]: x });

  test.each([
    ["inline", "inline", "auto"],
    ["file", "file", "auto"],
    ["init", "inline", "plain"],
  ] as const)("gives what plain TypeScript gives: weights %s, wasm %s, simd %s", (weights, wasm, simd) => {
    const module = loaded(net, { sample, target: "wasm", weights, wasm, simd });
    expectClose(module.instantiate().run({ [name]: x }), expected);
  });

  test("keeps the promises that every module makes", () => {
    checkModule(loaded(net, { sample, target: "wasm" }), { [name]: x });
  });

  test("passes the strictest compiler, with and without its weights and its binary", () => {
    const modes = [{ weights: "file" }, { wasm: "file" }, { weights: "init", wasm: "file" }] as const;
    const texts = modes.map((mode) => compile(net, { sample, target: "wasm", ...mode }).code);
    expect(checkAll(texts)).toEqual([]);
  });

  test("is the same text every time, of a binary that the engine accepts", () => {
    const [first, second] = [0, 1].map(() => compile(build(), { sample, target: "wasm", wasm: "file" }));
    expect(second!.code).toBe(first!.code);
    expect(second!.wasm).toEqual(first!.wasm);
    expect(WebAssembly.validate(first!.wasm!.plain)).toBe(true);
  });
});

describe("a WebAssembly module of several sizes", () => {
  const run = (options: CompileOptions, batch: number, seq: number) => {
    const instance = loaded(encoder(), options).instantiate();
    const outputs = instance.run({ x: noise(batch * seq * 6) }, { seq });
    return { ...outputs, shapes: instance.shapes };
  };

  test.each([
    ["open", { dims: { batch: { min: 1, max: 4 }, seq: { min: 1, max: 8 } } }],
    ["in buckets", { dims: { batch: [1, 4], seq: [3, 8] } }],
  ])("gives with its dims %s what TypeScript gives", (_, options) => {
    for (const [batch, seq] of [
      [1, 3],
      [4, 8],
      [2, 5],
    ] as const) {
      const { shapes, ...outputs } = run({ ...options, target: "wasm" }, batch, seq);
      const { shapes: wanted, ...expected } = run(options, batch, seq);
      expect(shapes).toEqual(wanted);
      expectClose(outputs, expected);
    }
    const texts = [compile(encoder(), { ...options, target: "wasm" }).code];
    expect(checkAll(texts)).toEqual([]);
  });
});

describe("inputs in the memory of an instance", () => {
  const x = input({ batchShape: [1, 4], name: "x" });
  const y = input({ batchShape: [1, 4], name: "y" });
  const net = model({ inputs: [x, y], outputs: { sum: dense({ units: 4 }).apply(add().apply([x, y])) } });
  const { instantiate } = loaded(net, { target: "wasm" });
  const [a, b] = [noise(4), noise(8).subarray(4)];
  const expected = instantiate().run({ x: a, y: b })["sum"]!.slice();

  test("are taken where they were written", () => {
    const { inputs, run } = instantiate();
    inputs!["x"]!.set(a as never);
    inputs!["y"]!.set(b as never);
    expect(run()["sum"]).toEqual(expected);
  });

  test("may be passed one for the other, or be the output of the run before", () => {
    const { inputs, run } = instantiate();
    inputs!["x"]!.set(b as never);
    inputs!["y"]!.set(a as never);
    expect(run({ x: inputs!["y"]!, y: inputs!["x"]! })["sum"]).toEqual(expected);
    const fresh = instantiate();
    const { sum } = fresh.run({ x: a, y: b });
    const again = instantiate().run({ x: expected, y: b })["sum"];
    expect(fresh.run({ x: sum!, y: b })["sum"]).toEqual(again);
  });
});
