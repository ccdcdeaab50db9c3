/**
 * `--suite`: every folder below one that holds `model.onnx` and stored vectors, one after the other. A
 * folder that cannot be compiled, or takes too long, is a result like any other.
 */
import { readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fail } from "../diagnostics/index.ts";
import type { Options } from "./command-line.ts";
import type { Host } from "./host.ts";
import { progressOn } from "./progress.ts";
import { dataFolders } from "./verify-data.ts";
import { type FolderResult, verifyFolder } from "./verify-folder.ts";
import { FolderThread } from "./verify-thread.ts";

export interface SuiteResult extends FolderResult {
  /** The folder, from the one that was given. */
  readonly name: string;
}

const DEFAULT_SECONDS = 60;

function readSeconds(options: Options): number {
  const given = options.get("timeout")?.[0];
  const seconds = Number(given ?? DEFAULT_SECONDS);
  if (seconds > 0 && seconds <= 86_400) return seconds;
  return fail({
    code: "E1002",
    message: `--timeout is "${given}", but it must be a number of seconds, up to a day`,
    fix: "write it as in --timeout 60",
  });
}

/** How deep folders are looked for. */
const DEPTH = 4;

/** Throws E1004 for a folder without any. */
export async function verifySuite(folder: string, options: Options, host: Host) {
  const seconds = readSeconds(options);
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
  const thread = host.threads ? new FolderThread(seconds) : undefined;
  try {
    for (const path of found) {
      const name = relative(root, path) || ".";
      progress.stage(name);
      const task = { path, options, cwd: host.cwd };
      results.push({ name, ...(await (thread ? thread.verify(task) : verifyFolder(task))) });
    }
  } finally {
    progress.clear();
    await thread?.close();
  }
  const bad = results.filter(({ result }) => result !== "passed");
  const passed = results.length - bad.length;
  const lines = bad.map(({ name, result, message }) => `${result.padEnd(11)}  ${name}  ${message ?? ""}`);
  const text = [...lines, `${passed} of ${results.length} passed`].join("\n");
  return { report: { passed, of: results.length, results }, text, agreed: bad.length === 0 };
}

function models(folder: string, depth: number): readonly string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === "model.onnx"))
    return dataFolders(folder).length > 0 ? [folder] : [];
  if (depth === 0) return [];
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return folders.sort().flatMap((name) => models(join(folder, name), depth - 1));
}
