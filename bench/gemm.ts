/**
 * How close do scheduled matrix products come to the arithmetic peak of one core, and how far ahead of
 * onnxruntime-web are they? Both run the same ONNX file, one MatMul with constant weights, one thread each,
 * in turns; the peak is measured before and after. Ours is timed from resident buffers to resident buffers;
 * the peer's figure includes its `run()`. Times are processor time. The best of many short runs stands next
 * to the peak, which is the best of many too; medians tell what neighbours leave of a shared machine.
 *
 * Run with Node 24 for fused multiply-add, with Node 20 for multiply and add alone. Arguments: a regular
 * expression that picks rows, and `--alone` to leave the peer out.
 */
import * as ort from "onnxruntime-web";
import { featureDetect } from "../codegen/wasm/assembler/index.ts";
import { bindModel, parametersOf } from "../compiler/bind-model.ts";
import { measurePeak } from "../compiler/cli/bench-peak.ts";
import { lowerBound } from "../compiler/compile.ts";
import { fromOnnx } from "../compiler/index.ts";
import { type Numerics, targets } from "../compiler/ir/target.ts";
import { bytesOf, graph, node } from "../test/support/onnx.ts";
import { rawTensor } from "../test/support/onnx-writer.ts";
import { wasmProgram } from "../test/support/wasm-program.ts";
import { printTable } from "./table.ts";

type Shape = readonly [m: number, k: number, n: number];

const shapes: readonly Shape[] = [
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [64, 784, 256],
  [196, 256, 512],
  [1, 784, 256],
];

const rounds = 60;
const macsPerSample = 3e7;
/** Processor time counts in microseconds and moves in steps of some; a sample lasts longer. */
const warmUps = 5;

ort.env.logLevel = "fatal";
ort.env.wasm.numThreads = 1;

const noise = (length: number, seed: number) => {
  let state = seed | 1;
  return Float32Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
};

/** y = x w, w a constant. */
function modelOf([m, k, n]: Shape): Uint8Array {
  const w = rawTensor("w", "float32", [k, n], new Uint8Array(noise(k * n, 3).buffer));
  const product = node("MatMul", ["x", "w"], ["y"]);
  return bytesOf(graph([`x: float32[${m}, ${k}]`], [product], [`y: float32[${m}, ${n}]`], [w]));
}

interface Subject {
  readonly run: () => unknown;
  readonly result: () => Promise<Float32Array>;
}

/** Modules lower once, for plain SIMD, and write the kernels with fused instructions too. */
function ours(model: Uint8Array, x: Float32Array, numerics: Numerics): Subject {
  const network = fromOnnx(model);
  const { bound } = bindModel(network, {});
  const { program } = lowerBound(bound, { parameters: parametersOf(network, bound), target: targets.wasm });
  const machine = wasmProgram(program, numerics);
  machine.array(program.inputs[0]!.buffer).set(x as never);
  return {
    run: machine.run,
    result: async () => machine.array(program.outputs[0]!.buffer) as Float32Array,
  };
}

async function peer(model: Uint8Array, x: Float32Array, [m, k]: Shape): Promise<Subject> {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
  const feeds = { x: new ort.Tensor("float32", x, [m, k]) };
  const run = () => session.run(feeds);
  return { run, result: async () => (await run())["y"]!.data as Float32Array };
}

/** Sorted milliseconds of processor time of each subject, taken in turns. */
async function race(subjects: readonly Subject[], macs: number): Promise<readonly (readonly number[])[]> {
  const repeats = Math.max(1, Math.round(macsPerSample / macs));
  const times = subjects.map((): number[] => []);
  for (let round = -warmUps; round < rounds; round++)
    for (const [i, { run }] of subjects.entries()) {
      const start = process.cpuUsage();
      for (let r = 0; r < repeats; r++) await run();
      const { user, system } = process.cpuUsage(start);
      if (round >= 0) times[i]!.push((user + system) / 1000 / repeats);
    }
  return times.map((list) => list.sort((a, b) => a - b));
}

function check(shape: Shape, mine: Float32Array, theirs: Float32Array): void {
  const far = mine.findIndex((value, i) => !(Math.abs(value - theirs[i]!) <= 1e-3));
  if (far >= 0) throw new Error(`${shape.join("x")}: ${mine[far]} is not ${theirs[far]} at ${far}`);
}

async function row(shape: Shape, numerics: Numerics, alone: boolean): Promise<readonly (string | number)[]> {
  const [m, k, n] = shape;
  const [model, x] = [modelOf(shape), noise(m * k, 5)];
  const subjects = [ours(model, x, numerics)];
  if (!alone) subjects.push(await peer(model, x, shape));
  for (const { run } of subjects) await run();
  if (subjects[1]) check(shape, await subjects[0]!.result(), await subjects[1].result());
  const fused = numerics.accumulate === "float32-fma";
  const peak = () => (fused ? measurePeak().fma! : measurePeak().mulAdd);
  const before = peak();
  const times = await race(subjects, m * k * n);
  const most = Math.max(before, peak());
  const rate = (ms: number) => (2 * m * k * n) / ms / 1e6;
  const [mine, theirs] = times.map(
    (sorted) => [rate(sorted[0]!), rate(sorted[sorted.length >> 1]!)] as const,
  );
  return [
    shape.join("x"),
    fused ? "fused" : "mul + add",
    ...[mine![0], mine![1], most].map((n) => n.toFixed(1)),
    (mine![0] / most).toFixed(2),
    ...(theirs ? [theirs[0].toFixed(1), theirs[1].toFixed(1)] : ["", ""]),
    ...(theirs ? [(mine![0] / theirs[0]).toFixed(1), (mine![1] / theirs[1]).toFixed(1)] : ["", ""]),
  ];
}

const alone = process.argv.includes("--alone");
const pick = new RegExp(process.argv.slice(2).find((word) => !word.startsWith("--")) ?? "");
const engine = [...(featureDetect("relaxedSimd") ? [targets["wasm-relaxed"]] : []), targets.wasm];
const rows: (readonly (string | number)[])[] = [];
for (const shape of shapes)
  if (pick.test(shape.join("x")))
    for (const { numerics } of engine) rows.push(await row(shape, numerics, alone));
console.log(`Node ${process.versions.node}, one thread each, GFLOP/s (a multiply-add counts as two)\n`);
printTable(
  ["m x k x n", "", "best", "median", "peak", "of peak", "ort-web best", "median", "ahead best", "median"],
  rows,
);
