/**
 * Runs loop IR as it is written: the oracle for schedules and code generators. Slow and plain on purpose.
 * Under `float64` it rounds at casts and stores only; under `float32` after every operation on float32; under
 * `float32-fma` an addition of a product rounds once (the product of two float32 is exact in float64; the sum
 * is rounded twice, so a result may differ from hardware in the last place where the first rounding lands on
 * a tie).
 */

import { type Dim, evaluate, terms } from "../../compiler/dims/index.ts";
import type { BinaryFn, Buffer, Expr, Kernel, Register, Stmt, UnaryFn } from "../../compiler/ir/loop.ts";
import { dtypeOf, type Place } from "../../compiler/ir/loop-rewrite.ts";
import type { Numerics } from "../../compiler/ir/target.ts";
import { allocate, dtypes, type Scalar, type TypedArray, widthOf } from "../../runtime/dtype.ts";
import {
  type Elements,
  numberAt,
  oddNumber,
  roundedTo,
  scalarOf,
  wrap,
  wrapBig,
} from "../../runtime/elements.ts";
import { codeOf } from "../../runtime/float-format.ts";
import { erf } from "../../runtime/math/erf.ts";

/** `math`: float32 functions of a target that are not JavaScript's; undefined for those it has not. */
export interface Arithmetic extends Numerics {
  readonly math?: (fn: UnaryFn | BinaryFn) => ((a: number, b: number) => number) | undefined;
}

export type Memory = ReadonlyMap<Buffer, TypedArray>;

export function interpret(
  kernel: Kernel,
  memory: Memory,
  numerics: Arithmetic,
  parameters: Readonly<Record<string, number>> = {},
): void {
  new Machine(memory, numerics, new Map(Object.entries(parameters))).run(kernel.body);
}

/** Every bit is set: NaN in floats, -1 in integers. */
export function poisonedArray({ dtype, length }: Buffer): TypedArray {
  const data = allocate(dtype, length);
  new Uint8Array(data.buffer).fill(255);
  return data;
}

/**
 * Memory for a kernel's buffers: `fill` gives an array, or nothing for one full of NaN (a poisoned arena).
 */
export function memoryFor(
  kernel: Kernel,
  fill: (b: Buffer) => TypedArray | undefined,
): Map<Buffer, TypedArray> {
  const poison = (b: Buffer) => poisonedArray(b);
  return new Map([...kernel.reads, ...kernel.writes].map((b) => [b, fill(b) ?? poison(b)]));
}

const unary: Record<UnaryFn, (x: number) => number> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  not: (x) => (x ? 0 : 1),
};

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : -(-1 - down);
}

const floating: Record<BinaryFn, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => (a % b === 0 ? Math.sign(b) * 0 : a % b < 0 !== b < 0 ? (a % b) + b : a % b),
  pow: (a, b) => a ** b,
  max: Math.max,
  min: Math.min,
  atan2: Math.atan2,
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
  and: (a, b) => Number(a !== 0 && b !== 0),
  or: (a, b) => Number(a !== 0 || b !== 0),
  xor: (a, b) => Number((a !== 0) !== (b !== 0)),
  shiftLeft: (a, b) => (b >= 0 && b < 32 ? a * 2 ** b : 0),
  shiftRight: (a, b) => Math.floor(a / 2 ** (b >= 0 && b < 32 ? b : 32)),
};

const integer: Partial<Record<BinaryFn, (a: number, b: number) => number>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  div: (a, b) => (a / b) | 0,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shiftLeft: (a, b) => Number(BigInt.asIntN(32, BigInt(a) << BigInt(b >= 0 && b < 32 ? b : 32))),
};

/** The functions of 64-bit integers; the others take none. */
const bigUnary: Partial<Record<UnaryFn, (x: bigint) => bigint>> = {
  neg: (x) => -x,
  abs: (x) => (x < 0n ? -x : x),
  sign: (x) => BigInt(Number(x > 0n) - Number(x < 0n)),
  not: (x) => ~x,
};

const bigBinary: Partial<Record<BinaryFn, (a: bigint, b: bigint) => Scalar>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  mod: (a, b) => (b === 0n ? 0n : ((a % b) + b) % b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shiftLeft: (a, b) => (b >= 0n && b < 64n ? a << b : 0n),
  shiftRight: (a, b) => a >> (b >= 0n && b < 64n ? b : 64n),
  max: (a, b) => (a > b ? a : b),
  min: (a, b) => (a < b ? a : b),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
};

