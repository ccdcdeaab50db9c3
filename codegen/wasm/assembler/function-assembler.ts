// Writes one function body. The methods are the opcodes of the specification, made from the table in
// opcodes.ts and chainable: f.local_get(a).local_get(b).f32_add().end(). Every call checks the operand types
// at once and names the function, the opcode and its position when they are wrong. As in the binary format
// the last `end` closes the function itself.

import { ByteWriter } from "./byte-writer.ts";
import { type ImmediateKind, type Immediates, writeImmediate } from "./immediates.ts";
import type { Opcode } from "./opcode.ts";
import { methodName, type OpcodeMethods, type OpcodeName, opcodeNames, opcodes } from "./opcodes.ts";
import { OperandStack } from "./operand-stack.ts";
import { stackRules, type Variable } from "./stack-rules.ts";
import { type FunctionType, type Signature, typeByte, type ValueType } from "./types.ts";

/** What a body sees of its module. */
export interface FunctionContext {
  readonly name: string;
  readonly index: number;
  readonly type: Signature;
  typeIndex(type: FunctionType): number;
  func(index: number): Signature | undefined;
  global(index: number): Variable | undefined;
}

export interface BodyOptions {
  /** Relaxed SIMD: a product and the sum it goes into (`fusibleMul`, `fusibleAdd`) are one instruction. */
  readonly fused?: boolean;
}

class FunctionBody {
  readonly #context: FunctionContext;
  readonly #locals: ValueType[];
  readonly #code = new ByteWriter();
  readonly #stack: OperandStack;
  readonly #fusible: { readonly at: number; readonly into: readonly OpcodeName[] }[] = [];
  readonly #scope = {
    local: (index: number) => this.#locals[index] ?? this.#missing("local", index),
    global: (index: number) => this.#context.global(index) ?? this.#missing("global", index),
    func: (index: number) => this.#context.func(index) ?? this.#missing("function", index),
    typeIndex: (type: FunctionType) => this.#context.typeIndex(type),
    fail: (problem: string) => this.#fail(problem),
  };
  #current: OpcodeName = "nop";
  #count = 0;

  constructor(context: FunctionContext) {
    this.#context = context;
    this.#locals = [...context.type.params];
    this.#stack = new OperandStack(context.type.results, this.#scope.fail);
  }

  /** The index a `call` or an export takes. */
  get index(): number {
    return this.#context.index;
  }

  /** Adds a local, zero at the start, and returns its index; parameters have the first indices. */
  local(type: ValueType): number {
    return this.#locals.push(type) - 1;
  }

  /** Appends one instruction; the opcode methods are this with the name fixed. */
  instruction(name: OpcodeName, args: Immediates[ImmediateKind]): this {
    this.#current = name;
    if (this.#stack.finished) this.#fail("comes after the function's end");
    const opcode: Opcode = opcodes[name];
    this.#apply(name, opcode, args);
    writeOpcode(this.#code, opcode);
    writeImmediate(this.#code, { ...this.#scope, opcode }, opcode.immediate, args);
    this.#count++;
    return this;
  }

  /**
   * The product of the first two operands of a * b + c; once c is on the stack too, `fusibleAdd` follows. In
   * fused bodies nothing is here and the three operands meet there. Both bodies have the same length, so one
   * becomes the other in place.
   */
  fusibleMul(shape: "f32x4" | "f64x2"): this {
    this.#fusible.push({ at: this.#code.length, into: ["nop", "nop", "nop"] });
    return this.instruction(`${shape}.mul`, []);
  }

  fusibleAdd(shape: "f32x4" | "f64x2"): this {
    this.#fusible.push({ at: this.#code.length, into: [`${shape}.relaxed_madd`] });
    return this.instruction(`${shape}.add`, []);
  }

  /** The body as it stands in the code section: locals in runs of one type, then the instructions. */
  encode({ fused = false }: BodyOptions = {}): Uint8Array {
    if (!this.#stack.finished) throw new Error(`internal: function ${this.#context.name} lacks its last end`);
    const out = new ByteWriter();
    out.vector(runs(this.#locals.slice(this.#context.type.params.length)), ({ type, count }) => {
      out.u32(count);
      out.byte(typeByte[type]);
    });
    const code = this.#code.finish();
    if (fused) for (const { at, into } of this.#fusible) code.set(bytesOf(into), at);
    out.bytes(code);
    return out.finish();
  }

  #apply(name: OpcodeName, { signature }: Opcode, args: Immediates[ImmediateKind]): void {
    if (signature !== undefined) {
      this.#stack.popAll(signature.params);
      this.#stack.push(signature.results);
      return;
    }
    const rule = stackRules[name as keyof typeof stackRules] as (...all: unknown[]) => void;
    rule(this.#stack, this.#scope, ...args);
  }

  #missing(what: string, index: number): never {
    return this.#fail(`names ${what} ${index}, which does not exist`);
  }

  #fail(problem: string): never {
    throw new Error(
      `internal: ${this.#current} ${problem} (function ${this.#context.name}, instruction ${this.#count})`,
    );
  }
}

function writeOpcode(out: ByteWriter, { prefix, code }: Opcode): void {
  if (prefix === undefined) {
    out.byte(code);
  } else {
    out.byte(prefix);
    out.u32(code);
  }
}

function bytesOf(names: readonly OpcodeName[]): Uint8Array {
  const out = new ByteWriter();
  for (const name of names) writeOpcode(out, opcodes[name]);
  return out.finish();
}

function runs(types: readonly ValueType[]): { type: ValueType; count: number }[] {
  const found: { type: ValueType; count: number }[] = [];
  for (const type of types) {
    const last = found.at(-1);
    if (last?.type === type) last.count++;
    else found.push({ type, count: 1 });
  }
  return found;
}

for (const name of opcodeNames) {
  Object.defineProperty(FunctionBody.prototype, methodName(name), {
    value(this: FunctionBody, ...args: Immediates[ImmediateKind]) {
      return this.instruction(name, args);
    },
  });
}

export interface FunctionAssembler extends FunctionBody, OpcodeMethods<FunctionAssembler> {}

export function assembleFunction(context: FunctionContext): FunctionAssembler {
  // The loop above gave the class a method for every row that OpcodeMethods is computed from.
  return new FunctionBody(context) as FunctionAssembler;
}
