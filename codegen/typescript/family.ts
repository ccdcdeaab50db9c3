/**
 * The instance of a module with buckets: a function for each program makes its views of the one arena and
 * gives its run; `run` learns the sizes at the door, takes the program of the smallest sizes they fit into,
 * and hands it inputs of that program's shapes. Programs write into outputs of the largest program, of which
 * `run` gives the part that is meant.
 */
import { symbolsOf } from "../../compiler/dims/index.ts";
import { combinations, type Family } from "../../compiler/ir/family.ts";
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Port, Program } from "../../compiler/ir/program.ts";
import { commentText, type Writer } from "../source/index.ts";
import { arrayClass, declareArray } from "./arrays.ts";
import { bucketOf } from "./face.ts";
import {
  accessTo,
  type InstanceContext,
  outputsOverwriting,
  writeBuffers,
  writeInstantiate,
  writeObject,
} from "./instance.ts";
import { type PaddingFunction, printPadding } from "./padding.ts";
import { grouped } from "./signature.ts";
import { buffersIn, writeSteps } from "./steps.ts";

/** `instantiate`, the functions of the programs, and those that pad inputs. */
export function writeFamily(family: Family, context: InstanceContext, writer: Writer): void {
  const { names, program: face, types, door } = context;
  const { local } = names;
  const bucketed = new Set(family.dims.map(({ name }) => name));
  const { variables } = door!;
  const members = family.members.map((program, i): Member => {
    const sizes = [...combinations(family.dims)[i]!];
    return {
      program,
      name: local.take(sizes.map(([name, size]) => `${name}${size}`).join(" ")),
      comment: sizes.map(([name, size]) => `${name} = ${size}`).join(", "),
    };
  });
  const entries = face.inputs.map((port, i): Entry => {
    const name = names.buffers.get(port.buffer)!;
    const overwriting = overwrittenBy(family, face, i);
    if (!hasBucket(port, bucketed) && overwriting.length === 0) return { port, passed: name };
    const padName = local.take(`pad ${name}`);
    const padding = printPadding(padName, { port, bucketed, variables, types }, local.inner());
    return {
      port,
      passed: local.take(`${name} in bucket`),
      full: { padding, memory: local.take(`${name} memory`), overwriting },
    };
  });
  writeInstantiate(context, writer, () => writeBody(family, { context, members, entries }, writer));
  for (const member of members) writeMember(member, context, writer);
  for (const { full } of entries) if (full) writer.line().line(full.padding.text.trimEnd());
}

/** Whether an input may be shorter than its bucket. */
export const hasBucket = ({ shape }: Port, bucketed: ReadonlySet<string>): boolean =>
  shape.some((d) => symbolsOf(d).some((name) => bucketed.has(name)));

/** A program, and the function that makes its run. */
interface Member {
  readonly program: Program;
  readonly name: string;
  readonly comment: string;
}

/** An input as programs are passed it. */
interface Entry {
  readonly port: Port;
  /** The variable that is passed. */
  readonly passed: string;
  /** Present when that may be a copy. */
  readonly full?: {
    readonly padding: PaddingFunction;
    readonly memory: string;
    /** Outputs whose memory a program writes while it still reads the input. */
    readonly overwriting: readonly Buffer[];
  };
}

interface Parts {
  readonly context: InstanceContext;
  readonly members: readonly Member[];
  readonly entries: readonly Entry[];
}

function overwrittenBy({ members }: Family, face: Program, input: number): readonly Buffer[] {
  const found = members.flatMap((member) => {
    const written = outputsOverwriting(member, member.inputs[input]!.buffer, false);
    return member.outputs.flatMap(({ buffer }, i) =>
      written.includes(buffer) ? [face.outputs[i]!.buffer] : [],
    );
  });
  return [...new Set(found)];
}

function writeBody(family: Family, parts: Parts, writer: Writer): void {
  const { context, members, entries } = parts;
  const { names, program: face } = context;
  const { local } = names;
  const usesArena = members.some(({ program }) => arenaOf(program, context).length > 0);
  if (usesArena) writer.line(`const arena = new ArrayBuffer(${face.arena.bytes});`);
  writeBuffers(context, new Map(), writer);
  for (const { port, full } of entries) if (full) writer.line(declareArray(full.memory, port.buffer));
  const buckets = family.dims.map(({ name }) => local.take(`${name} buckets`));
  family.dims.forEach(({ sizes }, i) => {
    writer.line(`const ${buckets[i]} = [${sizes.join(", ")}];`);
  });
  const tables = family.tables.map(({ name, sizes }) => {
    const table = local.take(`${name} sizes`);
    writer.line(`const ${table} = [${sizes.join(", ")}];`);
    return [name, table] as const;
  });
  const programs = local.take("programs");
  writer.line(`const ${programs} = [`);
  writer.indent(() => {
    for (const { name, program } of members)
      writer.line(
        `${name}(${givenTo(program, context)
          .map(([given]) => given)
          .join(", ")}),`,
      );
  });
  writer.line("];");
  writeObject(context, new Map(), writer, () => {
    const at = writeChoice(family, buckets, context, writer);
    for (const [name, table] of tables)
      writer.line(`const ${context.door!.variables.name(name)} = ${table}[${at}]${context.types.element};`);
    for (const entry of entries) writeEntry(entry, context, writer);
    const outputs = face.outputs.map(({ buffer }) => names.buffers.get(buffer)!);
    const passed = [...entries.map((entry) => entry.passed), ...outputs, ...openNames(context)];
    writer.list(`${programs}[${at}]${context.types.element}`, passed, ";");
  });
}