class Machine {
  readonly #memory: Memory;
  readonly #numerics: Arithmetic;
  readonly #symbols: Map<string, number>;
  readonly #registers = new Map<Register, Scalar[]>();

  constructor(memory: Memory, numerics: Arithmetic, symbols: Map<string, number>) {
    this.#memory = memory;
    this.#numerics = numerics;
    this.#symbols = symbols;
  }

  run(stmts: readonly Stmt[]): void {
    for (const s of stmts) this.#stmt(s);
  }

  #stmt(s: Stmt): void {
    switch (s.kind) {
      case "for": {
        const extent = this.#at(s.extent);
        for (let i = 0; i < extent; i += s.step) {
          this.#symbols.set(s.axis, i);
          this.run(s.body);
        }
        this.#symbols.delete(s.axis);
        return;
      }
      case "let":
      case "set": {
        const value = this.#narrow(this.#value(s.value), s.register.dtype);
        const elements = this.#registers.get(s.register) ?? [];
        this.#registers.set(s.register, elements);
        elements[this.#element(s)] = value;
        return;
      }
      case "store": {
        const value = this.#value(s.value);
        const elements: Elements = this.#array(s.buffer, s.index);
        elements[this.#at(s.index)] = stored(value, s.buffer.dtype);
        return;
      }
      case "bind":
        this.#symbols.set(s.symbol, this.#bound(s, Number(this.#value(s.value))));
        return;
      case "if":
        if (this.#value(s.condition) !== 0) this.run(s.body);
    }
  }

  #bound(s: Stmt & { kind: "bind" }, value: number): number {
    const extent = this.#at(s.extent);
    const wrapped = s.wrap && value < 0 ? value + extent : value;
    if (s.mode === "clamp") return Math.min(Math.max(wrapped, 0), extent - 1);
    if (!(wrapped >= 0 && wrapped < extent)) throw new RangeError(`${s.what}: ${value} outside ${extent}`);
    return wrapped;
  }

  #value(e: Expr): Scalar {
    switch (e.kind) {
      case "constant":
        return dtypes[e.dtype].big ? BigInt(e.value) : e.value;
      case "load":
        return numberAt(e.buffer.dtype, this.#array(e.buffer, e.index), this.#at(e.index));
      case "register": {
        const value = this.#registers.get(e.register)?.[this.#element(e)];
        if (value === undefined) throw new Error(`register ${e.register.name} is read before it is declared`);
        return value;
      }
      case "unary":
        return this.#unary(e);
      case "binary":
        return this.#binary(e);
      case "select":
        return this.#value(this.#value(e.condition) !== 0 ? e.a : e.b);
      case "cast":
        return this.#cast(this.#value(e.x), e.dtype);
      case "bits":
        return this.#bits(this.#value(e.x), dtypeOf(e.x), e.dtype);
      case "index":
        return scalarOf(e.dtype, this.#at(e.index));
      case "guard":
        return this.#value(e.tests.every((test) => this.#at(test) >= 0) ? e.inside : e.outside);
    }
  }

  #unary(e: Expr & { kind: "unary" }): Scalar {
    const x = this.#value(e.x);
    if (typeof x === "bigint") return wrapBig(e.dtype, bigUnary[e.fn]!(x));
    const own = this.#own(e);
    if (own) return own(x, 0);
    const value = e.fn === "not" && e.dtype !== "bool" ? ~x : unary[e.fn](x);
    if (e.dtype === "uint32") return value >>> 0;
    // Integers have no negative zero, and the negative of the least is itself.
    return dtypes[e.dtype].kind === "integer" ? value | 0 : this.#round(value, e);
  }

  #binary(e: Expr & { kind: "binary" }): Scalar {
    const product = [e.a, e.b].find((part) => part.kind === "binary" && part.fn === "mul");
    const fused = e.fn === "add" && this.#numerics.accumulate === "float32-fma" && isFloat(e) && product;
    if (fused && fused.kind === "binary") {
      const addend = this.#number(fused === e.a ? e.b : e.a);
      return Math.fround(this.#number(fused.a) * this.#number(fused.b) + addend);
    }
    const compute = isFloat(e) ? floating[e.fn] : (integer[e.fn] ?? floating[e.fn]);
    const [a, b] = [this.#value(e.a), this.#value(e.b)];
    if (typeof a === "bigint" && typeof b === "bigint") {
      const big = bigBinary[e.fn]!(a, b);
      return typeof big === "bigint" ? wrapBig(e.dtype, big) : big;
    }
    const own = this.#own(e);
    if (own) return own(Number(a), Number(b));
    const value = compute(Number(a), Number(b));
    return e.dtype === "uint32" ? value >>> 0 : this.#round(value, e);
  }

  #own(e: Expr & { kind: "unary" | "binary" }) {
    return e.dtype === "float32" ? this.#numerics.math?.(e.fn) : undefined;
  }

  #round(x: number, e: Expr & { kind: "unary" | "binary" }): number {
    const narrow = this.#numerics.accumulate !== "float64" && isFloat(e) && e.dtype !== "float64";
    return narrow ? Math.fround(x) : x;
  }

