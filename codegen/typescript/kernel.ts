/**
 * One kernel as one function. Buffers are parameters, so the function knows nothing of the memory plan; loops
 * have literal bounds; tiles of registers are scalars. It is printed twice into the same structure: first to
 * learn which parts of the indices are worth a name, then for good.
 */
import { constantOf, type Dim, type Interval, range, symbolsOf } from "../../compiler/dims/index.ts";
import type { Buffer, Expr, For, Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { dtypeOf, expressionOf, partsOf, visitStmts } from "../../compiler/ir/loop-rewrite.ts";
import { intervalsOf, type OpenDims } from "../../compiler/ir/open-dims.ts";
import { dtypes } from "../../runtime/dtype.ts";
import {
  binding,
  type Code,
  call,
  commentText,
  conditional,
  infix,
  primary,
  type Scope,
  stringLiteral,
  type Types,
  Writer,
} from "../source/index.ts";
import { arrayClass } from "./arrays.ts";
import { Block } from "./block.ts";
import { flatten } from "./flatten.ts";
import type { RuntimeFunction } from "./functions.ts";
import { hoistBinds } from "./hoist.ts";
import { Indices } from "./indices.ts";
import { roundedOnce } from "./rounding.ts";
import { findShared, registerKey, type Sharing, type SimpleStmt, type ValueNode } from "./sharing.ts";
import {
  compute,
  conditionOf,
  kindOf,
  loadedValue,
  numberOf,
  type Place,
  storedValue,
  type Value,
  valueAt,
} from "./values.ts";

export interface KernelFunction {
  readonly name: string;
  readonly text: string;
  /**
   * Which of a call's buffers and arguments the function takes: each buffer once, and nothing it has no use
   * for.
   */
  readonly buffers: readonly number[];
  readonly args: readonly number[];
  readonly needs: ReadonlySet<RuntimeFunction>;
}

export function printKernel(
  kernel: Kernel,
  name: string,
  module: Scope,
  types: Types,
  open: OpenDims,
): KernelFunction {
  const printer = new KernelPrinter(kernel, module.inner(), types, open);
  printer.body();
  printer.indices.settle();
  const body = new Writer();
  printer.body().print(body);
  const { buffers, args, parameters } = printer.parameters(`${body}`);
  const writer = new Writer();
  if (kernel.comment !== "") writer.line(`/** ${commentText(kernel.comment)} */`);
  writer.list(`function ${name}`, parameters, `${types.only(": void")} {`);
  writer.indent(() => writer.line(`${body}`.trimEnd())).line("}");
  return { name, text: `${writer}`, buffers, args, needs: printer.needs };
}

type Bind = Extract<Stmt, { kind: "bind" }>;

/** Statements without loops in between. */
interface Line extends Sharing {
  readonly run: readonly SimpleStmt[];
}

class KernelPrinter {
  readonly indices: Indices;
  readonly needs = new Set<RuntimeFunction>();
  private readonly calls = { needs: (fn: RuntimeFunction) => void this.needs.add(fn) };
  private readonly kernel: Kernel;
  private readonly scope: Scope;
  private readonly types: Types;
  private readonly intervalOf: (symbol: string) => Interval;
  private readonly flat: readonly Stmt[];
  private readonly indexed: ReadonlySet<string>;
  private readonly buffers = new Map<Buffer, string>();
  private readonly symbols = new Map<string, string>();
  /** By their first statement. */
  private readonly lines = new Map<SimpleStmt, Line>();

  constructor(kernel: Kernel, scope: Scope, types: Types, open: OpenDims) {
    this.kernel = kernel;
    this.intervalOf = intervalsOf(open);
    this.scope = scope;
    this.types = types;
    this.indices = new Indices(scope);
    this.flat = hoistBinds(flatten(kernel.body), kernel.writes);
    this.indexed = symbolsIn(this.flat);
    for (const buffer of [...kernel.reads, ...kernel.writes])
      if (!this.buffers.has(buffer))
        this.buffers.set(buffer, scope.take(localName(buffer.name, kernel.name)));
    for (const parameter of kernel.parameters) this.symbolName(parameter);
  }

  /** What the printed body uses: a window that lies in the padding, say, reads nothing. */
  parameters(
    body: string,
  ): Pick<KernelFunction, "buffers" | "args"> & { readonly parameters: readonly string[] } {
    const code = body.replace(/"(?:[^"\\]|\\.)*"/g, "");
    const isUsed = (name: string) => new RegExp(`\\b${name}\\b`).test(code);
    const all = [...this.kernel.reads, ...this.kernel.writes];
    const buffers = [...all.keys()].filter(
      (i) => all.indexOf(all[i]!) === i && isUsed(this.buffers.get(all[i]!)!),
    );
    const symbols = this.kernel.parameters.map((parameter) => this.symbolName(parameter));
    const args = [...symbols.keys()].filter((i) => isUsed(symbols[i]!));
    const { only } = this.types;
    const parameters = [
      ...buffers.map((i) => this.buffers.get(all[i]!)! + only(`: ${arrayClass(all[i]!)}`)),
      ...args.map((i) => symbols[i]! + only(": number")),
    ];
    return { buffers, args, parameters };
  }

  body(): Block {
    const root = new Block(this.scope.inner());
    for (const [name, text] of this.symbols) root.defineSymbol(name, text, this.intervalOf(name));
    this.statements(this.flat, root);
    return root;
  }

  /** An axis keeps its name in every loop and in both passes. */
  private symbolName(name: string): string {
    const known = this.symbols.get(name) ?? this.scope.take(name, "i");
    this.symbols.set(name, known);
    return known;
  }

  private statements(stmts: readonly Stmt[], block: Block): void {
    let run: SimpleStmt[] = [];
    for (const stmt of stmts) {
      if (stmt.kind === "let" || stmt.kind === "set" || stmt.kind === "store") run.push(stmt);
      else {
        this.straight(run, block);
        run = [];
        this.compound(stmt, block);
      }
    }
    this.straight(run, block);
  }

  private compound(stmt: Exclude<Stmt, SimpleStmt>, block: Block): void {
    if (stmt.kind === "for") this.loop(stmt, block);
    else if (stmt.kind === "bind") this.bind(stmt, block);
    else {
      const test = conditionOf(stmt.condition, this.place(block));
      const inner = block.inner(false);
      this.statements(stmt.body, inner);
      if (!inner.isEmpty) block.append(`if (${test.text})`, inner);
    }
  }

  private loop(loop: For, block: Block): void {
    const extent = this.mostOf(loop.extent, block);
    if (extent <= 0) return;
    const inner = block.inner(true);
    const name = this.symbolName(loop.axis);
    inner.defineSymbol(loop.axis, name, { min: 0, max: extent - 1 });
    const end = this.indices.print(loop.extent, inner);
    this.statements(loop.body, inner);
    const step = loop.step === 1 ? `${name}++` : `${name} += ${loop.step}`;
    if (!inner.isEmpty) block.append(`for (let ${name} = 0; ${name} < ${end.text}; ${step})`, inner);
  }

  private mostOf(extent: Dim, block: Block): number {
    return constantOf(extent) ?? range(extent, (name) => block.symbol(name).range).max;
  }

  private bind(stmt: Bind, block: Block): void {
    const value = numberOf(stmt.value, this.place(block));
    const raw = dtypes[dtypeOf(stmt.value)].big ? call("Number", value) : value;
    const extent = this.indices.print(stmt.extent, block);
    const max = this.mostOf(stmt.extent, block) - 1;
    const name = this.symbolName(stmt.symbol);
    block.defineSymbol(stmt.symbol, name, { min: 0, max });
    if (!this.indexed.has(stmt.symbol)) {
      if (stmt.mode === "check") block.line(`${this.checked(stmt, raw, extent).text};`);
    } else if (stmt.mode === "check") block.constant(name, this.checked(stmt, raw, extent));
    else block.constant(name, clamped(stmt.wrap ? this.fromEnd(raw, extent, block) : raw, extent));
  }

  private fromEnd(raw: Code, extent: Code, block: Block): Code {
    const name = primary(block.scope.takeNumbered("index"));
    block.constant(name.text, raw);
    const negative = infix(name, "<", primary("0"), binding.relation);
    return conditional(negative, infix(name, "+", extent, binding.sum), name);
  }

  private checked(stmt: Bind, value: Code, extent: Code): Code {
    const check = stmt.wrap ? "wrappedIndex" : "checkedIndex";
    this.needs.add(check);
    return call(check, value, extent, primary(stringLiteral(stmt.what)));
  }

  /** Statements without loops in between: shared values are declared where they are needed first. */
  private straight(stmts: readonly SimpleStmt[], block: Block): void {
    if (stmts.length === 0) return;
    const { run, values, shared, loads } = this.line(stmts);
    const names = this.invariantLoads(loads, block);
    for (const [position, stmt] of run.entries()) {
      const place = this.place(block, values[position]!, names);
      for (const node of shared) {
        if (node.first !== position || names.has(node)) continue;
        const value = compute(node.expr, place);
        const name = block.scope.takeNumbered(this.stemFor(node.expr));
        block.constant(name, value.code);
        names.set(node, { ...value, code: primary(name) });
      }
      this.simple(stmt, block, place);
    }
  }

  /** Both passes look at the same statements. */
  private line(stmts: readonly SimpleStmt[]): Line {
    let line = this.lines.get(stmts[0]!);
    if (!line) {
      const run = stmts.map(roundedOnce);
      line = { run, ...findShared(run) };
      this.lines.set(stmts[0]!, line);
    }
    return line;
  }

  /**
   * What is read at the same place in every turn of a loop is read before it, unless the kernel writes there.
   */
  private invariantLoads(loads: readonly ValueNode[], block: Block): Map<ValueNode, Value> {
    const names = new Map<ValueNode, Value>();
    for (const node of loads) {
      const { expr } = node;
      if (expr.kind !== "load" || this.kernel.writes.includes(expr.buffer)) continue;
      const stem = this.stemFor(expr);
      const read = (at: Block) => this.place(at).load(expr);
      const code = this.indices.outside(expr.index, stem, block, read);
      if (code) names.set(node, { code, boolean: false });
    }
    return names;
  }

  private stemFor(e: Expr): string {
    return e.kind === "load" ? this.buffers.get(e.buffer)! : "t";
  }

  private simple(stmt: SimpleStmt, block: Block, place: Place): void {
    if (stmt.kind === "store") {
      const target = this.element(stmt.buffer, stmt.index, block);
      block.line(`${target} = ${storedValue(stmt.value, stmt.buffer.dtype, place).text};`);
      return;
    }
    const key = registerKey(stmt.register.name, stmt.index);
    const isBool = kindOf(stmt.register.dtype) === "bool";
    const valueCode = (e: Expr) => (isBool ? conditionOf(e, place) : numberOf(e, place));
    if (stmt.kind === "let") {
      const literal = valueAt(stmt.value, place).literal === true;
      block.declareRegister(key, { boolean: isBool, literal }, valueCode(stmt.value));
      return;
    }
    const variable = block.register(key);
    variable.mutable = true;
    block.line(`${assignment(stmt, key, variable.name, valueCode)};`);
  }

  private stored(e: Extract<Expr, { kind: "load" }>, block: Block): Code {
    return primary(this.element(e.buffer, e.index, block) + this.types.element);
  }

  private element(buffer: Buffer, index: Dim, block: Block): string {
    const name = this.buffers.get(buffer);
    if (name === undefined)
      throw new Error(`internal: the kernel does not declare the buffer ${buffer.name}`);
    return `${name}[${this.indices.print(index, block, name).text}]`;
  }

  private place(
    block: Block,
    values?: ReadonlyMap<Expr, ValueNode>,
    names?: ReadonlyMap<ValueNode, Value>,
  ): Place {
    return {
      named: (e) => names?.get(values?.get(e) as ValueNode),
      load: (e) => loadedValue(this.stored(e, block), e.buffer.dtype, { ...this.calls, types: this.types }),
      element: (e) => this.stored(e, block),
      register: (e) => {
        const variable = block.register(registerKey(e.register.name, e.index));
        return { ...variable, code: primary(variable.name) };
      },
      index: (e) => this.indices.print(e.index, block),
      inside: (e) => this.indices.inside(e.tests, block),
      types: this.types,
      ...this.calls,
    };
  }
}

