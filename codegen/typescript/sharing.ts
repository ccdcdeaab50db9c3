/**
 * Which values of a straight line of statements are computed once and named: value numbering. Two expressions
 * are the same value when they apply the same function to the same values; a load is the same while nothing
 * is stored to its buffer, a register while it is not set. This turns an unrolled tile's repeated loads into
 * one load each, and keeps an expression that is a small graph but a huge tree small. What stands only in the
 * arms of guards is left there: it may not run.
 */
import { constantOf, type Dim } from "../../compiler/dims/index.ts";
import type { Buffer, Expr, Stmt } from "../../compiler/ir/loop.ts";
import { partsOf } from "../../compiler/ir/loop-rewrite.ts";

export type SimpleStmt = Extract<Stmt, { kind: "let" | "set" | "store" }>;

export interface ValueNode {
  readonly expr: Expr;
  readonly children: readonly ValueNode[];
  readonly id: number;
  /** Position of the statement that needs it first. */
  readonly first: number;
  uses: number;
  /** A statement is made of it. */
  isRoot: boolean;
  unconditional: boolean;
}

export interface Sharing {
  /** For each statement, the values of the expressions in it. */
  readonly values: readonly ReadonlyMap<Expr, ValueNode>[];
  /** The values to name, operands before what uses them. */
  readonly shared: readonly ValueNode[];
  /** What is loaded whatever the guards say. */
  readonly loads: readonly ValueNode[];
}

export function findShared(run: readonly SimpleStmt[]): Sharing {
  const numbering = new Numbering();
  const values = run.map((stmt, position) => {
    const found = numbering.statement(stmt.value, position);
    numbering.changed(stmt.kind === "store" ? stmt.buffer : registerKey(stmt.register.name, stmt.index));
    return found;
  });
  const nodes = numbering.counted();
  const certain = nodes.filter((node) => node.unconditional);
  const named = new Set(certain.filter((node) => node.uses > 1 && isWorthNaming(node.expr)));
  breakLongLines(nodes, named);
  return {
    values,
    shared: certain.filter((node) => named.has(node)),
    loads: certain.filter((node) => node.expr.kind === "load"),
  };
}

export function registerKey(name: string, index: readonly Dim[]): string {
  let key = name;
  for (const d of index) key += `_${constantOf(d) ?? d}`;
  return key;
}

class Numbering {
  private readonly nodes = new Map<string, ValueNode>();
  private readonly numbers = new Map<object, number>();
  private readonly versions = new Map<Buffer | string, number>();
  private values = new Map<Expr, ValueNode>();
  private position = 0;

  statement(value: Expr, position: number): ReadonlyMap<Expr, ValueNode> {
    this.values = new Map();
    this.position = position;
    const root = this.find(value);
    root.uses++;
    root.isRoot = true;
    root.unconditional = true;
    return this.values;
  }

  changed(place: Buffer | string): void {
    this.versions.set(place, this.version(place) + 1);
  }

  /** All values, with their uses counted, operands first. */
  counted(): readonly ValueNode[] {
    const nodes = [...this.nodes.values()];
    for (const node of nodes.toReversed()) {
      for (const child of node.children) {
        child.uses++;
        child.unconditional ||= node.unconditional && node.expr.kind !== "guard";
      }
    }
    return nodes;
  }

  private find(e: Expr): ValueNode {
    const seen = this.values.get(e);
    if (seen) return seen;
    const children = partsOf(e).map((operand) => this.find(operand));
    const key = `${this.keyOf(e)} ${children.map((child) => child.id).join()}`;
    let node = this.nodes.get(key);
    if (!node) {
      const { position: first, nodes } = this;
      node = { expr: e, children, id: nodes.size, first, uses: 0, isRoot: false, unconditional: false };
      this.nodes.set(key, node);
    }
    this.values.set(e, node);
    return node;
  }

  /** What an expression is, apart from its operands. */
  private keyOf(e: Expr): string {
    switch (e.kind) {
      case "constant":
        return `constant ${e.dtype} ${Object.is(e.value, -0) ? "-0" : e.value}`;
      case "load":
        return `load ${this.number(e.buffer)} ${this.version(e.buffer)} ${this.number(e.index)}`;
      case "register": {
        const key = registerKey(e.register.name, e.index);
        return `register ${key} ${this.version(key)}`;
      }
      case "index":
        return `index ${e.dtype} ${this.number(e.index)}`;
      case "guard":
        return `guard ${e.tests.map((test) => this.number(test)).join()}`;
      case "unary":
      case "binary":
        return `${e.kind} ${e.fn} ${e.dtype}`;
      default:
        return `${e.kind} ${e.dtype}`;
    }
  }

  private version(place: Buffer | string): number {
    return this.versions.get(place) ?? 0;
  }

  private number(thing: object): number {
    const known = this.numbers.get(thing) ?? this.numbers.size;
    this.numbers.set(thing, known);
    return known;
  }
}

/**
 * Names parts of expressions that would be too long to read on one line. Operands come before what uses them.
 */
function breakLongLines(nodes: readonly ValueNode[], named: Set<ValueNode>): void {
  const widths = new Map<ValueNode, number>();
  const widthOf = (node: ValueNode) => (named.has(node) ? 3 : widths.get(node)!);
  for (const node of nodes) {
    const width = node.children.reduce((sum, child) => sum + widthOf(child), ownWidth(node.expr));
    widths.set(node, width);
    if (width > 70 && !node.isRoot && node.unconditional && isWorthNaming(node.expr)) named.add(node);
  }
}

/** About as many characters as an expression takes without its operands. */
function ownWidth(e: Expr): number {
  if (e.kind === "cast") return e.dtype === "float32" ? 13 : 5;
  if (e.kind === "unary" || e.kind === "load") return 11;
  return e.kind === "constant" ? 3 : 6;
}

/** Names, numbers and indices are as short as a name would be; a cast may print as nothing. */
function isWorthNaming(e: Expr): boolean {
  return e.kind !== "constant" && e.kind !== "register" && e.kind !== "index" && e.kind !== "cast";
}
