/**
 * The verifier of programs: each call passes its kernel buffers like the formal ones and an argument for each
 * parameter, and every address of the kernel is proven inside its buffer for all values that the repeats
 * around the call give to those arguments. Where buffers lie in the arena is another verifier's
 * (lower/arena-verify). A violation is an error of the compiler.
 */
import { constantOf, type Interval, range } from "../dims/index.ts";
import { verifyKernel } from "./loop-verify.ts";
import type { Call, Program, Step } from "./program.ts";

type Axes = ReadonlyMap<string, Interval>;

/** @throws an internal error that names the kernel and what is wrong with it. */
export function verifyProgram({ prepare, steps }: Program): void {
  verifySteps([...prepare, ...steps], new Map());
}

function verifySteps(steps: readonly Step[], axes: Axes): void {
  for (const step of steps) {
    if (step.kind === "call") {
      verifyCall(step, axes);
      continue;
    }
    const extent = constantOf(step.extent) ?? range(step.extent, boundsIn(axes)).max;
    if (extent > 0) verifySteps(step.body, new Map(axes).set(step.axis, { min: 0, max: extent - 1 }));
  }
}

function verifyCall({ kernel, buffers, args }: Call, axes: Axes): void {
  const formals = [...kernel.reads, ...kernel.writes];
  const fits = (formal: (typeof formals)[number], i: number) =>
    buffers[i]?.dtype === formal.dtype && buffers[i].length === formal.length;
  if (buffers.length !== formals.length || !formals.every(fits))
    throw new Error(`internal: kernel ${kernel.name} is called with buffers unlike its own`);
  if (args.length !== kernel.parameters.length)
    throw new Error(`internal: kernel ${kernel.name} is called with ${args.length} arguments`);
  const parameters = new Map(
    kernel.parameters.map((name, i) => [name, range(args[i]!, boundsIn(axes))] as const),
  );
  verifyKernel(kernel, { parameters });
}

const boundsIn =
  (axes: Axes) =>
  (name: string): Interval =>
    axes.get(name) ?? { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
