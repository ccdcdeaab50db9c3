/**
 * Elements of a TensorProto that lie in a typed field (float_data, int32_data, ...): in packed lists, one by
 * one, or both mixed. Whatever is not read is skipped without being looked at.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { ElementArray, TypedField } from "./element-types.ts";
import { skip } from "./wire.ts";

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

const RAW = 9;

/** Whether so many entries can lie in so many bytes. */
export const canHold = (bytes: Uint8Array, field: TypedField, entries: number): boolean =>
  entries <= bytes.length / fieldForms[field].least;

/** Where the bytes of the elements lie as they are in memory, if they do. */
export interface Payloads {
  readonly raw: Uint8Array | undefined;
  /** A typed field of floats that is one packed list and nothing else. */
  readonly packed: Uint8Array | undefined;
}

/** One look over a message; throws the wire reader's own errors. */
export function payloadsIn(bytes: Uint8Array, field: TypedField): Payloads {
  const { number, single } = fieldForms[field];
  let raw: Uint8Array | undefined;
  let packed: Uint8Array | undefined;
  let lists = 0;
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const [key, type] = [tag >>> 3, (tag & 7) as WireType];
    if (key === number) lists++;
    if (key === RAW && type === WireType.LengthDelimited) raw = reader.bytes();
    else if (key === number && type === WireType.LengthDelimited) packed = reader.bytes();
    else skip(reader, type, key);
  }
  return { raw, packed: lists === 1 && single !== WireType.Varint ? packed : undefined };
}

/** Fills `into` and returns how many there were. */
export function readField(bytes: Uint8Array, field: TypedField, into: ElementArray): number {
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
