/**
 * The plain-TypeScript target: a Program as one module that imports nothing. `run` is the table of contents, each kernel a
 * function with literal bounds, the weights base64 at the end, a file beside the module, or the seed they came from.
 * The text is written directly; TypeScript and JavaScript come from the same writer and differ in types only.
 */
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Program } from "../../compiler/ir/program.ts";
import type { EmitOptions, EmittedModule } from "../../compiler/ir/target.ts";
import { planFill } from "../../runtime/initializers/index.ts";
import { typesFor, Writer } from "../source/index.ts";
import { type RuntimeFunction, runtimeFunctions } from "./functions.ts";
import { initializerSource } from "./initializers.source.ts";
import { writeInstanceType, writeInstantiate } from "./instance.ts";
import { printKernel } from "./kernel.ts";
import { calls, type ModuleNames, moduleNames } from "./names.ts";
import { writeHeader, writePortTypes, writeSignature, writeWeightsType } from "./signature.ts";
import { planWeights, toBase64, type WeightPlan } from "./weights.ts";
import { weightMembers, writeBase64, writeWeightsCode } from "./weights-code.ts";

/** Emits one self-contained module. The same program and options give the same bytes. */
export function emitTypeScript(program: Program, options: EmitOptions): EmittedModule {
  const types = typesFor(options.format);
  const read = buffersOf(program.steps);
  const plan = planWeights(program, new Set([...read, ...buffersOf(program.prepare)]), options.weights);
  const fills = fillsOf(plan);
  const names = moduleNames(program, fills);
  const members = weightMembers(program, names, read);
  const hasWeights = members.length > 0;
  const writer = new Writer();

  writeHeader(program, options.header, writer);
  writeSignature(program, types, writer);
  if (options.format === "ts") {
    writePortTypes(program, writer);
    writeInstanceType(writer);
    if (hasWeights) writeWeightsType(members, plan, writer);
  }
  writeInstantiate({ program, names, plan, hasWeights, types }, writer);
  const needs = writeKernels(program, names, types, writer);
  if (hasWeights) writeWeightsCode({ program, names, plan, members, types }, writer);
  for (const name of Object.keys(runtimeFunctions) as RuntimeFunction[])
    if (needs.has(name) || (name === "checkInput" && program.inputs.length > 0))
      writer.line().line(runtimeFunctions[name](types));
  if (fills.length > 0) writer.line().line(initializerSource(fills, options.format).trimEnd());
  const inline = plan.mode !== "file" && plan.stored.length > 0;
  if (inline) writeBase64(toBase64(plan.blob), types, writer);

  const emitted = { code: `${writer}`, format: options.format, weightsMode: plan.mode };
  return plan.mode === "file" ? { ...emitted, weights: plan.blob } : emitted;
}

function buffersOf(steps: Program["steps"]): ReadonlySet<Buffer> {
  return new Set(calls(steps).flatMap((step) => step.buffers));
}

function fillsOf(plan: WeightPlan): readonly string[] {
  const calls = plan.seeded.map(({ shape, initializer }) =>
    planFill(initializer!.spec, shape, initializer!.seed, initializer!.path),
  );
  return [...new Set(calls.map(({ fill }) => fill))];
}

function writeKernels(
  program: Program,
  names: ModuleNames,
  types: ReturnType<typeof typesFor>,
  writer: Writer,
): ReadonlySet<RuntimeFunction> {
  const called = new Set(calls([...program.prepare, ...program.steps]).map((step) => step.kernel));
  const needs = new Set<RuntimeFunction>();
  for (const kernel of program.kernels) {
    if (!called.has(kernel)) continue;
    const printed = printKernel(kernel, names.kernels.get(kernel)!, names.module, types);
    writer.line().line(printed.text.trimEnd());
    for (const need of printed.needs) needs.add(need);
  }
  return needs;
}
