/**
 * Writes an ONNX file as protocol buffers (onnx.proto): the few messages an exported graph needs. Field
 * numbers are those of the .proto; nothing else in the project knows them for writing.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** TensorProto with raw_data: little-endian elements. */
export interface TensorProto {
  readonly name: string;
  readonly elementType: number;
  readonly dims: readonly number[];
  readonly raw: Uint8Array;
}

export type AttributeProto =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "graph"; readonly value: GraphProto };

export interface NodeProto {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeProto>>;
}

export interface ValueProto {
  readonly name: string;
  readonly elementType: number;
  /** A number, the name of an open dim, or undefined for what the file does not say. */
  readonly dims: readonly (number | string | undefined)[];
}

export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueProto[];
  readonly outputs: readonly ValueProto[];
}

export interface ModelProto {
  readonly irVersion: number;
  readonly opset: number;
  readonly producer: string;
  readonly graph: GraphProto;
}

/** The bytes of a binary ONNX file. */
export function encodeModel({ irVersion, opset, producer, graph }: ModelProto): Uint8Array {
  const writer = new BinaryWriter();
  int(writer, 1, irVersion);
  text(writer, 2, producer);
  message(writer, 7, () => writeGraph(writer, graph));
  message(writer, 8, () => int(writer, 2, opset));
  return writer.finish();
}

function writeGraph(writer: BinaryWriter, graph: GraphProto): void {
  for (const node of graph.nodes) message(writer, 1, () => writeNode(writer, node));
  text(writer, 2, graph.name);
  for (const tensor of graph.initializers) message(writer, 5, () => writeTensor(writer, tensor));
  for (const input of graph.inputs) message(writer, 11, () => writeValue(writer, input));
  for (const output of graph.outputs) message(writer, 12, () => writeValue(writer, output));
}

function writeNode(writer: BinaryWriter, node: NodeProto): void {
  for (const name of node.inputs) text(writer, 1, name);
  for (const name of node.outputs) text(writer, 2, name);
  text(writer, 3, node.name);
  text(writer, 4, node.opType);
  for (const [name, attribute] of Object.entries(node.attributes))
    message(writer, 5, () => writeAttribute(writer, name, attribute));
}

/** AttributeProto.type. */
const attributeTypes = { int: 2, string: 3, graph: 5, ints: 7 } as const;

function writeAttribute(writer: BinaryWriter, name: string, attribute: AttributeProto): void {
  text(writer, 1, name);
  switch (attribute.kind) {
    case "int":
      int(writer, 3, attribute.value);
      break;
    case "string":
      text(writer, 4, attribute.value);
      break;
    case "graph":
      message(writer, 6, () => writeGraph(writer, attribute.value));
      break;
    case "ints":
      for (const n of attribute.value) int(writer, 8, n);
  }
  int(writer, 20, attributeTypes[attribute.kind]);
}

function writeTensor(writer: BinaryWriter, { name, elementType, dims, raw }: TensorProto): void {
  for (const n of dims) int(writer, 1, n);
  int(writer, 2, elementType);
  text(writer, 8, name);
  writer.tag(9, WireType.LengthDelimited).bytes(raw);
}

function writeValue(writer: BinaryWriter, { name, elementType, dims }: ValueProto): void {
  text(writer, 1, name);
  message(writer, 2, () =>
    message(writer, 1, () => {
      int(writer, 1, elementType);
      message(writer, 2, () => {
        for (const d of dims)
          message(writer, 1, () => {
            if (typeof d === "number") int(writer, 1, d);
            else if (d !== undefined) text(writer, 2, d);
          });
      });
    }),
  );
}

function message(writer: BinaryWriter, field: number, body: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  body();
  writer.join();
}

function int(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}
