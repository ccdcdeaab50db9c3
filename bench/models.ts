/**
 * Whole models beside the runtimes people use, one thread each: in one run, every contender in processes of
 * its own, alternating (see compiler/cli/bench-measure.ts). Start-up is from `import` to the first result in
 * a fresh process. onnxruntime-web is a development dependency; others are taken from the folder that
 * SHAPECAST_PEERS names, where it is given:
 *
 *   npm i --ignore-scripts --prefix DIR onnxruntime-node @jax-js/jax @jax-js/onnx \
 *     @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
 *   SHAPECAST_PEERS=DIR npm run bench -- models
 *
 * MODELS=mlp,lenet5 picks some. Run it with Node 24 for relaxed SIMD.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { emittedContender } from "../compiler/cli/bench-command.ts";
import { type Dropped, measure, type Timing } from "../compiler/cli/bench-measure.ts";
import { measurePeak } from "../compiler/cli/bench-peak.ts";
import { type Contender, Stage } from "../compiler/cli/bench-process.ts";
import { networkOf, randomInputs } from "../compiler/cli/verify-module.ts";
import { resolveOracle } from "../compiler/cli/verify-oracle.ts";
import { type CompileOptions, compile } from "../compiler/compile-model.ts";
import { load } from "../runtime/load.ts";
import { printTable } from "./table.ts";
import { type Bound, zoo } from "./zoo.ts";

const peers = process.env["SHAPECAST_PEERS"];
const folders = [...(peers === undefined ? [] : [peers]), process.cwd()];
const pace = { starts: 3, rounds: 10, milliseconds: 80, runs: 20_000 };
const target = process.env["TARGET"] === "ts" ? "ts" : "wasm";
const convolutional = ["mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1", "resnet18", "unet", "unet_dyn"];
const small = ["mlp", "mlp_dyn", "lenet5", "lenet5_dyn"];
/** What the scripts in bench/peers run; jax-js's loader lacks an operator of every other model. */
const scripts = [
  { name: "jax-js", script: "jax.mjs", runs: [...small, "transformer"] },
  { name: "tfjs wasm", script: "tfjs.mjs", runs: [...small, ...convolutional] },
];

/** Relative to shapecast: 2 means that shapecast takes half the time. */
interface Ratios {
  readonly [peer: string]: number;
}

async function bench(model: Bound) {
  const folder = mkdtempSync(join(tmpdir(), "shapecast-bench-"));
  try {
    const options: CompileOptions = { sample: model.sample, format: "js", weights: "file", target };
    const compiled = compile(networkOf(model.file), options);
    const stage = new Stage(folder, randomInputs(load(compiled).signature, options, 0));
    const contenders = [emittedContender(compiled, folder), ...othersFor(model)];
    const [own, ...others] = await measure(stage, contenders, pace);
    const code = gzipSync(compiled.code).length;
    return { model: model.name, macs: compiled.report.macs, code, own: own as Timing, others };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function othersFor({ name, path }: Bound): readonly Contender[] {
  const runtimes = (["onnxruntime-web", "onnxruntime-node"] as const).flatMap((runtime): Contender[] => {
    const at = resolveOracle(runtime, folders);
    return at === undefined ? [] : [{ name: runtime, kind: "onnxruntime", path: at, files: [], model: path }];
  });
  if (peers === undefined) return runtimes;
  const others = scripts.filter(({ runs }) => runs.includes(name));
  return [
    ...runtimes,
    ...others.map(({ name, script }): Contender => {
      const at = join(process.cwd(), "bench/peers", script);
      return { name, kind: "script", path: at, files: [peers], model: path };
    }),
  ];
}

const startup = ({ startup }: Timing) => startup.import + startup.instantiate + startup.first;
const isTiming = (each: Timing | Dropped): each is Timing => "median" in each;

function ratiosOf(own: Timing, others: readonly (Timing | Dropped)[], of: (t: Timing) => number): Ratios {
  return Object.fromEntries(others.filter(isTiming).map((each) => [each.name, of(each) / of(own)]));
}

const geometric = (list: readonly number[]) =>
  Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);

const { fma, mulAdd } = measurePeak();
const peak = fma ?? mulAdd;
console.log(
  `Node ${process.versions.node}, one thread, target ${target}; peak ${peak.toFixed(1)} GFLOP/s (${fma ? "relaxed_madd" : "mul + add"})`,
);
console.log("ms: median of single runs; x: the peer's time over ours; start: import to first result\n");

const names = ["onnxruntime-web", "onnxruntime-node", "jax-js", "tfjs wasm"];
const rows: (string | number)[][] = [];
const runs: Ratios[] = [];
const starts: Ratios[] = [];
for (const model of zoo((process.env["MODELS"] ?? "").split(",").filter(Boolean))) {
  const { own, others, macs, code } = await bench(model);
  const run = ratiosOf(own, others, ({ median }) => median);
  const start = ratiosOf(own, others, startup);
  runs.push(run);
  starts.push(start);
  const times = (ratios: Ratios, name: string) => ratios[name]?.toFixed(2) ?? "-";
  rows.push([
    model.name,
    (macs / 1e6).toFixed(2),
    own.median.toFixed(3),
    ((2 * macs) / (own.median * 1e6)).toFixed(1),
    ...names.map((name) => times(run, name)),
    startup(own).toFixed(0),
    ...names.slice(0, 2).map((name) => times(start, name)),
    (code / 1000).toFixed(1),
  ]);
  for (const each of others) if (!isTiming(each)) console.log(`${model.name}: ${each.name}: ${each.reason}`);
  console.error(rows.at(-1)!.join("  "));
}
printTable(
  [
    "model",
    "MMAC",
    "ms",
    "GFLOP/s",
    "web x",
    "node x",
    "jax x",
    "tfjs x",
    "start ms",
    "web x",
    "node x",
    "gzip kB",
  ],
  rows,
);
for (const name of names) {
  const list = runs.flatMap((each) => each[name] ?? []);
  const start = starts.flatMap((each) => each[name] ?? []);
  if (list.length > 0)
    console.log(
      `${name}: ${geometric(list).toFixed(2)} x in the geometric mean of ${list.length}, least ${Math.min(...list).toFixed(2)};` +
        ` start ${geometric(start).toFixed(1)} x`,
    );
}
