/**
 * Bytes to `OnnxModel`: one table of field numbers per message of onnx.proto, each entry one assignment.
 * Documentation, metadata and training information are skipped. What is read is what the file says; whether
 * it makes sense is checked afterwards.
 */
import { fail } from "../../diagnostics/index.ts";
import {
  domainOf,
  type ExternalLocation,
  type OnnxAttribute,
  type OnnxAttributeValue,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxSparseTensor,
  type OnnxTensor,
} from "./model.ts";
import { readValueInfo } from "./read-type.ts";
import { Field, type Fields, fill, type Read, reading, widen } from "./wire.ts";

/** A message while it is read: its fields may be set, its lists grow. */
type Draft<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Units of memory: see wire.ts. */
const OBJECT = 8;
/** A graph, a function or the version of a domain, of which there are few. */
const LARGE = 400;

/** Throws E3101 for what is no ONNX model, E5001 for one that would exhaust its reader. */
export function readModel(bytes: Uint8Array): OnnxModel {
  const { graph, ...rest } = reading("the ONNX file", () => {
    const draft: ModelDraft = {
      irVersion: 0,
      producer: "",
      opsets: new Map(),
      graph: undefined,
      functions: [],
    };
    return fill(draft, modelFields, new Field(bytes));
  });
  if (graph) return { ...rest, graph };
  return fail({
    code: "E3101",
    message: `the file of ${bytes.length} bytes holds no graph`,
    fix: "give a binary ONNX model (ModelProto), not a tensor, a text file or another format",
  });
}

/** A TensorProto that is a file of its own, `what`, as test vectors are. Throws as `readModel` does. */
export function readTensorFile(bytes: Uint8Array, what: string): OnnxTensor {
  return reading(what, () => readTensor(new Field(bytes)));
}

type ModelDraft = Omit<Draft<OnnxModel>, "graph" | "opsets"> & {
  readonly opsets: Map<string, number>;
  graph: OnnxGraph | undefined;
};

const modelFields: Fields<ModelDraft> = {
  1: (model, field) => {
    model.irVersion = field.number();
  },
  2: (model, field) => {
    model.producer = field.text();
  },
  7: (model, field) => {
    model.graph = field.message(readGraph, LARGE);
  },
  8: ({ opsets }, field) => opsetInto(opsets, field),
  25: ({ functions }, field) => {
    functions.push(field.message(readFunction, LARGE));
  },
};

interface OpsetDraft {
  domain: string;
  version: number;
}

const opsetFields: Fields<OpsetDraft> = {
  1: (opset, field) => {
    opset.domain = field.text();
  },
  2: (opset, field) => {
    opset.version = field.number();
  },
};

function opsetInto(opsets: Map<string, number>, field: Field): void {
  const read: Read<OpsetDraft> = (field) => fill({ domain: "", version: 0 }, opsetFields, field);
  const { domain, version } = field.message(read, LARGE);
  opsets.set(domainOf(domain), version);
}

type FunctionDraft = Omit<Draft<OnnxFunction>, "opsets"> & { readonly opsets: Map<string, number> };

const functionFields: Fields<FunctionDraft> = {
  1: (body, field) => {
    body.name = field.text();
  },
  4: ({ inputs }, field) => widen(inputs, field.text()),
  5: ({ outputs }, field) => widen(outputs, field.text()),
  6: ({ attributes }, field) => {
    attributes.push(field.text());
  },
  7: ({ nodes }, field) => {
    nodes.push(field.message(readNode, OBJECT));
  },
  9: ({ opsets }, field) => opsetInto(opsets, field),
  10: (body, field) => {
    body.domain = domainOf(field.text());
  },
  11: ({ defaults }, field) => {
    defaults.push(field.message(readAttribute, OBJECT));
  },
  13: (body, field) => {
    body.overload = field.text();
  },
};

const readFunction: Read<OnnxFunction> = (field) => {
  const names = { name: "", domain: "", overload: "" };
  const lists = { inputs: [], outputs: [], attributes: [], defaults: [], nodes: [] };
  return fill<FunctionDraft>({ ...names, ...lists, opsets: new Map() }, functionFields, field);
};

