/** Small ONNX models for tests, written as one would draw them. */
import { elementTypes } from "../../compiler/frontend/onnx/element-types.ts";
import type {
  OnnxAttribute,
  OnnxAttributeValue,
  OnnxFunction,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  ValueInfo,
} from "../../compiler/frontend/onnx/model.ts";
import { rawTensor, writeModel } from "./onnx-writer.ts";

type Given = number | string | readonly number[] | OnnxTensor | OnnxGraph | OnnxAttributeValue;
type Attributes = Readonly<Record<string, Given>>;

const utf8 = new TextEncoder();

/** Whole numbers become ints; give `{ kind: "float", value }` for a float that is whole. */
function attributeOf(name: string, given: Given): OnnxAttribute {
  return { name, refersTo: "", ...typedValue(given) };
}

function typedValue(given: Given): OnnxAttributeValue {
  if (typeof given === "number")
    return Number.isInteger(given) ? { kind: "int", value: BigInt(given) } : { kind: "float", value: given };
  if (typeof given === "string") return { kind: "string", value: utf8.encode(given) };
  if (Array.isArray(given)) {
    const list: readonly number[] = given;
    return list.every(Number.isInteger)
      ? { kind: "ints", value: list.map((n) => BigInt(n)) }
      : { kind: "floats", value: list };
  }
  if ("kind" in given) return given;
  return "nodes" in given
    ? { kind: "graph", value: given as OnnxGraph }
    : { kind: "tensor", value: given as OnnxTensor };
}

/** An attribute that takes the value of the function's attribute `name`. */
export function reference(name: string): OnnxAttributeValue & { readonly refersTo: string } {
  return { kind: "undefined", value: undefined, refersTo: name };
}

/** "domain::Name" for other domains. Nodes are called after their first output. */
export function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): OnnxNode {
  const [opType = "", domain = ""] = type.split("::").reverse();
  const list = Object.entries(attributes).map(([name, given]) => attributeOf(name, given));
  return { name: `${outputs[0]}_node`, domain, opType, overload: "", inputs, outputs, attributes: list };
}

/** Element types without a form here are written as text. */
const STRING = 8;

/** "name: float32[2, n, ?]"; "name: float32" has no shape. */
export function info(text: string): ValueInfo {
  const [, name = "", dtype, , sizes] = /^(.*?):\s*(\w+)(\[(.*)\])?$/.exec(text) ?? [];
  const elementType = [...elementTypes].find(([, row]) => row.name === dtype)?.[0] ?? STRING;
  const size = (each: string) => (/^-?\d+$/.test(each) ? BigInt(each) : each === "?" ? undefined : each);
  const shape = sizes?.split(",").flatMap((each) => (each.trim() === "" ? [] : [size(each.trim())]));
  return { name, type: { kind: "tensor", elementType, shape } };
}

export function graph(
  inputs: readonly string[],
  nodes: readonly OnnxNode[],
  outputs: readonly string[],
  initializers: readonly OnnxTensor[] = [],
): OnnxGraph {
  return {
    name: "test",
    nodes,
    initializers,
    sparseInitializers: [],
    inputs: inputs.map(info),
    outputs: outputs.map(info),
    valueInfo: [],
  };
}

export function model(
  body: OnnxGraph,
  opset = 17,
  functions: readonly OnnxFunction[] = [],
  domains: Readonly<Record<string, number>> = {},
): OnnxModel {
  const opsets = new Map([["", opset], ...Object.entries(domains)]);
  return { irVersion: 8, producer: "test", opsets, graph: body, functions };
}

/** The bytes of a model. */
export const bytesOf = (...given: Parameters<typeof model>): Uint8Array => writeModel(model(...given));

export function floats(name: string, shape: readonly number[], values: readonly number[]): OnnxTensor {
  return rawTensor(name, "float32", shape, new Uint8Array(new Float32Array(values).buffer));
}

export function int64s(
  name: string,
  shape: readonly number[],
  values: readonly (number | bigint)[],
): OnnxTensor {
  return rawTensor(name, "int64", shape, new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer));
}
