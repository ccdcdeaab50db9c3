/**
 * The WebAssembly target: a Program as a module that imports nothing and has its kernels in binaries, in the
 * module as base64 or beside it as files. What users see (signature, types, checks at the door, the kernels
 * that stay TypeScript) is written by the TypeScript target's own writers, so that both modules are used
 * alike.
 */

import type { Family } from "../../compiler/ir/family.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import type { Program, Step } from "../../compiler/ir/program.ts";
import type { EmitOptions, EmittedModule } from "../../compiler/ir/target.ts";
import { typesFor, Writer } from "../source/index.ts";
import { derivedDims, faceOf } from "../typescript/face.ts";
import { runtimeFunctions } from "../typescript/functions.ts";
import { initializerSource } from "../typescript/initializers.source.ts";
import { writeCheckInput, writeCheckValues } from "../typescript/input-check.ts";
import type { KernelFunction } from "../typescript/kernel.ts";
import { moduleNames } from "../typescript/names.ts";
import { doorOf, writeDoorFunctions } from "../typescript/open-instance.ts";
import {
  calledIn,
  fillsOf,
  functionsNeeded,
  printKernels,
  shippedWeights,
  withoutUnread,
} from "../typescript/parts.ts";
import { grouped, writeHeader, writePortTypes, writeSignature } from "../typescript/signature.ts";
import type { Callees } from "../typescript/steps.ts";
import { planWeights } from "../typescript/weights.ts";
import { addKernels, encode, type Kernels } from "./binary.ts";
import { type Binaries, reservedNames, type WasmContext } from "./context.ts";
import { type Identity, identityOf, withIdentity } from "./identity.ts";
import { writeInstance, writeInstanceType } from "./instance.ts";
import { writeLoader, writePlatformTypes } from "./loader.ts";
import { type MemoryPlan, pageBytes, planMemory } from "./memory.ts";
import { cutSteps, type Segment } from "./steps.ts";

/** Weights start at lines of the cache. */
const alignment = 64;

/** Emits one module. The same program and options give the same bytes. */
export function emitWasm(of: Program | Family, options: EmitOptions): EmittedModule {
  const family = "members" in of ? of : undefined;
  const whole = "members" in of ? faceOf(of) : of;
  const types = typesFor(options.format);
  const seeds = options.weights === "init" ? fillsOf(whole.weights) : [];
  const names = moduleNames(whole, seeds, reservedNames);
  const inside = addKernels(whole);
  const left = printKernels(remaining(whole, inside), names, types, whole.open);
  const functions = new Map([...functionsOf(whole, inside), ...left]);
  const callees: Callees = { functions, scope: names.local, types };
  const program = withoutUnread(whole, callees);
  const printed = calledIn(program, { ...callees, functions: left }).functions;
  const plan = planWeights(shippedWeights(program, callees), options.weights, alignment);
  const memory = planMemory(program, family?.members ?? [program], plan, inside.below);
  const cut = cutProgram(program, family?.members ?? [program], inside);
  for (const [kernel, segment] of cut.standIns) functions.set(kernel, segmentFunction(segment));
  const segments = [...cut.standIns.values()];
  const { plain, relaxed } = encode(inside, segments, memory);
  const isOne = options.simd === "plain" || relaxed.every((byte, i) => byte === plain[i]);
  const encoded = isOne ? { plain } : { plain, relaxed };
  const identity = options.wasm === "file" ? identityOf(plain) : undefined;
  const binaries = identity ? marked(encoded, identity) : encoded;
  const members = family?.members.map((member, i) => ({ ...member, steps: cut.steps[i]! }));
  const door = doorOf(program, names.local, family && derivedDims(family));
  const context: WasmContext = {
    program: { ...program, prepare: cut.prepare, steps: cut.steps.flat() },
    names,
    callees,
    plan,
    memory,
    types,
    segments,
    refusals: inside.host ? inside.texts : undefined,
    binaries: { ...binaries, identity },
    ...(door && { door }),
    ...(family && members && { family: { ...family, members } }),
  };
  const writer = new Writer();
  writeHeader(program, [...options.header, ...facts(inside, memory, binaries)], writer);
  writeModule(context, printed, options, writer);
  const emitted = { code: `${writer}`, format: options.format, weightsMode: plan.mode };
  return {
    ...emitted,
    ...(plan.mode === "file" && { weights: plan.blob }),
    ...(identity && { wasm: binaries }),
  };
}