const graphFields: Fields<Draft<OnnxGraph>> = {
  1: ({ nodes }, field) => {
    nodes.push(field.message(readNode, OBJECT));
  },
  2: (graph, field) => {
    graph.name = field.text();
  },
  5: ({ initializers }, field) => {
    initializers.push(field.message(readTensor, OBJECT));
  },
  11: ({ inputs }, field) => widen(inputs, field.message(readValueInfo)),
  12: ({ outputs }, field) => widen(outputs, field.message(readValueInfo)),
  13: ({ valueInfo }, field) => {
    valueInfo.push(field.message(readValueInfo));
  },
  15: ({ sparseInitializers }, field) => {
    sparseInitializers.push(field.message(readSparseTensor, OBJECT));
  },
};

const readGraph: Read<OnnxGraph> = (field) => {
  const values = { inputs: [], outputs: [], valueInfo: [] };
  const tensors = { initializers: [], sparseInitializers: [] };
  return fill<Draft<OnnxGraph>>({ name: "", nodes: [], ...tensors, ...values }, graphFields, field);
};

const nodeFields: Fields<Draft<OnnxNode>> = {
  1: ({ inputs }, field) => widen(inputs, field.text()),
  2: ({ outputs }, field) => widen(outputs, field.text()),
  3: (node, field) => {
    node.name = field.text();
  },
  4: (node, field) => {
    node.opType = field.text();
  },
  5: ({ attributes }, field) => {
    attributes.push(field.message(readAttribute, OBJECT));
  },
  7: (node, field) => {
    node.domain = domainOf(field.text());
  },
  8: (node, field) => {
    node.overload = field.text();
  },
};

const readNode: Read<OnnxNode> = (field) => {
  field.node();
  const node = { name: "", domain: "", opType: "", overload: "", inputs: [], outputs: [], attributes: [] };
  return fill<Draft<OnnxNode>>(node, nodeFields, field);
};

/** An attribute has a field per type; the one that counts is named by `type`. */
interface AttributeDraft {
  name: string;
  refersTo: string;
  type: number;
  f?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: OnnxTensor;
  g?: OnnxGraph;
  st?: OnnxSparseTensor;
  readonly floats: number[];
  readonly ints: bigint[];
  readonly strings: Uint8Array[];
  readonly tensors: OnnxTensor[];
  readonly graphs: OnnxGraph[];
  readonly sparse: OnnxSparseTensor[];
}

const attributeFields: Fields<AttributeDraft> = {
  1: (attribute, field) => {
    attribute.name = field.text();
  },
  2: (attribute, field) => {
    attribute.f = field.float();
  },
  3: (attribute, field) => {
    attribute.i = field.int();
  },
  4: (attribute, field) => {
    attribute.s = field.bytes();
  },
  5: (attribute, field) => {
    attribute.t = field.message(readTensor, OBJECT);
  },
  6: (attribute, field) => {
    attribute.g = field.message(readGraph, LARGE);
  },
  7: ({ floats }, field) => field.floats(floats),
  8: ({ ints }, field) => field.ints(ints),
  9: ({ strings }, field) => {
    strings.push(field.counted());
  },
  10: ({ tensors }, field) => {
    tensors.push(field.message(readTensor, OBJECT));
  },
  11: ({ graphs }, field) => {
    graphs.push(field.message(readGraph, LARGE));
  },
  20: (attribute, field) => {
    attribute.type = field.number();
  },
  21: (attribute, field) => {
    attribute.refersTo = field.text();
  },
  22: (attribute, field) => {
    attribute.st = field.message(readSparseTensor, OBJECT);
  },
  23: ({ sparse }, field) => {
    sparse.push(field.message(readSparseTensor, OBJECT));
  },
};

const readAttribute: Read<OnnxAttribute> = (field) => {
  const lists = { floats: [], ints: [], strings: [], tensors: [], graphs: [], sparse: [] };
  const empty: AttributeDraft = { name: "", refersTo: "", type: 0, ...lists };
  const draft = fill(empty, attributeFields, field);
  return { name: draft.name, refersTo: draft.refersTo, ...attributeValue(draft) };
};

const none = { kind: "undefined", value: undefined } as const;

