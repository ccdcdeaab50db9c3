/**
 * The text of a kernel, for snapshots, `--emit=program` and error messages: one line per statement, indices
 * as Dims. It is written to be read and compared, not parsed.
 *
 *     kernel dense(x: float32[20] input, w: float32[200] weight) -> (y: float32[10] output)
 *       for n < 10 parallel
 *         let acc = 0
 *         for k < 20
 *           set acc = acc + x[k] * w[10*k + n]
 *         store y[n] = acc
 */
import { type Dim, print } from "../dims/index.ts";
import type { BinaryFn, Buffer, Expr, For, Kernel, Register, Stmt } from "./loop.ts";

export function printKernel(kernel: Kernel): string {
  const reads = [...kernel.reads.map(printBuffer), ...kernel.parameters];
  const head = `kernel ${kernel.name}(${reads.join(", ")}) -> (${kernel.writes.map(printBuffer).join(", ")})`;
  const comment = kernel.comment === "" ? [] : [`  // ${kernel.comment}`];
  return [head, ...comment, ...kernel.body.flatMap((s) => printStmt(s, "  "))].join("\n");
}

export function printStmts(stmts: readonly Stmt[]): string {
  return stmts.flatMap((s) => printStmt(s, "")).join("\n");
}

function printBuffer(b: Buffer): string {
  return `${b.name}: ${b.dtype}[${b.length}] ${b.space}`;
}

function printStmt(s: Stmt, indent: string): readonly string[] {
  const inner = (body: readonly Stmt[]) => body.flatMap((each) => printStmt(each, `${indent}  `));
  switch (s.kind) {
    case "for":
      return [`${indent}${printFor(s)}`, ...inner(s.body)];
    case "let":
    case "set":
      return [`${indent}${s.kind} ${printRegister(s.register, s.index)} = ${printExpr(s.value)}`];
    case "store":
      return [`${indent}store ${s.buffer.name}[${print(s.index)}] = ${printExpr(s.value)}`];
    case "bind": {
      const how = `${s.mode}${s.wrap ? " wrap" : ""} "${s.what}"`;
      return [`${indent}bind ${s.symbol} < ${print(s.extent)} = ${printExpr(s.value)} ${how}`];
    }
    case "if":
      return [`${indent}if ${printExpr(s.condition)}`, ...inner(s.body)];
  }
}

function printFor(s: For): string {
  const step = s.step === 1 ? "" : ` step ${s.step}`;
  const mode = s.mode === "serial" ? "" : ` ${s.mode}`;
  return `for ${s.axis} < ${print(s.extent)}${step}${mode}${s.parallel ? " parallel" : ""}`;
}

function printRegister(register: Register, index: readonly Dim[]): string {
  return index.length === 0 ? register.name : `${register.name}[${index.map(print).join(", ")}]`;
}

const operators: Partial<Record<BinaryFn, readonly [text: string, precedence: number]>> = {
  eq: ["==", 1],
  ne: ["!=", 1],
  lt: ["<", 1],
  le: ["<=", 1],
  gt: [">", 1],
  ge: [">=", 1],
  add: ["+", 2],
  sub: ["-", 2],
  mul: ["*", 3],
  div: ["/", 3],
};

/** `outer` is the precedence around: a part that binds less tightly is put in parentheses. */
export function printExpr(e: Expr, outer = 0): string {
  switch (e.kind) {
    case "constant":
      return Object.is(e.value, -0) ? "-0" : String(e.value);
    case "load":
      return `${e.buffer.name}[${print(e.index)}]`;
    case "register":
      return printRegister(e.register, e.index);
    case "unary":
      return `${e.fn}(${printExpr(e.x)})`;
    case "binary":
      return printBinary(e, outer);
    case "select":
      return `select(${printExpr(e.condition)}, ${printExpr(e.a)}, ${printExpr(e.b)})`;
    case "cast":
      return `${e.dtype}(${printExpr(e.x)})`;
    case "bits":
      return `bits(${e.dtype}: ${printExpr(e.x)})`;
    case "index":
      return `index(${print(e.index)})`;
    case "guard": {
      const tests = e.tests.map((d) => `${print(d)} >= 0`).join(" && ");
      return `guard(${tests}: ${printExpr(e.inside)} else ${printExpr(e.outside)})`;
    }
  }
}

function printBinary(e: Expr & { kind: "binary" }, outer: number): string {
  const operator = operators[e.fn];
  if (!operator) return `${e.fn}(${printExpr(e.a)}, ${printExpr(e.b)})`;
  const [text, precedence] = operator;
  const body = `${printExpr(e.a, precedence)} ${text} ${printExpr(e.b, precedence + 1)}`;
  return precedence < outer ? `(${body})` : body;
}
