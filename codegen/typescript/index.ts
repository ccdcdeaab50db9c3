/**
 * The plain-TypeScript target: a Program as one module that imports nothing. `run` is the table of contents,
 * each kernel a function with literal bounds, the weights base64 at the end, a file beside the module, or the
 * seed they came from. The text is written directly; TypeScript and JavaScript come from the same writer and
 * differ in types only.
 */
import type { Family } from "../../compiler/ir/family.ts";
import type { Program } from "../../compiler/ir/program.ts";
import type { EmitOptions, EmittedModule } from "../../compiler/ir/target.ts";
import { typesFor, Writer } from "../source/index.ts";
import { derivedDims, faceOf } from "./face.ts";
import { writeFamily } from "./family.ts";
import { runtimeFunctions } from "./functions.ts";
import { initializerSource } from "./initializers.source.ts";
import { writeCheckInput, writeCheckValues } from "./input-check.ts";
import { writeInstanceType, writeInstantiate } from "./instance.ts";
import { moduleNames } from "./names.ts";
import { doorOf, writeDoorFunctions } from "./open-instance.ts";
import { calledIn, fillsOf, functionsNeeded, printKernels, shippedWeights, withoutUnread } from "./parts.ts";
import { writeHeader, writePortTypes, writeSignature, writeWeightsType } from "./signature.ts";
import { buffersIn } from "./steps.ts";
import { planWeights, toBase64 } from "./weights.ts";
import { weightMembers, writeBase64, writeWeightsCode } from "./weights-code.ts";

/** Emits one self-contained module. The same program and options give the same bytes. */
export function emitTypeScript(of: Program | Family, options: EmitOptions): EmittedModule {
  const family = "members" in of ? of : undefined;
  const whole = "members" in of ? faceOf(of) : of;
  const types = typesFor(options.format);
  const seeds = options.weights === "init" ? fillsOf(whole.weights) : [];
  // Each program of a family names its own buffers.
  const names = moduleNames(family ? { ...whole, steps: [] } : whole, seeds);
  const printed = { functions: printKernels(whole, names, types, whole.open), scope: names.local, types };
  const program = withoutUnread(whole, printed);
  const callees = calledIn(program, printed);
  const plan = planWeights(shippedWeights(program, callees), options.weights);
  const fills = fillsOf(plan.seeded);
  const members = weightMembers(program, names, buffersIn(program.steps, callees));
  const door = doorOf(program, names.local, family && derivedDims(family));
  const context = { program, names, callees, plan, members, types, ...(door && { door }) };
  const writer = new Writer();

  writeHeader(program, options.header, writer);
  writeSignature(program, types, writer);
  if (options.format === "ts") {
    writePortTypes(program, writer);
    writeInstanceType(context, writer);
    if (members.length > 0) writeWeightsType(members, plan, writer);
  }
  if (family) writeFamily(family, context, writer);
  else writeInstantiate(context, writer);
  for (const { text } of callees.functions.values()) writer.line().line(text.trimEnd());
  if (members.length > 0) writeWeightsCode(context, writer);
  if (door) writeDoorFunctions(door, program, types, writer);
  else if (program.inputs.length > 0) writeCheckInput(program.inputs, types, writer);
  if (program.inputs.some(({ values }) => values)) writeCheckValues(types, writer);
  for (const name of functionsNeeded(callees)) writer.line().line(runtimeFunctions[name](types));
  if (fills.length > 0) writer.line().line(initializerSource(fills, options.format).trimEnd());
  if (plan.mode !== "file" && plan.stored.length > 0) writeBase64(toBase64(plan.blob), types, writer);

  const emitted = { code: `${writer}`, format: options.format, weightsMode: plan.mode };
  return plan.mode === "file" ? { ...emitted, weights: plan.blob } : emitted;
}
