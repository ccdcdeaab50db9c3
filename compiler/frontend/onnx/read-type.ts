/** Types of values in an ONNX file: ValueInfoProto, TypeProto and TensorShapeProto. */
import type { OnnxDim, OnnxType, ValueInfo } from "./model.ts";
import { deepen, type Field, type Fields, fill, type Read } from "./wire.ts";

interface Draft<T> {
  is: T;
}

const infoFields: Fields<{ name: string; type: OnnxType }> = {
  1: (info, field) => {
    info.name = field.text();
  },
  2: (info, field) => {
    info.type = field.message(readType);
  },
};

export const readValueInfo: Read<ValueInfo> = (field) =>
  fill({ name: "", type: { kind: "unknown" } }, infoFields, field);

const other =
  (kind: Exclude<OnnxType["kind"], "tensor">) =>
  (type: Draft<OnnxType>, field: Field): void => {
    field.bytes();
    type.is = { kind };
  };

const typeFields: Fields<Draft<OnnxType>> = {
  1: (type, field) => {
    type.is = { kind: "tensor", ...field.message(readTensorType) };
  },
  4: other("sequence"),
  5: other("map"),
  7: other("opaque"),
  8: other("sparse tensor"),
  9: other("optional"),
};

const readType: Read<OnnxType> = (field) =>
  fill<Draft<OnnxType>>({ is: { kind: "unknown" } }, typeFields, field).is;

interface TensorType {
  elementType: number;
  shape: readonly OnnxDim[] | undefined;
}

const tensorTypeFields: Fields<TensorType> = {
  1: (type, field) => {
    type.elementType = field.number();
  },
  2: (type, field) => {
    type.shape = field.message(readShape);
  },
};

const readTensorType: Read<TensorType> = (field) =>
  fill<TensorType>({ elementType: 0, shape: undefined }, tensorTypeFields, field);

const shapeFields: Fields<OnnxDim[]> = {
  1: (dims, field) => deepen(dims, field.message(readDim)),
};

const readShape: Read<readonly OnnxDim[]> = (field) => fill<OnnxDim[]>([], shapeFields, field);

const dimFields: Fields<Draft<OnnxDim>> = {
  1: (dim, field) => {
    dim.is = field.int();
  },
  2: (dim, field) => {
    dim.is = field.text() || undefined;
  },
};

const readDim: Read<OnnxDim> = (field) => fill<Draft<OnnxDim>>({ is: undefined }, dimFields, field).is;
