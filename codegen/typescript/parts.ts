/** What every emitted module is made of, whatever its `run` looks like: kernels, weights, functions. */
import type { Kernel } from "../../compiler/ir/loop.ts";
import { nothingOpen, type OpenDims } from "../../compiler/ir/open-dims.ts";
import type { Program, Step, Weight } from "../../compiler/ir/program.ts";
import { accessesOf, callsIn } from "../../compiler/ir/program-walk.ts";
import { planFill } from "../../runtime/initializers/index.ts";
import type { Types } from "../source/index.ts";
import { type RuntimeFunction, withRequired } from "./functions.ts";
import { type KernelFunction, printKernel } from "./kernel.ts";
import type { ModuleNames } from "./names.ts";
import { buffersIn, type Callees } from "./steps.ts";

/** The functions of the kernels that are called. */
export function printKernels(
  { kernels, prepare, steps }: Pick<Program, "kernels" | "prepare" | "steps">,
  names: ModuleNames,
  types: Types,
  open: OpenDims = nothingOpen,
): ReadonlyMap<Kernel, KernelFunction> {
  const called = new Set(callsIn([...prepare, ...steps]).map(({ kernel }) => kernel));
  return new Map(
    kernels
      .filter((kernel) => called.has(kernel))
      .map((kernel) => [kernel, printKernel(kernel, names.kernels.get(kernel)!, names.module, types, open)]),
  );
}

/**
 * The program without those of its preparing steps whose results nothing reads: of a kernel's buffers its
 * function may turn out to need but some, or none.
 */
export function withoutUnread(program: Program, callees: Callees): Program {
  const read = new Set(buffersIn(program.steps, callees));
  const prepare: Step[] = [];
  for (const step of program.prepare.toReversed()) {
    if (!callsIn([step]).some((call) => accessesOf(call).writes.some((buffer) => read.has(buffer)))) continue;
    for (const buffer of buffersIn([step], callees)) read.add(buffer);
    prepare.unshift(step);
  }
  const passed = buffersIn([...prepare, ...program.steps], callees);
  const widened = new Set(program.widened.map(({ to }) => to));
  return { ...program, prepare, packed: program.packed.filter((b) => passed.has(b) || widened.has(b)) };
}

/** The functions of kernels that are still called. */
export function calledIn({ prepare, steps }: Pick<Program, "prepare" | "steps">, callees: Callees): Callees {
  const called = new Set(callsIn([...prepare, ...steps]).map(({ kernel }) => kernel));
  return { ...callees, functions: new Map([...callees.functions].filter(([kernel]) => called.has(kernel))) };
}

/** Those that something reads: of a kernel's buffers its function may turn out to need but some. */
export function shippedWeights(
  { prepare, steps, widened, weights }: Pick<Program, "prepare" | "steps" | "widened" | "weights">,
  callees: Callees,
): readonly Weight[] {
  const passed = buffersIn([...prepare, ...steps], callees);
  const copied = new Set(widened.map(({ from }) => from));
  return weights.filter(({ buffer }) => passed.has(buffer) || copied.has(buffer));
}

/** The functions that make the initial values of these weights. */
export function fillsOf(weights: readonly Weight[]): readonly string[] {
  const fills = weights.flatMap(({ shape, initializer }) =>
    initializer ? [planFill(initializer.spec, shape, initializer.seed, initializer.path)] : [],
  );
  return [...new Set(fills.map(({ fill }) => fill))];
}

/** What kernels call beside Math. */
export function functionsNeeded({ functions }: Callees): readonly RuntimeFunction[] {
  return withRequired(new Set([...functions.values()].flatMap(({ needs }) => [...needs])));
}
