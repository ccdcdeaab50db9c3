/**
 * Runs a Program through the loop-IR interpreter: no code generator takes part, so a difference between this
 * and the reference is the lowering's. The arena starts poisoned, and its buffers really share memory as
 * planned.
 */

import { Constraint, evaluate } from "../../compiler/dims/index.ts";
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import type { Program, Step } from "../../compiler/ir/program.ts";
import { allocate, dtypes, type TypedArray } from "../../runtime/dtype.ts";
import { copyElements } from "../../runtime/elements.ts";
import { type Arithmetic, interpret } from "./interpret.ts";

/** `numericsOf`: what each kernel computes with; `dims`: the sizes of open dims. */
export function runProgram(
  program: Program,
  inputs: Readonly<Record<string, TypedArray>>,
  numericsOf: (kernel: Kernel) => Arithmetic = () => ({ accumulate: "float64" }),
  dims: Readonly<Record<string, number>> = {},
): Record<string, TypedArray> {
  const memory = allocateAll(program);
  for (const port of program.inputs) memory.set(port.buffer, inputs[port.name]!);
  const symbols: Record<string, number> = { ...dims };
  /** Whether the steps after it run, too. */
  const run = (step: Step): boolean => {
    if (step.kind === "call") {
      const { kernel, buffers, args } = step;
      const formals = [...kernel.reads, ...kernel.writes];
      const values = args.map((d) => Number(evaluate(d, new Map(Object.entries(symbols)))));
      const parameters = Object.fromEntries(kernel.parameters.map((name, i) => [name, values[i]!]));
      interpret(
        kernel,
        new Map(formals.map((formal, i) => [formal, memory.get(buffers[i]!)!])),
        numericsOf(kernel),
        parameters,
      );
      return true;
    }
    if (step.kind === "read") {
      const { symbol, buffer, index, guards } = step;
      symbols[symbol] = Number(
        memory.get(buffer)![Number(evaluate(index, new Map(Object.entries(symbols))))],
      );
      if (!new Constraint(guards).holds(new Map(Object.entries(symbols))))
        throw new RangeError(`${symbol} is ${symbols[symbol]}`);
      return true;
    }
    if (step.kind === "stop")
      return Boolean(
        memory.get(step.buffer)![Number(evaluate(step.index, new Map(Object.entries(symbols))))],
      );
    const extent = Number(evaluate(step.extent, new Map(Object.entries(symbols))));
    for (let i = 0; i < extent; i++) {
      symbols[step.axis] = i;
      if (!step.body.every(run)) break;
    }
    return true;
  };
  for (const { from, to } of program.widened) copyElements(memory.get(to)!, memory.get(from)!);
  program.prepare.forEach(run);
  program.steps.forEach(run);
  return Object.fromEntries(program.outputs.map((port) => [port.name, memory.get(port.buffer)!]));
}

function allocateAll(program: Program): Map<Buffer, TypedArray> {
  const memory = new Map<Buffer, TypedArray>();
  const arena = new Uint8Array(program.arena.bytes).fill(0xff).buffer;
  for (const { buffer, data, write } of program.weights) {
    const ordered = write ? new Float32Array(buffer.length) : data;
    write?.(ordered as Float32Array);
    memory.set(buffer, ordered);
  }
  for (const [buffer, offset] of program.arena.offsets) memory.set(buffer, viewOf(buffer, arena, offset));
  const own = [...program.packed, ...program.outputs.map((port) => port.buffer)];
  for (const buffer of own) memory.set(buffer, allocate(buffer.dtype, buffer.length));
  return memory;
}

function viewOf({ dtype, length }: Buffer, memory: ArrayBuffer, offset: number): TypedArray {
  // Every row's class takes these arguments; the union of their overloads is too much for the checker.
  const View = dtypes[dtype].array as Float32ArrayConstructor;
  return new View(memory, offset, length);
}
