/**
 * The tensors of one file as tensors of the compiler. Each is looked at once: its type is known and its bytes
 * are found to be there. Its elements are a view of the file where they are aligned in it; elsewhere those of
 * a large one are copied for whoever asks and not held, because a file holds them already.
 */
import type { DType } from "../../../runtime/dtype.ts";
import type { Tensor } from "../../../runtime/tensor.ts";
import { fail } from "../../diagnostics/index.ts";
import { dtypeOfElement, type ElementArray, elementTypeName } from "./element-types.ts";
import type { OnnxSparseTensor, OnnxTensor } from "./model.ts";
import { decodeSparse, type ExternalData, locateTensor } from "./tensor.ts";

/** Up to this many elements are decoded once and held. */
const FEW = 4096;

export class StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly length: number;
  readonly #decode: () => ElementArray;
  readonly #raw: (() => Uint8Array) | undefined;
  #held: Tensor | undefined;

  constructor(dtype: DType, shape: readonly number[], decode: () => ElementArray, raw?: () => Uint8Array) {
    this.dtype = dtype;
    this.shape = shape;
    this.length = shape.reduce((product, n) => product * n, 1);
    this.#decode = decode;
    this.#raw = raw;
  }

  /** Take it once and read from that: a large one may be a copy made now. */
  tensor(): Tensor {
    if (this.#held) return this.#held;
    const { dtype, shape } = this;
    const decoded = this.#decode();
    // The runtime stores every dtype it has in the array that decoding gives.
    const data = dtype === "bool" ? booleans(decoded as Uint8Array) : (decoded as Tensor["data"]);
    const tensor = { dtype, shape, data };
    if (this.length <= FEW) this.#held = tensor;
    return tensor;
  }

  /** Its elements as little-endian bytes, at any address; of a file in memory that is a view. */
  bytes(): Uint8Array {
    if (this.#raw) return this.#raw();
    const { buffer, byteOffset, byteLength } = this.tensor().data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
}

export class TensorStore {
  readonly #external: ExternalData;
  readonly #known = new Map<OnnxTensor | OnnxSparseTensor, StoredTensor>();

  constructor(external: ExternalData) {
    this.#external = external;
  }

  /** Throws E4102 for an element type without a dtype, and what finding its elements throws. */
  of(source: OnnxTensor | OnnxSparseTensor): StoredTensor {
    const known = this.#known.get(source) ?? this.#find(source);
    this.#known.set(source, known);
    return known;
  }

  #find(source: OnnxTensor | OnnxSparseTensor): StoredTensor {
    const isSparse = "values" in source;
    const type = isSparse ? source.values.elementType : source.elementType;
    const dtype = dtypeOfElement(type);
    if (dtype === undefined)
      return fail({
        code: "E4102",
        message: `the tensor "${source.name}" is of ${elementTypeName(type)}, which is not computed with`,
        fix: "export the model without it",
      });
    if (isSparse) {
      const { shape, data } = decodeSparse(source, this.#external);
      return new StoredTensor(dtype, shape, () => data);
    }
    const { shape, decode, raw } = locateTensor(source, this.#external);
    return new StoredTensor(dtype, shape, decode, dtype === "bool" ? undefined : raw);
  }
}

/** Any byte but 0 is true. */
function booleans(bytes: Uint8Array): Uint8Array {
  return bytes.every((x) => x <= 1) ? bytes : bytes.map((x) => Number(x !== 0));
}
