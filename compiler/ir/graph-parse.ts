/**
 * Reads the text form of a graph. It checks what the text alone can tell: form, names, that values are
 * defined above their use. Whether ops exist and types fit is for the verifier and for inference. Recursive
 * descent, one function per rule:
 *
 *     graph     = "graph" name "(" value, ... ")" "{" guard... line... "return" output, ... "}"
 *     guard     = "guard" %name "=" "[" (number | "<" dim ">"), ... "]"
 *     line      = "param" value "=" initialiser "frozen"?
 *               | value, ... "=" op "(" %name, ... ")" attributes? source?
 *     value     = %name #id? ":" dtype "[" dim, ... "]" source?
 *     output    = name "=" %name (":" "[" dim, ... "]")?
 *     source    = "@" string ("at" string ":" line ":" column)?
 *     attribute = number | string | true | false | undefined | "<" dim ">"
 *               | "[" attribute, ... "]" | tensor | graph
 *     tensor    = dtype "[" integer, ... "]" ( "(" number, ... ")" | "@" name )
 */
import { type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { type InitializerSpec, parseInitializer } from "../../runtime/initializers/index.ts";
import { size, type Tensor, tensor } from "../../runtime/tensor.ts";
import { CompileError } from "../diagnostics/index.ts";
import { type Dim, parse as parseDim } from "../dims/index.ts";
import { isDim } from "./attribute.ts";
import type {
  Attribute,
  Attributes,
  Graph,
  Guard,
  Node,
  Output,
  Parameter,
  Source,
  TensorType,
  Value,
} from "./graph.ts";
import { Scanner } from "./text-scanner.ts";

const NAME = /[A-Za-z_][A-Za-z0-9_.$]*/y;
const STRING = /"(?:[^"\\\n]|\\.)*"/y;
const INTEGER = /\d{1,15}(?![\w.])/y;
const NUMBER = /-?(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])/y;
const DTYPE = new RegExp(`(?:${Object.keys(dtypes).join("|")})(?=\\s*\\[)`, "y");

/**
 * The graph a text describes; `tensors` holds the constants that the text only names.
 * @throws CompileError E3001 with line and column.
 */
export function parseGraph(
  text: string,
  tensors: ReadonlyMap<string, Tensor> = new Map(),
  file = "graph text",
): Graph {
  const parser = new GraphParser(new Scanner(text, file), tensors);
  return parser.whole();
}

/** What has been defined so far in one graph. */
interface Scope {
  readonly values: Map<string, Value>;
  nextId: number;
}

class GraphParser {
  readonly #scanner: Scanner;
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(scanner: Scanner, tensors: ReadonlyMap<string, Tensor>) {
    this.#scanner = scanner;
    this.#tensors = tensors;
  }

