/**
 * A block of the function being printed: the body of the function, of a loop or of an `if`. It knows which
 * symbols and registers are declared in it, and takes declarations that inner blocks push out to it. A
 * declaration pushed out while an inner block is being printed lands right before that inner block, because
 * the inner block is appended only when done.
 */
import type { Dim, Interval } from "../../compiler/dims/index.ts";
import type { Code, Scope, Writer } from "../source/index.ts";

/** A scalar variable; `const` unless something assigns it later. */
export interface Declaration {
  readonly name: string;
  readonly boolean: boolean;
  /** Declared with a literal, which TypeScript may take for its type. */
  readonly literal: boolean;
  mutable: boolean;
}

export interface AxisSymbol {
  readonly name: string;
  readonly range: Interval;
}

type Item =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "call"; readonly callee: string; readonly args: readonly string[] }
  | { readonly kind: "declare"; readonly variable: Declaration; readonly value: Code }
  | { readonly kind: "block"; readonly head: string; readonly block: Block };

export class Block {
  /** How many loops are around: what is known further out is computed further out. */
  readonly loops: number;
  /** Position in the order of nesting: the home of an expression is the deepest home of its symbols. */
  readonly depth: number;
  readonly scope: Scope;
  readonly parent: Block | undefined;
  /** Unique in the function and the same in every pass. */
  readonly id: string;
  private readonly symbols = new Map<string, AxisSymbol>();
  private readonly registers = new Map<string, Declaration>();
  private readonly shared = new Map<Dim | string, string>();
  private readonly items: Item[] = [];
  private children = 0;

  constructor(scope: Scope, parent?: Block, isLoop = false) {
    this.scope = scope;
    this.parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
    this.loops = (parent?.loops ?? 0) + (isLoop ? 1 : 0);
    this.id = parent ? `${parent.id}.${parent.children++}` : "0";
  }

  get root(): Block {
    return this.parent?.root ?? this;
  }

  inner(isLoop: boolean): Block {
    return new Block(this.scope.inner(), this, isLoop);
  }

  defineSymbol(symbol: string, name: string, range: Interval): void {
    this.symbols.set(symbol, { name, range });
  }

  /** The innermost block around this one, or this one, that defines the symbol. */
  homeOf(symbol: string): Block {
    if (this.symbols.has(symbol)) return this;
    if (!this.parent) throw new Error(`internal: the symbol ${symbol} is not defined here`);
    return this.parent.homeOf(symbol);
  }

  symbol(symbol: string): AxisSymbol {
    return this.homeOf(symbol).symbols.get(symbol)!;
  }

  /**
   * Declares register element `key` anew; an earlier declaration of it in this block is out of reach from
   * here on.
   */
  declareRegister(key: string, kind: Pick<Declaration, "boolean" | "literal">, value: Code): void {
    const variable = { ...kind, name: this.scope.take(key), mutable: false };
    this.registers.set(key, variable);
    this.items.push({ kind: "declare", variable, value });
  }

  register(key: string): Declaration {
    const found = this.registers.get(key);
    if (found) return found;
    if (!this.parent) throw new Error(`internal: the register ${key} is used before its let`);
    return this.parent.register(key);
  }

  /** The constant that already holds `key` in this block. */
  sharedName(key: Dim | string): string | undefined {
    return this.shared.get(key);
  }

  share(key: Dim | string, name: string, value: Code): void {
    this.shared.set(key, name);
    this.constant(name, value);
  }

  constant(name: string, value: Code): void {
    this.line(`const ${name} = ${value.text};`);
  }

  line(text: string): void {
    this.items.push({ kind: "line", text });
  }

  list(callee: string, args: readonly string[]): void {
    this.items.push({ kind: "call", callee, args });
  }

  append(head: string, block: Block): void {
    this.items.push({ kind: "block", head, block });
  }

  get isEmpty(): boolean {
    return this.items.length === 0;
  }

  print(writer: Writer): void {
    let start: string[] = [];
    const flush = (): void => {
      for (const line of inLines(start)) writer.line(line);
      start = [];
    };
    for (const item of this.items) {
      if (item.kind === "declare" && item.variable.mutable && item.variable.literal) {
        start.push(`${item.variable.name} = ${item.value.text}`);
        continue;
      }
      flush();
      printItem(item, writer);
    }
    flush();
  }
}

function printItem(item: Item, writer: Writer): void {
  if (item.kind === "line") writer.line(item.text);
  else if (item.kind === "call") writer.list(item.callee, item.args, ";");
  else if (item.kind === "block") writer.block(item.head, () => item.block.print(writer));
  else writer.line(`${item.variable.mutable ? "let" : "const"} ${item.variable.name} = ${item.value.text};`);
}

const accumulatorsPerLine = 8;

/** The accumulators of a tile start together: a few to a line. */
function inLines(declarations: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (let i = 0; i < declarations.length; i += accumulatorsPerLine)
    lines.push(`let ${declarations.slice(i, i + accumulatorsPerLine).join(", ")};`);
  return lines;
}
