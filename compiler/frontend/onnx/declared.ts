/**
 * What a file says of the types of its outputs and of values inside (`value_info`), held against what its
 * nodes make. Another element type is a contradiction, and nobody knows which is meant. Another shape is
 * noted: exporters name the axes of an output that is reshaped afterwards, runtimes warn and go by the nodes,
 * and so does the module. Sizes that are open on either side are not equated: exporters fix the batch of an
 * output they have left open on the input.
 */
import type { DType } from "../../../runtime/dtype.ts";
import type { Diagnostic, DiagnosticBag } from "../../diagnostics/index.ts";
import { constantOf, type Shape } from "../../dims/index.ts";
import type { GraphBuilder } from "../../infer/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { dtypeOfElement } from "./element-types.ts";
import type { OnnxDim, OnnxGraph } from "./model.ts";
import { failed, type Scope } from "./scope.ts";

/**
 * Adds E3102 for each element type that is contradicted; says where shapes are. Sizes of a sample (`fixed`)
 * are not compared.
 */
export function checkDeclared(
  { outputs, valueInfo }: OnnxGraph,
  scope: Scope,
  { builder, bag, fixed }: Checked,
): readonly string[] {
  const notes: string[] = [];
  const isOutput = new Set(outputs.map(({ name }) => name));
  for (const info of [...outputs, ...valueInfo.filter(({ name }) => !isOutput.has(name))]) {
    const binding = scope.lookUp(info.name);
    if (!binding || binding === failed || binding.stored || info.type.kind !== "tensor") continue;
    const value = binding.value(builder);
    const { dtype } = value.type;
    const which = `the file declares the ${isOutput.has(info.name) ? "output" : "value"} "${info.name}"`;
    const declared = dtypeOfElement(info.type.elementType);
    const shape = builder.resolve(value.type.shape);
    if (declared !== undefined && declared !== dtype) bag.add(otherType(which, declared, value));
    else if (info.type.shape && isOther(info.type.shape, shape, fixed))
      notes.push(`${which} ${textOf(info.type.shape)}, but its nodes make it [${shape.join(", ")}]`);
  }
  return notes;
}

interface Checked {
  readonly builder: GraphBuilder;
  readonly bag: DiagnosticBag;
  readonly fixed: boolean;
}

const textOf = (shape: readonly OnnxDim[]): string => `[${shape.map((d) => d ?? "?").join(", ")}]`;

function isOther(declared: readonly OnnxDim[], made: Shape, fixed: boolean): boolean {
  if (declared.length !== made.length) return true;
  return !fixed && declared.some((d, i) => isOtherSize(d, constantOf(made[i]!)));
}

function isOtherSize(declared: OnnxDim, made: number | bigint | undefined): boolean {
  return typeof declared === "bigint" && made !== undefined && declared !== BigInt(made);
}

function otherType(which: string, declared: DType, { name, source, type }: Value): Diagnostic {
  return {
    code: "E3102",
    message: `${which} ${declared}, but its nodes make it ${type.dtype}`,
    ...(source.path && { layer: source.path }),
    facts: [
      { subject: "declared", value: declared, note: "by the file" },
      { subject: source.path || name, value: type.dtype, note: "made" },
    ],
    fix: "export the model again, or correct the type in the file",
  };
}
