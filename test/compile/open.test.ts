/** Models compiled with dims left open, as their user sees them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CompileError,
  type CompileOptions,
  compile,
  concatenate,
  conv2d,
  conv2dTranspose,
  dense,
  dim,
  flatten,
  globalAveragePooling2d,
  input,
  load,
  lstm,
  type Model,
  maxPooling2d,
  model,
  type Symbolic,
  sequential,
  upSampling2d,
} from "../../compiler/index.ts";
import { checkModule, inputs } from "../../runtime/fuzz/index.ts";
import { checkEmitted } from "../support/typecheck.ts";

const range = (min: number, max: number) => ({ min, max });
const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i));
const loaded = (net: Model<unknown>, options: CompileOptions) =>
  load(compile(net, { ...options, format: "js" }));

/** The outputs of the open module at some sizes, and those of the module compiled for these sizes alone. */
function both(net: Model<unknown>, open: CompileOptions, dims: Record<string, number>, sample: number[]) {
  const x = noise(sample.reduce((n, size) => n * size, 1));
  const [one, other] = [loaded(net, open), loaded(net, { sample, dims })];
  const name = Object.keys(one.signature.inputs)[0]!;
  const instance = one.instantiate();
  const found = instance.run({ [name]: x }, dims);
  const fixed = other.instantiate().run({ [name]: x });
  const shapes = Object.entries(other.signature.outputs).map(([output, { shape }]) => [output, shape]);
  expect(instance.shapes).toEqual(Object.fromEntries(shapes));
  return { found, fixed };
}

describe("a module with an open batch", () => {
  const mlp = sequential([
    dense({ units: 5, activation: "relu" }),
    dense({ units: 3, activation: "softmax" }),
  ]);
  const open = { sample: [1, 4], dims: { batch: range(0, 9) } };

  test.each([0, 1, 2, 5, 9])("gives for %i rows what the module of that batch gives", (batch) => {
    const { found, fixed } = both(mlp, open, { batch }, [batch, 4]);
    expect(found).toEqual(fixed);
  });

  test("says in its signature and types what is open, and passes the strictest compiler", () => {
    const { code } = compile(mlp, open);
    expect(code).toContain(" * open: 0 <= batch <= 9\n");
    expect(code).toContain('x: { dtype: "float32", shape: ["batch", 4] },');
    expect(code).toContain("dims: {\n    batch: { min: 0, max: 9 },\n  },");
    expect(checkEmitted(code)).toEqual([]);
  });

  test("gives the same array for the same batch, and its own shape after every run", () => {
    const instance = loaded(mlp, open).instantiate();
    const run = (batch: number) => Object.values(instance.run({ x: noise(4 * batch) }))[0]!;
    const first = run(2);
    expect(run(3)).not.toBe(first);
    expect(run(2)).toBe(first);
    expect(Object.values(instance.shapes!)).toEqual([[2, 3]]);
  });

  test("keeps every promise at sizes drawn from its signature", () => {
    const module = loaded(mlp, open);
    for (const drawn of fc.sample(inputs(module.signature), { numRuns: 20, seed: 4 }))
      checkModule(module, drawn);
  });

  test("is not bound by its sample, also where that is 1", () => {
    const squares = sequential([dense({ units: 4 })]);
    const { code } = compile(squares, { sample: [1, 1], dims: { batch: range(1, 8) } });
    expect(code).toContain('shape: ["batch", 1]');
  });
});

test("a dim declared in the model stays open whatever the sample, and is bound by name only", () => {
  const seq = dim("seq", { min: 1, max: 16, multipleOf: 4 });
  const net = sequential([dense({ units: 2, batchInputShape: [1, seq, 3] })]);
  const module = loaded(net, { sample: [1, 8, 3] });
  expect(module.signature.dims).toEqual({ seq: { min: 4, max: 16, modulus: 4, residues: [0] } });
  const instance = module.instantiate();
  expect(() => instance.run({ x: noise(15) })).toThrow(
    /^seq is 5 in input "x" of 15 elements, shape \[1, seq, 3\], .* seq % 4 == 0 and .*; nearest 4, 8$/,
  );
  expect(loaded(net, { dims: { seq: 8 } }).signature.inputs["x"]!.shape).toEqual([1, 8, 3]);
  expect(() => compile(net, { dims: { seq: 7 } })).toThrow(/^E2104 .*seq/);
});