/**
 * The symbols that stand in an index, an extent or a test: a checked index of an axis of one element need
 * not.
 */
function symbolsIn(body: readonly Stmt[]): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<Expr>();
  const add = (...dims: readonly Dim[]) => {
    for (const d of dims) for (const name of symbolsOf(d)) found.add(name);
  };
  const inExpr = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.kind === "load" || e.kind === "index") add(e.index);
    if (e.kind === "guard") add(...e.tests);
    partsOf(e).forEach(inExpr);
  };
  visitStmts(body, (s) => {
    if (s.kind === "store") add(s.index);
    if (s.kind === "for" || s.kind === "bind") add(s.extent);
    const value = expressionOf(s);
    if (value) inExpr(value);
  });
  return found;
}

function clamped(value: Code, extent: Code): Code {
  const last = infix(extent, "-", primary("1"), binding.sum);
  return call("Math.min", call("Math.max", value, primary("0")), last);
}

/** Buffers made for one kernel carry its name in front; inside it that says nothing. */
function localName(buffer: string, kernel: string): string {
  return buffer.startsWith(`${kernel}_`) ? buffer.slice(kernel.length + 1) : buffer;
}

/** `acc += x` where that is what it is, else `acc = ...`. */
function assignment(
  stmt: Extract<Stmt, { kind: "set" }>,
  key: string,
  name: string,
  valueCode: (e: Expr) => Code,
): string {
  const { value } = stmt;
  if (value.kind === "binary" && kindOf(value.dtype) === "float") {
    const operator = { add: "+", sub: "-", mul: "*", div: "/" }[value.fn as string];
    const { a } = value;
    if (operator && a.kind === "register" && registerKey(a.register.name, a.index) === key)
      return `${name} ${operator}= ${valueCode(value.b).text}`;
  }
  return `${name} = ${valueCode(value).text}`;
}