  whole(): Graph {
    this.#scanner.expect("graph");
    const graph = this.#graph();
    if (!this.#scanner.atEnd()) this.#scanner.wrong("nothing more");
    return graph;
  }

  /** After the word `graph`. */
  #graph(): Graph {
    const scanner = this.#scanner;
    const scope: Scope = { values: new Map(), nextId: 0 };
    const name = this.#name();
    const inputs = scanner.list("(", ")", () => this.#value(scope, { path: "" }));
    const parameters: Parameter[] = [];
    const nodes: Node[] = [];
    scanner.expect("{");
    const guards: Guard[] = [];
    while (scanner.accept("guard")) guards.push(this.#guard(scope));
    while (!scanner.accept("return")) {
      if (scanner.accept("param")) parameters.push(this.#parameter(scope));
      else nodes.push(this.#node(scope));
    }
    const outputs: Output[] = [];
    if (!scanner.accept("}")) {
      do outputs.push(this.#output(scope));
      while (scanner.accept(","));
      scanner.expect("}");
    }
    return { name, inputs, guards, parameters, nodes, outputs };
  }

  #guard(scope: Scope): Guard {
    const scanner = this.#scanner;
    const input = this.#reference(scope);
    scanner.expect("=");
    const mark = scanner.mark();
    const elements = scanner.list("[", "]", () => this.#attribute());
    const isElement = (one: Attribute) => typeof one === "number" || (one !== undefined && isDim(one));
    if (!elements.every(isElement))
      scanner.refuse("no list of numbers and dims", "write [<2>, 0.5], say", mark);
    return { input, elements: elements as Guard["elements"] };
  }

  #parameter(scope: Scope): Parameter {
    const value = this.#value(scope, { path: "" });
    this.#scanner.expect("=");
    const initializer = this.#initializer();
    return { value, initializer, trainable: !this.#scanner.accept("frozen") };
  }

  #initializer(): InitializerSpec {
    const mark = this.#scanner.mark();
    const text = this.#scanner.match(/\{[^{}\n]*\}/y, 'an initialiser such as {"kind":"zeros"}');
    try {
      return parseInitializer(JSON.parse(text));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return this.#scanner.refuse(`no initialiser: ${error.message}`, 'write {"kind":"zeros"}, say', mark);
    }
  }

  /** Results come before the op in the text, but their source defaults to the node's, which comes last. */
  #node(scope: Scope): Node {
    const scanner = this.#scanner;
    const heads: Head[] = [];
    do heads.push(this.#head());
    while (scanner.accept(","));
    scanner.expect("=");
    const op = this.#name();
    const operands = scanner.list("(", ")", () => this.#reference(scope));
    const attributes = this.#attributes();
    const source = this.#source() ?? { path: "" };
    const results = heads.map((head) => this.#define(scope, head, source));
    return { op, attributes, operands, results, source };
  }

  #output(scope: Scope): Output {
    const name = this.#name();
    this.#scanner.expect("=");
    const value = this.#reference(scope);
    if (!this.#scanner.accept(":")) return { name, value };
    return { name, value, declared: this.#shape() };
  }

  #value(scope: Scope, source: Source): Value {
    return this.#define(scope, this.#head(), source);
  }

  #head(): Head {
    const scanner = this.#scanner;
    const mark = scanner.mark();
    scanner.expect("%");
    const name = this.#name();
    const id = scanner.accept("#") ? Number(scanner.match(INTEGER, "an id")) : undefined;
    scanner.expect(":");
    return { mark, name, id, type: this.#type(), source: this.#source() };
  }

  #define(scope: Scope, head: Head, source: Source): Value {
    const { name, type, mark } = head;
    if (scope.values.has(name))
      this.#scanner.refuse(`%${name} is defined twice`, "give one of them another name", mark);
    const id = head.id ?? scope.nextId;
    scope.nextId = id + 1;
    const value: Value = { id, name, type, source: head.source ?? source };
    scope.values.set(name, value);
    return value;
  }

  #reference(scope: Scope): Value {
    const mark = this.#scanner.mark();
    this.#scanner.expect("%");
    const name = this.#name();
    const value = scope.values.get(name);
    return value ?? this.#scanner.refuse(`no %${name} above`, "define a value before it is used", mark);
  }

  #source(): Source | undefined {
    const scanner = this.#scanner;
    if (!scanner.accept("@")) return undefined;
    const path = this.#string();
    if (!scanner.accept("at")) return { path };
    const file = this.#string();
    scanner.expect(":");
    const line = Number(scanner.match(INTEGER, "a line"));
    scanner.expect(":");
    return { path, at: { file, line, column: Number(scanner.match(INTEGER, "a column")) } };
  }

  #type(): TensorType {
    const dtype = this.#dtype();
    return { dtype, shape: this.#shape() };
  }

  #shape(): readonly Dim[] {
    return this.#scanner.list("[", "]", () => this.#dim(",]"));
  }

  #dtype(): DType {
    const found = this.#scanner.match(
      DTYPE,
      `a type such as float32[2, 3] (${Object.keys(dtypes).join(", ")})`,
    );
    return found as DType;
  }

