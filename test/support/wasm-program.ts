/**
 * Runs a Program kernel by kernel in WebAssembly, on one memory laid out buffer after buffer: what schedules
 * give can be compared and timed without the module around it.
 */
import { evaluate } from "../../compiler/dims/index.ts";
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Call, Program, Step } from "../../compiler/ir/program.ts";
import { callsIn } from "../../compiler/ir/program-walk.ts";
import type { Numerics } from "../../compiler/ir/target.ts";
import { dtypes, type TypedArray } from "../../runtime/dtype.ts";
import { copyElements } from "../../runtime/elements.ts";
import { poisonedArray } from "./interpret.ts";
import { encodeKernels, view } from "./wasm.ts";

export interface WasmProgram {
  array(b: Buffer): TypedArray;
  run(): void;
}

/** Weights are in place and packed; every other buffer is poisoned. */
export function wasmProgram(program: Program, numerics: Numerics): WasmProgram {
  const offsets = layout(program);
  const bytes = [...offsets].reduce((most, [b, at]) => Math.max(most, at + bytesOf(b)), 0);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
  const array = (b: Buffer) => view(memory, b.dtype, offsets.get(b)!, b.length);
  for (const b of offsets.keys()) copyElements(array(b), poisonedArray(b));
  for (const { buffer, data, write } of program.weights)
    if (write) write(array(buffer) as Float32Array);
    else copyElements(array(buffer), data);
  for (const { from, to } of program.widened) copyElements(array(to), array(from));
  const module = new WebAssembly.Module(encodeKernels(program.kernels, numerics));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const bind = (steps: readonly Step[]) => steps.map((step) => bound(step, exports, offsets, memory));
  for (const run of bind(program.prepare)) run(new Map());
  const steps = bind(program.steps);
  return {
    array,
    run: () => {
      for (const run of steps) run(new Map());
    },
  };
}

type Symbols = Map<string, number>;

/** What a stop gives where the rest of its repeat does not run. */
const stopped = Symbol("stopped");

function bound(
  step: Step,
  exports: WebAssembly.Exports,
  offsets: ReadonlyMap<Buffer, number>,
  memory: WebAssembly.Memory,
): (symbols: Symbols) => unknown {
  if (step.kind === "read") throw new Error("internal: this machine reads no sizes");
  if (step.kind === "repeat") {
    const body = step.body.map((each) => bound(each, exports, offsets, memory));
    return (symbols) => {
      const extent = Number(evaluate(step.extent, symbols));
      for (let i = 0; i < extent; i++) {
        const around = new Map(symbols).set(step.axis, i);
        if (body.some((run) => run(around) === stopped)) return;
      }
    };
  }
  if (step.kind === "stop") {
    const condition = new Uint8Array(memory.buffer, offsets.get(step.buffer)!);
    return (symbols) => (condition[Number(evaluate(step.index, symbols))] ? undefined : stopped);
  }
  const call = exports[step.kernel.name] as (...args: number[]) => void;
  const addresses = step.buffers.map((b) => offsets.get(b)!);
  if (step.args.length === 0) return () => call(...addresses);
  return (symbols) => call(...addresses, ...step.args.map((d) => Number(evaluate(d, symbols))));
}

const bytesOf = ({ length, dtype }: Buffer) => length * dtypes[dtype].bytes;

/** Arena buffers lie as planned, over each other where the plan says so. */
function layout(program: Program): ReadonlyMap<Buffer, number> {
  const offsets = new Map<Buffer, number>();
  let end = 1024;
  const calls: readonly Call[] = callsIn([...program.prepare, ...program.steps]);
  const ports = [...program.inputs, ...program.outputs].map(({ buffer }) => buffer);
  for (const b of new Set([...calls.flatMap(({ buffers }) => buffers), ...ports])) {
    if (program.arena.offsets.has(b)) continue;
    offsets.set(b, end);
    end += Math.ceil(bytesOf(b) / 64) * 64;
  }
  for (const [b, at] of program.arena.offsets) offsets.set(b, end + at);
  return offsets;
}
