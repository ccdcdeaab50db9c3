/** What decoders leave for onnxruntime: attention with caches, and positions; beside it on random inputs. */
import { describe, expect, test } from "vitest";
import { type Tensor, tensor } from "../../../runtime/tensor.ts";
import { expectAsOnnxRuntime, some } from "../../support/beside-onnxruntime.ts";
import { type NodeCase, runNode } from "../../support/run-onnx.ts";

const domains = { "com.microsoft": 1 };
const ints = (...values: number[]) => tensor(values, [values.length], "int32");
const real = (value: number) => ({ kind: "float", value }) as const;
const HEADS = 4;
const SHARED = 2;
const SIZE = 32;
const outputs = ["y: float32", "keys: float32", "values: float32"];

interface Lengths {
  readonly batch?: number;
  readonly rows: number;
  /** Of the cache that is given. */
  readonly before?: number;
  readonly total: number;
  /** Of each sequence, all together. */
  readonly ends: readonly number[];
  readonly packed?: boolean;
}

function query(
  { batch = 1, rows, before = 0, total, ends, packed = false }: Lengths,
  attributes: NonNullable<NodeCase["attributes"]> = {},
  more: Readonly<Record<string, Tensor>> = {},
): NodeCase {
  const flat = (seed: number, heads: number) => some(seed, [batch, rows, heads * SIZE]);
  const inputs: Record<string, Tensor> = packed
    ? { q: flat(1, HEADS + 2 * SHARED) }
    : { q: flat(1, HEADS), k: flat(2, SHARED), v: flat(3, SHARED) };
  if (before > 0) {
    inputs["pk"] = some(4, [batch, SHARED, before, SIZE]);
    inputs["pv"] = some(5, [batch, SHARED, before, SIZE]);
  }
  Object.assign(inputs, { ends: ints(...ends.map((n) => n - 1)), total: tensor([total], [], "int32") }, more);
  const operands = ["q", "k", "v", "pk", "pv", "ends", "total", "cos", "sin", "at", "bias", "sink"];
  return {
    type: "com.microsoft::GroupQueryAttention",
    inputs,
    operands: operands.map((name) => (name in inputs ? name : "")),
    attributes: { num_heads: HEADS, kv_num_heads: SHARED, ...attributes },
    outputs,
    domains,
  };
}

const caches = { cos: some(6, [12, SIZE / 2]), sin: some(7, [12, SIZE / 2]) };
const prompt: Lengths = { batch: 2, rows: 5, total: 5, ends: [5, 5] };
const next: Lengths = { batch: 2, rows: 1, before: 6, total: 7, ends: [7, 5] };
const several: Lengths = { rows: 3, before: 4, total: 7, ends: [7] };

