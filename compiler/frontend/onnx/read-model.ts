/**
 * Bytes to `OnnxModel`: one table of field numbers per message of onnx.proto. Documentation, metadata and
 * training information are skipped. What is read is what the file says; whether it makes sense is checked
 * afterwards.
 */
import { fail } from "../../diagnostics/index.ts";
import {
  domainOf,
  type ExternalLocation,
  type OnnxAttribute,
  type OnnxAttributeValue,
  type OnnxDim,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxSparseTensor,
  type OnnxTensor,
  type OnnxType,
  type Opsets,
  type ValueInfo,
} from "./model.ts";
import { Budget, type Field, type Fields, readFields, reading } from "./wire.ts";

type Read<T> = (bytes: Uint8Array, budget: Budget) => T;

/** Appends what a field holds to a list. */
const many =
  <T>(into: T[], read: Read<T>) =>
  (field: Field): void => {
    into.push(field.message(read));
  };
const texts = (into: string[]) => (field: Field) => {
  into.push(field.text());
};
const ints = (into: bigint[]) => (field: Field) => field.ints(into);

/** Throws E3101 for what is no ONNX model, E5001 for one that would exhaust its reader. */
export function readModel(bytes: Uint8Array): OnnxModel {
  return reading("the ONNX file", () => modelFrom(bytes));
}

function modelFrom(bytes: Uint8Array): OnnxModel {
  const budget = new Budget();
  const functions: OnnxFunction[] = [];
  const opsets = new Map<string, number>();
  let [irVersion, producer] = [0, ""];
  let graph: OnnxGraph | undefined;
  readFields(bytes, budget, {
    1: (field) => {
      irVersion = field.number();
    },
    2: (field) => {
      producer = field.text();
    },
    7: (field) => {
      graph = field.message(readGraph);
    },
    8: opsetsInto(opsets),
    25: many(functions, readFunction),
  });
  if (graph) return { irVersion, producer, opsets, graph, functions };
  return fail({
    code: "E3101",
    message: `the file of ${bytes.length} bytes holds no graph`,
    fix: "give a binary ONNX model (ModelProto), not a tensor, a text file or another format",
  });
}

const opsetsInto = (opsets: Map<string, number>) => (field: Field) =>
  field.message((bytes, budget) => {
    let [domain, version] = ["", 0];
    readFields(bytes, budget, {
      1: (each) => {
        domain = each.text();
      },
      2: (each) => {
        version = each.number();
      },
    });
    opsets.set(domainOf(domain), version);
  });

const readFunction: Read<OnnxFunction> = (bytes, budget) => {
  let [name, domain, overload] = ["", "", ""];
  const [inputs, outputs, attributes]: string[][] = [[], [], []];
  const defaults: OnnxAttribute[] = [];
  const nodes: OnnxNode[] = [];
  const opsets = new Map<string, number>();
  readFields(bytes, budget, {
    1: (field) => {
      name = field.text();
    },
    4: texts(inputs!),
    5: texts(outputs!),
    6: texts(attributes!),
    7: many(nodes, readNode),
    9: opsetsInto(opsets),
    10: (field) => {
      domain = domainOf(field.text());
    },
    11: many(defaults, readAttribute),
    13: (field) => {
      overload = field.text();
    },
  });
  const lists = { inputs: inputs!, outputs: outputs!, attributes: attributes! };
  return { name, domain, overload, ...lists, defaults, nodes, opsets: opsets as Opsets };
};

const readGraph: Read<OnnxGraph> = (bytes, budget) => {
  let name = "";
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const sparseInitializers: OnnxSparseTensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfo: ValueInfo[] = [];
  readFields(bytes, budget, {
    1: many(nodes, readNode),
    2: (field) => {
      name = field.text();
    },
    5: many(initializers, readTensor),
    11: many(inputs, readValueInfo),
    12: many(outputs, readValueInfo),
    13: many(valueInfo, readValueInfo),
    15: many(sparseInitializers, readSparseTensor),
  });
  return { name, nodes, initializers, sparseInitializers, inputs, outputs, valueInfo };
};