/** By AttributeProto.AttributeType. Zero and empty values may be left out of a message. */
const valueRows: Readonly<Record<number, (draft: AttributeDraft) => OnnxAttributeValue>> = {
  1: ({ f = 0 }) => ({ kind: "float", value: f }),
  2: ({ i = 0n }) => ({ kind: "int", value: i }),
  3: ({ s = new Uint8Array() }) => ({ kind: "string", value: s }),
  4: ({ t }) => (t ? { kind: "tensor", value: t } : none),
  5: ({ g }) => (g ? { kind: "graph", value: g } : none),
  6: ({ floats }) => ({ kind: "floats", value: floats }),
  7: ({ ints }) => ({ kind: "ints", value: ints }),
  8: ({ strings }) => ({ kind: "strings", value: strings }),
  9: ({ tensors }) => ({ kind: "tensors", value: tensors }),
  10: ({ graphs }) => ({ kind: "graphs", value: graphs }),
  11: ({ st }) => (st ? { kind: "sparse tensor", value: st } : none),
  12: ({ sparse }) => ({ kind: "sparse tensors", value: sparse }),
  13: () => ({ kind: "type", value: undefined }),
  14: () => ({ kind: "types", value: undefined }),
};

function attributeValue(draft: AttributeDraft): OnnxAttributeValue {
  return valueRows[draft.type]?.(draft) ?? untyped(draft) ?? none;
}

/** The first files of the format name no type: the one field that is there says it. */
function untyped(draft: AttributeDraft): OnnxAttributeValue | undefined {
  if (draft.f !== undefined) return { kind: "float", value: draft.f };
  if (draft.i !== undefined) return { kind: "int", value: draft.i };
  if (draft.s) return { kind: "string", value: draft.s };
  if (draft.t) return { kind: "tensor", value: draft.t };
  if (draft.g) return { kind: "graph", value: draft.g };
  if (draft.floats.length > 0) return { kind: "floats", value: draft.floats };
  if (draft.ints.length > 0) return { kind: "ints", value: draft.ints };
  return draft.strings.length > 0 ? { kind: "strings", value: draft.strings } : undefined;
}

interface TensorDraft {
  name: string;
  elementType: number;
  isExternal: boolean;
  readonly dims: bigint[];
  /** Few tensors have one, and there may be a million of them. */
  where?: Map<string, string>;
}

/** The data stay where they are. */
const tensorFields: Fields<TensorDraft> = {
  1: ({ dims }, field) => field.dims(dims),
  2: (tensor, field) => {
    tensor.elementType = field.number();
  },
  8: (tensor, field) => {
    tensor.name = field.text();
  },
  13: (tensor, field) => {
    const { key, value } = field.message(readEntry);
    tensor.where ??= new Map();
    tensor.where.set(key, value);
  },
  14: (tensor, field) => {
    tensor.isExternal = field.number() === 1;
  },
};

const readTensor: Read<OnnxTensor> = (field) => {
  const bytes = field.whole();
  const draft: TensorDraft = { name: "", elementType: 0, isExternal: false, dims: [] };
  const { name, elementType, dims, isExternal, where = new Map() } = fill(draft, tensorFields, field);
  return { name, elementType, dims, bytes, external: isExternal ? externalLocation(where) : undefined };
};

interface EntryDraft {
  key: string;
  value: string;
}

const entryFields: Fields<EntryDraft> = {
  1: (entry, field) => {
    entry.key = field.text();
  },
  2: (entry, field) => {
    entry.value = field.text();
  },
};

const readEntry: Read<EntryDraft> = (field) => fill({ key: "", value: "" }, entryFields, field);

/** Numbers are written as text; what is none is -1, which no file has room for. */
function externalLocation(where: ReadonlyMap<string, string>): ExternalLocation {
  const number = (key: string) => {
    const text = where.get(key);
    return text === undefined ? undefined : /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  };
  return { location: where.get("location") ?? "", offset: number("offset"), length: number("length") };
}

interface SparseDraft {
  readonly dims: bigint[];
  values?: OnnxTensor;
  indices?: OnnxTensor;
}

const sparseFields: Fields<SparseDraft> = {
  1: (sparse, field) => {
    sparse.values = field.message(readTensor, OBJECT);
  },
  2: (sparse, field) => {
    sparse.indices = field.message(readTensor, OBJECT);
  },
  3: ({ dims }, field) => field.dims(dims),
};

const readSparseTensor: Read<OnnxSparseTensor> = (field) => {
  const { dims, values, indices } = fill<SparseDraft>({ dims: [] }, sparseFields, field);
  if (values && indices) return { name: values.name, dims, values, indices };
  return fail({
    code: "E3101",
    message: `the sparse tensor "${values?.name ?? ""}" has no ${values ? "indices" : "values"}`,
    fix: "export the model again",
  });
};