  #number(e: Expr): number {
    return Number(this.#value(e));
  }

  #cast(x: Scalar, dtype: Buffer["dtype"]): Scalar {
    const { big, kind } = dtypes[dtype];
    if (dtype === "bool") return Number(x !== 0 && x !== 0n);
    if (big) return typeof x === "bigint" ? wrapBig(dtype, x) : saturated(x, dtype);
    if (typeof x === "bigint" && dtype === "float64") return Number(x);
    const number =
      typeof x === "bigint" ? (kind === "float" ? oddNumber(x) : Number(BigInt.asIntN(32, x))) : x;
    const cell = allocate(dtype, 1);
    const elements: Elements = cell;
    elements[0] = stored(kind === "float" ? number : Math.trunc(number), dtype);
    return numberAt(dtype, cell, 0);
  }

  #bits(x: Scalar, from: Buffer["dtype"], to: Buffer["dtype"]): Scalar {
    const cell = allocate(from, 1);
    const elements: Elements = cell;
    elements[0] = stored(Number.isNaN(x) ? Number.NaN : x, from);
    const bits = new DataView(cell.buffer);
    const seen = allocate(to, 1);
    const width = widthOf(to);
    new Uint8Array(seen.buffer).forEach((_, i, bytes) => {
      bytes[i] = bits.getUint8(i) & (width < 8 ? 2 ** width - 1 : 255);
    });
    const value = numberAt(to, seen, 0);
    if (to === "bool") return Number(value !== 0);
    return typeof value === "number" ? roundedTo(to, value) : value;
  }

  #narrow(x: Scalar, dtype: Buffer["dtype"]): Scalar {
    return typeof x === "number" && dtype === "float32" && this.#numerics.accumulate !== "float64"
      ? Math.fround(x)
      : x;
  }

  #array(buffer: Buffer, index: Dim): TypedArray {
    const data = this.#memory.get(buffer);
    if (!data) throw new Error(`buffer ${buffer.name} has no memory`);
    const at = this.#at(index);
    if (!(at >= 0 && at < data.length))
      throw new RangeError(`${buffer.name}[${at}] is outside ${data.length}`);
    return data;
  }

  /** Sums of products of symbols are done here; the general evaluation is slow. */
  #at(d: Dim): number {
    let sum = 0;
    for (const { coefficient, factors } of terms(d)) {
      let product = Number(coefficient);
      for (const factor of factors) {
        const value = factor.kind === "symbol" ? this.#symbols.get(factor.name) : undefined;
        if (value === undefined) return Number(evaluate(d, this.#symbols));
        product *= value;
      }
      sum += product;
    }
    return sum;
  }

  #element({ register, index }: Place): number {
    return index.reduce((at, d, axis) => {
      const i = this.#at(d);
      const extent = register.shape[axis]!;
      if (!(i >= 0 && i < extent)) throw new RangeError(`${register.name}: index ${i} outside ${extent}`);
      return at * extent + i;
    }, 0);
  }
}

/** What a float is cut to; to 64 bits a cast saturates. */
function saturated(x: number, dtype: Buffer["dtype"]): bigint {
  const [lowest, highest] = [BigInt(dtypes[dtype].lowest), BigInt(dtypes[dtype].highest)];
  if (Number.isNaN(x)) return 0n;
  if (!Number.isFinite(x)) return x > 0 ? highest : lowest;
  const whole = BigInt(Math.trunc(x));
  return whole < lowest ? lowest : whole > highest ? highest : whole;
}

/** The element that stands for a number; arrays of whole bytes wrap and round by themselves. */
function stored(x: Scalar, dtype: Buffer["dtype"]): Scalar {
  const { format, packable } = dtypes[dtype];
  if (typeof x === "bigint") return x;
  if (format) return codeOf(format, x);
  return packable ? wrap(dtype, x) : x;
}

const isFloat = (e: { readonly dtype: Buffer["dtype"] }) => dtypes[e.dtype].kind === "float";
