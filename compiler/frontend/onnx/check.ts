/**
 * What is wrong with a file, all of it at once and before anything is built: names that nothing gives, names
 * given twice, nodes that go round in circles, tensors whose size is not what they say, functions that call
 * themselves; and what is right but not supported: operators, attributes, element types. Equal complaints
 * about several nodes become one with the nodes' names.
 */
import { type Code, CompileError, type Diagnostic, DiagnosticBag } from "../../diagnostics/index.ts";
import { readAttributes } from "./attributes.ts";
import { dtypeOfElement, elementTypeName } from "./element-types.ts";
import { Functions } from "./functions.ts";
import type {
  OnnxAttribute,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxSparseTensor,
  OnnxTensor,
  Opsets,
  ValueInfo,
} from "./model.ts";
import { nodePaths } from "./names.ts";
import { operandCounts } from "./operand-counts.ts";
import { keyOf, type Operator, rowFor } from "./operator.ts";
import { givenNames, inOrder, readNames, subgraphs } from "./order.ts";
import type { TensorStore } from "./tensor-store.ts";

/** The newest version of ONNX's own operators that is known here. */
const NEWEST_OPSET = 28;
/** Names shown of a long list. */
const SHOWN = 6;
/** Different complaints that are told in full: whoever made a file with more of them does not read on. */
const TOLD = 100;

export type Registry = ReadonlyMap<string, Operator>;

/** Throws CompileError with everything: E3101 to E3103, E4101 to E4103, E5001, E5002. */
export function checkModel(model: OnnxModel, registry: Registry, tensors: TensorStore): void {
  new Checker(model, registry, tensors).run();
}

/** Where a node stands: the versions that count there, and the attributes of the function around it. */
interface Place {
  readonly opsets: Opsets;
  readonly path: string;
  /** In a function: attributes that refer to its own have any value. */
  readonly inFunction: boolean;
}

/** Whether a name is given where a graph stands. */
type Visible = (name: string) => boolean;

class Checker {
  readonly #model: OnnxModel;
  readonly #registry: Registry;
  readonly #tensors: TensorStore;
  readonly #functions: Functions;
  readonly #bag = new DiagnosticBag();
  readonly #grouped = new Map<string, { readonly about: Complaint; readonly subjects: string[] }>();
  /** What came after as many different complaints as are told. */
  #untold: { readonly code: Code; readonly count: number } | undefined;
  readonly #visited = new Set<string>();

  constructor(model: OnnxModel, registry: Registry, tensors: TensorStore) {
    this.#model = model;
    this.#registry = registry;
    this.#tensors = tensors;
    this.#functions = new Functions(model);
  }

  run(): void {
    const { graph, opsets } = this.#model;
    const version = opsets.get("") ?? 0;
    if (version > NEWEST_OPSET)
      this.#complain(
        {
          code: "E4101",
          text: (names) => `opset ${version} is newer than ${NEWEST_OPSET}, the newest one known (${names})`,
          fix: `export with opset ${NEWEST_OPSET} or older`,
        },
        "the model",
      );
    for (const problem of this.#functions.problems()) this.#bag.add(problem);
    this.#graph(graph, () => false, { opsets, path: "", inFunction: false });
    this.#tell();
    this.#bag.throwIfAny();
  }

