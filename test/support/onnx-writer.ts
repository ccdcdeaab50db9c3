/**
 * `OnnxModel` to bytes, the inverse of the reader: for tests. Writes the
 * fields that reading keeps, in the order of their numbers.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { elementTypes } from "../../compiler/frontend/onnx/element-types.ts";
import type {
  OnnxAttribute,
  OnnxDim,
  OnnxFunction,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxSparseTensor,
  OnnxTensor,
  OnnxType,
  Opsets,
  ValueInfo,
} from "../../compiler/frontend/onnx/model.ts";

class Message {
  readonly #writer = new BinaryWriter();

  text(field: number, value: string): this {
    if (value !== "") this.#writer.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  texts(field: number, values: readonly string[]): this {
    for (const value of values) this.#writer.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  int(field: number, value: bigint | number): this {
    this.#writer.tag(field, WireType.Varint).int64(value);
    return this;
  }

  ints(field: number, values: readonly bigint[]): this {
    for (const value of values) this.int(field, value);
    return this;
  }

  floats(field: number, values: readonly number[]): this {
    for (const value of values) this.#writer.tag(field, WireType.Bit32).float(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#writer.tag(field, WireType.LengthDelimited).bytes(value);
    return this;
  }

  each<T>(field: number, values: readonly T[], write: (value: T) => Uint8Array): this {
    for (const value of values) this.bytes(field, write(value));
    return this;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

export function writeModel({ irVersion, producer, opsets, graph, functions }: OnnxModel): Uint8Array {
  return new Message()
    .int(1, irVersion)
    .text(2, producer)
    .bytes(7, writeGraph(graph))
    .each(8, [...opsets], writeOpset)
    .each(25, functions, writeFunction)
    .finish();
}

const writeOpset = ([domain, version]: readonly [string, number]): Uint8Array =>
  new Message().text(1, domain).int(2, version).finish();

function writeFunction(body: OnnxFunction): Uint8Array {
  const opsets: Opsets = body.opsets;
  return new Message()
    .text(1, body.name)
    .texts(4, body.inputs)
    .texts(5, body.outputs)
    .texts(6, body.attributes)
    .each(7, body.nodes, writeNode)
    .each(9, [...opsets], writeOpset)
    .text(10, body.domain)
    .each(11, body.defaults, writeAttribute)
    .text(13, body.overload)
    .finish();
}

function writeGraph(graph: OnnxGraph): Uint8Array {
  return new Message()
    .each(1, graph.nodes, writeNode)
    .text(2, graph.name)
    .each(5, graph.initializers, ({ bytes }) => bytes)
    .each(11, graph.inputs, writeValueInfo)
    .each(12, graph.outputs, writeValueInfo)
    .each(13, graph.valueInfo, writeValueInfo)
    .each(15, graph.sparseInitializers, writeSparse)
    .finish();
}

function writeNode(node: OnnxNode): Uint8Array {
  return new Message()
    .texts(1, node.inputs)
    .texts(2, node.outputs)
    .text(3, node.name)
    .text(4, node.opType)
    .each(5, node.attributes, writeAttribute)
    .text(7, node.domain)
    .text(8, node.overload)
    .finish();
}

function writeAttribute(attribute: OnnxAttribute): Uint8Array {
  const message = new Message().text(1, attribute.name);
  return typed(message, attribute).text(21, attribute.refersTo).finish();
}

function typed(message: Message, attribute: OnnxAttribute): Message {
  switch (attribute.kind) {
    case "float":
      return message.floats(2, [attribute.value]).int(20, 1);
    case "int":
      return message.int(3, attribute.value).int(20, 2);
    case "string":
      return message.bytes(4, attribute.value).int(20, 3);
    case "tensor":
      return message.bytes(5, attribute.value.bytes).int(20, 4);
    case "graph":
      return message.bytes(6, writeGraph(attribute.value)).int(20, 5);
    case "floats":
      return message.floats(7, attribute.value).int(20, 6);
    case "ints":
      return message.ints(8, attribute.value).int(20, 7);
    case "strings":
      return message.each(9, attribute.value, (bytes) => bytes).int(20, 8);
    case "tensors":
      return message.each(10, attribute.value, ({ bytes }) => bytes).int(20, 9);
    case "graphs":
      return message.each(11, attribute.value, writeGraph).int(20, 10);
    case "sparse tensor":
      return message.bytes(22, writeSparse(attribute.value)).int(20, 11);
    case "sparse tensors":
      return message.each(23, attribute.value, writeSparse).int(20, 12);
    default:
      return message;
  }
}

function writeSparse({ values, indices, dims }: OnnxSparseTensor): Uint8Array {
  return new Message().bytes(1, values.bytes).bytes(2, indices.bytes).ints(3, dims).finish();
}

function writeValueInfo({ name, type }: ValueInfo): Uint8Array {
  return new Message().text(1, name).bytes(2, writeType(type)).finish();
}

function writeType(type: OnnxType): Uint8Array {
  if (type.kind !== "tensor") throw new Error(`internal: a ${type.kind} is not written`);
  const tensor = new Message().int(1, type.elementType);
  if (type.shape) tensor.bytes(2, new Message().each(1, type.shape, writeDim).finish());
  return new Message().bytes(1, tensor.finish()).finish();
}

function writeDim(d: OnnxDim): Uint8Array {
  if (d === undefined) return new Uint8Array();
  return typeof d === "bigint" ? new Message().int(1, d).finish() : new Message().text(2, d).finish();
}

/** A tensor with its elements as raw bytes. `dtype`: a name of `elementTypes`, of whole bytes. */
export function rawTensor(
  name: string,
  dtype: string,
  shape: readonly number[],
  raw: Uint8Array,
): OnnxTensor {
  const [elementType] = [...elementTypes].find(([, row]) => row.name === dtype) ?? [];
  if (elementType === undefined) throw new Error(`internal: ONNX has no element type ${dtype}`);
  const dims = shape.map((n) => BigInt(n));
  const bytes = new Message().ints(1, dims).int(2, elementType).text(8, name).bytes(9, raw).finish();
  return { name, dims, elementType, bytes, external: undefined };
}

/** A tensor whose elements lie in another file. */
export function externalTensor(
  name: string,
  shape: readonly number[],
  where: { readonly location: string; readonly offset?: number; readonly length?: number },
): OnnxTensor {
  const dims = shape.map((n) => BigInt(n));
  const entries = Object.entries(where).map(([key, value]) => ({ key, value: String(value) }));
  const bytes = new Message()
    .ints(1, dims)
    .int(2, 1)
    .text(8, name)
    .each(13, entries, ({ key, value }) => new Message().text(1, key).text(2, value).finish())
    .int(14, 1)
    .finish();
  return { name, dims, elementType: 1, bytes, external: undefined };
}
