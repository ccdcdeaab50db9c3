/**
 * The rules of a well-formed graph, checked wherever one is made: by the front ends' tests, after each pass,
 * after parsing. It reads structure only; whether shapes agree is for inference. All violations are reported
 * at once, because one mistake in a pass usually shows in several places.
 */
import { dtypes } from "../../runtime/dtype.ts";
import { size } from "../../runtime/tensor.ts";
import { CompileError, type Diagnostic } from "../diagnostics/index.ts";
import { product } from "../dims/index.ts";
import { hasKind, isGraph, isTensor } from "./attribute.ts";
import type { Graph, Guard, Node, Value } from "./graph.ts";
import type { AttributeKind, Op } from "./op.ts";

/**
 * @throws CompileError with one E3002 per violation: a name or id used twice, a value used before it is
 * defined, an unknown op, a wrong number of operands or results, an attribute that is missing, unknown or of
 * the wrong form; nested graphs included.
 */
export function verifyGraph(graph: Graph, ops: ReadonlyMap<string, Op>): void {
  const violations: Diagnostic[] = [];
  new Verifier(ops, violations, graph.name).graph(graph);
  if (violations.length > 0) throw new CompileError(violations);
}

class Verifier {
  readonly #ops: ReadonlyMap<string, Op>;
  readonly #violations: Diagnostic[];
  /** Name of the graph, with those around it. */
  readonly #path: string;
  readonly #defined = new Set<Value>();
  readonly #names = new Set<string>();
  readonly #ids = new Set<number>();

  constructor(ops: ReadonlyMap<string, Op>, violations: Diagnostic[], path: string) {
    this.#ops = ops;
    this.#violations = violations;
    this.#path = path;
  }

  graph(graph: Graph): void {
    for (const input of graph.inputs) this.#define(input);
    for (const guard of graph.guards) this.#guard(graph, guard);
    for (const { value } of graph.parameters) this.#define(value);
    for (const node of graph.nodes) {
      for (const operand of node.operands) this.#require(operand, `${node.op} reads`);
      this.#node(node);
      for (const result of node.results) this.#define(result);
    }
    const names = new Set<string>();
    for (const { name, value } of graph.outputs) {
      this.#require(value, `the output ${name} is`);
      if (names.has(name)) this.#report(`two outputs are named ${name}`, "rename one of them", value);
      names.add(name);
    }
  }

  #guard({ inputs, guards }: Graph, guard: Guard): void {
    const { input, elements } = guard;
    if (!inputs.includes(input))
      this.#report(`%${input.name} is guarded, but no input`, "guard inputs", input);
    if (guards.find((other) => other.input === input) !== guard)
      this.#report(`%${input.name} is guarded twice`, "guard each input once", input);
    const count = product(input.type.shape).value;
    if (count !== elements.length)
      this.#report(
        `${elements.length} elements are guarded of %${input.name}, which has ${count ?? "no known number"}`,
        "guard every element",
        input,
      );
  }

  #define(value: Value): void {
    const { name, id, type } = value;
    if (this.#names.has(name))
      this.#report(`%${name} is defined twice`, "give each value its own name", value);
    if (this.#ids.has(id)) this.#report(`%${name} has the id ${id} of another value`, "number values", value);
    if (!Object.hasOwn(dtypes, type.dtype))
      this.#report(`%${name} has the unknown dtype ${type.dtype}`, "use a known dtype", value);
    this.#defined.add(value);
    this.#names.add(name);
    this.#ids.add(id);
  }

  #require(value: Value, what: string): void {
    if (this.#defined.has(value)) return;
    const twin = this.#names.has(value.name) ? " (another value of that name is)" : "";
    this.#report(`${what} %${value.name}, which is not defined above${twin}`, "order nodes by use", value);
  }

  #node(node: Node): void {
    const op = this.#ops.get(node.op);
    if (op === undefined) {
      this.#report(`there is no op ${node.op}`, "use one of the core ops", node);
      return;
    }
    const before = this.#violations.length;
    for (const [name, kind] of Object.entries(op.attributes)) this.#attribute(node, name, kind);
    for (const name of Object.keys(node.attributes))
      if (!Object.hasOwn(op.attributes, name))
        this.#report(
          `${node.op} has no attribute ${name}`,
          `it takes ${listed(Object.keys(op.attributes))}`,
          node,
        );
    if (this.#violations.length === before) this.#counts(node, op);
  }

  #attribute(node: Node, name: string, kind: AttributeKind): void {
    const value = node.attributes[name];
    if (!hasKind[kind](value)) {
      const problem = value === undefined ? "misses the attribute" : "needs other values in its attribute";
      this.#report(`${node.op} ${problem} ${name}, ${forms[kind]}`, `set ${name}`, node);
      return;
    }
    if (isTensor(value) && value.data.length !== size(value.shape))
      this.#report(`${name} of ${node.op} has ${value.data.length} elements for its shape`, "fill it", node);
    if (isGraph(value)) this.#nested(node, value);
  }

  #nested(node: Node, body: Graph): void {
    if (body.parameters.length > 0)
      this.#report(
        `the body ${body.name} has parameters of its own`,
        `pass them to ${node.op} as operands`,
        node,
      );
    new Verifier(this.#ops, this.#violations, `${this.#path}.${body.name}`).graph(body);
  }

  #counts(node: Node, op: Op): void {
    const repeats = op.operands.at(-1)?.endsWith("...") === true;
    const least = op.operands.length - (repeats ? 1 : 0);
    const count = node.operands.length;
    if (count < least || (!repeats && count > least))
      this.#report(`${node.op} has ${count} operands, but takes ${listed(op.operands)}`, "pass those", node);
    const results = op.results?.(node.attributes) ?? 1;
    if (node.results.length !== results)
      this.#report(
        `${node.op} has ${node.results.length} results, but gives ${results}`,
        "name them all",
        node,
      );
  }

  #report(message: string, fix: string, { source }: Node | Value): void {
    this.#violations.push({
      code: "E3002",
      message: `graph ${this.#path}: ${message}`,
      fix,
      ...(source.path !== "" && { layer: source.path }),
      ...(source.at && { at: source.at }),
    });
  }
}

const forms: Readonly<Record<AttributeKind, string>> = {
  int: "an integer",
  ints: "a list of integers",
  axisPairs: "two lists of axes",
  dim: "a dim",
  dims: "a list of dims",
  dimPairs: "a list of pairs of dims",
  number: "a number",
  string: "a string",
  label: "a string, or nothing",
  boolean: "true or false",
  tensor: "a tensor",
  graph: "a graph",
};

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