  #tell(): void {
    for (const { about, subjects } of this.#grouped.values())
      this.#bag.add({
        code: about.code,
        message: about.text(listed(subjects), subjects.length),
        fix: about.fix,
      });
    if (this.#untold)
      this.#bag.add({
        code: this.#untold.code,
        message: `${this.#untold.count} complaints more, about other names`,
        fix: "begin with those above",
      });
  }

  #graph(graph: OnnxGraph, outside: Visible, place: Place): void {
    this.#values(graph);
    const own = new Set(givenNames(graph));
    this.#duplicates(graph);
    for (const { outputs } of graph.nodes) for (const name of outputs) if (name !== "") own.add(name);
    const visible = (name: string) => own.has(name) || outside(name);
    this.#nodes(graph.nodes, visible, place);
    for (const { name } of graph.outputs)
      if (!visible(name)) this.#missing(name, `the output of ${place.path || "the model"}`);
  }

  #nodes(nodes: readonly OnnxNode[], visible: Visible, place: Place): void {
    const paths = nodePaths(nodes);
    const pathOf = (node: OnnxNode) => (place.path === "" ? "" : `${place.path}.`) + paths.get(node)!;
    for (const node of nodes) {
      for (const name of new Set(readNames(node))) if (!visible(name)) this.#missing(name, pathOf(node));
      this.#operator(node, pathOf(node), place);
      for (const inner of subgraphs(node)) this.#graph(inner, visible, { ...place, path: pathOf(node) });
    }
    const { stuck } = inOrder(nodes);
    if (stuck.length > 0) this.#bag.add(cycle(stuck, pathOf));
  }

  /** Inputs, outputs and tensors of a graph: their types and sizes. */
  #values({ inputs, outputs, initializers, sparseInitializers }: OnnxGraph): void {
    for (const info of [...inputs, ...outputs]) this.#type(info);
    for (const tensor of [...initializers, ...sparseInitializers]) this.#tensor(tensor, tensor.name);
  }

  #type({ name, type }: ValueInfo): void {
    if (type.kind === "unknown") return;
    if (type.kind !== "tensor") {
      this.#noType(`a ${type.kind}`, name);
      return;
    }
    const { elementType, shape } = type;
    if (elementType !== 0 && dtypeOfElement(elementType) === undefined)
      this.#noType(elementTypeName(elementType), name);
    const large = shape?.find((d) => typeof d === "bigint" && d > BigInt(2 ** 31));
    if (large !== undefined)
      this.#bag.add({
        code: "E3102",
        message: `"${name}" has a dim of ${large}, but no array has more than 2^31 elements`,
        fix: "export the model again, with sizes of real data",
      });
  }

  #noType(type: string, name: string): void {
    const text = (names: string) => `${type} is not supported: ${names}`;
    this.#complain({ code: "E4102", text, fix: "export the model with tensors of numbers" }, `"${name}"`);
  }

  #tensor(tensor: OnnxTensor | OnnxSparseTensor, owner: string): void {
    const type = "values" in tensor ? tensor.values.elementType : tensor.elementType;
    if (dtypeOfElement(type) === undefined) this.#noType(elementTypeName(type), owner);
    else this.#collect(() => this.#tensors.of(tensor));
  }

  #collect(body: () => unknown): void {
    try {
      body();
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      for (const diagnostic of error.diagnostics) this.#bag.add(diagnostic);
    }
  }

  /** A name may be an input and its default, and nothing else twice. */
  #duplicates({ inputs, initializers, sparseInitializers, nodes }: OnnxGraph): void {
    const made = nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""));
    const lists: readonly (readonly string[])[] = [
      [...inputs.map(({ name }) => name), ...made],
      [...initializers, ...sparseInitializers].map(({ name }) => name).concat(made),
    ];
    const twice = new Set<string>();
    for (const list of lists) {
      const seen = new Set<string>();
      for (const name of list) {
        if (seen.has(name)) twice.add(name);
        seen.add(name);
      }
    }
    for (const name of twice)
      this.#complain(
        {
          code: "E3102",
          text: (names) => `names are given twice: ${names}`,
          fix: "give each input, tensor and result of a graph its own name",
        },
        `"${name}"`,
      );
  }

  #missing(name: string, reader: string): void {
    this.#complain(
      {
        code: "E3102",
        text: (names) => `nothing gives "${name}", which is read by ${names}`,
        fix: "export the model again; it is not whole",
      },
      reader,
    );
  }

  #operator(node: OnnxNode, path: string, place: Place): void {
    const { domain, opType } = node;
    const version = place.opsets.get(domain);
    const operator = this.#registry.get(keyOf(domain, opType));
    const row = operator && rowFor(operator, version ?? 1);
    const called = row ? undefined : this.#functions.of(node);
    if (row) {
      this.#attributes(node, row.attributes, path, version, place);
      this.#operands(node, path);
    } else if (called) this.#function(called.key, path);
    else this.#complain(noOperator(keyOf(domain, opType), version, operator), path);
  }

  #operands({ domain, opType, inputs }: OnnxNode, path: string): void {
    const counts = operandCounts(domain, opType);
    const given = inputs.findLastIndex((name) => name !== "") + 1;
    if (!counts || (inputs.length >= counts.least && given <= counts.most)) return;
    const few = inputs.length < counts.least;
    const takes = few ? `at least ${counts.least}` : `at most ${counts.most}`;
    const operator = keyOf(domain, opType);
    const text = (names: string) =>
      `${operator} takes ${takes} operands, but ${few ? inputs.length : given} are given (${names})`;
    this.#complain({ code: "E3103", text, fix: few ? "give what is missing" : "leave out the rest" }, path);
  }

  #attributes(
    node: OnnxNode,
    specs: Parameters<typeof readAttributes>[1],
    path: string,
    version: number | undefined,
    place: Place,
  ): void {
    const isOpen = ({ refersTo }: OnnxAttribute) => place.inFunction && refersTo !== "";
    const open = new Set(node.attributes.filter(isOpen).map(({ name }) => name));
    for (const attribute of node.attributes)
      if (attribute.kind === "tensor") this.#tensor(attribute.value, `${path}.${attribute.name}`);
      else if (attribute.kind === "sparse tensor") this.#tensor(attribute.value, `${path}.${attribute.name}`);
    for (const { name, problem, fix, unsupported } of readAttributes(node.attributes, specs).misfits) {
      if (open.has(name)) continue;
      const code: Code = unsupported ? "E4103" : "E3103";
      const operator = keyOf(node.domain, node.opType);
      const opset = version === undefined ? "" : `, opset ${version}`;
      const text = (names: string) => `${operator}: the attribute ${name} ${problem} (${names}${opset})`;
      this.#complain({ code, text, fix }, path);
    }
  }

  /** Its body, once however often it is called. */
  #function(key: string, path: string): void {
    if (this.#visited.has(key)) return;
    this.#visited.add(key);
    const { inputs, outputs, nodes, opsets } = this.#functions.byKey(key)!;
    const own = new Set([...inputs, ...nodes.flatMap((node) => node.outputs)]);
    this.#nodes(nodes, (name) => own.has(name), { opsets, path, inFunction: true });
    for (const name of outputs) if (!own.has(name)) this.#missing(name, `the function ${key}`);
  }

  #complain(about: Complaint, subject: string): void {
    const key = `${about.code} ${about.text("", 0)}`;
    const group = this.#grouped.get(key);
    if (group) group.subjects.push(subject);
    else if (this.#grouped.size < TOLD) this.#grouped.set(key, { about, subjects: [subject] });
    else this.#untold = { code: about.code, count: (this.#untold?.count ?? 0) + 1 };
  }
}

