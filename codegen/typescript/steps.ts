/** A list of steps as the calls and loops of a function body. */
import { constantOf, range } from "../../compiler/dims/index.ts";
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Step } from "../../compiler/ir/program.ts";
import type { Scope, Writer } from "../source/index.ts";
import { Block } from "./block.ts";
import { Indices } from "./indices.ts";
import { bufferPositions } from "./kernel.ts";
import type { ModuleNames } from "./names.ts";

/** Writes `steps`; `access` says how the function reaches a buffer. */
export function writeSteps(
  steps: readonly Step[],
  names: ModuleNames,
  access: (buffer: Buffer) => string,
  writer: Writer,
): void {
  const scope = names.local.inner();
  const indices = new Indices(scope);
  indices.settle();
  const root = new Block(scope.inner());
  addSteps(steps, root, { names, access, indices, scope });
  root.print(writer);
}

interface Context {
  readonly names: ModuleNames;
  readonly access: (buffer: Buffer) => string;
  readonly indices: Indices;
  readonly scope: Scope;
}

function addSteps(steps: readonly Step[], block: Block, context: Context): void {
  for (const step of steps) {
    if (step.kind === "repeat") addRepeat(step, block, context);
    else block.list(context.names.kernels.get(step.kernel)!, callArguments(step, block, context));
  }
}

function callArguments(
  step: Extract<Step, { kind: "call" }>,
  block: Block,
  { access, indices }: Context,
): readonly string[] {
  return [
    ...bufferPositions(step.kernel).map((i) => access(step.buffers[i]!)),
    ...step.args.map((arg) => indices.print(arg, block).text),
  ];
}

function addRepeat(step: Extract<Step, { kind: "repeat" }>, block: Block, context: Context): void {
  const { indices } = context;
  const inner = block.inner(true);
  const name = inner.scope.take(step.axis, "t");
  const extent = constantOf(step.extent) ?? range(step.extent, (symbol) => block.symbol(symbol).range).max;
  inner.defineSymbol(step.axis, name, { min: 0, max: Math.max(extent - 1, 0) });
  addSteps(step.body, inner, context);
  const end = indices.print(step.extent, block).text;
  block.append(`for (let ${name} = 0; ${name} < ${end}; ${name}++)`, inner);
}
