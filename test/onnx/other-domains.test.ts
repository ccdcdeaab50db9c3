import { describe, expect, test } from "vitest";
import { fromOnnx, type Tensor, tensor } from "../../compiler/index.ts";
import { bytesOf, floats, graph, node } from "../support/onnx.ts";
import { runInOnnxRuntime } from "../support/onnxruntime.ts";

type Given = Parameters<typeof node>[3];

interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly attributes?: Given;
  /** Numbers of the operands that are given; all in order when absent. */
  readonly at?: readonly number[];
  readonly outputs?: readonly number[];
}

const f = (value: number) => ({ kind: "float", value }) as const;

const fused: readonly Case[] = [
  { name: "Gelu", shapes: [[2, 5]] },
  { name: "BiasGelu", shapes: [[2, 5], [5]] },
  { name: "FastGelu", shapes: [[2, 5], [5]] },
  { name: "QuickGelu", shapes: [[2, 5]], attributes: { alpha: f(1.5) } },
  {
    name: "FusedMatMul",
    shapes: [
      [2, 3, 4],
      [2, 3, 5],
    ],
    attributes: { transA: 1, alpha: f(0.5) },
  },
  {
    name: "FusedMatMul",
    shapes: [
      [3, 4],
      [5, 4],
    ],
    attributes: { transB: 1 },
  },
  { name: "FusedConv", shapes: [[1, 2, 5, 5], [3, 2, 3, 3], [3]], attributes: { activation: "Relu" } },
  {
    name: "FusedConv",
    shapes: [
      [1, 2, 5, 5],
      [3, 2, 3, 3],
    ],
    attributes: { activation: "LeakyRelu", activation_params: { kind: "floats", value: [0.25] } },
  },
  { name: "SkipLayerNormalization", shapes: [[2, 3, 8], [2, 3, 8], [8], [8], [8]], outputs: [0, 3] },
  { name: "SkipSimplifiedLayerNormalization", shapes: [[2, 3, 8], [2, 3, 8], [8]] },
];

const ml: readonly Case[] = [
  { name: "Binarizer", shapes: [[2, 5]], attributes: { threshold: f(0.25) } },
  { name: "Scaler", shapes: [[2, 2]], attributes: { offset: [0.5, 1.5], scale: [1.5, 0.25] } },
  { name: "Normalizer", shapes: [[2, 5]], attributes: { norm: "L1" } },
  { name: "Normalizer", shapes: [[2, 5]], attributes: { norm: "L2" } },
  {
    name: "LinearRegressor",
    shapes: [[3, 2]],
    attributes: { targets: 2, coefficients: [0.5, 1.5, -0.5, 0.25], intercepts: [0.5, -1.5] },
  },
  {
    name: "FeatureVectorizer",
    shapes: [
      [2, 1],
      [2, 3],
    ],
    attributes: { inputdimensions: [1, 3] },
  },
];

function numbers(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((product, n) => product * n, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 2.3 * i)),
    shape,
  );
}

async function compareWithRuntime(domain: string, { name, shapes, attributes, outputs = [0] }: Case) {
  const names = shapes.map((_, i) => `x${i}`);
  const inputs = new Map(shapes.map((shape, i) => [`x${i}`, numbers(shape, i)]));
  const made = Array.from({ length: Math.max(...outputs) + 1 }, (_, i) =>
    outputs.includes(i) ? `y${i}` : "",
  );
  const body = graph(
    shapes.map((shape, i) => `x${i}: float32[${shape.join(", ")}]`),
    [node(`${domain}::${name}`, names, made, attributes)],
    outputs.map((i) => `y${i}: float32`),
  );
  const bytes = bytesOf(body, 17, [], { [domain]: 1 });
  const found = fromOnnx(bytes).predict(Object.fromEntries(inputs));
  const wanted = await runInOnnxRuntime(bytes, inputs);
  for (const [output, { shape, data }] of wanted!) {
    const mine = found.get(output)!;
    expect(mine.shape).toEqual(shape);
    Array.from<number | bigint, number>(data, Number).forEach((x, i) => {
      expect(Number(mine.data[i])).toBeCloseTo(x, 4);
    });
  }
}

describe("operators of com.microsoft agree with onnxruntime-web", () => {
  test.each(fused)("$name $attributes", (one) => compareWithRuntime("com.microsoft", one));
});

describe("operators of ai.onnx.ml agree with onnxruntime-web", () => {
  test.each(ml)("$name $attributes", (one) => compareWithRuntime("ai.onnx.ml", one));
});

test("an Imputer replaces NaN by the number of its column", () => {
  const attributes = { imputed_value_floats: [7.5, 8.5], replaced_value_float: f(Number.NaN) };
  const body = graph(
    ["x: float32[2, 2]"],
    [node("ai.onnx.ml::Imputer", ["x"], ["y"], attributes)],
    ["y: float32"],
  );
  const net = fromOnnx(bytesOf(body, 17, [], { "ai.onnx.ml": 1 }));
  const x = tensor(Float32Array.of(1, Number.NaN, Number.NaN, 4), [2, 2]);
  expect([...net.predict({ x }).get("y")!.data].map(Number)).toEqual([1, 8.5, 7.5, 4]);
});

test("an EmbedLayerNormalization sums what it looks up, and normalises it", () => {
  const tables = [
    floats("words", [3, 2], [1, 2, 3, 5, 8, 4]),
    floats("places", [4, 2], [0, 0, 1, 0, 0, 1, 0, 0]),
    floats("gamma", [2], [1, 2]),
    floats("beta", [2], [0, 10]),
  ];
  const operands = ["ids", "", "words", "places", "", "gamma", "beta"];
  const lookUp = node("com.microsoft::EmbedLayerNormalization", operands, ["y", "", "sum"]);
  const body = graph(["ids: int32[1, 3]"], [lookUp], ["y: float32", "sum: float32"], tables);
  const net = fromOnnx(bytesOf(body, 17, [], { "com.microsoft": 1 }));
  const results = net.predict({ ids: tensor(Int32Array.of(0, 2, 1), [1, 3]) });
  expect([...results.get("sum")!.data].map(Number)).toEqual([1, 2, 9, 4, 3, 6]);
  const y = [...results.get("y")!.data].map(Number);
  [-1, 12, 1, 8, -1, 12].forEach((x, i) => {
    expect(y[i]).toBeCloseTo(x, 4);
  });
});
