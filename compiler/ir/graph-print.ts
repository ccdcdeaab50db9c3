/**
 * A graph as text: one line per value, in the order they are computed, everything in it that the graph has,
 * so that `parseGraph(printGraph(g))` is the same graph again. The form is that of MLIR and JAX:
 * `%name: type = op(%operands) {attributes} @"layer"`.
 *
 * - An id is printed (`%x#7`) only where it is not the one after the value before.
 * - A result's source is printed only where it differs from its node's.
 * - A dim is written `<2*h>` as an attribute, so that it cannot be taken for a number.
 * - A constant of more than 32 elements is a name (`float32[64, 64] @c0`) in a table beside the text.
 * Names come from models and may hold anything: what is not a plain identifier is written as a JSON string.
 */
import { dtypes, type Scalar } from "../../runtime/dtype.ts";
import { decode } from "../../runtime/elements.ts";
import type { InitializerSpec } from "../../runtime/initializers/index.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { print as printDim } from "../dims/index.ts";
import { isDim, isGraph, isList, isTensor } from "./attribute.ts";
import type { Attribute, Graph, Node, Output, Parameter, Source, TensorType, Value } from "./graph.ts";

const INLINE_ELEMENTS = 32;
const bare = /^[A-Za-z_][A-Za-z0-9_.$]*$/;

/**
 * The text, ending in a line break. Constants too long to write out are put into `tensors`, by the name the
 * text gives them.
 */
export function printGraph(graph: Graph, tensors: Map<string, Tensor> = new Map()): string {
  return `${new GraphPrinter(tensors).graph(graph).join("\n")}\n`;
}

/** A type as in graph text: `float32[2, batch]`. */
export function printType({ dtype, shape }: TensorType): string {
  return `${dtype}[${shape.map(printDim).join(", ")}]`;
}

function printName(name: string): string {
  return bare.test(name) ? name : quoted(name);
}

class GraphPrinter {
  readonly #tensors: Map<string, Tensor>;

  constructor(tensors: Map<string, Tensor>) {
    this.#tensors = tensors;
  }

  graph(graph: Graph): string[] {
    const ids = { next: 0 };
    const inputs = graph.inputs.map((input) => definition(input, ids, { path: "" }));
    const lines = [`graph ${printName(graph.name)}(${inputs.join(", ")}) {`];
    for (const { input, elements } of graph.guards)
      lines.push(`  guard ${reference(input)} = ${this.#attribute(elements)}`);
    const waiting = [...graph.parameters];
    for (const node of graph.nodes) {
      for (const parameter of takeBefore(node, waiting)) lines.push(`  ${parameterLine(parameter, ids)}`);
      lines.push(...this.#node(node, ids).map((line) => `  ${line}`));
    }
    for (const parameter of waiting) lines.push(`  ${parameterLine(parameter, ids)}`);
    const outputs = graph.outputs.map(printOutput);
    return [...lines, `  return ${outputs.join(", ")}`.trimEnd(), "}"];
  }

  #node(node: Node, ids: Ids): string[] {
    const results = node.results.map((result) => definition(result, ids, node.source)).join(", ");
    const operands = node.operands.map(reference).join(", ");
    const entries = Object.entries(node.attributes).map(
      ([key, value]) => `${printName(key)}=${this.#attribute(value)}`,
    );
    const attributes = entries.length === 0 ? "" : ` {${entries.join(", ")}}`;
    const source = origin(node.source, { path: "" });
    const line = `${results} = ${printName(node.op)}(${operands})${attributes}${source}`;
    return line.trimStart().split("\n");
  }

  #attribute(value: Attribute): string {
    if (value === undefined) return "undefined";
    if (typeof value === "number") return printNumber(value);
    if (typeof value === "string") return quoted(value);
    if (typeof value === "boolean") return String(value);
    if (isList(value)) return `[${value.map((entry) => this.#attribute(entry)).join(", ")}]`;
    if (isTensor(value)) return this.#tensor(value);
    if (isGraph(value)) return this.graph(value).join("\n");
    if (isDim(value)) return `<${printDim(value)}>`;
    throw new Error("internal: an attribute of no known form");
  }

  #tensor(value: Tensor): string {
    const type = `${value.dtype}[${value.shape.join(", ")}]`;
    if (value.data.length > INLINE_ELEMENTS) return `${type} @${this.#nameOf(value)}`;
    const print =
      value.dtype === "float64" || dtypes[value.dtype].kind !== "float" ? printNumber : printSingle;
    return `${type}(${Array.from<Scalar, string>(decode(value.dtype, value.data), print).join(", ")})`;
  }

  #nameOf(value: Tensor): string {
    for (const [name, known] of this.#tensors) if (known === value) return name;
    const name = `c${this.#tensors.size}`;
    this.#tensors.set(name, value);
    return name;
  }
}

/** The id a value has unless its text says otherwise. */
interface Ids {
  next: number;
}

function definition(value: Value, ids: Ids, source: Source): string {
  const id = value.id === ids.next ? "" : `#${value.id}`;
  ids.next = value.id + 1;
  return `%${printName(value.name)}${id}: ${printType(value.type)}${origin(value.source, source)}`;
}

function printOutput({ name, value, declared }: Output): string {
  const shape = declared ? `: [${declared.map(printDim).join(", ")}]` : "";
  return `${printName(name)}=${reference(value)}${shape}`;
}

function reference(value: Value): string {
  return `%${printName(value.name)}`;
}

function parameterLine({ value, initializer, trainable }: Parameter, ids: Ids): string {
  const text = `param ${definition(value, ids, { path: "" })} = ${printInitializer(initializer)}`;
  return trainable ? text : `${text} frozen`;
}

/** JSON, but for -0, which JSON reads and does not write. */
function printInitializer(spec: InitializerSpec): string {
  const entries = Object.entries<string | number>(spec).map(([key, value]) => {
    const text = typeof value === "number" ? printNumber(value) : JSON.stringify(value);
    return `${JSON.stringify(key)}:${text}`;
  });
  return `{${entries.join(",")}}`;
}

/** Parameters stand where they were made, at the latest before the first node that reads them. */
function takeBefore(node: Node, waiting: Parameter[]): Parameter[] {
  const first = node.results[0]?.id ?? Number.POSITIVE_INFINITY;
  let count = 0;
  waiting.forEach(({ value }, i) => {
    if (node.operands.includes(value)) count = i + 1;
    else if (count === i && value.id < first) count = i + 1;
  });
  return waiting.splice(0, count);
}

function origin(source: Source, expected: Source): string {
  if (sameSource(source, expected)) return "";
  const { path, at } = source;
  return at === undefined
    ? ` @${quoted(path)}`
    : ` @${quoted(path)} at ${quoted(at.file)}:${at.line}:${at.column}`;
}

function sameSource(a: Source, b: Source): boolean {
  const same = a.at?.file === b.at?.file && a.at?.line === b.at?.line && a.at?.column === b.at?.column;
  return a.path === b.path && same;
}

function printNumber(x: Scalar): string {
  if (typeof x === "bigint") return String(x);
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  return Object.is(x, -0) ? "-0" : String(x);
}

/** The shortest decimal that reads back as the same float32; nine digits always do. */
function printSingle(x: Scalar): string {
  if (typeof x === "bigint" || x === 0 || !Number.isFinite(x)) return printNumber(x);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Object.is(Math.fround(short), x)) return printNumber(short);
  }
  return printNumber(Number(x.toPrecision(9)));
}

/** JSON, with the characters escaped that it lets through but that break lines or hide text. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
}
