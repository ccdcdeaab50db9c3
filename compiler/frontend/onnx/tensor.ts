/**
 * The elements of a TensorProto, decoded when they are asked for: raw bytes (shared with the file where their
 * place allows), typed fields, and bytes of another file. Sizes are checked against the bytes there are
 * before anything is allocated, so a tensor that lies about its shape costs nothing.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { fail } from "../../diagnostics/index.ts";
import {
  type ElementArray,
  type ElementType,
  elementTypeName,
  elementTypes,
  type TypedField,
} from "./element-types.ts";
import type { OnnxSparseTensor, OnnxTensor } from "./model.ts";
import { reading, skip } from "./wire.ts";

export interface DecodedTensor {
  /** A name of `elementTypes`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row-major; the small floats as codes, complex numbers interleaved. */
  readonly data: ElementArray;
}

/** The files that tensors may lie in, by the name the model gives them. */
export type ExternalData = ReadonlyMap<string, Uint8Array>;

const none: ExternalData = new Map();

/** Elements a sparse tensor may have in all: those not listed cost the file nothing. */
const SPARSE_ELEMENTS = 1 << 24;

/**
 * Throws E3102 where sizes and bytes disagree, E3101 for damaged fields, E4102 for element types without a
 * form here, E5002 for external data that is not given or too short.
 */
export function decodeTensor(tensor: OnnxTensor, external: ExternalData = none): DecodedTensor {
  const type = elementTypes.get(tensor.elementType);
  if (!type) return unsupported(tensor);
  const shape = shapeOf(tensor);
  const count = countOf(tensor) * (type.parts ?? 1);
  const raw = tensor.external ? externalBytes(tensor, type, count, external) : rawData(tensor);
  const data = raw ? fromRaw(tensor, type, count, raw) : fromField(tensor, type, count);
  return { dtype: type.name, shape, data };
}

/** Its zeros filled in (SparseTensorProto: indices [NNZ] linear, or [NNZ, rank]). */
export function decodeSparse(sparse: OnnxSparseTensor, external: ExternalData = none): DecodedTensor {
  const values = decodeTensor(sparse.values, external);
  const indices = decodeTensor(sparse.indices, external);
  const dense: OnnxTensor = { ...sparse.values, dims: sparse.dims };
  const [shape, count] = [shapeOf(dense), countOf(dense)];
  if (count > SPARSE_ELEMENTS) wrong(sparse.name, `is sparse, but has ${count} elements`);
  if (!(indices.data instanceof BigInt64Array))
    return wrong(sparse.name, `has indices of ${indices.dtype} where int64 belongs`);
  const places = linear(sparse.name, indices.data, indices.shape, shape, values.data.length);
  const data = new (elementTypes.get(sparse.values.elementType)!.array)(count);
  places.forEach((place, i) => {
    data[place] = values.data[i]!;
  });
  return { dtype: values.dtype, shape, data };
}

function linear(
  name: string,
  indices: BigInt64Array,
  form: readonly number[],
  shape: readonly number[],
  count: number,
): readonly number[] {
  const flat = form.length === 1;
  const extents = flat ? [shape.reduce((product, n) => product * n, 1)] : shape;
  if (indices.length !== count * extents.length)
    wrong(name, `has ${count} values, but indices of shape [${form.join(", ")}]`);
  return Array.from({ length: count }, (_, i) =>
    extents.reduce((place, extent, axis) => {
      const index = Number(indices[i * extents.length + axis]);
      if (!(index >= 0 && index < extent)) wrong(name, `has the index ${index} where ${extent} are`);
      return place * extent + index;
    }, 0),
  );
}

/** The sizes as numbers. Throws E3102 for negative ones and those past 2^53. */
export function shapeOf({ name, dims }: OnnxTensor): readonly number[] {
  return dims.map((d) => {
    if (d >= 0n && d <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(d);
    return wrong(name, `has a dim of ${d}`);
  });
}

function countOf({ name, dims }: OnnxTensor): number {
  const count = dims.reduce((product, d) => product * d, 1n);
  if (count <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(count);
  return wrong(name, `of shape [${dims.join(", ")}] has ${count} elements`);
}

function rawData({ name, bytes }: OnnxTensor): Uint8Array | undefined {
  return reading(`the tensor "${name}"`, () => {
    let raw: Uint8Array | undefined;
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 9 * 8 + WireType.LengthDelimited) raw = reader.bytes();
      else skip(reader, tag & 7, tag >>> 3);
    }
    return raw;
  });
}

function externalBytes(
  tensor: OnnxTensor,
  type: ElementType,
  count: number,
  files: ExternalData,
): Uint8Array {
  const { location, offset = 0n, length } = tensor.external!;
  const file = files.get(location);
  if (!file)
    return fail({
      code: "E5002",
      message: `the tensor "${tensor.name}" lies in the file "${location}", which was not given`,
      fix: "pass its bytes as externalData, under that name",
    });
  const needed = BigInt(Math.ceil((count * type.bits) / (type.parts ?? 1) / 8));
  const size = length ?? needed;
  if (offset < 0n || size < 0n || offset + size > BigInt(file.length))
    return fail({
      code: "E5002",
      message: `the tensor "${tensor.name}" has ${size} bytes from ${offset} on in "${location}", which has ${file.length}`,
      fix: "use the data file that belongs to this model",
    });
  return file.subarray(Number(offset), Number(offset + size));
}