describe("GroupQueryAttention gives what onnxruntime gives", () => {
  const forms = Object.entries({ prompt, next, several });

  test.each(forms)("%s", async (_, lengths) => {
    await expectAsOnnxRuntime(query(lengths));
    await expectAsOnnxRuntime(query({ ...lengths, packed: true }, { scale: real(0.3) }));
  });

  test.each(forms)("with positions: %s", async (_, lengths) => {
    await expectAsOnnxRuntime(query(lengths, { do_rotary: 1 }, caches));
    await expectAsOnnxRuntime(query(lengths, { do_rotary: 1, rotary_interleaved: 1 }, caches));
    const half = { cos: some(6, [12, SIZE / 4]), sin: some(7, [12, SIZE / 4]) };
    await expectAsOnnxRuntime(query(lengths, { do_rotary: 1 }, half));
  });

  test.each(forms)("with a window, a cap, and a smooth softmax: %s", async (_, lengths) => {
    await expectAsOnnxRuntime(query(lengths, { local_window_size: 2 }));
    await expectAsOnnxRuntime(query(lengths, { softcap: real(0.5) }));
    await expectAsOnnxRuntime(query(lengths, { smooth_softmax: 1 }));
  });

  test.each(forms)("with a bias, and a sink for each head: %s", async (_, lengths) => {
    const { batch = 1, rows, total } = lengths;
    await expectAsOnnxRuntime(query(lengths, {}, { bias: some(8, [batch, 1, rows, total]) }));
    await expectAsOnnxRuntime(query(lengths, {}, { sink: some(9, [HEADS]) }));
  });

  test("with a cache that is longer than what it holds", async () => {
    await expectAsOnnxRuntime(query({ batch: 2, rows: 1, before: 9, total: 7, ends: [7, 5] }));
    await expectAsOnnxRuntime(query({ rows: 3, before: 9, total: 3, ends: [3] }));
  });

  test("that sees every key, where it is not causal", async () => {
    await expectAsOnnxRuntime(query(prompt, { causal: 0 }));
    await expectAsOnnxRuntime(query(next, { causal: 0 }));
  });

  test("with positions of its own", async () => {
    const at = tensor([3, 4], [2, 1], "int64");
    await expectAsOnnxRuntime(query(next, { do_rotary: 1 }, { ...caches, at }));
  });

  test("but refuses what onnxruntime's kernel has not", () => {
    expect(() => runNode(query(prompt, { sliding_window_cache: 1, local_window_size: 2 }))).toThrow(
      /sliding_window_cache/,
    );
    expect(() => runNode(query({ ...prompt }, { kv_num_heads: 3 }))).toThrow(/4 heads of queries for 3/);
  });
});

describe("MultiHeadAttention", () => {
  const [q, k, v] = [1, 2, 3].map((seed) => some(seed, [1, 3, 2, 1, 4])) as [Tensor, Tensor, Tensor];
  const flat = (x: Tensor): Tensor => ({ ...x, shape: [1, 3, 8] });
  const run = (inputs: NodeCase["inputs"]) =>
    runNode({
      type: "com.microsoft::MultiHeadAttention",
      inputs,
      attributes: { num_heads: 2 },
      outputs: ["y: float32"],
      domains,
    });
  /** [1, 3, heads, parts, size] */
  const packed = (...parts: Tensor[]): Tensor => {
    const rows = Array.from({ length: 6 }, (_, row) =>
      parts.flatMap(({ data }) => Array.from(data as Float32Array).slice(4 * row, 4 * row + 4)),
    );
    return tensor(rows.flat(), [1, 3, 2, parts.length, 4], "float32");
  };

  test("takes query, key and value from one operand, or the last two", () => {
    const apart = run({ q: flat(q), k: flat(k), v: flat(v) });
    expect(run({ all: packed(q, k, v) })).toEqual(apart);
    expect(run({ q: flat(q), both: packed(k, v) })).toEqual(apart);
  });
});

describe("RotaryEmbedding of com.microsoft gives what onnxruntime gives", () => {
  const rotary = (inputs: NodeCase["inputs"], attributes: NonNullable<NodeCase["attributes"]> = {}) =>
    expectAsOnnxRuntime({
      type: "com.microsoft::RotaryEmbedding",
      inputs,
      attributes,
      outputs: ["y: float32"],
      domains,
    });
  const x = some(1, [2, 3, 2 * SIZE]);
  const first = tensor([4], [1], "int64");
  const each = tensor([0, 1, 2, 5, 6, 7], [2, 3], "int64");

  test("for operands of rank 3 and 4", async () => {
    await rotary({ x, first, ...caches });
    await rotary({ x, each, ...caches }, { interleaved: 1 });
    await rotary({ x: some(2, [2, 4, 3, SIZE]), each, ...caches });
  });

  test("for a part of each head", async () => {
    const half = { cos: some(6, [12, SIZE / 4]), sin: some(7, [12, SIZE / 4]) };
    await rotary({ x, each, ...half }, { num_heads: 2, rotary_embedding_dim: SIZE / 2 });
  });
});
