/** A list of steps as the calls and loops of a function body. */
import { constantOf, range } from "../../compiler/dims/index.ts";
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import type { Call, Program, Repeat, Step } from "../../compiler/ir/program.ts";
import { callsIn } from "../../compiler/ir/program-walk.ts";
import type { Scope, Writer } from "../source/index.ts";
import { Block } from "./block.ts";
import type { DimVariables } from "./door-code.ts";
import { Indices } from "./indices.ts";
import type { KernelFunction } from "./kernel.ts";

/** The functions of a module's kernels, and the scope of the functions that call them. */
export interface Callees {
  readonly functions: ReadonlyMap<Kernel, KernelFunction>;
  readonly scope: Scope;
}

/** Writes `steps`; `access` says how the calling function reaches a buffer. */
export function writeSteps(
  steps: readonly Step[],
  { functions, scope: outer }: Callees,
  access: (buffer: Buffer) => string,
  writer: Writer,
  variables?: DimVariables,
): void {
  const scope = outer.inner();
  const indices = new Indices(scope);
  indices.settle();
  const root = new Block(scope.inner());
  variables?.define(root);
  addSteps(steps, root, { functions, access, indices });
  root.print(writer);
}

/** Every buffer a program passes to a kernel or copies. */
export function buffersOf({ prepare, widened, steps }: Program): readonly Buffer[] {
  const passed = callsIn([...prepare, ...steps]).flatMap((step) => step.buffers);
  return [...widened.flatMap(({ from, to }) => [from, to]), ...passed];
}

/** The buffers that calls really pass. */
export function buffersIn(steps: readonly Step[], { functions }: Callees): ReadonlySet<Buffer> {
  return new Set(
    callsIn(steps).flatMap(({ kernel, buffers }) => functions.get(kernel)!.buffers.map((i) => buffers[i]!)),
  );
}

interface Context {
  readonly functions: ReadonlyMap<Kernel, KernelFunction>;
  readonly access: (buffer: Buffer) => string;
  readonly indices: Indices;
}

function addSteps(steps: readonly Step[], block: Block, context: Context): void {
  for (const step of steps) {
    if (step.kind === "repeat") addRepeat(step, block, context);
    else addCall(step, block, context);
  }
}

function addCall(step: Call, block: Block, { functions, access, indices }: Context): void {
  const { name, buffers, args } = functions.get(step.kernel)!;
  block.list(name, [
    ...buffers.map((i) => access(step.buffers[i]!)),
    ...args.map((i) => indices.print(step.args[i]!, block).text),
  ]);
}

function addRepeat(step: Repeat, block: Block, context: Context): void {
  const { indices } = context;
  const inner = block.inner(true);
  const name = inner.scope.take(step.axis, "t");
  const extent = constantOf(step.extent) ?? range(step.extent, (symbol) => block.symbol(symbol).range).max;
  inner.defineSymbol(step.axis, name, { min: 0, max: Math.max(extent - 1, 0) });
  addSteps(step.body, inner, context);
  const end = indices.print(step.extent, block).text;
  block.append(`for (let ${name} = 0; ${name} < ${end}; ${name}++)`, inner);
}