function fromRaw(tensor: OnnxTensor, type: ElementType, count: number, raw: Uint8Array): ElementArray {
  const bits = type.bits / (type.parts ?? 1);
  const needed = Math.ceil((count * bits) / 8);
  if (raw.length !== needed)
    return wrong(
      tensor.name,
      `of shape [${tensor.dims.join(", ")}] needs ${needed} bytes of ${type.name}, but has ${raw.length}`,
    );
  return bits < 8 ? unpacked(type, count, (i) => raw[i]!) : whole(type, count, raw);
}

/** A view of the file where the elements are aligned in it, else a copy. */
function whole(type: ElementType, count: number, raw: Uint8Array): ElementArray {
  const aligned = raw.byteOffset % type.array.BYTES_PER_ELEMENT === 0;
  // Not raw.slice(), which on a Buffer of Node is a view.
  const { buffer, byteOffset } = aligned ? raw : Uint8Array.from(raw);
  return new type.array(buffer, byteOffset, count);
}

/** Elements of less than a byte: the first one in the lowest bits. */
function unpacked({ bits, array, signed }: ElementType, count: number, at: (i: number) => number) {
  const data = new array(count) as Int8Array | Uint8Array;
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const half = signed ? 1 << (bits - 1) : 256;
  for (let i = 0; i < count; i++) {
    const code = (at(Math.floor(i / perByte)) >> (bits * (i % perByte))) & mask;
    data[i] = code >= half ? code - (mask + 1) : code;
  }
  return data;
}

interface FieldForm {
  readonly number: number;
  readonly single: WireType;
  /** The fewest bytes one entry can take. */
  readonly least: number;
}

const fieldForms: Readonly<Record<TypedField, FieldForm>> = {
  float: { number: 4, single: WireType.Bit32, least: 4 },
  int32: { number: 5, single: WireType.Varint, least: 1 },
  int64: { number: 7, single: WireType.Varint, least: 1 },
  double: { number: 10, single: WireType.Bit64, least: 8 },
  uint64: { number: 11, single: WireType.Varint, least: 1 },
};

function fromField(tensor: OnnxTensor, type: ElementType, count: number): ElementArray {
  const packing = Math.max(1, 8 / type.bits);
  const entries = Math.ceil(count / packing);
  if (entries > tensor.bytes.length / fieldForms[type.field].least) return tooFew(tensor, type, entries);
  const held = new (packing > 1 ? Uint8Array : type.array)(entries) as ElementArray;
  const found = reading(`the tensor "${tensor.name}"`, () => readField(tensor.bytes, type.field, held));
  if (found !== entries) return tooFew(tensor, type, entries, found);
  return packing > 1 ? unpacked(type, count, (i) => Number(held[i])) : held;
}

/** Fills `into` and returns how many there were. */
function readField(bytes: Uint8Array, field: TypedField, into: ElementArray): number {
  const { number, single } = fieldForms[field];
  const big = into instanceof BigInt64Array || into instanceof BigUint64Array;
  const next = nextOf(field, big);
  let found = 0;
  const take = (reader: BinaryReader) => {
    const value = next(reader);
    if (found < into.length) into[found] = value;
    found++;
  };
  const reader = new BinaryReader(bytes);
  const each = number * 8 + single;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const [key, type] = [tag >>> 3, (tag & 7) as WireType];
    if (tag === each) take(reader);
    else if (key !== number) skip(reader, type, key);
    else {
      if (type !== WireType.LengthDelimited) throw new Error(`wire type ${type} in field ${key}`);
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) take(packed);
    }
  }
  return found;
}

/** Reads one entry. Integers are stored modulo the width of the array, as protocol buffers do. */
function nextOf(field: TypedField, big: boolean): (reader: BinaryReader) => number & bigint {
  const read: Readonly<Record<TypedField, (reader: BinaryReader) => number | bigint>> = {
    float: (reader) => reader.float(),
    double: (reader) => reader.double(),
    int32: (reader) => reader.int32(),
    int64: (reader) => BigInt(reader.int64()),
    uint64: (reader) => (big ? BigInt(reader.uint64()) : Number(reader.uint64())),
  };
  // What an array takes is known where it is made, not here.
  return read[field] as (reader: BinaryReader) => number & bigint;
}

function tooFew({ name, dims, bytes }: OnnxTensor, type: ElementType, needed: number, found?: number): never {
  const has = found === undefined ? `no more than ${bytes.length} bytes` : `${found}`;
  return wrong(
    name,
    `of shape [${dims.join(", ")}] needs ${needed} entries of ${type.name} in its ${type.field} data, but has ${has}`,
  );
}

function unsupported({ name, elementType }: OnnxTensor): never {
  return fail({
    code: "E4102",
    message: `the tensor "${name}" is of ${elementTypeName(elementType)}, which is not computed with`,
    fix: "export the model without it",
  });
}

function wrong(name: string, what: string): never {
  return fail({
    code: "E3102",
    message: `the tensor "${name}" ${what}`,
    fix: "export the model again; its sizes and its data disagree",
  });
}
