/**
 * What a file says of the types of its outputs and of values inside (`value_info`), held against what its
 * nodes make: where one of them cannot be so, the file contradicts itself, and nobody knows which it means.
 * Sizes that are open on either side are not equated: exporters fix the batch of an output they have left
 * open on the input, and runtimes look at neither.
 */
import type { DiagnosticBag } from "../../diagnostics/index.ts";
import { constantOf } from "../../dims/index.ts";
import type { GraphBuilder } from "../../infer/builder.ts";
import type { TensorType, Value } from "../../ir/graph.ts";
import { dtypeOfElement } from "./element-types.ts";
import type { OnnxGraph, ValueInfo } from "./model.ts";
import { failed, type Scope } from "./scope.ts";

/** Adds E3102 for each contradiction; where sizes are a sample's (`sampled`) they are not compared. */
export function checkDeclared(
  { outputs, valueInfo }: OnnxGraph,
  scope: Scope,
  { builder, bag, sampled }: Checked,
): void {
  const isOutput = new Set(outputs.map(({ name }) => name));
  for (const info of [...outputs, ...valueInfo.filter(({ name }) => !isOutput.has(name))]) {
    const binding = scope.lookUp(info.name);
    if (!binding || binding === failed || binding.stored) continue;
    const value = binding.value(builder);
    const { dtype } = value.type;
    const type = { dtype, shape: builder.resolve(value.type.shape) };
    const wrong = contradiction(info, type, sampled);
    if (wrong) bag.add(report(info, isOutput.has(info.name), value, wrong));
  }
}

interface Checked {
  readonly builder: GraphBuilder;
  readonly bag: DiagnosticBag;
  readonly sampled: boolean;
}

interface Contradiction {
  readonly what: string;
  readonly declared: string;
  readonly made: string;
}

function contradiction({ type }: ValueInfo, made: TensorType, sampled: boolean): Contradiction | undefined {
  if (type.kind !== "tensor") return undefined;
  const dtype = dtypeOfElement(type.elementType);
  if (dtype !== undefined && dtype !== made.dtype)
    return { what: "its element type", declared: dtype, made: made.dtype };
  const { shape } = type;
  if (!shape) return undefined;
  const [declared, found] = [`[${shape.map((d) => d ?? "?").join(", ")}]`, `[${made.shape.join(", ")}]`];
  if (shape.length !== made.shape.length) return { what: "how many axes it has", declared, made: found };
  if (sampled) return undefined;
  const axis = shape.findIndex((d, i) => isOther(d, constantOf(made.shape[i]!)));
  return axis < 0 ? undefined : { what: `its size along axis ${axis}`, declared, made: found };
}

function isOther(declared: bigint | string | undefined, made: number | bigint | undefined): boolean {
  return typeof declared === "bigint" && made !== undefined && declared !== BigInt(made);
}

function report({ name }: ValueInfo, isOutput: boolean, { source }: Value, wrong: Contradiction) {
  const which = isOutput ? "output" : "value";
  return {
    code: "E3102" as const,
    message: `the file declares the ${which} "${name}" ${wrong.declared}, but its nodes make it ${wrong.made}`,
    ...(source.path && { layer: source.path }),
    facts: [
      { subject: name, value: wrong.declared, note: "declared" },
      { subject: source.path || name, value: wrong.made, note: "made" },
    ],
    because: `they differ in ${wrong.what}`,
    fix: isOutput
      ? "export the model again, or correct the type of the output"
      : "infer the shapes of the file again, or leave its value_info out",
  };
}
