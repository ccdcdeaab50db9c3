/** One folder of a suite: its model against the vectors stored with it. Nothing here throws. */
import { join } from "node:path";
import { CompileError } from "../diagnostics/index.ts";
import type { Options } from "./command-line.ts";
import { readOnnxFile } from "./load-onnx.ts";
import type { Deviation } from "./verify-compare.ts";
import { dataFolders, readDataSet } from "./verify-data.ts";
import { againstData } from "./verify-model.ts";
import { networkOf, readModuleOptions } from "./verify-module.ts";

export interface FolderResult {
  readonly result: "passed" | "differs" | "unsupported" | "failed" | "timeout";
  readonly message?: string;
  readonly outputs?: readonly Deviation[];
}

/** What a thread is given: all of it can be copied. */
export interface FolderTask {
  /** Absolute. */
  readonly path: string;
  readonly options: Options;
  readonly cwd: string;
}

export async function verifyFolder({ path, options, cwd }: FolderTask): Promise<FolderResult> {
  try {
    const file = readOnnxFile(join(path, "model.onnx"));
    const sets = dataFolders(path).map((each) => readDataSet(each, file.model));
    const { outputs } = await againstData(
      file,
      sets,
      readModuleOptions(options, cwd)(networkOf(file)),
      undefined,
    );
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