/** What is wrong, with a place for the names of those it is wrong with. */
interface Complaint {
  readonly code: Code;
  readonly text: (names: string, count: number) => string;
  readonly fix: string;
}

function noOperator(name: string, version: number | undefined, operator: Operator | undefined): Complaint {
  const opset = version === undefined ? "without an opset" : `opset ${version}`;
  const from = operator?.rows[0] ? `; it is known from opset ${operator.rows[0].since} on` : "";
  return {
    code: "E4101",
    text: (nodes, count) => `${name} x${count} is not supported (${nodes}), ${opset}${from}`,
    fix: withoutIt.get(name) ?? "export the model without it, or give it as a function of the model",
  };
}

/** Operators that exporters add, and how they are told not to. */
const withoutIt = new Map([
  ["ai.onnx.ml::ZipMap", "convert with options={'zipmap': False}, which gives the probabilities as a tensor"],
  ["com.microsoft.nchwc::Conv", "take the model as it was before onnxruntime laid it out for one machine"],
]);

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(", ");
  return names.length > SHOWN ? `${shown} and ${names.length - SHOWN} more` : shown;
}

/** Follows from a node that waits to the one it waits for until one comes again. */
function cycle(stuck: readonly OnnxNode[], pathOf: (node: OnnxNode) => string): Diagnostic {
  const makers = new Map(stuck.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const seen: OnnxNode[] = [];
  let at: OnnxNode | undefined = stuck[0];
  while (at && !seen.includes(at)) {
    seen.push(at);
    at = readNames(at)
      .map((name) => makers.get(name))
      .find((maker) => maker !== undefined);
  }
  const round = [...seen.slice(at ? seen.indexOf(at) : 0), ...(at ? [at] : [])].map(pathOf).reverse();
  return {
    code: "E3102",
    message: `nodes wait for each other: ${round.length > SHOWN + 2 ? `${listed(round)}` : round.join(" -> ")}`,
    fix: "export the model again; a graph has no cycles, and a loop is a Loop or a Scan",
  };
}
