/**
 * Does `run` allocate? The heap in use after 10,000 runs of a module, less that before, both after a
 * collection. 64 kB are allowed, because the engine itself keeps something (optimised code, feedback),
 * whatever the number of runs; models that take long run for some seconds instead. WebAssembly modules are
 * run with their inputs passed and with them in memory. Takes ten minutes; MODELS=mlp,lenet5 picks some.
 *
 *     npm run bench allocation
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compile, load } from "shapecast";
import { networkOf, randomInputs } from "../compiler/cli/verify-module.ts";
import type { CompiledModel, CompileOptions } from "../compiler/compile-model.ts";
import type { Network } from "../compiler/frontend/index.ts";
import { examples } from "../test/support/examples.ts";
import { kilobytes, printTable, verdict } from "./table.ts";
import { shared, zoo } from "./zoo.ts";

const warmUp = 50;
const most = 10_000;
/** Of one measurement, in milliseconds. */
const longest = 8_000;
const allowed = 64 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

interface Subject {
  readonly name: string;
  readonly model: Network;
  readonly options: CompileOptions;
}

const subjects: readonly Subject[] = [
  ...examples.flatMap(({ name, model, sample }) =>
    (["ts", "wasm"] as const).map((target) => ({ name, model, options: { sample, target } })),
  ),
  ...(existsSync(join(shared, "zoo")) ? zoo([]) : []).map(({ name, file, sample }) => {
    return { name, model: networkOf(file), options: { sample, target: "wasm" as const } };
  }),
];

const picked = (process.env["MODELS"] ?? "").split(",").filter(Boolean);
const chosen = subjects.filter(({ name }) => picked.length === 0 || picked.includes(name));

const rows = chosen.flatMap(({ name, model, options }) => {
  const compiled = compile(model, { ...options, format: "js", weights: "file" });
  return measure(compiled, options).map(({ how, runs, growth }) => {
    console.error(`${name} ${options.target} ${how} ${growth}`);
    const each = (growth / runs).toFixed(1);
    return [name, options.target!, how, runs, kilobytes(growth), `${each} B`, verdict(growth, allowed)];
  });
});

printTable(["model", "target", "inputs", "runs", "heap growth", "a run", `<= ${kilobytes(allowed)}`], rows);

function measure(compiled: CompiledModel, options: CompileOptions) {
  const { format, code, weights } = compiled;
  const module = load({ format, code, ...(weights && { weights }) });
  const instance = module.instantiate();
  const inputs = Object.fromEntries(
    [...randomInputs(module.signature, options, 0)].map(([name, { data }]) => [name, data]),
  );
  const passed = growthOver(() => instance.run(inputs));
  return [
    { how: "passed", ...passed },
    ...(instance.inputs ? [{ how: "in memory", ...growthOver(() => instance.run()) }] : []),
  ];
}

function growthOver(run: () => unknown): { readonly runs: number; readonly growth: number } {
  const start = performance.now();
  for (let i = 0; i < warmUp; i++) run();
  const each = (performance.now() - start) / warmUp;
  const runs = Math.max(100, Math.min(most, Math.floor(longest / each)));
  const before = heapInUse();
  for (let i = 0; i < runs; i++) run();
  return { runs, growth: heapInUse() - before };
}

function heapInUse(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
