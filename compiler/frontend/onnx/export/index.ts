/**
 * `toOnnx`: a bound graph of core ops as an ONNX file, so that other runtimes can check what shapecast
 * computes. One row per core op; rows use operators up to opset 18 of ONNX's own domain. Open dims keep their
 * names; sizes made of them are computed in the file, from the shapes of its inputs.
 */
import { type DType, dtypes } from "../../../../runtime/dtype.ts";
import { storedNumbers } from "../../../../runtime/elements.ts";
import type { Tensor } from "../../../../runtime/tensor.ts";
import { size } from "../../../../runtime/tensor.ts";
import { fail } from "../../../diagnostics/index.ts";
import { constantOf } from "../../../dims/index.ts";
import { isGraph } from "../../../ir/attribute.ts";
import type { Graph, Node, Value } from "../../../ir/graph.ts";
import { contractionRows } from "./contractions.ts";
import { elementTypeOf, inexpressible, int, ints, OnnxDraft, sizesOf, symbolIn } from "./draft.ts";
import { elementwiseRows } from "./elementwise.ts";
import { movementRows } from "./movement.ts";
import { encodeModel, type GraphProto, type ValueProto } from "./proto.ts";
import { reductionRows } from "./reductions.ts";
import type { ExportRow } from "./row.ts";

/** The first opset with every operator that rows use, and the file version that came with it. */
const least = { opset: 18, irVersion: 8 };
/** Element types that came later. */
const since: Readonly<Partial<Record<DType, typeof least>>> = {
  float8e4m3fn: { opset: 19, irVersion: 9 },
  float8e4m3fnuz: { opset: 19, irVersion: 9 },
  float8e5m2: { opset: 19, irVersion: 9 },
  float8e5m2fnuz: { opset: 19, irVersion: 9 },
  int4: { opset: 21, irVersion: 10 },
  uint4: { opset: 21, irVersion: 10 },
  float4e2m1: { opset: 23, irVersion: 11 },
  float8e8m0: { opset: 24, irVersion: 12 },
  int2: { opset: 25, irVersion: 13 },
  uint2: { opset: 25, irVersion: 13 },
};
/** So did an operator. */
const sinceOp: Readonly<Record<string, typeof least>> = { bitCast: { opset: 26, irVersion: 13 } };
/** Protocol buffers end at 2 GiB. */
const MOST_BYTES = 2 ** 31 - 1;

export interface ToOnnxOptions {
  /** Values of every parameter, by name. */
  readonly parameters?: ReadonlyMap<string, Pick<Tensor, "data">>;
}

/**
 * The bytes of an ONNX file (opset 18, or the first with the graph's element types) that computes what the
 * graph computes, to rounding: what ONNX leaves open, such as casts of floats that an integer cannot hold,
 * may differ.
 * @throws CompileError E4104 for an op that ONNX cannot express, for an open dim that no input has as a size
 * or that would have to be a number (of a parameter, of a dilated convolution), E2102 for a parameter without
 * values, E2301 for a file over 2 GiB.
 */
export function toOnnx(graph: Graph, { parameters = new Map() }: ToOnnxOptions = {}): Uint8Array {
  const draft = new OnnxDraft();
  const outputs = graph.outputs.map(({ name, value }) => ({ name: draft.fresh(name), value }));
  for (const input of graph.inputs) draft.input(input);
  let bytes = 0;
  for (const { value } of graph.parameters) {
    const { dtype } = value.type;
    const shape = sizesOf(value);
    bytes += size(shape) * dtypes[dtype].bytes;
    if (bytes > MOST_BYTES) tooLarge();
    const given = parameters.get(value.name) ?? missing(value);
    draft.define(value, draft.tensor({ dtype, shape, data: given.data }, value.name));
  }
  for (const node of graph.nodes) exportNode(draft, node);
  for (const { name, value } of outputs) rename(draft, draft.nameOf(value), name);
  const inputs = graph.inputs.map((input) => valueProto(input, draft.nameOf(input)));
  const results = outputs.map(({ name, value }) => valueProto(value, name));
  const exported = draft.finish(graph.name, inputs, results);
  return encodeModel({
    ...versionsFor(graph),
    producer: "shapecast",
    graph: { ...exported, initializers: draft.initializers },
  });
}

/** The oldest versions that have every element type of the graph: more runtimes read them. */
function versionsFor(graph: Graph): typeof least {
  const dtypesIn = ({ inputs, parameters, nodes }: Graph): readonly DType[] => [
    ...[...inputs, ...parameters.map(({ value }) => value)].map(({ type }) => type.dtype),
    ...nodes.flatMap(({ results, attributes }) => [
      ...results.map(({ type }) => type.dtype),
      ...Object.values(attributes).flatMap((each) => (isGraph(each) ? dtypesIn(each) : [])),
    ]),
  ];
  const needed = [
    ...dtypesIn(graph).map((dtype) => since[dtype] ?? least),
    ...graph.nodes.map(({ op }) => sinceOp[op] ?? least),
  ];
  return needed.reduce((newest, each) => (each.opset > newest.opset ? each : newest), least);
}

const rows: Readonly<Record<string, ExportRow>> = {
  ...elementwiseRows,
  ...movementRows,
  ...reductionRows,
  ...contractionRows,
  scan: (draft, node) => exportScan(draft, node),
};

/** The core ops that can be exported. */
export const exportable: readonly string[] = Object.keys(rows);

