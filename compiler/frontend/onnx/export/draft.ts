/**
 * The ONNX graph that is being written: nodes in order, initialisers, and names that cannot collide. Rows of
 * the export table build with it as front ends build with a GraphBuilder: `node` gives the name of its
 * result.
 */
import type { DType, TypedArray } from "../../../../runtime/dtype.ts";
import { type Tensor, tensor as tensorOf } from "../../../../runtime/tensor.ts";
import { fail } from "../../../diagnostics/index.ts";
import { constantOf, type Dim } from "../../../dims/index.ts";
import type { Node, Value } from "../../../ir/graph.ts";
import { elementTypes } from "../element-types.ts";
import type { AttributeProto, GraphProto, NodeProto, TensorProto, ValueProto } from "./proto.ts";

/** What the graphs of one file share. */
interface Shared {
  readonly names: Set<string>;
  /** Initialisers live in the outermost graph, which every inner one can read. */
  readonly initializers: TensorProto[];
}

export class OnnxDraft {
  readonly #shared: Shared;
  readonly #nodes: NodeProto[] = [];
  readonly #values = new Map<Value, string>();

  constructor(outer?: OnnxDraft) {
    this.#shared = outer ? outer.#shared : { names: new Set(), initializers: [] };
  }

  /** A name made of `stem` that nothing has yet. */
  fresh(stem: string): string {
    const { names } = this.#shared;
    let name = stem === "" ? "value" : stem;
    for (let i = 1; names.has(name); i++) name = `${stem}_${i}`;
    names.add(name);
    return name;
  }

  define(value: Value, name: string): void {
    this.#values.set(value, name);
  }

  nameOf(value: Value): string {
    const name = this.#values.get(value);
    if (name === undefined) throw new Error(`internal: ${value.name} is exported before it is computed`);
    return name;
  }

  /** Adds a node of one result; "" among the inputs leaves one out. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeProto>> = {},
  ): string {
    return this.nodes(opType, inputs, 1, attributes)[0]!;
  }

  nodes(
    opType: string,
    inputs: readonly string[],
    results: number,
    attributes: Readonly<Record<string, AttributeProto>> = {},
  ): readonly string[] {
    const stem = opType.toLowerCase();
    const outputs = Array.from({ length: results }, () => this.fresh(stem));
    this.#nodes.push({ name: outputs[0]!, opType, inputs, outputs, attributes });
    return outputs;
  }

  /** A node whose one result has this name. */
  named(opType: string, inputs: readonly string[], output: string): void {
    this.#nodes.push({ name: output, opType, inputs, outputs: [output], attributes: {} });
  }

  tensor(tensor: Tensor, stem = "constant"): string {
    const name = this.fresh(stem);
    const { dtype, shape, data } = tensor;
    const raw = bytesOf(data, elementTypes.get(elementTypeOf(dtype))!.bits);
    this.#shared.initializers.push({ name, elementType: elementTypeOf(dtype), dims: shape, raw });
    return name;
  }

  /** A scalar, or a list where `values` is one. */
  number(dtype: DType, value: number): string {
    return this.tensor(tensorOf([value], [], dtype));
  }

  /** int64, as shapes, axes and amounts are given in ONNX. */
  int64(values: readonly number[]): string {
    const name = this.fresh("ints");
    const raw = bytesOf(
      BigInt64Array.from(values, (n) => BigInt(n)),
      64,
    );
    this.#shared.initializers.push({ name, elementType: INT64, dims: [values.length], raw });
    return name;
  }

  cast(name: string, dtype: DType): string {
    return this.node("Cast", [name], { to: int(elementTypeOf(dtype)) });
  }

  reshape(name: string, shape: readonly number[]): string {
    // Without allowzero a 0 would keep the dim of the operand.
    return this.node("Reshape", [name, this.int64(shape)], { allowzero: int(1) });
  }

  transpose(name: string, permutation: readonly number[]): string {
    if (permutation.every((axis, i) => axis === i)) return name;
    return this.node("Transpose", [name], { perm: ints(permutation) });
  }

  finish(name: string, inputs: readonly ValueProto[], outputs: readonly ValueProto[]): GraphProto {
    return { name, nodes: this.#nodes, initializers: [], inputs, outputs };
  }

  get initializers(): readonly TensorProto[] {
    return this.#shared.initializers;
  }
}

const INT64 = 7;

/** TensorProto.raw_data: elements of less than a byte share one, the first in its low bits. */
function bytesOf(data: TypedArray | BigInt64Array, bits: number): Uint8Array {
  const { buffer, byteOffset, byteLength } = data;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (bits >= 8) return bytes;
  const perByte = 8 / bits;
  const packed = new Uint8Array(Math.ceil(bytes.length / perByte));
  bytes.forEach((code, i) => {
    packed[Math.floor(i / perByte)]! |= (code & (2 ** bits - 1)) << (bits * (i % perByte));
  });
  return packed;
}

export const int = (value: number): AttributeProto => ({ kind: "int", value });
export const ints = (value: readonly number[]): AttributeProto => ({ kind: "ints", value });
export const text = (value: string): AttributeProto => ({ kind: "string", value });

const numbers = new Map([...elementTypes].map(([number, { name }]) => [name, number]));

/** TensorProto.DataType of a dtype. */
export function elementTypeOf(dtype: DType): number {
  const number = numbers.get(dtype);
  if (number === undefined) throw new Error(`internal: ${dtype} has no element type`);
  return number;
}

export const rankOf = (value: Value): number => value.type.shape.length;

/** The sizes of a value, which have to be numbers: an ONNX file of open dims would need their arithmetic. */
export function sizesOf(value: Value): readonly number[] {
  return value.type.shape.map((d) => sizeOf(d, `${value.name} [${value.type.shape.join(", ")}]`));
}

export function sizeOf(d: Dim, where: string): number {
  const n = constantOf(d);
  if (n !== undefined) return Number(n);
  return fail({
    code: "E4104",
    message: `${where} has the open dim ${d}; only bound graphs are exported to ONNX`,
    fix: "bind the model to a sample first, and export the bound graph",
  });
}

/** The op cannot be said in ONNX. */
export function inexpressible(node: Node, what: string): never {
  return fail({
    code: "E4104",
    message: `${node.source.path || node.op}: ${what} cannot be exported to ONNX`,
    fix: "leave it out of the exported graph, or build it from other ops",
  });
}
