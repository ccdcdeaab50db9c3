/**
 * Quantised matrix products and convolutions beside onnxruntime-web: the same ONNX file of one operator with
 * constant weights, one thread each, in turns, in processor time. Results must be equal, or one apart where
 * the requantised value lies between two integers. What sums 2^24 or more stays int32, all else is float32
 * (compiler/passes/integers-in-floats.ts).
 */
import * as ort from "onnxruntime-web";
import { compile } from "../compiler/compile-model.ts";
import { fromOnnx } from "../compiler/index.ts";
import { load } from "../runtime/load.ts";
import { bytesOf, graph, node } from "../test/support/onnx.ts";
import { rawTensor } from "../test/support/onnx-writer.ts";
import { printTable } from "./table.ts";

const seconds = 1.5;

ort.env.logLevel = "fatal";
ort.env.wasm.numThreads = 1;

const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + seed, 2_654_435_761) >>> 13);
const float = (name: string, value: number) =>
  rawTensor(name, "float32", [], new Uint8Array(Float32Array.of(value).buffer));
const byte = (name: string, dtype: "uint8" | "int8", value: number) =>
  rawTensor(name, dtype, [], Uint8Array.of(value));

const scales = (factor: number) => [
  float("xs", 0.02),
  float("ws", 0.01),
  float("ys", factor),
  byte("xz", "uint8", 128),
  byte("wz", "int8", 0),
  byte("yz", "uint8", 120),
];
const operands = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"];

interface Case {
  readonly name: string;
  readonly macs: number;
  readonly shape: readonly number[];
  readonly model: Uint8Array;
}

function product(m: number, k: number, n: number): Case {
  const w = rawTensor("w", "int8", [k, n], noise(k * n, 3));
  const made = node("QLinearMatMul", operands, ["y"]);
  const model = graph(
    [`x: uint8[${m}, ${k}]`],
    [made],
    [`y: uint8[${m}, ${n}]`],
    [w, ...scales(Math.sqrt(k) / 50)],
  );
  return { name: `QLinearMatMul ${m}x${k}x${n}`, macs: m * k * n, shape: [m, k], model: bytesOf(model) };
}

function convolution(size: number, inputs: number, outputs: number, window: number): Case {
  const w = rawTensor(
    "w",
    "int8",
    [outputs, inputs, window, window],
    noise(outputs * inputs * window ** 2, 3),
  );
  const pads = Array(4).fill((window - 1) / 2);
  const made = node("QLinearConv", operands, ["y"], { pads });
  const terms = inputs * window ** 2;
  const shape = [1, inputs, size, size];
  const model = graph(
    [`x: uint8[${shape.join(", ")}]`],
    [made],
    [`y: uint8[1, ${outputs}, ${size}, ${size}]`],
    [w, ...scales(Math.sqrt(terms) / 50)],
  );
  const name = `QLinearConv ${window}x${window}, ${size}x${size}, ${inputs} to ${outputs}`;
  return { name, macs: size ** 2 * outputs * terms, shape, model: bytesOf(model) };
}

async function row({ name, macs, shape, model }: Case) {
  const x = noise(
    shape.reduce((a, b) => a * b),
    7,
  );
  const instance = load(compile(fromOnnx(model), { target: "wasm", format: "js" })).instantiate();
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
  const feeds = { x: new ort.Tensor("uint8", x, shape) };
  const subjects = [() => instance.run({ x }), () => session.run(feeds)];
  const mine = (await subjects[0]!())["y"] as unknown as Uint8Array;
  const theirs = (await session.run(feeds))["y"]!.data as Uint8Array;
  const apart = mine.filter((value, i) => value !== theirs[i]).length;
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const until = performance.now() + 1000 * seconds; performance.now() < until; )
    for (const [i, run] of subjects.entries()) {
      const start = performance.now();
      await run();
      best[i] = Math.min(best[i]!, performance.now() - start);
    }
  const rate = (ms: number) => ((2 * macs) / ms / 1e6).toFixed(1);
  const far = mine.some((value, i) => Math.abs(value - theirs[i]!) > 1);
  return [
    name,
    best[0]!.toFixed(3),
    rate(best[0]!),
    rate(best[1]!),
    (best[1]! / best[0]!).toFixed(2),
    far ? "far" : apart,
  ];
}

const cases = [
  product(256, 256, 256),
  product(256, 1024, 256),
  product(1, 784, 256),
  convolution(56, 64, 64, 1),
  convolution(56, 64, 64, 3),
  convolution(28, 32, 32, 3),
];
const rows: (readonly (string | number)[])[] = [];
for (const each of cases) rows.push(await row(each));
console.log(
  `Node ${process.versions.node}, one thread each, best of many, GOP/s (a multiply-add counts as two)\n`,
);
printTable(["", "ms", "GOP/s", "ort-web", "ahead", "one apart"], rows);
