/** `shapecast verify`: is what the compiled module of an ONNX file computes what others compute? */
import { basename, dirname, extname, resolve } from "node:path";
import { fail } from "../diagnostics/index.ts";
import type { Options } from "./command-line.ts";
import { detached } from "./detached.ts";
import type { Host } from "./host.ts";
import { locate } from "./load-model.ts";
import { readOnnxFile } from "./load-onnx.ts";
import { writeNotes } from "./notes.ts";
import { writeFiles } from "./output-files.ts";
import { progressOn } from "./progress.ts";
import { readRuns, readSeed, readWord } from "./values.ts";
import { dataFolders, readDataSet } from "./verify-data.ts";
import { againstData, againstRuntime, agrees, type Comparison } from "./verify-model.ts";
import { networkOf, readModuleOptions } from "./verify-module.ts";
import { findOracle, missingOracle, oracleNames } from "./verify-oracle.ts";
import { verifySuite } from "./verify-suite.ts";
import { comparisonText } from "./verify-text.ts";

/** Resolves to the exit code: 1 where something does not agree. */
export async function runVerify(where: string, options: Options, host: Host): Promise<number> {
  const json = options.get("json")?.[0];
  const suite = options.get("suite")?.[0];
  const { report, text, agreed } = suite
    ? await verifySuite(suite, options, host)
    : await verifyModel(where, options, host);
  if (json !== undefined)
    writeFiles([{ path: resolve(host.cwd, json), content: `${JSON.stringify(report, undefined, 1)}\n` }]);
  host.out.write(`${text}\n`);
  return agreed ? 0 : 1;
}

async function verifyModel(where: string, options: Options, host: Host) {
  const binding = readModuleOptions(options, host.cwd);
  const [runs, seed] = [readRuns(options) ?? DEFAULT_RUNS, readSeed(options) ?? 0];
  const wanted = readWord(options, "against", oracleNames);
  const { file: path } = locate(where, host.cwd);
  requireOnnx(path);
  const file = readOnnxFile(path);
  const oracle = await findOracle([dirname(path), host.cwd], wanted ? [wanted] : oracleNames);
  if (wanted && !oracle) missingOracle(wanted);
  const folders = storedData(path, options, host);
  if (!oracle && folders.length === 0) nothingToCompare(basename(path));
  const network = networkOf(file);
  const progress = progressOn(host);
  const comparisons: Comparison[] = [];
  try {
    if (folders.length > 0) {
      progress.stage("stored data");
      const sets = folders.map((folder) => readDataSet(folder, file.model));
      comparisons.push(await detached(() => againstData(file, sets, binding(network), oracle)));
    }
    if (oracle && (folders.length === 0 || options.has("sample") || options.has("dim") || wanted)) {
      progress.stage(oracle.name);
      const bound = () => binding(network);
      comparisons.push(await detached(() => againstRuntime(file, oracle, bound(), { runs, seed })));
    }
  } finally {
    progress.clear();
  }
  writeNotes(network, host);
  const report = { model: basename(path), comparisons };
  return { report, text: comparisonText(comparisons, oracle), agreed: comparisons.every(agrees) };
}

const DEFAULT_RUNS = 20;

/** Folders of vectors: those named with `--data`, or what lies beside the model. */
function storedData(model: string, options: Options, { cwd }: Host): readonly string[] {
  const given = options.get("data")?.[0];
  const folders = dataFolders(given === undefined ? dirname(model) : resolve(cwd, given));
  if (given === undefined || folders.length > 0) return folders;
  return fail({
    code: "E1004",
    message: `--data ${given} holds no test vectors`,
    fix: "give the folder that holds test_data_set_0/input_0.pb and output_0.pb",
  });
}

function requireOnnx(path: string): void {
  if (extname(path) === ".onnx") return;
  fail({
    code: "E1004",
    message: `${basename(path)} is no ONNX file, and verify compares these with others that run them`,
    fix: "give a .onnx file; of a model of layers, predict and the laws of shapecast/fuzz check the module",
  });
}

function nothingToCompare(model: string): never {
  return fail({
    code: "E1004",
    message: `there is nothing to compare ${model} with`,
    facts: [
      { subject: "stored data", value: "no test_data_set_0 beside the model" },
      { subject: "runtimes", value: `neither ${oracleNames.join(" nor ")} is installed here` },
    ],
    fix: "name the folder of stored data with --data, or npm install onnxruntime-web",
  });
}
