/**
 * Integer arithmetic that never traps: a division by zero gives 0, the one quotient that overflows wraps, and
 * a shift by more bits than there are shifts everything out. Operands are on the stack, in this order.
 */
import type { BinaryFn, UnaryFn } from "../../compiler/ir/loop.ts";
import type { DType } from "../../runtime/dtype.ts";
import type { FunctionAssembler } from "./assembler/index.ts";
import { isUnsigned, typeOf } from "./value-type.ts";

/** The instructions of one width, and what differs by sign. */
class Integers {
  readonly f: FunctionAssembler;
  readonly type: "i32" | "i64";
  readonly sign: "s" | "u";

  constructor(f: FunctionAssembler, dtype: DType) {
    this.f = f;
    this.type = typeOf(dtype) === "i64" ? "i64" : "i32";
    // Narrow unsigned integers are never negative in 32 bits, and what they wrap to is decided at the store.
    this.sign = dtype === "uint32" || dtype === "uint64" ? "u" : "s";
  }

  get bits(): number {
    return this.type === "i64" ? 64 : 32;
  }

  op(name: "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "eq" | "ne" | "eqz"): this {
    this.f.instruction(`${this.type}.${name}`, []);
    return this;
  }

  signed(name: "div" | "rem" | "shr" | "lt" | "le" | "gt" | "ge", sign = this.sign): this {
    this.f.instruction(`${this.type}.${name}_${sign}`, []);
    return this;
  }

  constant(value: number): this {
    if (this.type === "i64") this.f.i64_const(BigInt(value));
    else this.f.i32_const(value);
    return this;
  }

  local(): number {
    return this.f.local(this.type);
  }

  get(...locals: readonly number[]): this {
    for (const local of locals) this.f.local_get(local);
    return this;
  }

  /** Takes what is on the stack, the last first. */
  take(count: number): readonly number[] {
    const locals = Array.from({ length: count }, () => this.local());
    for (const local of [...locals].reverse()) this.f.local_set(local);
    return locals;
  }
}

type Write = (i: Integers) => unknown;

const compare =
  (name: "lt" | "le" | "gt" | "ge"): Write =>
  (i) =>
    i.signed(name);

const larger =
  (name: "gt" | "lt"): Write =>
  (i) => {
    const [a, b] = i.take(2) as [number, number];
    i.get(a, b, a, b).signed(name).f.select();
  };

const binary: Readonly<Partial<Record<BinaryFn, Write>>> = {
  add: (i) => i.op("add"),
  sub: (i) => i.op("sub"),
  mul: (i) => i.op("mul"),
  div: divide,
  mod: modulo,
  max: larger("gt"),
  min: larger("lt"),
  eq: (i) => i.op("eq"),
  ne: (i) => i.op("ne"),
  lt: compare("lt"),
  le: compare("le"),
  gt: compare("gt"),
  ge: compare("ge"),
  and: (i) => i.op("and"),
  or: (i) => i.op("or"),
  xor: (i) => i.op("xor"),
  shiftLeft: (i) => {
    const [a, b] = i.take(2) as [number, number];
    i.get(a, b).op("shl").constant(0);
    i.get(b).constant(i.bits).signed("lt", "u").f.select();
  },
  shiftRight: (i) => {
    const [a, b] = i.take(2) as [number, number];
    const shift = () => i.signed("shr");
    i.get(a, b);
    shift();
    if (i.sign === "u") i.constant(0);
    else {
      i.get(a).constant(i.bits - 1);
      shift();
    }
    i.get(b).constant(i.bits).signed("lt", "u").f.select();
  },
};

/** By 0 and by -1 the quotient is the product, wrapped; the instruction would trap. */
function divide(i: Integers): void {
  const [a, b] = i.take(2) as [number, number];
  if (i.sign === "u") i.get(b).op("eqz");
  else i.get(b).constant(1).op("add").constant(2).signed("lt", "u");
  i.f.if(i.type);
  i.get(a, b).op("mul").f.else();
  i.get(a, b).signed("div").f.end();
}

/** The remainder, which has the sign of the dividend, and the divisor added where that is the other sign. */
function modulo(i: Integers): void {
  const [a, b] = i.take(2) as [number, number];
  const rest = i.local();
  i.get(b).op("eqz").f.if(i.type);
  i.constant(0).f.else();
  i.get(a, b).signed("rem").f.end().local_set(rest);
  if (i.sign === "u") {
    i.get(rest);
    return;
  }
  i.get(rest, b).op("add").get(rest);
  i.get(rest, b).op("xor").constant(0).signed("lt", "s");
  i.get(rest).constant(0).op("ne").f.i32_and().select();
}

const unary: Readonly<Partial<Record<UnaryFn, Write>>> = {
  neg: (i) => i.constant(-1).op("mul"),
  abs: (i) => {
    if (i.sign === "u") return;
    const [x] = i.take(1) as [number];
    i.constant(0).get(x).op("sub").get(x);
    i.get(x).constant(0).signed("lt").f.select();
  },
  sign: (i) => {
    const [x] = i.take(1) as [number];
    i.get(x).constant(0).signed("gt");
    if (i.sign === "s") i.get(x).constant(0).signed("lt").f.i32_sub();
    if (i.type === "i64") i.f.i64_extend_i32_s();
  },
  not: (i) => i.constant(-1).op("xor"),
};

/** False for what integers do not have. */
export function emitIntegerBinary(f: FunctionAssembler, fn: BinaryFn, dtype: DType): boolean {
  binary[fn]?.(new Integers(f, dtype));
  return fn in binary;
}

export function emitIntegerUnary(f: FunctionAssembler, fn: UnaryFn, dtype: DType): boolean {
  if (fn === "not" && dtype === "bool") f.i32_eqz();
  else unary[fn]?.(new Integers(f, dtype));
  return fn in unary;
}

/** The i32 on the stack wrapped to an integer of fewer bits. */
export function emitNarrow(f: FunctionAssembler, dtype: DType, bits: number): void {
  if (bits === 32) return;
  if (isUnsigned(dtype)) f.i32_const(2 ** bits - 1).i32_and();
  else if (bits === 8) f.i32_extend8_s();
  else if (bits === 16) f.i32_extend16_s();
  else {
    f.i32_const(32 - bits).i32_shl();
    f.i32_const(32 - bits).i32_shr_s();
  }
}
