/**
 * The verifier of programs: each call passes its kernel buffers like the formal ones and an argument for each
 * parameter, and every address of the kernel is proven inside its buffer for all values that the repeats
 * around the call give to those arguments. Where buffers lie in the arena is another verifier's
 * (lower/arena-verify). A violation is an error of the compiler.
 */
import { constant, constantOf, type Facts, type Interval, range, sub, symbol } from "../dims/index.ts";
import { verifyKernel } from "./loop-verify.ts";
import { factsOf, intervalsOf } from "./open-dims.ts";
import type { Call, Program, Read, Step, Stop } from "./program.ts";
import type { Counter } from "./symbolic-bounds.ts";

/** What is known where a step stands. */
interface Around {
  readonly intervals: ReadonlyMap<string, Interval>;
  /** The axes of the repeats. */
  readonly counters: readonly Counter[];
  readonly facts: Facts | undefined;
}

/** @throws an internal error that names the kernel and what is wrong with it. */
export function verifyProgram({ prepare, steps, open }: Program): void {
  const intervalOf = intervalsOf(open);
  const intervals = new Map(open.dims.map(({ name }) => [name, intervalOf(name)]));
  const facts = open.dims.length > 0 ? factsOf(open) : undefined;
  verifySteps([...prepare, ...steps], { intervals, counters: [], facts });
}

function verifySteps(steps: readonly Step[], around: Around): void {
  for (const step of steps) {
    if (step.kind === "call") {
      verifyCall(step, around);
      continue;
    }
    if (step.kind === "read") {
      verifyRead(step, around);
      continue;
    }
    if (step.kind === "stop") {
      verifyStop(step, around);
      continue;
    }
    const { axis } = step;
    const extent = constantOf(step.extent) ?? range(step.extent, boundsIn(around)).max;
    const intervals = new Map(around.intervals).set(axis, { min: 0, max: extent - 1 });
    const counter = { name: axis, lower: constant(0), upper: sub(step.extent, 1) };
    if (extent > 0) verifySteps(step.body, { ...around, intervals, counters: [...around.counters, counter] });
  }
}

function verifyRead({ symbol: name, buffer, index }: Read, around: Around): void {
  const { min, max } = range(index, boundsIn(around));
  if (buffer.dtype !== "int32" || !(min >= 0 && max < buffer.length))
    throw new Error(`internal: ${name} is read from where ${buffer.name} has no integer`);
}

function verifyStop({ buffer, index }: Stop, around: Around): void {
  const { min, max } = range(index, boundsIn(around));
  if (around.counters.length === 0) throw new Error("internal: a stop stands in no repeat");
  if (buffer.dtype !== "bool" || !(min >= 0 && max < buffer.length))
    throw new Error(`internal: ${buffer.name} has no condition where one is asked for`);
}

function verifyCall({ kernel, buffers, args }: Call, around: Around): void {
  const formals = [...kernel.reads, ...kernel.writes];
  const fits = (formal: (typeof formals)[number], i: number) =>
    buffers[i]?.dtype === formal.dtype &&
    buffers[i].length === formal.length &&
    buffers[i].size === formal.size;
  if (buffers.length !== formals.length || !formals.every(fits))
    throw new Error(`internal: kernel ${kernel.name} is called with buffers unlike its own`);
  if (args.length !== kernel.parameters.length)
    throw new Error(`internal: kernel ${kernel.name} is called with ${args.length} arguments`);
  const given = kernel.parameters.map((name, i) => ({ name, arg: args[i]! }));
  const parameters = new Map(given.map(({ name, arg }) => [name, range(arg, boundsIn(around))] as const));
  // An open dim is itself in a kernel; any other parameter is what its argument is.
  const counters = given
    .filter(({ name, arg }) => symbol(name) !== arg)
    .map(({ name, arg }) => ({ name, lower: arg, upper: arg }));
  const { facts } = around;
  verifyKernel(kernel, {
    parameters,
    counters: [...around.counters, ...counters],
    ...(facts && { facts }),
  });
}

const boundsIn =
  ({ intervals }: Around) =>
  (name: string): Interval =>
    intervals.get(name) ?? { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
