/**
 * TensorProto.DataType as a table: what each number is called here, how many bits an element takes in the
 * file, which array holds the decoded elements, and which typed field of a TensorProto may hold it instead of
 * raw bytes (onnx.proto, the comments beside those fields). This is a table.
 */
import { type DType, dtypes } from "../../../runtime/dtype.ts";

/** The arrays that hold decoded elements: values for numbers, raw codes for the small floats. */
export type ElementArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Fields of a TensorProto that hold numbers. */
export type TypedField = "float" | "int32" | "int64" | "double" | "uint64";

export interface ElementType {
  readonly name: string;
  /** Bits per element in raw data. */
  readonly bits: number;
  readonly array: {
    new (length: number): ElementArray;
    new (buffer: ArrayBufferLike, offset: number, length: number): ElementArray;
    readonly BYTES_PER_ELEMENT: number;
  };
  readonly field: TypedField;
  readonly signed?: boolean;
  /** Numbers per element: 2 for complex ones. */
  readonly parts?: number;
}

const row = (
  name: string,
  bits: number,
  array: ElementType["array"],
  field: TypedField,
  more: Pick<ElementType, "signed" | "parts"> = {},
): ElementType => ({ name, bits, array, field, ...more });

/** By number; 0 is "undefined", 8 is string. */
export const elementTypes: ReadonlyMap<number, ElementType> = new Map([
  [1, row("float32", 32, Float32Array, "float")],
  [2, row("uint8", 8, Uint8Array, "int32")],
  [3, row("int8", 8, Int8Array, "int32")],
  [4, row("uint16", 16, Uint16Array, "int32")],
  [5, row("int16", 16, Int16Array, "int32")],
  [6, row("int32", 32, Int32Array, "int32")],
  [7, row("int64", 64, BigInt64Array, "int64")],
  [9, row("bool", 8, Uint8Array, "int32")],
  [10, row("float16", 16, Uint16Array, "int32")],
  [11, row("float64", 64, Float64Array, "double")],
  [12, row("uint32", 32, Uint32Array, "uint64")],
  [13, row("uint64", 64, BigUint64Array, "uint64")],
  [14, row("complex64", 64, Float32Array, "float", { parts: 2 })],
  [15, row("complex128", 128, Float64Array, "double", { parts: 2 })],
  [16, row("bfloat16", 16, Uint16Array, "int32")],
  [17, row("float8e4m3fn", 8, Uint8Array, "int32")],
  [18, row("float8e4m3fnuz", 8, Uint8Array, "int32")],
  [19, row("float8e5m2", 8, Uint8Array, "int32")],
  [20, row("float8e5m2fnuz", 8, Uint8Array, "int32")],
  [21, row("uint4", 4, Uint8Array, "int32")],
  [22, row("int4", 4, Int8Array, "int32", { signed: true })],
  [23, row("float4e2m1", 4, Uint8Array, "int32")],
  [24, row("float8e8m0", 8, Uint8Array, "int32")],
  [25, row("uint2", 2, Uint8Array, "int32")],
  [26, row("int2", 2, Int8Array, "int32", { signed: true })],
]);

const STRING = 8;

/** What an element type is called in messages. */
export function elementTypeName(type: number): string {
  if (type === STRING) return "string";
  return elementTypes.get(type)?.name ?? (type === 0 ? "undefined" : `element type ${type}`);
}

/** The dtype of the compiler for an element type; undefined where it has none. */
export function dtypeOfElement(type: number): DType | undefined {
  const name = elementTypes.get(type)?.name;
  return name !== undefined && Object.hasOwn(dtypes, name) ? (name as DType) : undefined;
}

/** What ONNX gives positions and sizes as. */
export const INT64: DType = "int64";
