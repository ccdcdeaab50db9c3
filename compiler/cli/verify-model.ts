/** One ONNX file verified: against the vectors stored with it, and against another runtime. */
import type { DType } from "../../runtime/dtype.ts";
import type { OnnxFile } from "./load-onnx.ts";
import { type Bound, type Deviation, deviation, runtimeBound, storedBound } from "./verify-compare.ts";
import type { DataSet } from "./verify-data.ts";
import { type Divergence, firstDivergence } from "./verify-diverge.ts";
import { type ModuleOptions, randomInputs, VerifiedModule } from "./verify-module.ts";
import type { Oracle, Tensors } from "./verify-oracle.ts";

/** The outputs of the model against one other source of them. */
export interface Comparison {
  /** "onnxruntime-web, 20 random inputs". */
  readonly against: string;
  readonly outputs: readonly Deviation[];
  readonly divergence?: Divergence;
  /** Why nothing was compared. */
  readonly skipped?: string;
}

export const agrees = ({ outputs }: Comparison): boolean => outputs.every(({ outside }) => outside === 0);

/** One run of both, and what the module was made with. */
interface Run {
  readonly inputs: Tensors;
  readonly options: ModuleOptions;
  readonly actual: Tensors;
  readonly expected: Tensors;
}

/** Each set binds the model by itself, with the elements that decide shapes. */
export async function againstData(
  file: OnnxFile,
  sets: readonly DataSet[],
  options: ModuleOptions,
  oracle: Oracle | undefined,
): Promise<Comparison> {
  const runs = sets.map(({ inputs, outputs: expected }): Run => {
    const bound = { ...options, sample: Object.fromEntries(inputs) };
    return { inputs, options: bound, actual: new VerifiedModule(file, bound).run(inputs), expected };
  });
  const against = `${sets.length} stored ${sets.length === 1 ? "data set" : "data sets"}`;
  return summed(against, runs, file, oracle, () => storedBound);
}

export interface RandomRuns {
  readonly runs: number;
  readonly seed: number;
}

export async function againstRuntime(
  file: OnnxFile,
  oracle: Oracle,
  options: ModuleOptions,
  { runs, seed }: RandomRuns,
): Promise<Comparison> {
  const module = new VerifiedModule(file, options);
  const against = `${oracle.name}, ${runs} random ${runs === 1 ? "input" : "inputs"}`;
  const session = await asked(() => oracle.open(file));
  if (typeof session === "string") return { against, outputs: [], skipped: session };
  const done: Run[] = [];
  for (let i = 0; i < runs; i++) {
    const inputs = randomInputs(module.signature, options, seed + i);
    const expected = await asked(() => session.run(inputs));
    if (typeof expected === "string") return { against, outputs: [], skipped: expected };
    done.push({ inputs, options, actual: module.run(inputs), expected });
  }
  await session.close();
  return summed(against, done, file, oracle, runtimeBound);
}

/** What the other runtime answers, or why it does not, in one line. */
async function asked<T extends object>(body: () => Promise<T>): Promise<T | string> {
  try {
    return await body();
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0]!.slice(0, 300);
  }
}

/** By output, over the runs; where one is wrong, the value inside that is. */
async function summed(
  against: string,
  runs: readonly Run[],
  file: OnnxFile,
  oracle: Oracle | undefined,
  boundOf: (dtype: DType) => Bound,
): Promise<Comparison> {
  const outputs = [...runs[0]!.expected].map(([name, { dtype }]) => {
    const of = (which: "actual" | "expected") => runs.map((run) => run[which].get(name)!);
    return deviation(name, { actual: of("actual"), expected: of("expected") }, boundOf(dtype));
  });
  const wrong = outputs.find(({ outside }) => outside > 0);
  const divergence = wrong && oracle && (await firstDivergence({ file, oracle, ...runs[wrong.run]! }));
  return { against, outputs, ...(divergence && { divergence }) };
}
