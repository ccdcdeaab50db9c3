/**
 * The part of a module that turns shipped weights into what kernels read: views of one buffer, initialised
 * arrays, and the packed copies that `prepare` kernels make. It runs once for all instances, never at import.
 */
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { byteSize } from "../../runtime/dtype.ts";
import { planFill } from "../../runtime/initializers/index.ts";
import { numberLiteral, stringLiteral, type Types, templateText, type Writer } from "../source/index.ts";
import { arrayClass, declareArray } from "./arrays.ts";
import type { ModuleNames } from "./names.ts";
import { shapeText, type WeightMember } from "./signature.ts";
import { type Callees, writeSteps } from "./steps.ts";
import type { WeightPlan } from "./weights.ts";
import { checksum } from "./weights.ts";

interface WeightsContext {
  readonly program: Program;
  readonly names: ModuleNames;
  readonly callees: Callees;
  readonly plan: WeightPlan;
  readonly members: readonly WeightMember[];
  readonly types: Types;
}

/** What the kernels of `steps` read of weights and packed buffers, in the program's order. */
export function weightMembers(
  program: Program,
  names: ModuleNames,
  used: ReadonlySet<Buffer>,
): readonly WeightMember[] {
  const all = [
    ...program.weights.map(({ buffer, name, shape }) => ({ buffer, comment: `${name} ${shapeText(shape)}` })),
    ...program.packed.map((buffer) => ({ buffer, comment: `repacked, ${buffer.length} elements` })),
  ];
  return all
    .filter(({ buffer }) => used.has(buffer))
    .map(({ buffer, comment }) => ({
      name: names.buffers.get(buffer)!,
      type: arrayClass(buffer),
      comment,
    }));
}

export function writeWeightsCode(context: WeightsContext, writer: Writer): void {
  writer.line();
  if (context.plan.mode === "file") writeLoad(context, writer);
  else writeShared(context, writer);
}

function writeShared(context: WeightsContext, writer: Writer): void {
  const { only } = context.types;
  writer.line(`let shared${only(": Weights | undefined")};`);
  writer.line();
  writer.line("/** Made when first needed and shared by all instances. */");
  writer.block(`function sharedWeights()${only(": Weights")}`, () => {
    writer.line("if (shared) return shared;");
    if (context.plan.stored.length > 0) writer.line("const bytes = decode(base64);");
    writeViews(context, "bytes", "", writer);
    for (const { buffer, initializer, shape } of context.plan.seeded) {
      const { fill, args } = planFill(initializer!.spec, shape, initializer!.seed, initializer!.path);
      const name = context.names.buffers.get(buffer)!;
      writer.line(declareArray(name, buffer));
      writer.line(`${fill}(${[name, ...args.map(numberLiteral)].join(", ")});`);
    }
    writePrepare(context, writer);
    writer.line(`shared = { ${context.members.map((member) => member.name).join(", ")} };`);
    writer.line("return shared;");
  });
}

function writeLoad(context: WeightsContext, writer: Writer): void {
  const { plan, program, types } = context;
  const { only, element } = types;
  const size = plan.blob.length;
  const title = templateText(program.name);
  const wrongSize = `expected ${size} bytes of weights, got \${bytes?.byteLength}`;
  const stranger = stringLiteral(`${program.name}: these weights belong to another model or version`);
  const head = `loadWeights(bytes${only(": ArrayBuffer | Uint8Array")})${only(": Weights")}`;
  writer.line("/** Checks that the bytes are this module's weights and lays them out. */");
  writer.block(`export function ${head}`, () => {
    writer.line(`if (bytes?.byteLength !== ${size})`);
    writer.line(`  throw new RangeError(\`${title}: ${wrongSize}\`);`);
    writer.line("const aligned = ArrayBuffer.isView(bytes) && bytes.byteOffset % 8 === 0;");
    writer.line("const { buffer, byteOffset } = aligned ? bytes : new Uint8Array(bytes);");
    writer.line(`const words = new Int32Array(buffer, byteOffset, ${size / 4});`);
    writer.line("let hash = 0;");
    const step = `hash = (Math.imul(hash, 31) + words[i]${element}) | 0`;
    writer.line(`for (let i = 0; i < words.length; i++) ${step};`);
    writer.line(`if (hash !== ${checksum(plan.blob)})`);
    writer.line(`  throw new Error(${stranger});`);
    writeViews(context, "buffer", "byteOffset", writer);
    writePrepare(context, writer);
    writer.line(`return { ${context.members.map((member) => member.name).join(", ")} };`);
  });
}

function writeViews({ plan, names }: WeightsContext, buffer: string, base: string, writer: Writer): void {
  for (const { weight, offset } of plan.stored) {
    const start = base === "" ? `${offset}` : offset === 0 ? base : `${base} + ${offset}`;
    writer.line(declareArray(names.buffers.get(weight.buffer)!, weight.buffer, buffer, start));
  }
}

/** Packed buffers share one allocation, in the program's order. */
function writePrepare({ program, names, callees }: WeightsContext, writer: Writer): void {
  if (program.packed.length === 0) return;
  const offsets: number[] = [];
  let bytes = 0;
  for (const { dtype, length } of program.packed) {
    offsets.push(bytes);
    bytes = Math.ceil((bytes + byteSize(dtype, length)) / 8) * 8;
  }
  writer.line(`const packed = new ArrayBuffer(${bytes});`);
  for (const [i, buffer] of program.packed.entries())
    writer.line(declareArray(names.buffers.get(buffer)!, buffer, "packed", offsets[i]));
  for (const { from, to } of program.widened)
    writer.line(`${names.buffers.get(to)!}.set(${names.buffers.get(from)!});`);
  writeSteps(program.prepare, callees, (buffer) => names.buffers.get(buffer)!, writer);
}

/** The base64 text and its decoder, at the end of the module where they are not in the reader's way. */
export function writeBase64(base64: string, types: Types, writer: Writer): void {
  writer.line();
  writer.block(`function decode(text${types.only(": string")})${types.only(": ArrayBuffer")}`, () => {
    writer.line("const binary = atob(text);");
    writer.line("const bytes = new Uint8Array(binary.length);");
    writer.line("for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);");
    writer.line("return bytes.buffer;");
  });
  writer.line();
  writer.line(`const base64 = "${base64}";`);
}