  #dim(ends: string): Dim {
    const mark = this.#scanner.mark();
    const text = this.#scanner.until(ends, `"${ends.at(-1)}"`);
    try {
      return parseDim(text);
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const { message, fix } = error.diagnostics[0]!;
      return this.#scanner.refuse(message, fix, mark);
    }
  }

  #attributes(): Attributes {
    if (!this.#scanner.accept("{")) return {};
    const entries: [string, Attribute][] = [];
    if (this.#scanner.accept("}")) return {};
    do {
      const key = this.#name();
      this.#scanner.expect("=");
      entries.push([key, this.#attribute()]);
    } while (this.#scanner.accept(","));
    this.#scanner.expect("}");
    return Object.fromEntries(entries);
  }

  #attribute(): Attribute {
    const scanner = this.#scanner;
    if (scanner.accept("true")) return true;
    if (scanner.accept("false")) return false;
    if (scanner.accept("undefined")) return undefined;
    if (scanner.accept("graph")) return scanner.nested(() => this.#graph());
    if (scanner.accept("<")) {
      const d = this.#dim(">");
      scanner.expect(">");
      return d;
    }
    const text = scanner.tryMatch(NUMBER);
    if (text !== undefined) return numberOf(text);
    const string = scanner.tryMatch(STRING);
    if (string !== undefined) return this.#unquoted(string);
    const dtype = scanner.tryMatch(DTYPE);
    if (dtype !== undefined) return this.#tensor(dtype as DType);
    return scanner.list("[", "]", () => this.#attribute());
  }

  #tensor(dtype: DType): Tensor {
    const scanner = this.#scanner;
    const mark = scanner.mark();
    const shape = scanner.list("[", "]", () => Number(scanner.match(INTEGER, "a size")));
    if (scanner.accept("@")) return this.#named(dtype, shape, mark);
    const numbers = scanner.list("(", ")", () => scalarOf(dtype, scanner.match(NUMBER, "a number")));
    if (numbers.length !== size(shape))
      scanner.refuse(`a constant of ${size(shape)} elements has ${numbers.length}`, "write them all", mark);
    try {
      return tensor(numbers, shape, dtype);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return scanner.refuse(error.message, "write values of the constant's dtype", mark);
    }
  }

  #named(dtype: DType, shape: readonly number[], mark: number): Tensor {
    const name = this.#name();
    const found = this.#tensors.get(name);
    if (found === undefined)
      return this.#scanner.refuse(`no constant @${name}`, "pass the table printGraph filled", mark);
    if (found.dtype !== dtype || found.shape.join() !== shape.join())
      return this.#scanner.refuse(
        `@${name} is ${found.dtype}[${found.shape.join(", ")}], not ${dtype}[${shape.join(", ")}]`,
        "pass the table that belongs to this text",
        mark,
      );
    return found;
  }

  #name(): string {
    const string = this.#scanner.tryMatch(STRING);
    return string === undefined ? this.#scanner.match(NAME, "a name") : this.#unquoted(string);
  }

  #string(): string {
    return this.#unquoted(this.#scanner.match(STRING, "a string in quotes"));
  }

  #unquoted(text: string): string {
    try {
      return String(JSON.parse(text));
    } catch {
      return this.#scanner.refuse(`${text} is no string`, "escape it as JSON does");
    }
  }
}

/** A value as written, before its node's source is known. */
interface Head {
  readonly mark: number;
  readonly name: string;
  readonly id: number | undefined;
  readonly type: TensorType;
  readonly source: Source | undefined;
}

/** A whole number of a 64-bit dtype keeps all its digits. */
function scalarOf(dtype: DType, text: string): Scalar {
  return dtypes[dtype].big && /^-?\d+$/.test(text) ? BigInt(text) : numberOf(text);
}

function numberOf(text: string): number {
  if (text.endsWith("nan")) return Number.NaN;
  if (text.endsWith("inf")) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}
