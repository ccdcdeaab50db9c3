/**
 * The first value of a graph, in the order its nodes run, that a module and another runtime disagree on. All
 * values are made outputs of both at once where both allow it. Where one does not, or where the difference is
 * gone then (it came from fusing values that are outputs now), single values are asked for, and the first
 * wrong one is found by bisection: what is computed from a wrong value is taken to be wrong too.
 */
import type { Scalar } from "../../runtime/dtype.ts";
import type { OnnxNode } from "../frontend/onnx/model.ts";
import { nodePaths } from "../frontend/onnx/names.ts";
import { inOrder } from "../frontend/onnx/order.ts";
import type { OnnxFile } from "./load-onnx.ts";
import { type Deviation, deviation, runtimeBound } from "./verify-compare.ts";
import { asking, type ModuleOptions, VerifiedModule } from "./verify-module.ts";
import { type Oracle, type Tensors, withOutputs } from "./verify-oracle.ts";

export interface Divergence {
  readonly value: string;
  /** The node that makes it, and what it is. */
  readonly node: string;
  readonly operator: string;
  readonly index: number;
  readonly actual: Scalar;
  readonly expected: Scalar;
  /** Where dtypes or shapes differ. */
  readonly form?: string;
}

export interface Subject {
  readonly file: OnnxFile;
  readonly options: ModuleOptions;
  readonly inputs: Tensors;
  readonly oracle: Oracle;
}

interface Candidate {
  readonly value: string;
  readonly node: OnnxNode;
}

/** Undefined where every value that can be asked for agrees. */
export async function firstDivergence(subject: Subject): Promise<Divergence | undefined> {
  const { nodes } = subject.file.model.graph;
  const all = inOrder(nodes).nodes.flatMap((node) =>
    node.outputs.filter((value) => value !== "").map((value): Candidate => ({ value, node })),
  );
  const found = (await amongAll(subject, all)) ?? (await bisected(subject, all));
  if (!found) return undefined;
  const { node } = all.find(({ value }) => value === found.name)!;
  const { index, actual, expected } = found.first ?? { index: 0, actual: Number.NaN, expected: Number.NaN };
  return {
    value: found.name,
    node: nodePaths(nodes).get(node)!,
    operator: node.opType,
    index,
    actual,
    expected,
    ...(found.form !== undefined && { form: found.form }),
  };
}

/** Undefined where nothing is wrong, or where not all can be asked for at once. */
async function amongAll(subject: Subject, all: readonly Candidate[]): Promise<Deviation | undefined> {
  const deviations = await compared(subject, all);
  return deviations?.find(({ outside }) => outside > 0);
}

async function bisected(subject: Subject, all: readonly Candidate[]): Promise<Deviation | undefined> {
  let [low, high] = [0, all.length];
  let found: Deviation | undefined;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [one] = (await compared(subject, [all[middle]!])) ?? [];
    if (one && one.outside > 0) [found, high] = [one, middle];
    else low = middle + 1;
  }
  return found;
}

/** Each of the values in both; undefined where one of the two cannot give them. */
async function compared(
  { file, options, inputs, oracle }: Subject,
  candidates: readonly Candidate[],
): Promise<readonly Deviation[] | undefined> {
  const names = candidates.map(({ value }) => value);
  const own = new Set(file.model.graph.outputs.map(({ name }) => name));
  const more = names.filter((name) => !own.has(name));
  try {
    const actual = new VerifiedModule(asking(file, names), options).run(inputs);
    const session = await oracle.open({ ...file, bytes: withOutputs(file.bytes, more) });
    try {
      const expected = await session.run(inputs);
      return names.flatMap((name) => {
        const [a, b] = [actual.get(name), expected.get(name)];
        return a && b ? [deviation(name, { actual: [a], expected: [b] }, runtimeBound(b.dtype))] : [];
      });
    } finally {
      await session.close();
    }
  } catch {
    // A value that has no dtype here, a shape that is not known before the run, an operator without a kernel.
    return undefined;
  }
}
