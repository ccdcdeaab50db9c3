/**
 * Element types: one row per dtype. Everything that depends on an element type (how many bytes, which array
 * holds it, whether arithmetic rounds) reads the row, so a new dtype is one line here and one line in
 * `DTypeArrays`. `bool` is stored as bytes 0 and 1, as NumPy, ONNX and TensorFlow do.
 */

/** The array class that holds each dtype. */
export interface DTypeArrays {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly bool: Uint8Array;
}

export type DType = "float32" | "float64" | "int32" | "uint8" | "int8" | "bool";

export type TypedArray = DTypeArrays[DType];

export interface DTypeRow<D extends DType = DType> {
  readonly array: { new (length: number): DTypeArrays[D]; readonly name: string };
  /** Bytes per element. */
  readonly bytes: number;
  readonly kind: "float" | "integer" | "bool";
}

export const dtypes: { readonly [D in DType]: DTypeRow<D> } = {
  float32: { array: Float32Array, bytes: 4, kind: "float" },
  float64: { array: Float64Array, bytes: 8, kind: "float" },
  int32: { array: Int32Array, bytes: 4, kind: "integer" },
  uint8: { array: Uint8Array, bytes: 1, kind: "integer" },
  int8: { array: Int8Array, bytes: 1, kind: "integer" },
  bool: { array: Uint8Array, bytes: 1, kind: "bool" },
};

/** A zero-filled array of `length` elements. */
export function allocate<D extends DType>(dtype: D, length: number): DTypeArrays[D] {
  return new dtypes[dtype].array(length);
}

/** Bytes that `length` elements take. */
export function byteSize(dtype: DType, length: number): number {
  return dtypes[dtype].bytes * length;
}

/**
 * The dtype a typed array stands for. A Uint8Array is `uint8`; that it holds booleans must be said by the
 * caller. Throws RangeError for an array class no dtype uses.
 */
export function dtypeOf(data: TypedArray): DType {
  for (const [dtype, row] of Object.entries(dtypes)) if (data instanceof row.array) return dtype as DType;
  throw new RangeError(`no dtype is stored in a ${Object.prototype.toString.call(data).slice(8, -1)}`);
}