describe("open rows and columns of an image", () => {
  const image = (layers: Parameters<typeof sequential>[0]) =>
    sequential([
      conv2d({
        filters: 4,
        kernelSize: 3,
        padding: "same",
        activation: "relu",
        batchInputShape: [1, dim("h", range(1, 12)), dim("w", range(1, 12)), 2],
      }),
      maxPooling2d({ poolSize: 2 }),
      ...(layers as []),
    ]);

  test.each([
    [2, 2],
    [5, 8],
    [12, 12],
  ])("%i x %i give what the module of that size gives", (h, w) => {
    const net = image([globalAveragePooling2d(), dense({ units: 3 })] as never);
    const { found, fixed } = both(net, {}, { h, w }, [1, h, w, 2]);
    expect(found).toEqual(fixed);
  });

  test("are asked for by type, and checked against the length", () => {
    const net = image([] as never);
    const { code } = compile(net, {});
    expect(code).toContain("run(inputs: Inputs, dims: Dims): Outputs;");
    expect(checkEmitted(code)).toEqual([]);
    const instance = loaded(net, {}).instantiate();
    expect(() => instance.run({ x: noise(48) }, { h: 4, w: 4 })).toThrow(
      'input "x" has 48 elements, expected 32, shape [1, 4, 4, 2]',
    );
    expect(() => instance.run({ x: noise(48) })).toThrow("run needs the sizes of h, w");
  });

  test("are asked for as numbers: a text would pass for one", () => {
    const instance = loaded(image([] as never), {}).instantiate();
    for (const dims of [null, {}, { h: 4 }, { h: "4", w: 4 }, { h: 4n, w: 4 }])
      expect(() => instance.run({ x: noise(32) }, dims as never)).toThrow(
        "run needs the sizes of h, w as numbers: no input's length tells them",
      );
    expect(() => instance.run({ x: noise(32) }, { h: Number.NaN, w: 4 })).toThrow(/whole and 2 <= h <= 12$/);
  });

  test("cannot be the size of a parameter", () => {
    const net = image([flatten(), dense({ units: 3 })] as never);
    expect(() => compile(net, {})).toThrow(/^E2101 dense.kernel.* h, w/);
  });
});

test.each([
  [1, 4, 4],
  [2, 8, 4],
  [2, 12, 16],
])("%i images of %i x %i pass a transposed convolution and come back to their own size", (batch, h, w) => {
  const x = input({ batchShape: ["batch", "h", "w", 2], name: "x" });
  const half = maxPooling2d().apply(x);
  const whole = (y: Symbolic) => conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2 }).apply(y);
  const merged = concatenate().apply([upSampling2d().apply(maxPooling2d().apply(half)), half]);
  const net = model({ inputs: x, outputs: concatenate().apply([whole(merged), x]) });
  const open = { dims: { batch: range(1, 2), h: range(4, 16), w: range(4, 16) } };
  const { found, fixed } = both(net, open, { batch, h, w }, [batch, h, w, 2]);
  expect(found).toEqual(fixed);
});

test.each([
  [1, 1],
  [3, 5],
  [4, 9],
])("a recurrent layer runs %i sequences of %i steps", (batch, time) => {
  const x = input({ batchShape: ["batch", "time", 3], name: "x" });
  const net = model({ inputs: x, outputs: lstm({ units: 4, returnSequences: true }).apply(x) });
  const open = { sample: [1, 2, 3], dims: { batch: range(1, 4), time: range(1, 9) } };
  const { found, fixed } = both(net, open, { batch, time }, [batch, time, 3]);
  expect(found).toEqual(fixed);
});

test("a dim without a largest size, a name no input has, a sample beyond the bounds are refused", () => {
  const net = sequential([dense({ units: 4, batchInputShape: [dim("b"), 3] })]);
  const codeOf = (compiling: () => unknown) => {
    try {
      compiling();
    } catch (error) {
      return (error as CompileError).message.split("\n")[0];
    }
    return "compiled";
  };
  expect(codeOf(() => compile(net, {}))).toBe("E2101 b is open, but nothing says how large it can be");
  expect(codeOf(() => compile(net, { dims: { a: range(1, 2) } }))).toMatch(/^E1002 no input has a dim "a"/);
  expect(codeOf(() => compile(net, { sample: [9, 3], dims: { b: range(1, 8) } }))).toBe(
    'E2104 input "x" has 9 at axis 0, but 1 <= b <= 8 must hold',
  );
  expect(codeOf(() => dim("b", { min: 3, max: 2 }))).toMatch(/^E1002 dim\("b"\)/);
});
