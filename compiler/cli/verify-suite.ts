/**
 * `--suite`: every folder below one that holds `model.onnx` and stored vectors, one after the other. A
 * folder that cannot be compiled is a result like any other; a run that never ends is not noticed, as
 * everything happens in this process.
 */
import { readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { CompileError, fail } from "../diagnostics/index.ts";
import { readBinding } from "./binding.ts";
import type { Options } from "./command-line.ts";
import type { Host } from "./host.ts";
import { readOnnxFile } from "./load-onnx.ts";
import { progressOn } from "./progress.ts";
import type { Deviation } from "./verify-compare.ts";
import { dataFolders, readDataSet } from "./verify-data.ts";
import { againstData } from "./verify-model.ts";
import { networkOf } from "./verify-module.ts";

export interface SuiteResult {
  /** The folder, from the one that was given. */
  readonly name: string;
  readonly result: "passed" | "differs" | "unsupported" | "failed";
  readonly message?: string;
  readonly outputs?: readonly Deviation[];
}

/** How deep folders are looked for. */
const DEPTH = 4;

/** Throws E1004 for a folder without any. */
export async function verifySuite(folder: string, options: Options, host: Host) {
  const root = resolve(host.cwd, folder);
  const found = models(root, DEPTH);
  if (found.length === 0)
    fail({
      code: "E1004",
      message: `--suite ${folder} holds no folder with a model.onnx and stored data`,
      fix: "give a folder such as node/, of node/test_abs/model.onnx and node/test_abs/test_data_set_0",
    });
  const progress = progressOn(host);
  const results: SuiteResult[] = [];
  for (const path of found) {
    const name = relative(root, path) || ".";
    progress.stage(name);
    results.push({ name, ...(await verified(path, options, host)) });
  }
  progress.clear();
  const bad = results.filter(({ result }) => result !== "passed");
  const passed = results.length - bad.length;
  const lines = bad.map(({ name, result, message }) => `${result.padEnd(11)}  ${name}  ${message ?? ""}`);
  const text = [...lines, `${passed} of ${results.length} passed`].join("\n");
  return { report: { passed, of: results.length, results }, text, agreed: bad.length === 0 };
}

async function verified(path: string, options: Options, { cwd }: Host): Promise<Omit<SuiteResult, "name">> {
  try {
    const file = readOnnxFile(join(path, "model.onnx"));
    const sets = dataFolders(path).map((each) => readDataSet(each, file.model));
    const { outputs } = await againstData(file, sets, readBinding(options, cwd)(networkOf(file)), undefined);
    const wrong = outputs.find(({ outside }) => outside > 0);
    if (!wrong) return { result: "passed", outputs };
    return { result: "differs", outputs, message: `"${wrong.name}" ${wrong.form ?? placeText(wrong)}` };
  } catch (error) {
    const result = error instanceof CompileError && /^E4/.test(error.code) ? "unsupported" : "failed";
    return { result, message: firstLine(error) };
  }
}

const placeText = ({ first }: Deviation): string =>
  `element ${first!.index} is ${first!.actual}, expected ${first!.expected}`;

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

function models(folder: string, depth: number): readonly string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === "model.onnx"))
    return dataFolders(folder).length > 0 ? [folder] : [];
  if (depth === 0) return [];
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return folders.sort().flatMap((name) => models(join(folder, name), depth - 1));
}
