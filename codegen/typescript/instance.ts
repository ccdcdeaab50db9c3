/**
 * `instantiate` and `run`. An instance owns one arena and its outputs; `run` checks the inputs and calls the
 * kernels in order, allocating nothing. An input may be an output of the same instance, or a part of one (a
 * recurrent state fed back): where a kernel still reads it after that output is first written, the input is
 * copied first.
 */
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Port, Program } from "../../compiler/ir/program.ts";
import { accessesOf, callsIn } from "../../compiler/ir/program-walk.ts";
import { member, propertyKey, type Types, type Writer } from "../source/index.ts";
import { declareArray } from "./arrays.ts";
import { checkArguments, typeArguments, valueArguments } from "./input-check.ts";
import type { ModuleNames } from "./names.ts";
import { type OpenDoor, writeDoor, writeOpenTypes, writeResults, writeViews } from "./open-instance.ts";
import type { WeightMember } from "./signature.ts";
import { buffersIn, type Callees, writeSteps } from "./steps.ts";
import type { WeightPlan } from "./weights.ts";

export interface InstanceContext {
  readonly program: Program;
  readonly names: ModuleNames;
  readonly callees: Callees;
  readonly plan: WeightPlan;
  readonly members: readonly WeightMember[];
  readonly types: Types;
  /** Of a module with open dims. */
  readonly door?: OpenDoor;
}

export function writeInstanceType({ program, door }: InstanceContext, writer: Writer): void {
  if (door) writeOpenTypes(program, door, writer);
  writer.line();
  writer.block("export interface Instance", () => {
    if (door) writer.line("/** Of the outputs of the last run. */");
    if (door) writer.line("readonly shapes: Shapes;");
    writer.line("/** The outputs are valid until this instance runs again. */");
    writer.line(`run(inputs: Inputs${door && door.door.asked.length > 0 ? ", dims: Dims" : ""}): Outputs;`);
  });
}

/** `writeBody` writes the instance's own things and the object that it is; default: of one program. */
export function writeInstantiate(
  context: InstanceContext,
  writer: Writer,
  writeBody: (context: InstanceContext, writer: Writer) => void = writeInstance,
): void {
  const { members, plan, types } = context;
  const hasWeights = members.length > 0;
  // What is neither bytes nor weights goes to loadWeights, which says what it wants.
  const laidOut = `given instanceof Object && !("byteLength" in given)`;
  const fromFile = hasWeights && plan.mode === "file";
  const parameter = fromFile ? `given${types.only(": ArrayBuffer | Uint8Array | Weights")}` : "";
  writer.line();
  writer.line(
    fromFile
      ? "/** An instance with its own arena; those made from one `loadWeights` share the weights. */"
      : "/** An instance with its own arena. */",
  );
  writer.block(`export function instantiate(${parameter})${types.only(": Instance")}`, () => {
    if (fromFile) writer.line(`const weights = ${laidOut} ? given : loadWeights(given);`);
    else if (hasWeights) writer.line("const weights = sharedWeights();");
    writeBody(context, writer);
  });
}

function writeInstance(context: InstanceContext, writer: Writer): void {
  const { program, names, callees, door } = context;
  const fed = fedBack(context);
  writeBuffers(context, fed, writer);
  writeObject(context, fed, writer, () => {
    const access = (buffer: Buffer) => accessTo(buffer, names.buffers);
    writeSteps(program.steps, callees, access, writer, door?.variables);
  });
}

/** How a function that has `weights` reaches a buffer. */
export function accessTo(buffer: Buffer, names: ReadonlyMap<Buffer, string>): string {
  const isWeight = buffer.space === "weight" || buffer.space === "packed";
  return (isWeight ? "weights." : "") + names.get(buffer)!;
}

export function writeBuffers(context: InstanceContext, fed: ReadonlyMap<Buffer, Fed>, writer: Writer): void {
  const { program, names, callees, types, door } = context;
  const used = buffersIn(program.steps, callees);
  const { arena } = program;
  const planned = [...names.buffers].filter(([buffer]) => buffer.space === "arena" && used.has(buffer));
  // It may have no bytes and still be needed: an empty batch leaves arrays of no elements.
  if (planned.length > 0) writer.line(`const arena = new ArrayBuffer(${arena.bytes});`);
  for (const [buffer, name] of planned)
    writer.line(declareArray(name, buffer, "arena", arena.offsets.get(buffer)));
  for (const buffer of new Set(program.outputs.map((port) => port.buffer)))
    writer.line(declareArray(names.buffers.get(buffer)!, buffer));
  const entries = program.outputs.map((port) => entry(port.name, names.buffers.get(port.buffer)!));
  const outputs = door ? ": { -readonly [Name in keyof Outputs]: Outputs[Name] }" : ": Outputs";
  writer.line(`const outputs${types.only(outputs)} = { ${entries.join(", ")} };`);
  if (door) writeViews(program, door, types, writer);
  for (const [buffer, { copy }] of fed) writer.line(declareArray(copy, buffer));
}

