/** Runs the steps of a program in the interpreter, with each buffer wherever `memoryOf` puts it. */
import { constantOf, evaluate } from "../../compiler/dims/index.ts";
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { ArenaPlan, Step } from "../../compiler/ir/program.ts";
import { targets } from "../../compiler/ir/target.ts";
import { dtypes, type TypedArray } from "../../runtime/dtype.ts";
import { interpret, poisonedArray } from "./interpret.ts";

export type MemoryOf = (buffer: Buffer) => TypedArray;

/** Memory of its own for each buffer, poisoned with NaN. */
export function separateMemory(): MemoryOf {
  const memory = new Map<Buffer, TypedArray>();
  return (buffer) => {
    let data = memory.get(buffer);
    if (!data) {
      data = poisonedArray(buffer);
      memory.set(buffer, data);
    }
    return data;
  };
}

/** One poisoned arena as planned; other buffers have memory of their own. */
export function plannedMemory(plan: ArenaPlan): MemoryOf {
  const arena = new Float32Array(plan.bytes / 4).fill(Number.NaN).buffer;
  const others = separateMemory();
  return (buffer) => {
    const offset = plan.offsets.get(buffer);
    if (offset === undefined) return others(buffer);
    const view = dtypes[buffer.dtype].array as unknown as new (
      arena: ArrayBuffer,
      offset: number,
      length: number,
    ) => TypedArray;
    return new view(arena, offset, buffer.length);
  };
}

/** Whether they all ran: a stop leaves the rest. */
export function runSteps(
  steps: readonly Step[],
  memoryOf: MemoryOf,
  symbols = new Map<string, number>(),
): boolean {
  for (const step of steps) {
    if (step.kind === "repeat") {
      for (let i = 0; i < (constantOf(step.extent) ?? 0); i++)
        if (!runSteps(step.body, memoryOf, new Map(symbols).set(step.axis, i))) break;
      continue;
    }
    if (step.kind === "stop") {
      if (!memoryOf(step.buffer)[Number(evaluate(step.index, symbols))]) return false;
      continue;
    }
    if (step.kind === "read") {
      symbols.set(step.symbol, Number(memoryOf(step.buffer)[Number(evaluate(step.index, symbols))]));
      continue;
    }
    const { kernel, buffers, args } = step;
    const formals = [...kernel.reads, ...kernel.writes];
    const memory = new Map(formals.map((formal, i) => [formal, memoryOf(buffers[i]!)]));
    const parameters = kernel.parameters.map((p, i) => [p, Number(evaluate(args[i]!, symbols))]);
    interpret(kernel, memory, targets.ts.numerics, Object.fromEntries(parameters));
  }
  return true;
}

/** All buffers that the steps touch, in order. */
export function buffersOf(steps: readonly Step[]): readonly Buffer[] {
  return [
    ...new Set(
      steps.flatMap((s) =>
        s.kind === "call" ? s.buffers : s.kind === "repeat" ? buffersOf(s.body) : [s.buffer],
      ),
    ),
  ];
}
