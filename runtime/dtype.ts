/**
 * Element types: one row per dtype, named as ONNX names them. Everything that depends on an element type (how
 * many bytes, which array holds it, what it can hold, whether arithmetic rounds) reads the row, so a new
 * dtype is one line here and one line in `DTypeArrays`.
 *
 * Where JavaScript has no array for a dtype, elements are stored as they are in NumPy's `ml_dtypes` and in
 * ONNX: float16 and bfloat16 as 16 bits, float8 and float4 as codes of a byte, 4-bit and 2-bit integers one
 * to a byte. `bool` is stored as bytes 0 and 1, as NumPy, ONNX and TensorFlow do.
 */
import { type FloatFormat, formats } from "./float-format.ts";

/** The array class that holds each dtype. */
export interface DTypeArrays {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly bool: Uint8Array;
  readonly int16: Int16Array;
  readonly uint16: Uint16Array;
  readonly uint32: Uint32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
  readonly float16: Uint16Array;
  readonly bfloat16: Uint16Array;
  readonly float8e4m3fn: Uint8Array;
  readonly float8e4m3fnuz: Uint8Array;
  readonly float8e5m2: Uint8Array;
  readonly float8e5m2fnuz: Uint8Array;
  readonly float8e8m0: Uint8Array;
  readonly float4e2m1: Uint8Array;
  readonly int4: Int8Array;
  readonly uint4: Uint8Array;
  readonly int2: Int8Array;
  readonly uint2: Uint8Array;
}

export type DType = keyof DTypeArrays;

export type TypedArray = DTypeArrays[DType];

/** Arrays of bigints, which hold 64-bit integers, and those of numbers. */
export type BigArray = BigInt64Array | BigUint64Array;
export type NumberArray = Exclude<TypedArray, BigArray>;

/** One element: a bigint of a 64-bit integer dtype, a number of any other. */
export type Scalar = number | bigint;

export interface DTypeRow<D extends DType = DType> {
  readonly array: { new (length: number): DTypeArrays[D]; readonly name: string };
  /** Bytes per element in memory. */
  readonly bytes: number;
  readonly kind: "float" | "integer" | "bool";
  /** What it can hold: the ends of an integer's range, infinities for a float. */
  readonly lowest: Scalar;
  readonly highest: Scalar;
  /** How a code makes a number, where elements are stored as codes. */
  readonly format?: FloatFormat;
  /** An integer of fewer bits than its array has: storing does not wrap by itself. */
  readonly packable?: true;
  /** Elements are bigints. */
  readonly big?: true;
}

function float<D extends DType>(
  array: DTypeRow<D>["array"],
  bytes: number,
  format?: FloatFormat,
): DTypeRow<D> {
  const [lowest, highest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return { array, bytes, kind: "float", lowest, highest, ...(format && { format }) };
}

function signed<D extends DType>(array: DTypeRow<D>["array"], bits: number): DTypeRow<D> {
  return integer(array, bits, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
}

function unsigned<D extends DType>(array: DTypeRow<D>["array"], bits: number): DTypeRow<D> {
  return integer(array, bits, 0, 2 ** bits - 1);
}

function integer<D extends DType>(
  array: DTypeRow<D>["array"],
  bits: number,
  lowest: number,
  highest: number,
): DTypeRow<D> {
  const row = { array, bytes: Math.max(1, bits / 8), kind: "integer", lowest, highest } as const;
  return bits < 8 ? { ...row, packable: true } : row;
}

function big<D extends DType>(array: DTypeRow<D>["array"], lowest: bigint, highest: bigint): DTypeRow<D> {
  return { array, bytes: 8, kind: "integer", lowest, highest, big: true };
}

/** Of dtypes with one array class the first is what the class stands for. */
export const dtypes: { readonly [D in DType]: DTypeRow<D> } = {
  float32: float(Float32Array, 4),
  float64: float(Float64Array, 8),
  int32: signed(Int32Array, 32),
  uint8: unsigned(Uint8Array, 8),
  int8: signed(Int8Array, 8),
  bool: { array: Uint8Array, bytes: 1, kind: "bool", lowest: 0, highest: 1 },
  int16: signed(Int16Array, 16),
  uint16: unsigned(Uint16Array, 16),
  uint32: unsigned(Uint32Array, 32),
  int64: big(BigInt64Array, -(2n ** 63n), 2n ** 63n - 1n),
  uint64: big(BigUint64Array, 0n, 2n ** 64n - 1n),
  float16: float(Uint16Array, 2, formats.float16),
  bfloat16: float(Uint16Array, 2, formats.bfloat16),
  float8e4m3fn: float(Uint8Array, 1, formats.float8e4m3fn),
  float8e4m3fnuz: float(Uint8Array, 1, formats.float8e4m3fnuz),
  float8e5m2: float(Uint8Array, 1, formats.float8e5m2),
  float8e5m2fnuz: float(Uint8Array, 1, formats.float8e5m2fnuz),
  float8e8m0: float(Uint8Array, 1, formats.float8e8m0),
  float4e2m1: float(Uint8Array, 1, formats.float4e2m1),
  int4: signed(Int8Array, 4),
  uint4: unsigned(Uint8Array, 4),
  int2: signed(Int8Array, 2),
  uint2: unsigned(Uint8Array, 2),
};

export function isDType(name: string): name is DType {
  return Object.hasOwn(dtypes, name);
}

/** A zero-filled array of `length` elements. */
export function allocate<D extends DType>(dtype: D, length: number): DTypeArrays[D] {
  return new dtypes[dtype].array(length);
}

/** Bits of one element. */
export function widthOf(dtype: DType): number {
  const { bytes, format, packable, lowest, highest } = dtypes[dtype];
  if (packable) return Math.log2(Number(highest) - Number(lowest) + 1);
  return format?.sign ? Math.log2(2 * format.sign) : 8 * bytes;
}

/** Bytes that `length` elements take. */
export function byteSize(dtype: DType, length: number): number {
  return dtypes[dtype].bytes * length;
}

/**
 * The dtype a typed array stands for. A Uint8Array is `uint8`; that it holds booleans or codes must be said
 * by the caller. Throws RangeError for an array class no dtype uses.
 */
export function dtypeOf(data: TypedArray): DType {
  for (const [dtype, row] of Object.entries(dtypes)) if (data instanceof row.array) return dtype as DType;
  throw new RangeError(`no dtype is stored in a ${Object.prototype.toString.call(data).slice(8, -1)}`);
}