const readNode: Read<OnnxNode> = (bytes, budget) => {
  let [name, domain, opType, overload] = ["", "", "", ""];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: OnnxAttribute[] = [];
  readFields(bytes, budget, {
    1: texts(inputs),
    2: texts(outputs),
    3: (field) => {
      name = field.text();
    },
    4: (field) => {
      opType = field.text();
    },
    5: many(attributes, readAttribute),
    7: (field) => {
      domain = domainOf(field.text());
    },
    8: (field) => {
      overload = field.text();
    },
  });
  return { name, domain, opType, overload, inputs, outputs, attributes };
};

const readAttribute: Read<OnnxAttribute> = (bytes, budget) => {
  let [name, refersTo, type] = ["", "", 0];
  const seen: AttributeFields = { floats: [], ints: [], strings: [], tensors: [], graphs: [], sparse: [] };
  readFields(bytes, budget, {
    1: (field) => {
      name = field.text();
    },
    20: (field) => {
      type = field.number();
    },
    21: (field) => {
      refersTo = field.text();
    },
    ...valueFields(seen, budget),
  });
  return { name, refersTo, ...attributeValue(seen, type) };
};

/** An attribute has a field per type; the one that counts is named by `type`. */
interface AttributeFields {
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

const valueFields = (seen: AttributeFields, budget: Budget): Fields => ({
  2: (field) => {
    seen.f = field.float();
  },
  3: (field) => {
    seen.i = field.int();
  },
  4: (field) => {
    seen.s = field.bytes();
  },
  5: (field) => {
    seen.t = field.message(readTensor);
  },
  6: (field) => {
    seen.g = field.message(readGraph);
  },
  7: (field) => field.floats(seen.floats),
  8: ints(seen.ints),
  9: (field) => {
    budget.message();
    seen.strings.push(field.bytes());
  },
  10: many(seen.tensors, readTensor),
  11: many(seen.graphs, readGraph),
  22: (field) => {
    seen.st = field.message(readSparseTensor);
  },
  23: many(seen.sparse, readSparseTensor),
});

/** Zero and empty values may be left out of a message, so each type has its own default. */
function attributeValue(seen: AttributeFields, type: number): OnnxAttributeValue {
  const none = { kind: "undefined", value: undefined } as const;
  const rows: Readonly<Record<number, () => OnnxAttributeValue>> = {
    1: () => ({ kind: "float", value: seen.f ?? 0 }),
    2: () => ({ kind: "int", value: seen.i ?? 0n }),
    3: () => ({ kind: "string", value: seen.s ?? new Uint8Array() }),
    4: () => (seen.t ? { kind: "tensor", value: seen.t } : none),
    5: () => (seen.g ? { kind: "graph", value: seen.g } : none),
    6: () => ({ kind: "floats", value: seen.floats }),
    7: () => ({ kind: "ints", value: seen.ints }),
    8: () => ({ kind: "strings", value: seen.strings }),
    9: () => ({ kind: "tensors", value: seen.tensors }),
    10: () => ({ kind: "graphs", value: seen.graphs }),
    11: () => (seen.st ? { kind: "sparse tensor", value: seen.st } : none),
    12: () => ({ kind: "sparse tensors", value: seen.sparse }),
    13: () => ({ kind: "type", value: undefined }),
    14: () => ({ kind: "types", value: undefined }),
  };
  return rows[type]?.() ?? untyped(seen) ?? none;
}

/** The first files of the format name no type: the one field that is there says it. */
function untyped(seen: AttributeFields): OnnxAttributeValue | undefined {
  if (seen.f !== undefined) return { kind: "float", value: seen.f };
  if (seen.i !== undefined) return { kind: "int", value: seen.i };
  if (seen.s) return { kind: "string", value: seen.s };
  if (seen.t) return { kind: "tensor", value: seen.t };
  if (seen.g) return { kind: "graph", value: seen.g };
  if (seen.floats.length > 0) return { kind: "floats", value: seen.floats };
  if (seen.ints.length > 0) return { kind: "ints", value: seen.ints };
  return seen.strings.length > 0 ? { kind: "strings", value: seen.strings } : undefined;
}

/** A TensorProto without its data, which stay where they are. */
export const readTensor: Read<OnnxTensor> = (bytes, budget) => {
  let [name, elementType, isExternal] = ["", 0, false];
  const dims: bigint[] = [];
  const where = new Map<string, string>();
  readFields(bytes, budget, {
    1: ints(dims),
    2: (field) => {
      elementType = field.number();
    },
    8: (field) => {
      name = field.text();
    },
    13: (field) => {
      const [key, value] = field.message(readEntry);
      where.set(key, value);
    },
    14: (field) => {
      isExternal = field.number() === 1;
    },
  });
  return { name, dims, elementType, bytes, external: isExternal ? externalLocation(where) : undefined };
};

const readEntry: Read<readonly [string, string]> = (bytes, budget) => {
  let [key, value] = ["", ""];
  readFields(bytes, budget, {
    1: (field) => {
      key = field.text();
    },
    2: (field) => {
      value = field.text();
    },
  });
  return [key, value];
};

/** Numbers are written as text; what is none is -1, which no file has room for. */
function externalLocation(where: ReadonlyMap<string, string>): ExternalLocation {
  const number = (key: string) => {
    const text = where.get(key);
    return text === undefined ? undefined : /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  };
  return { location: where.get("location") ?? "", offset: number("offset"), length: number("length") };
}

const readSparseTensor: Read<OnnxSparseTensor> = (bytes, budget) => {
  const dims: bigint[] = [];
  let values: OnnxTensor | undefined;
  let indices: OnnxTensor | undefined;
  readFields(bytes, budget, {
    1: (field) => {
      values = field.message(readTensor);
    },
    2: (field) => {
      indices = field.message(readTensor);
    },
    3: ints(dims),
  });
  if (values && indices) return { name: values.name, dims, values, indices };
  return fail({
    code: "E3101",
    message: `the sparse tensor "${values?.name ?? ""}" has no ${values ? "indices" : "values"}`,
    fix: "export the model again",
  });
};

const readValueInfo: Read<ValueInfo> = (bytes, budget) => {
  let name = "";
  let type: OnnxType = { kind: "unknown" };
  readFields(bytes, budget, {
    1: (field) => {
      name = field.text();
    },
    2: (field) => {
      type = field.message(readType);
    },
  });
  return { name, type };
};

const readType: Read<OnnxType> = (bytes, budget) => {
  let type: OnnxType = { kind: "unknown" };
  const kind = (name: Exclude<OnnxType["kind"], "tensor">) => (field: Field) => {
    field.bytes();
    type = { kind: name };
  };
  readFields(bytes, budget, {
    1: (field) => {
      type = field.message(readTensorType);
    },
    4: kind("sequence"),
    5: kind("map"),
    7: kind("opaque"),
    8: kind("sparse tensor"),
    9: kind("optional"),
  });
  return type;
};

const readTensorType: Read<OnnxType> = (bytes, budget) => {
  let elementType = 0;
  let shape: readonly OnnxDim[] | undefined;
  readFields(bytes, budget, {
    1: (field) => {
      elementType = field.number();
    },
    2: (field) => {
      shape = field.message(readShape);
    },
  });
  return { kind: "tensor", elementType, shape };
};

const readShape: Read<readonly OnnxDim[]> = (bytes, budget) => {
  const dims: OnnxDim[] = [];
  readFields(bytes, budget, { 1: many(dims, readDim) });
  return dims;
};

const readDim: Read<OnnxDim> = (bytes, budget) => {
  let dim: OnnxDim;
  readFields(bytes, budget, {
    1: (field) => {
      dim = field.int();
    },
    2: (field) => {
      dim = field.text();
    },
  });
  return dim === "" ? undefined : dim;
};