/** The buckets that the sizes of this run fit into; returns where their program stands in the list. */
export function writeChoice(
  { dims }: Family,
  buckets: readonly string[],
  { names, door, types }: Pick<InstanceContext, "names" | "door" | "types">,
  writer: Writer,
): string {
  const { variables } = door!;
  return dims.reduce((before, { name, sizes }, i) => {
    const at = names.local.take(`${name} at`);
    const bucket = (index: string) => `${buckets[i]}[${index}]${types.element}`;
    writer.line(`let ${at} = 0;`);
    writer.line(`while (${variables.name(name)} > ${bucket(at)}) ${at}++;`);
    writer.line(`const ${variables.name(bucketOf(name))} = ${bucket(at)};`);
    if (before === "") return at;
    return `${/\+/.test(before) ? `(${before})` : before} * ${sizes.length} + ${at}`;
  }, "");
}

/** An input is copied when it is shorter than its bucket, or when its memory will be written. */
function writeEntry(
  { port, passed, full }: Entry,
  { names, door, program }: InstanceContext,
  writer: Writer,
): void {
  if (!full) return;
  const { padding, memory, overwriting } = full;
  const bucketed = program.open.dims.filter(({ buckets }) => buckets).map(({ name }) => name);
  const { variables } = door!;
  const name = names.buffers.get(port.buffer)!;
  const dims = bucketed.filter((dim) => port.shape.some((d) => symbolsOf(d).includes(dim)));
  const tests = [
    ...dims.map((dim) => `${variables.name(dim)} === ${variables.name(bucketOf(dim))}`),
    ...overwriting.map((output) => `${name}.buffer !== ${names.buffers.get(output)}.buffer`),
  ];
  const copy = `${padding.name}(${[name, memory, ...padding.sizes].join(", ")})`;
  writer.line(`const ${passed} = ${tests.join(" && ")} ? ${name} : ${copy};`);
}

/** The function of one program: views of the arena, and the calls of a run. */
function writeMember({ program, name, comment }: Member, context: InstanceContext, writer: Writer): void {
  const { names, callees, types, door } = context;
  const { only } = types;
  const scope = names.local.inner();
  const used = buffersIn(program.steps, callees);
  const local = new Map(names.buffers);
  const parameters = [...program.inputs, ...program.outputs].map(({ buffer }) => {
    const parameter = scope.take(buffer.name, "buffer");
    local.set(buffer, parameter);
    return `${used.has(buffer) ? "" : "_"}${parameter}${only(`: ${arrayClass(buffer)}`)}`;
  });
  for (const buffer of arenaOf(program, context)) local.set(buffer, scope.take(buffer.name, "buffer"));
  const given = givenTo(program, context).map(([given, type]) => `${given}${only(`: ${type}`)}`);
  writer.line().line(`/** The program of ${commentText(comment)}: ${grouped(program.macs)} MACs. */`);
  writer.block(`function ${name}(${given.join(", ")})`, () => {
    for (const buffer of arenaOf(program, context))
      writer.line(declareArray(local.get(buffer)!, buffer, "arena", program.arena.offsets.get(buffer)));
    const sizes = openNames(context).map((size) => `${size}${only(": number")}`);
    writer.list("return ", [...parameters, ...sizes], `${only(": void")} => {`);
    writer.indent(() => {
      const access = (buffer: Buffer) => accessTo(buffer, local);
      writeSteps(program.steps, { ...callees, scope }, access, writer, door!.variables);
    });
    writer.line("};");
  });
}

/** What the function of a program takes of the instance, with its type. */
function givenTo(
  program: Program,
  context: InstanceContext,
): readonly (readonly [name: string, type: string])[] {
  const used = [...buffersIn(program.steps, context.callees)];
  const weights = used.some(({ space }) => space === "weight" || space === "packed");
  const arena = used.some(({ space }) => space === "arena");
  return [
    ...(weights ? ([["weights", "Weights"]] as const) : []),
    ...(arena ? ([["arena", "ArrayBuffer"]] as const) : []),
  ];
}

function arenaOf({ steps }: Program, { callees }: InstanceContext): readonly Buffer[] {
  return [...buffersIn(steps, callees)].filter(({ space }) => space === "arena");
}

/** Open dims that are no buckets: programs are told their sizes. */
function openNames({ program, door }: InstanceContext): readonly string[] {
  return program.open.dims.filter(({ buckets }) => !buckets).map(({ name }) => door!.variables.name(name));
}
