/** One module with buckets for one dim and another dim left open. */

import * as fc from "fast-check";
import {
  add,
  type CompileOptions,
  compile,
  conv1d,
  dense,
  globalAveragePooling1d,
  input,
  load,
  lstm,
  model,
  multiHeadAttention,
  reshape,
} from "shapecast";
import { describe, expect, test } from "vitest";
import { checkModule, inputs } from "../../runtime/fuzz/index.ts";
import { checkEmitted } from "../support/typecheck.ts";

const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7));

/** Attention, a convolution, a loop over time and a mean: what a batch and a length may meet. */
function encoder() {
  const x = input({ batchShape: ["batch", "seq", 6], name: "x" });
  const attended = multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply([x, x]);
  const hidden = conv1d({ filters: 4, kernelSize: 3, padding: "same" }).apply(add().apply([x, attended]));
  const last = lstm({ units: 5 }).apply(hidden);
  const rows = reshape({ targetShape: [-1, 2] }).apply(hidden);
  return model({ inputs: x, outputs: { hidden, last, rows, mean: globalAveragePooling1d().apply(hidden) } });
}

const dims = { batch: { min: 1, max: 5 }, seq: [4, 9] };

function loaded(options: CompileOptions) {
  return load(compile(encoder(), { ...options, format: "js" }));
}

describe.each(["ts", "wasm"] as const)("buckets beside an open batch, target %s", (target) => {
  const open = loaded({ dims, target });
  const instance = open.instantiate();

  test.each([
    [1, 4],
    [3, 9],
    [5, 4],
    [2, 9],
    [5, 9],
  ])("give for %i rows of %i what the module of these sizes gives, bit for bit", (batch, seq) => {
    const x = noise(batch * seq * 6);
    const fixed = loaded({ dims: { batch, seq }, target });
    const expected = fixed.instantiate().run({ x });
    expect(instance.run({ x }, { seq })).toEqual(expected);
    const shapes = Object.entries(fixed.signature.outputs).map(([name, { shape }]) => [name, shape]);
    expect(instance.shapes).toEqual(Object.fromEntries(shapes));
  });

  test("fill what is shorter with zeros, whatever the batch", () => {
    const [batch, seq, bucket] = [3, 6, 9];
    const short = noise(batch * seq * 6);
    const padded = new Float32Array(batch * bucket * 6);
    for (let row = 0; row < batch; row++)
      padded.set(short.subarray(row * seq * 6, (row + 1) * seq * 6), row * bucket * 6);
    const found = structuredClone(instance.run({ x: short }, { seq }));
    expect(found).toEqual(structuredClone(instance.run({ x: padded }, { seq: bucket })));
  });

  test("refuse a batch and a length that are out of bounds", () => {
    expect(() => instance.run({ x: noise(6 * 4 * 6) }, { seq: 4 })).toThrow(/batch is 6 .* 1 <= batch <= 5/);
    expect(() => instance.run({ x: noise(10 * 6) }, { seq: 10 })).toThrow(/seq is 10 .*buckets 4, 9/);
    expect(() => instance.run({ x: noise(25) }, { seq: 4 })).toThrow(/batch is 1\.04/);
  });

  test("keep what every module promises", () => {
    fc.assert(
      fc.property(inputs(open.signature), (given) => checkModule(open as never, given as never)),
      { numRuns: 15, seed: 3 },
    );
  });
});

test("the text of a module with both passes the strictest compiler, and says what is open", () => {
  const { code } = compile(encoder(), { dims });
  expect(code).toContain(" * buckets: seq = 4, 9\n * open: 1 <= batch <= 5\n");
  checkEmitted(code);
});

test("an input that only the open dim is in is passed as it is", () => {
  const x = input({ batchShape: ["batch", "seq", 2], name: "x" });
  const y = input({ batchShape: ["batch", 3], name: "y" });
  const mean = globalAveragePooling1d().apply(x);
  const net = model({
    inputs: [x, y],
    outputs: { a: dense({ units: 2 }).apply(mean), b: dense({ units: 2 }).apply(y) },
  });
  for (const target of ["ts", "wasm"] as const) {
    const instance = load(compile(net, { dims, target, format: "js" })).instantiate();
    const given = { x: noise(3 * 4 * 2), y: noise(3 * 3) };
    const fixed = load(compile(net, { dims: { batch: 3, seq: 4 }, target, format: "js" })).instantiate();
    expect(instance.run(given)).toEqual(fixed.run(given));
  }
});

test("an open dim that the network makes another size in each bucket is refused", () => {
  const x = input({ batchShape: ["batch", "n", 2], name: "x" });
  const y = input({ batchShape: ["batch", "seq", 2], name: "y" });
  const net = model({ inputs: [x, y], outputs: add().apply([x, y]) });
  expect(() => compile(net, { dims: { batch: 1, n: { min: 1, max: 9 }, seq: [4, 9] } })).toThrow(
    'E4001 n in input "x" is another size in each bucket: the network makes it 4, 9',
  );
});

test("a demand that bounds the open dim by the bucketed one is refused, with both bounds", () => {
  const x = input({ batchShape: ["batch", "n", "seq"], name: "x" });
  const net = model({ inputs: x, outputs: reshape({ targetShape: [-1, 6] }).apply(x) });
  expect(() => compile(net, { dims: { batch: 1, n: { min: 1, max: 9 }, seq: [3, 4] } })).toThrow(
    /E4001 what n may be differs between the buckets of seq.*n % 2 == 0.*n % 3 == 0/s,
  );
});