function entry(key: string, name: string): string {
  return propertyKey(key) === name ? name : `${propertyKey(key)}: ${name}`;
}

/** What `instantiate` returns; `writeCalls` writes the work of a run whose inputs are checked. */
export function writeObject(
  context: InstanceContext,
  fed: ReadonlyMap<Buffer, Fed>,
  writer: Writer,
  writeCalls: () => void,
): void {
  writer.block(
    "return",
    () => {
      if (context.door) writer.line("shapes,");
      writeRun(context, fed, writer, writeCalls);
    },
    ";",
  );
}

function writeRun(
  context: InstanceContext,
  fed: ReadonlyMap<Buffer, Fed>,
  writer: Writer,
  writeCalls: () => void,
): void {
  const { program, names, types, door } = context;
  const parameter = program.inputs.length > 0 ? `inputs${types.only(": Inputs")}` : "";
  const asks = door && door.door.asked.length > 0 ? `, dims${types.only(": Dims")}` : "";
  writer.block(
    `run(${parameter}${asks})${types.only(": Outputs")}`,
    () => {
      for (const port of program.inputs) writeInput(port, context, fed.get(port.buffer), writer);
      if (door) {
        writeDoor(program, door, names, writer);
        for (const [buffer, copied] of fed) writeCopy(buffer, copied, names, writer);
      }
      for (const port of program.inputs)
        if (port.values)
          writer.list("checkValues", valueArguments(port, names.buffers.get(port.buffer)!), ";");
      writeCalls();
      if (door) writeResults(program, door, names, writer);
      writer.line("return outputs;");
    },
    ",",
  );
}

function writeInput(
  port: Port,
  { program: { inputs }, names, door }: InstanceContext,
  fed: Fed | undefined,
  writer: Writer,
): void {
  const name = names.buffers.get(port.buffer)!;
  writer.line(`${fed ? "let" : "const"} ${name} = ${member("inputs", port.name)};`);
  // Where dims are open the lengths are checked when these are known, and only then an input may be copied.
  if (door) writer.list("checkType", typeArguments(port, name, inputs), ";");
  else writer.list("checkInput", checkArguments(port, name, inputs), ";");
  if (fed && !door) writeCopy(port.buffer, fed, names, writer);
}

function writeCopy(buffer: Buffer, { copy, overwriting }: Fed, names: ModuleNames, writer: Writer): void {
  const name = names.buffers.get(buffer)!;
  const tests = overwriting.map((output) => `${name}.buffer === ${names.buffers.get(output)}.buffer`);
  writer.block(`if (${tests.join(" || ")})`, () =>
    writer.line(`${copy}.set(${name});`).line(`${name} = ${copy};`),
  );
}

export interface Fed {
  readonly overwriting: readonly Buffer[];
  readonly copy: string;
}

/** Inputs that must be copied when they are an output of this instance. */
function fedBack({ program, names }: InstanceContext): ReadonlyMap<Buffer, Fed> {
  const found = new Map<Buffer, Fed>();
  for (const { buffer } of program.inputs) {
    const overwriting = outputsOverwriting(program, buffer);
    if (overwriting.length === 0) continue;
    found.set(buffer, { overwriting, copy: names.local.take(`${names.buffers.get(buffer)}Copy`) });
  }
  return found;
}

/**
 * Outputs that have room for the input, first written before or while the input is last read. `alone`: each
 * output has just the memory of its buffer.
 */
export function outputsOverwriting(
  { steps, outputs }: Program,
  input: Buffer,
  alone = true,
): readonly Buffer[] {
  const accesses = steps.map((step) => callsIn([step]).map(accessesOf));
  const lastRead = accesses.findLastIndex((calls) => calls.some(({ reads }) => reads.includes(input)));
  return [...new Set(outputs.map((port) => port.buffer))].filter((output) => {
    const fits = output.length >= input.length || input.size !== undefined || !alone;
    if (output.dtype !== input.dtype || !fits) return false;
    const firstWrite = accesses.findIndex((calls) => calls.some(({ writes }) => writes.includes(output)));
    return firstWrite >= 0 && firstWrite <= lastRead;
  });
}
