/** A list of steps as the calls and loops of a function body. */
import { type Clause, constantOf, range, symbolsOf } from "../../compiler/dims/index.ts";
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import { ruleText } from "../../compiler/ir/open-dims.ts";
import type { Call, Program, Read, Repeat, Step, Stop } from "../../compiler/ir/program.ts";
import { callsIn, readsIn, stopsIn } from "../../compiler/ir/program-walk.ts";
import { type Scope, type Types, templateText, type Writer } from "../source/index.ts";
import { Block } from "./block.ts";
import { type DimVariables, membership } from "./door-code.ts";
import { Indices } from "./indices.ts";
import type { KernelFunction } from "./kernel.ts";

/** The functions of a module's kernels, and the scope of the functions that call them. */
export interface Callees {
  readonly functions: ReadonlyMap<Kernel, KernelFunction>;
  readonly scope: Scope;
  readonly types: Types;
}

/** Writes `steps`; `access` says how the calling function reaches a buffer. */
export function writeSteps(
  steps: readonly Step[],
  { functions, scope: outer, types }: Callees,
  access: (buffer: Buffer) => string,
  writer: Writer,
  variables?: DimVariables,
): void {
  const scope = outer.inner();
  const indices = new Indices(scope);
  indices.settle();
  const root = new Block(scope.inner());
  variables?.define(root);
  addSteps(steps, root, { functions, access, indices, types, variables });
  root.print(writer);
}

/** Every buffer a program passes to a kernel or copies. */
export function buffersOf({ prepare, widened, steps }: Program): readonly Buffer[] {
  const passed = callsIn([...prepare, ...steps]).flatMap((step) => step.buffers);
  const measured = [...readsIn(steps), ...stopsIn(steps)].map(({ buffer }) => buffer);
  return [...widened.flatMap(({ from, to }) => [from, to]), ...passed, ...measured];
}

/** The buffers that calls really pass, and those that sizes are read from. */
export function buffersIn(steps: readonly Step[], { functions }: Callees): ReadonlySet<Buffer> {
  return new Set([
    ...callsIn(steps).flatMap(({ kernel, buffers }) =>
      functions.get(kernel)!.buffers.map((i) => buffers[i]!),
    ),
    ...[...readsIn(steps), ...stopsIn(steps)].map(({ buffer }) => buffer),
  ]);
}

interface Context {
  readonly functions: ReadonlyMap<Kernel, KernelFunction>;
  readonly access: (buffer: Buffer) => string;
  readonly indices: Indices;
  readonly types: Types;
  readonly variables: DimVariables | undefined;
}

function addSteps(steps: readonly Step[], block: Block, context: Context): void {
  for (const step of steps) {
    if (step.kind === "repeat") addRepeat(step, block, context);
    else if (step.kind === "read") addRead(step, block, context);
    else if (step.kind === "stop") addStop(step, block, context);
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

/** A size is read once, and whatever else must hold of it is checked there. */
function addRead(step: Read, block: Block, { access, indices, types, variables }: Context): void {
  const { symbol, buffer, index, guards, subject } = step;
  const known = variables?.nameOf(symbol);
  const name = known ?? block.scope.take(symbol, "size");
  if (known === undefined) block.defineSymbol(symbol, name, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const element = `${access(buffer)}[${indices.print(index, block).text}]${types.element}`;
  block.line(`const ${name} = ${element};`);
  for (const guard of guards) {
    const { test, names, rule } = condition(guard, block, indices);
    const values = names.map((each) => `${templateText(each)} is \${${block.symbol(each).name}}`).join(", ");
    block.line(`if (!(${test}))`);
    const message = `${templateText(subject || buffer.name)}: ${values}, but ${templateText(rule)} must hold`;
    block.line(`  throw new RangeError(\`${message}\`);`);
  }
}

function addStop({ buffer, index }: Stop, block: Block, { access, indices }: Context): void {
  block.line(`if (${access(buffer)}[${indices.print(index, block).text}] === 0) break;`);
}

/** What a guard is in code and in words. */
function condition(guard: Clause, block: Block, indices: Indices) {
  if (guard.kind === "domain") {
    const rule = ruleText({ ...guard, name: guard.symbol });
    return { test: membership(block.symbol(guard.symbol).name, guard), names: [guard.symbol], rule };
  }
  const { relation, left, right } = guard;
  const operator = relation === "==" || relation === "!=" ? `${relation}=` : relation;
  const [a, b] = [left, right].map((d) => indices.print(d, block).text);
  const names = [...new Set([...symbolsOf(left), ...symbolsOf(right)])];
  return { test: `${a} ${operator} ${b}`, names, rule: `${left} ${relation} ${right}` };
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
