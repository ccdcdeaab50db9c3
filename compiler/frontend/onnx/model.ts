/**
 * An ONNX file as plain data (onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Names are
 * those of ONNX in camelCase. Nothing is interpreted yet; integers are exact, and tensors hold views of the
 * file's bytes that are decoded when somebody asks (`tensor.ts`).
 */

/** A size: a number, a name, or nothing known. */
export type OnnxDim = bigint | string | undefined;

export type OnnxType =
  | { readonly kind: "tensor"; readonly elementType: number; readonly shape: readonly OnnxDim[] | undefined }
  | { readonly kind: "sequence" | "map" | "optional" | "sparse tensor" | "opaque" | "unknown" };

export interface ValueInfo {
  readonly name: string;
  readonly type: OnnxType;
}

/** Where the bytes of a tensor lie when not in the model's own file. */
export interface ExternalLocation {
  readonly location: string;
  /** In bytes; undefined: 0. */
  readonly offset: bigint | undefined;
  /** In bytes; undefined: what the shape needs. */
  readonly length: bigint | undefined;
}

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly bigint[];
  /** TensorProto.DataType. */
  readonly elementType: number;
  /** The TensorProto itself: its data are read from here. */
  readonly bytes: Uint8Array;
  readonly external: ExternalLocation | undefined;
}

export interface OnnxSparseTensor {
  /** That of `values`. */
  readonly name: string;
  readonly dims: readonly bigint[];
  readonly values: OnnxTensor;
  readonly indices: OnnxTensor;
}

export type OnnxAttributeValue =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "string"; readonly value: Uint8Array }
  | { readonly kind: "tensor"; readonly value: OnnxTensor }
  | { readonly kind: "graph"; readonly value: OnnxGraph }
  | { readonly kind: "sparse tensor"; readonly value: OnnxSparseTensor }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "ints"; readonly value: readonly bigint[] }
  | { readonly kind: "strings"; readonly value: readonly Uint8Array[] }
  | { readonly kind: "tensors"; readonly value: readonly OnnxTensor[] }
  | { readonly kind: "graphs"; readonly value: readonly OnnxGraph[] }
  | { readonly kind: "sparse tensors"; readonly value: readonly OnnxSparseTensor[] }
  /** Types, and attributes without a value. */
  | { readonly kind: "type" | "types" | "undefined"; readonly value: undefined };

export type OnnxAttribute = OnnxAttributeValue & {
  readonly name: string;
  /** In the body of a function: the function's attribute that gives the value. */
  readonly refersTo: string;
};

export interface OnnxNode {
  readonly name: string;
  readonly domain: string;
  readonly opType: string;
  readonly overload: string;
  /** "" where an optional one is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly OnnxAttribute[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly sparseInitializers: readonly OnnxSparseTensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfo: readonly ValueInfo[];
}

/** Version by domain; the default domain is "". */
export type Opsets = ReadonlyMap<string, number>;

export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes a node may give; those with a default are in `defaults`. */
  readonly attributes: readonly string[];
  readonly defaults: readonly OnnxAttribute[];
  readonly nodes: readonly OnnxNode[];
  readonly opsets: Opsets;
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  readonly opsets: Opsets;
  readonly graph: OnnxGraph;
  readonly functions: readonly OnnxFunction[];
}

/** The default domain has two spellings. */
export const domainOf = (domain: string): string => (domain === "ai.onnx" ? "" : domain);
