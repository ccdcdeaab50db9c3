/**
 * Starting: from `import` to the first result in a fresh process, beside onnxruntime-web, and what V8 takes
 * to compile the WebAssembly. `Module` is what instantiating waits for, with functions compiled when they are
 * first called; the next columns are all functions at once, by the baseline compiler and by the optimising
 * one, in a process whose flags say so. `steady` is how long runs go on until one takes no more than 1.25
 * times the median to come. MODELS=mlp,lenet5 picks some. Takes a few minutes.
 *
 *     npm run bench -- start
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emittedContender } from "../compiler/cli/bench-command.ts";
import { type Contender, Stage, type Startup } from "../compiler/cli/bench-process.ts";
import { networkOf, randomInputs } from "../compiler/cli/verify-module.ts";
import { resolveOracle } from "../compiler/cli/verify-oracle.ts";
import { type CompileOptions, compile } from "../compiler/compile-model.ts";
import { load } from "../runtime/load.ts";
import { printTable } from "./table.ts";
import { type Bound, zoo } from "./zoo.ts";

const starts = 9;
const limit = 300;
const peer = resolveOracle("onnxruntime-web", [process.cwd()]);

const totalOf = (each: Startup) => each.import + each.instantiate + each.first;
const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;

async function bench({ name, path, file, sample }: Bound): Promise<readonly (string | number)[]> {
  const folder = mkdtempSync(join(tmpdir(), "shapecast-start-"));
  try {
    const options: CompileOptions = { sample, format: "js", weights: "file", target: "wasm" };
    const compiled = compile(networkOf(file), options);
    const binary = compile(networkOf(file), { ...options, wasm: "file" }).wasm!;
    const stage = new Stage(folder, randomInputs(load(compiled).signature, options, 0));
    const own: Contender = { ...emittedContender(compiled, folder), wasm: true };
    const other: Contender = {
      name: "onnxruntime-web",
      kind: "onnxruntime",
      path: peer!,
      files: [],
      model: path,
    };
    const [ours, theirs]: [Startup[], number[]] = [[], []];
    for (let i = 0; i < starts; i++) {
      ours.push(await startOf(stage, own));
      if (peer) theirs.push(totalOf(await startOf(stage, other)));
    }
    const part = (of: (each: Startup) => number) => median(ours.map(of)).toFixed(1);
    const compiling = compileTimes(binary.relaxed ?? binary.plain, binary.plain, folder);
    const total = median(ours.map(totalOf));
    const ratio = peer ? `1/${(median(theirs) / total).toFixed(1)}` : "-";
    return [
      name,
      Math.round(statSync(path).size / 1000),
      ...[part((each) => each.import), part((each) => each.instantiate), part((each) => each.first)],
      ...[total.toFixed(1), ratio, (await steadyAfter(stage, own)).toFixed(0)],
      ...compiling.map((ms) => ms.toFixed(1)),
      Math.max(...compiling) <= limit ? "ok" : "MISSED",
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOf(stage: Stage, contender: Contender): Promise<Startup> {
  const process = await stage.start(contender);
  process.end();
  return process.startup;
}

/** Milliseconds of runs before the first that is as fast as most of the later ones. */
async function steadyAfter(stage: Stage, contender: Contender): Promise<number> {
  const process = await stage.start(contender);
  const times = await process.times(2000, 5000);
  process.end();
  const wanted = 1.25 * median(times.slice(times.length >> 1));
  return times
    .slice(
      0,
      times.findIndex((ms) => ms <= wanted),
    )
    .reduce((sum, ms) => sum + ms, 0);
}

/** Milliseconds of `new WebAssembly.Module`, the best of three: lazily, all by Liftoff, all by TurboFan. */
function compileTimes(relaxed: Uint8Array, plain: Uint8Array, folder: string): readonly number[] {
  const path = join(folder, "binary.wasm");
  const script = `const bytes = require("node:fs").readFileSync(process.argv[1]);
    const start = performance.now();
    new WebAssembly.Module(bytes);
    console.log(performance.now() - start);`;
  writeFileSync(path, Number.parseInt(process.versions.node, 10) > 20 ? relaxed : plain);
  const eager = "--no-wasm-lazy-compilation";
  return [[], [eager, "--no-wasm-tier-up"], [eager, "--no-liftoff"]].map((flags) =>
    Math.min(...[1, 2, 3].map(() => Number(execFileSync(process.execPath, [...flags, "-e", script, path])))),
  );
}

console.log(`Node ${process.versions.node}; milliseconds, medians of ${starts} processes; file in kB`);
const rows: (readonly (string | number)[])[] = [];
for (const model of zoo((process.env["MODELS"] ?? "").split(",").filter(Boolean))) {
  rows.push(await bench(model));
  console.error(rows.at(-1)!.join("  "));
}
printTable(
  [
    ...["model", "file", "import", "instantiate", "first", "start", "of ort-web", "steady"],
    ...["Module", "Liftoff", "TurboFan", `<= ${limit}`],
  ],
  rows,
);
