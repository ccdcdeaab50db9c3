/**
 * What a module says about itself: the header comment, the signature and the types of its inputs and outputs.
 */
import { constantOf, type Dim, type Shape } from "../../compiler/dims/index.ts";
import {
  chosenIn,
  type OpenDim,
  type OpenDims,
  relationText,
  ruleText,
} from "../../compiler/ir/open-dims.ts";
import type { Port, Program } from "../../compiler/ir/program.ts";
import { byteSize } from "../../runtime/dtype.ts";
import {
  commentText,
  numberLiteral,
  propertyKey,
  stringLiteral,
  type Types,
  type Writer,
} from "../source/index.ts";
import { arrayClass } from "./arrays.ts";
import type { WeightPlan } from "./weights.ts";

export function writeHeader(program: Program, header: readonly string[], writer: Writer): void {
  writer.line("/**");
  for (const line of [...header, ...facts(program)]) writer.line(` * ${commentText(line)}`.trimEnd());
  writer.line(" */");
}

function facts(program: Program): readonly string[] {
  const { arena, bindings, macs, weights, open } = program;
  const chosen = chosenIn(open);
  const most = open.dims.length > 0 ? " at the most" : "";
  const count = weights.reduce((total, { buffer }) => total + buffer.length, 0);
  const bytes = weights.reduce((total, { buffer }) => total + byteSize(buffer.dtype, buffer.length), 0);
  const least = grouped(arena.lowerBound);
  const bound = bindings.map(({ symbol, value }) => `${symbol} = ${value}`);
  return [
    ...(bound.length > 0 ? [`bound: ${bound.join(", ")}`] : []),
    ...chosen.dims.map((dim) =>
      dim.buckets ? `buckets: ${dim.name} = ${dim.buckets.join(", ")}` : `open: ${ruleText(dim)}`,
    ),
    ...chosen.relations.map((relation) => `open: ${relationText(relation)}`),
    ...open.dims.filter((dim) => dim.computed).map((dim) => `computed: ${ruleText(dim)}`),
    `parameters ${grouped(count)} (${grouped(bytes)} bytes)`,
    `arena ${grouped(arena.bytes)} bytes (lower bound ${least}), ${grouped(macs)} MACs a run${most}`,
  ];
}

/** 1234567 as 1,234,567, whatever the locale. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function writeSignature(program: Program, types: Types, writer: Writer): void {
  const ports = (label: string, list: readonly Port[]) =>
    writer.block(
      `${label}:`,
      () => {
        for (const port of list)
          writer.line(`${propertyKey(port.name)}: { ${portEntries(port).join(", ")} },`);
      },
      ",",
    );
  writer.line();
  writer.block(
    "export const signature =",
    () => {
      writer.line(`name: ${stringLiteral(program.name)},`);
      ports("inputs", program.inputs);
      ports("outputs", program.outputs);
      if (program.open.dims.length > 0) writeOpenDims(program.open, writer);
    },
    `${types.only(" as const")};`,
  );
}

function portEntries({ dtype, shape, values }: Port): readonly string[] {
  const fixed = values?.map((value) => (typeof value === "bigint" ? `${value}n` : numberLiteral(value)));
  return [
    `dtype: "${dtype}"`,
    `shape: ${shapeLiteral(shape)}`,
    ...(fixed ? [`values: [${fixed.join(", ")}]`] : []),
  ];
}

export function writePortTypes(program: Program, writer: Writer): void {
  const members = (name: string, list: readonly Port[]) => {
    writer.line();
    writer.block(`export interface ${name}`, () => {
      for (const port of list) {
        writer.line(`/** ${shapeText(port.shape)} */`);
        writer.line(`readonly ${propertyKey(port.name)}: ${arrayClass(port)};`);
      }
    });
  };
  members("Inputs", program.inputs);
  members("Outputs", program.outputs);
}

/** For people: "[batch, 784]". */
export function shapeText(shape: readonly (number | Dim)[]): string {
  return `[${shape.join(", ")}]`;
}

/** For the signature: numbers, and what is open as text. */
function shapeLiteral(shape: Shape): string {
  return shapeText(shape.map((d) => constantOf(d) ?? stringLiteral(`${d}`)) as readonly number[]);
}

function writeOpenDims(open: OpenDims, writer: Writer): void {
  const { dims, relations } = chosenIn(open);
  if (dims.length > 0) writeDims("dims:", dims, writer);
  const texts = relations.map((relation) => stringLiteral(relationText(relation)));
  if (texts.length > 0) writer.line(`constraints: [${texts.join(", ")}],`);
  const computed = open.dims.filter((dim) => dim.computed);
  if (computed.length > 0) writeDims("computed:", computed, writer);
}

function writeDims(label: string, dims: readonly OpenDim[], writer: Writer): void {
  writer.block(
    label,
    () => {
      for (const { name, min, max, modulus, residues, buckets } of dims) {
        const every = modulus === 1 ? "" : `, modulus: ${modulus}, residues: ${shapeText(residues)}`;
        const some = buckets ? `, buckets: ${shapeText(buckets)}` : "";
        writer.line(`${propertyKey(name)}: { min: ${min}, max: ${max}${every}${some} },`);
      }
    },
    ",",
  );
}

/** `Weights`: what kernels read, by the names the module uses. */
export function writeWeightsType(members: readonly WeightMember[], plan: WeightPlan, writer: Writer): void {
  writer.line();
  writer.block(`${plan.mode === "file" ? "export " : ""}interface Weights`, () => {
    for (const { name, type, comment } of members) {
      writer.line(`/** ${commentText(comment)} */`);
      writer.line(`readonly ${name}: ${type};`);
    }
  });
}

export interface WeightMember {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}