function writeModule(
  context: WasmContext,
  printed: ReadonlyMap<Kernel, KernelFunction>,
  { format }: EmitOptions,
  writer: Writer,
): void {
  const { program, types, plan, door } = context;
  const fills = fillsOf(plan.seeded);
  writeSignature(program, types, writer);
  if (format === "ts") {
    writePortTypes(program, writer);
    writeInstanceType(context, writer);
    writePlatformTypes(context, writer);
  }
  writeLoader(context, writer, () => writeInstance(context, writer));
  for (const { text } of printed.values()) writer.line().line(text.trimEnd());
  if (door) writeDoorFunctions(door, program, types, writer);
  else if (program.inputs.length > 0) writeCheckInput(program.inputs, types, writer);
  if (program.inputs.some(({ values }) => values)) writeCheckValues(types, writer);
  for (const name of functionsNeeded({ ...context.callees, functions: printed }))
    writer.line().line(runtimeFunctions[name](types));
  if (fills.length > 0) writer.line().line(initializerSource(fills, format).trimEnd());
}

/** What the program calls, of kernels that are left. */
function remaining(program: Program, { functions }: Kernels): Program {
  const without = (steps: readonly Step[]): readonly Step[] =>
    steps.flatMap((step): readonly Step[] => {
      if (step.kind === "repeat") return [{ ...step, body: without(step.body) }];
      return step.kind === "call" && functions.has(step.kernel) ? [] : [step];
    });
  return { ...program, prepare: without(program.prepare), steps: without(program.steps) };
}

/** Kernels in WebAssembly take all that they are passed. */
function functionsOf({ kernels }: Program, { functions }: Kernels): ReadonlyMap<Kernel, KernelFunction> {
  const whole = (kernel: Kernel): KernelFunction => ({
    name: kernel.name,
    text: "",
    buffers: [...kernel.reads, ...kernel.writes].map((_, i) => i),
    args: kernel.parameters.map((_, i) => i),
    needs: new Set(),
  });
  return new Map(kernels.filter((kernel) => functions.has(kernel)).map((kernel) => [kernel, whole(kernel)]));
}

const segmentFunction = ({ name, symbols }: Segment): KernelFunction => ({
  name: `exports.${name}`,
  text: "",
  buffers: [],
  args: symbols.map((_, i) => i),
  needs: new Set(),
});

function cutProgram({ prepare }: Program, members: readonly Program[], { functions }: Kernels) {
  const isInside = (kernel: Kernel) => functions.has(kernel);
  const numbered = (stem: string) => {
    let count = 0;
    return () => (count++ === 0 ? stem : `${stem}${count}`);
  };
  const before = cutSteps(prepare, isInside, numbered("prepare"));
  const name = numbered("run");
  const runs = members.map(({ steps }) => cutSteps(steps, isInside, name));
  const standIns = new Map([before, ...runs].flatMap(({ segments }) => [...segments]));
  return { prepare: before.steps, steps: runs.map(({ steps }) => steps), standIns };
}

function marked({ plain, relaxed }: Binaries, identity: Identity): Binaries {
  const file = { plain: withIdentity(plain, identity) };
  return relaxed ? { ...file, relaxed: withIdentity(relaxed, identity) } : file;
}

function facts(
  { functions, left }: Kernels,
  memory: MemoryPlan,
  { plain, relaxed }: Binaries,
): readonly string[] {
  const { inputs, outputs, arena, packed, stored, seeded, pages } = memory;
  const weights = packed.bytes + stored.bytes + seeded.bytes;
  const names = [...left.keys()].map(({ name }) => name);
  return [
    `WebAssembly: ${functions.size} kernels, ${grouped(plain.length)} bytes${relaxed ? "; relaxed SIMD where the engine has it" : ""}`,
    ...(names.length > 0 ? [`TypeScript: ${names.length} kernels: ${names.join(", ")}`] : []),
    `memory ${grouped(pages * pageBytes)} bytes: weights ${grouped(weights)}, arena ${grouped(arena.bytes)}, ` +
      `inputs and outputs ${grouped(inputs.bytes + outputs.bytes)}`,
  ];
}