function exportNode(draft: OnnxDraft, node: Node): void {
  const row = rows[node.op] ?? inexpressible(node, `the op ${node.op}`);
  const operands = node.operands.map((operand) => draft.nameOf(operand));
  const names = keepsCodes.has(node.op) ? row(draft, node, operands) : widened(draft, node, operands, row);
  node.results.forEach((result, i) => {
    draft.define(result, names[i]!);
  });
}

/** These take elements of any type as they are. */
const keepsCodes = new Set(["constant", "cast", "bitCast", "scan", "reshape", "transpose"]);

/** What ONNX operators do not compute with: the dtype they do it in instead. Nothing is lost on the way. */
function wideOf(dtype: DType): DType {
  const { kind, format, packable } = dtypes[dtype];
  if (packable) return "int32";
  return kind === "float" && format && dtype !== "float16" ? "float32" : dtype;
}

function widened(
  draft: OnnxDraft,
  node: Node,
  operands: readonly string[],
  row: ExportRow,
): readonly string[] {
  const narrow = ({ type }: Value) => wideOf(type.dtype) !== type.dtype;
  if (![...node.operands, ...node.results].some(narrow)) return row(draft, node, operands);
  const wide = (value: Value): Value => ({
    ...value,
    type: { ...value.type, dtype: wideOf(value.type.dtype) },
  });
  const same = { ...node, operands: node.operands.map(wide), results: node.results.map(wide) };
  const given = operands.map((name, i) =>
    narrow(node.operands[i]!) ? draft.cast(name, wideOf(node.operands[i]!.type.dtype)) : name,
  );
  return row(draft, same, given).map((name, i) =>
    narrow(node.results[i]!) ? draft.cast(name, node.results[i]!.type.dtype) : name,
  );
}

/** ONNX Scan. The body reads invariants as names of the graph around it. */
function exportScan(draft: OnnxDraft, node: Node): readonly string[] {
  const { body: written, reverse, conditional } = node.attributes;
  if (written === undefined || !isGraph(written)) throw new Error("internal: scan without a body");
  const [states, sequences] = [Number(node.attributes["states"]), Number(node.attributes["sequences"])];
  const body = conditional === true ? heldBehindEnd(written, states) : written;
  const operands = node.operands.map((operand) => draft.nameOf(operand));
  const steps = body.inputs.slice(0, states + sequences);
  const graph = exportBody(draft, body, steps, operands.slice(states + sequences));
  const direction = Number(reverse === true);
  return draft.nodes("Scan", operands.slice(0, states + sequences), body.outputs.length, {
    body: { kind: "graph", value: graph },
    num_scan_inputs: int(sequences),
    scan_input_directions: ints(Array.from({ length: sequences }, () => direction)),
    scan_output_directions: ints(body.outputs.slice(states).map(() => direction)),
  });
}

/** ONNX Scan runs all its steps: those behind the end give the states they have, and zeros. */
function heldBehindEnd(body: Graph, states: number): Graph {
  const [alive] = body.inputs;
  const added: Node[] = [];
  const add = (op: string, operands: readonly Value[], attributes: Node["attributes"], like: Value) => {
    const result = { ...like };
    added.push({ op, operands, attributes, results: [result], source: like.source });
    return result;
  };
  const zero = ({ type: { dtype } }: Value): Tensor => ({
    dtype,
    shape: [],
    data: storedNumbers(dtype, [0]),
  });
  const outputs = body.outputs.map(({ name, value }, i) => {
    const scalar = { ...value, type: { ...value.type, shape: [] } };
    const held = i < states ? body.inputs[i]! : add("constant", [], { value: zero(value) }, scalar);
    return { name, value: add("select", [alive!, value, held], {}, value) };
  });
  return { ...body, nodes: [...body.nodes, ...added], outputs };
}

function exportBody(
  draft: OnnxDraft,
  body: Graph,
  steps: readonly Value[],
  captured: readonly string[],
): GraphProto {
  const inner = new OnnxDraft(draft);
  const inputs = steps.map((input) => {
    inner.define(input, inner.fresh(input.name));
    return valueProto(input, inner.nameOf(input));
  });
  body.inputs.slice(steps.length).forEach((input, i) => {
    inner.define(input, captured[i]!);
  });
  for (const node of body.nodes) exportNode(inner, node);
  const outputs = body.outputs.map(({ name, value }) => {
    const own = inner.fresh(name);
    rename(inner, inner.nameOf(value), own);
    return valueProto(value, own);
  });
  return inner.finish(inner.fresh(body.name), inputs, outputs);
}

/** An output has a name of its own, also where two outputs are one value or an output is an input. */
function rename(draft: OnnxDraft, from: string, to: string): void {
  draft.named("Identity", [from], to);
}

/** Sizes as a file says them: numbers, names of open dims, and nothing of what is computed from these. */
function valueProto(value: Value, name: string): ValueProto {
  const dims = value.type.shape.map((d) => {
    const n = constantOf(d);
    return n === undefined ? symbolIn(d) : Number(n);
  });
  return { name, elementType: elementTypeOf(value.type.dtype), dims };
}

function missing(value: Value): never {
  return fail({
    code: "E2102",
    message: `parameter "${value.name}" has no values to export`,
    fix: "give toOnnx the values of every parameter, by name",
  });
}

function tooLarge(): never {
  return fail({
    code: "E2301",
    message: "the parameters are over the 2 GiB that an ONNX file can hold",
    fix: "export a smaller model",
  });
}
