// The types on the operand stack and the open blocks while a function is assembled: the validation algorithm
// of the core specification (appendix "Validation Algorithm"), so that a wrong operand is reported at the
// instruction that takes it instead of as an offset in a finished module. After a branch the rest of a block
// is unreachable and its stack yields any type.

import type { Signature, ValueType } from "./types.ts";

/** `any` is a value of unreachable code. */
export type Operand = ValueType | "any";

type BlockKind = "function" | "block" | "loop" | "if" | "else";

interface Block {
  readonly kind: BlockKind;
  readonly type: Signature;
  /** Operands below this belong to the blocks around. */
  readonly height: number;
  unreachable: boolean;
}

export class OperandStack {
  readonly #operands: Operand[] = [];
  readonly #blocks: Block[] = [];
  readonly #fail: (problem: string) => never;

  /** Starts inside a function body that leaves `results`. */
  constructor(results: readonly ValueType[], fail: (problem: string) => never) {
    this.#fail = fail;
    this.open("function", { params: [], results });
  }

  /** True once the `end` of the function itself was written. */
  get finished(): boolean {
    return this.#blocks.length === 0;
  }

  push(types: readonly Operand[]): void {
    this.#operands.push(...types);
  }

  /** Takes one operand of that type; without a type, whatever is on top. */
  pop(expected: Operand = "any"): Operand {
    const block = this.#innermost();
    if (this.#operands.length === block.height) {
      if (block.unreachable) return expected;
      return this.#fail(`needs ${expected === "any" ? "a value" : expected}, but the stack is empty`);
    }
    const found = this.#operands.pop()!;
    if (found !== expected && found !== "any" && expected !== "any") {
      this.#fail(`needs ${expected}, but ${found} is on the stack`);
    }
    return found === "any" ? expected : found;
  }

  popAll(types: readonly ValueType[]): void {
    for (const type of types.toReversed()) this.pop(type);
  }

  open(kind: BlockKind, type: Signature): void {
    this.popAll(type.params);
    this.#blocks.push({ kind, type, height: this.#operands.length, unreachable: false });
    this.push(type.params);
  }

  otherwise(): void {
    const block = this.#close();
    if (block.kind !== "if") this.#fail(`belongs to an if, not to a ${block.kind}`);
    this.#blocks.push({ ...block, kind: "else", unreachable: false });
    this.push(block.type.params);
  }

  end(): void {
    const { kind, type } = this.#close();
    if (kind === "if" && type.params.join() !== type.results.join()) {
      this.#fail(`closes an if without else that must turn (${type.params}) into (${type.results})`);
    }
    this.push(type.results);
  }

  /** The types a branch to that depth carries: a loop is entered again, every other block is left. */
  branchTypes(depth: number): readonly ValueType[] {
    const block = this.#blocks.at(-1 - depth);
    if (block === undefined || depth < 0) return this.#fail(`names depth ${depth} of ${this.#blocks.length}`);
    return block.kind === "loop" ? block.type.params : block.type.results;
  }

  returnTypes(): readonly ValueType[] {
    return this.branchTypes(this.#blocks.length - 1);
  }

  /** Nothing after this instruction runs, up to the end of the block. */
  cut(): void {
    const block = this.#innermost();
    this.#operands.length = block.height;
    block.unreachable = true;
  }

  #innermost(): Block {
    return this.#blocks.at(-1) ?? this.#fail("has no block around it");
  }

  #close(): Block {
    const block = this.#innermost();
    this.popAll(block.type.results);
    const left = this.#operands.slice(block.height);
    if (left.length > 0) this.#fail(`leaves (${left}) on the stack of its ${block.kind}`);
    this.#blocks.pop();
    return block;
  }
}
