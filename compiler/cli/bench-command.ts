/** `shapecast bench`: how fast the module of a model starts and runs, beside the runtimes people know. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { emitTypeScript } from "../../codegen/typescript/index.ts";
import { emitWasm } from "../../codegen/wasm/emit.ts";
import { load } from "../../runtime/load.ts";
import { parametersOf } from "../bind-model.ts";
import { type CompiledModel, compile } from "../compile-model.ts";
import type { Network } from "../frontend/index.ts";
import { toOnnx } from "../frontend/onnx/export/index.ts";
import { timeKernels } from "./bench-kernels.ts";
import { measure, type Pace, standardPace } from "./bench-measure.ts";
import { measurePeak } from "./bench-peak.ts";
import { type Contender, Stage } from "./bench-process.ts";
import { type BenchReport, benchText } from "./bench-text.ts";
import { readBinding } from "./binding.ts";
import type { Options } from "./command-line.ts";
import { detached } from "./detached.ts";
import type { Host } from "./host.ts";
import { loadModel } from "./load-model.ts";
import { progressOn } from "./progress.ts";
import { readRuns, readWord } from "./values.ts";
import { randomInputs } from "./verify-module.ts";
import { missingOracle, type OracleName, oracleNames, resolveOracle } from "./verify-oracle.ts";

const targets = ["ts", "wasm"] as const;

export async function runBench(where: string, options: Options, host: Host): Promise<void> {
  const binding = readBinding(options, host.cwd);
  const target = readWord(options, "target", targets) ?? "ts";
  const pace = readPace(options);
  const wanted = readPeers(options);
  const progress = progressOn(host);
  const folder = mkdtempSync(join(tmpdir(), "shapecast-bench-"));
  try {
    progress.stage("compile");
    const { model, file } = await loadModel(where, host.cwd);
    const bound = binding(model);
    const peers = wanted.map((name) => ({ name, path: pathOf(name, [dirname(file), host.cwd]) }));
    const compiled = await detached(() => compile(model, { ...bound, format: "js", target }));
    const { signature } = load(compiled);
    const inputs = randomInputs(signature, bound, 0);
    const onnx = peers.length > 0 ? onnxOf(file, model, compiled, folder) : "";
    const own = { ...emittedContender(compiled, folder), wasm: target === "wasm" };
    const others = peers.map(({ name, path }): Contender => {
      return { name, kind: "onnxruntime", path, files: [], model: onnx };
    });
    progress.stage("run");
    const contenders = await measure(new Stage(folder, inputs), [own, ...others], pace);
    progress.stage("peak");
    const report: BenchReport = {
      model: basename(where),
      target,
      engine: `Node ${process.versions.node}`,
      macs: compiled.report.macs,
      peak: peak(),
      contenders,
      ...(options.has("kernels") && { kernels: kernelsOf(compiled, target, progress.stage) }),
    };
    progress.clear();
    host.out.write(`${options.has("json") ? JSON.stringify(report, undefined, 1) : benchText(report)}\n`);
  } finally {
    progress.clear();
    rmSync(folder, { recursive: true, force: true });
  }
}

function kernelsOf(
  { stages }: CompiledModel,
  target: (typeof targets)[number],
  stage: (name: string) => void,
) {
  stage("kernels");
  const emit = target === "wasm" ? emitWasm : emitTypeScript;
  return timeKernels(stages.program, (program) =>
    emit(program, { format: "js", weights: "file", header: [] }),
  );
}

function peak(): BenchReport["peak"] {
  const { fma, mulAdd } = measurePeak();
  return fma === undefined ? { kind: "mul + add", gflops: mulAdd } : { kind: "relaxed_madd", gflops: fma };
}

/** Writes the module as a user would have it. */
export function emittedContender({ code, weights }: CompiledModel, folder: string): Contender {
  const path = join(folder, "module.mjs");
  const sidecar = join(folder, "module.bin");
  writeFileSync(path, code);
  if (weights) writeFileSync(sidecar, weights);
  return { name: "shapecast", kind: "emitted", path, files: weights ? [sidecar] : [] };
}

/** The file itself, or what a model of layers is in ONNX. */
function onnxOf(file: string, model: Network, { stages }: CompiledModel, folder: string): string {
  if (extname(file) === ".onnx") return file;
  const path = join(folder, "model.onnx");
  writeFileSync(path, toOnnx(stages.bound.graph, { parameters: parametersOf(model, stages.bound) }));
  return path;
}

function readPace(options: Options): Pace {
  const runs = readRuns(options);
  return runs === undefined ? standardPace : { ...standardPace, runs, milliseconds: Number.MAX_SAFE_INTEGER };
}

/** `--against a,b` */
function readPeers(options: Options): readonly OracleName[] {
  const words = (options.get("against") ?? []).flatMap((list) => list.split(",")).map((word) => word.trim());
  return words.map((word) => readWord(new Map([["against", [word]]]), "against", oracleNames)!);
}

const pathOf = (name: OracleName, folders: readonly string[]): string =>
  resolveOracle(name, folders) ?? missingOracle(name);
