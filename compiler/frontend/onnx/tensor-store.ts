/**
 * The tensors of one file as tensors of the compiler, each decoded once. Where the file aligns them they
 * share its bytes.
 */
import type { Tensor } from "../../../runtime/tensor.ts";
import { fail } from "../../diagnostics/index.ts";
import { dtypeOfElement, elementTypeName } from "./element-types.ts";
import type { OnnxSparseTensor, OnnxTensor } from "./model.ts";
import { type DecodedTensor, decodeSparse, decodeTensor, type ExternalData } from "./tensor.ts";

export class TensorStore {
  readonly #external: ExternalData;
  readonly #decoded = new Map<OnnxTensor | OnnxSparseTensor, Tensor>();

  constructor(external: ExternalData) {
    this.#external = external;
  }

  /** Throws E4102 for an element type without a dtype, and what decoding throws. */
  of(source: OnnxTensor | OnnxSparseTensor): Tensor {
    let tensor = this.#decoded.get(source);
    if (!tensor) {
      const isSparse = "values" in source;
      const type = isSparse ? source.values.elementType : source.elementType;
      const dtype = dtypeOfElement(type);
      if (dtype === undefined)
        return fail({
          code: "E4102",
          message: `the tensor "${source.name}" is of ${elementTypeName(type)}, which is not computed with`,
          fix: "export the model without it",
        });
      const decoded = isSparse ? decodeSparse(source, this.#external) : decodeTensor(source, this.#external);
      tensor = { dtype, shape: decoded.shape, data: dtype === "bool" ? booleans(decoded) : numbers(decoded) };
      this.#decoded.set(source, tensor);
    }
    return tensor;
  }
}

/** The runtime stores every dtype it has in the array that decoding gives. */
const numbers = ({ data }: DecodedTensor) => data as Tensor["data"];

/** Any byte but 0 is true. */
function booleans({ data }: DecodedTensor): Uint8Array {
  const bytes = data as Uint8Array;
  return bytes.every((x) => x <= 1) ? bytes : bytes.map((x) => Number(x !== 0));
}
