/**
 * The elements of a TensorProto, decoded when they are asked for: raw bytes (shared with the file where their
 * place allows), typed fields, and bytes of another file. Sizes are checked against the bytes there are
 * before anything is allocated, so a tensor that lies about its shape costs nothing.
 */
import { fail } from "../../diagnostics/index.ts";
import { type ElementArray, type ElementType, elementTypeName, elementTypes } from "./element-types.ts";
import type { OnnxSparseTensor, OnnxTensor } from "./model.ts";
import { canHold, payloadsIn, readField } from "./tensor-fields.ts";
import { reading } from "./wire.ts";

export interface DecodedTensor {
  /** A name of `elementTypes`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row-major; the small floats as codes, complex numbers interleaved. */
  readonly data: ElementArray;
}

/** A file of which parts can be read: what is not asked for takes no memory. */
export interface FileParts {
  readonly length: number;
  /** A copy of `length` bytes from `offset` on; both were checked to lie in the file. */
  read(offset: number, length: number): Uint8Array;
}

/** The files that tensors may lie in, by the name the model gives them. */
export type ExternalData = ReadonlyMap<string, Uint8Array | FileParts>;

const none: ExternalData = new Map();

/** Elements a sparse tensor may have in all: those not listed cost the file nothing. */
const SPARSE_ELEMENTS = 1 << 24;

/** Where the elements of a tensor are; sizes and bytes were found to agree. */
export interface LocatedTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Little-endian, at any address; undefined where that is not what the file holds. */
  readonly raw: (() => Uint8Array) | undefined;
  /** The elements: a view of the file where they are aligned in it, else a copy made at each call. */
  decode(): ElementArray;
}

/**
 * Throws E3102 where sizes and bytes disagree, E3101 for damaged fields, E4102 for element types without a
 * form here, E5002 for external data that is not given or too short.
 */
export function locateTensor(tensor: OnnxTensor, external: ExternalData = none): LocatedTensor {
  const type = elementTypes.get(tensor.elementType);
  if (!type) return unsupported(tensor);
  const shape = shapeOf(tensor);
  const count = countOf(tensor) * (type.parts ?? 1);
  const bytes = Math.ceil((count * bitsOf(type)) / 8);
  const found = tensor.external ? externalBytes(tensor, bytes, external) : ownBytes(tensor, type, bytes);
  if (!found) {
    const data = fromField(tensor, type, count);
    return { type, shape, raw: undefined, decode: () => data };
  }
  if (found.length !== bytes)
    wrong(
      tensor.name,
      `of shape [${tensor.dims.join(", ")}] needs ${bytes} bytes of ${type.name}, but has ${found.length}`,
    );
  const { raw } = found;
  if (bitsOf(type) < 8) return { type, shape, raw: undefined, decode: () => unpacked(type, count, raw()) };
  return { type, shape, raw, decode: () => whole(type, count, raw()) };
}

const bitsOf = ({ bits, parts = 1 }: ElementType): number => bits / parts;

/** Throws as `locateTensor` does. */
export function decodeTensor(tensor: OnnxTensor, external: ExternalData = none): DecodedTensor {
  const { type, shape, decode } = locateTensor(tensor, external);
  return { dtype: type.name, shape, data: decode() };
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

/** Bytes that are the elements as they are in memory; their number before they are read. */
interface Payload {
  readonly length: number;
  readonly raw: () => Uint8Array;
}

const payload = (bytes: Uint8Array): Payload => ({ length: bytes.length, raw: () => bytes });

/** Raw data count before a typed field; a field of another length is told of as a field. */
function ownBytes({ name, bytes }: OnnxTensor, type: ElementType, needed: number): Payload | undefined {
  const { raw, packed } = reading(`the tensor "${name}"`, () => payloadsIn(bytes, type.field));
  if (raw) return payload(raw);
  return packed?.length === needed ? payload(packed) : undefined;
}

function externalBytes(tensor: OnnxTensor, needed: number, files: ExternalData): Payload {
  const { location, offset = 0n, length = BigInt(needed) } = tensor.external!;
  const file = files.get(location);
  if (!file)
    return fail({
      code: "E5002",
      message: `the tensor "${tensor.name}" lies in the file "${location}", which was not given`,
      fix: "pass its bytes as externalData, under that name",
    });
  if (offset < 0n || length < 0n || offset + length > BigInt(file.length))
    return fail({
      code: "E5002",
      message: `the tensor "${tensor.name}" has ${length} bytes from ${offset} on in "${location}", which has ${file.length}`,
      fix: "use the data file that belongs to this model",
    });
  const [start, size] = [Number(offset), Number(length)];
  const isWhole = file instanceof Uint8Array;
  return {
    length: size,
    raw: () => (isWhole ? file.subarray(start, start + size) : file.read(start, size)),
  };
}

/** A view of the file where the elements are aligned in it, else a copy. */
function whole(type: ElementType, count: number, raw: Uint8Array): ElementArray {
  const aligned = raw.byteOffset % type.array.BYTES_PER_ELEMENT === 0;
  // Not raw.slice(), which on a Buffer of Node is a view.
  const { buffer, byteOffset } = aligned ? raw : new Uint8Array(raw);
  return new type.array(buffer, byteOffset, count);
}

/** Elements of less than a byte: the first one in the lowest bits. */
function unpacked({ bits, array, signed }: ElementType, count: number, packed: ArrayLike<number>) {
  const data = new array(count) as Int8Array | Uint8Array;
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const half = signed ? 1 << (bits - 1) : 256;
  for (let i = 0; i < count; i++) {
    const code = (packed[Math.floor(i / perByte)]! >> (bits * (i % perByte))) & mask;
    data[i] = code >= half ? code - (mask + 1) : code;
  }
  return data;
}

function fromField(tensor: OnnxTensor, type: ElementType, count: number): ElementArray {
  const packing = Math.max(1, 8 / type.bits);
  const entries = Math.ceil(count / packing);
  if (!canHold(tensor.bytes, type.field, entries)) return tooFew(tensor, type, entries);
  const held = packing > 1 ? new Uint8Array(entries) : new type.array(entries);
  const found = reading(`the tensor "${tensor.name}"`, () => readField(tensor.bytes, type.field, held));
  if (found !== entries) return tooFew(tensor, type, entries, found);
  return packing > 1 ? unpacked(type, count, held as Uint8Array) : held;
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
