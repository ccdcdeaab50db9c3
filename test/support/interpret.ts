/**
 * Runs loop IR as it is written: the oracle for schedules and code generators. Slow and plain on purpose.
 * Under `float64` it rounds at casts and stores only; under `float32` after every floating operation; under
 * `float32-fma` an addition of a product rounds once (the product of two float32 is exact in float64; the sum
 * is rounded twice, so a result may differ from hardware in the last place where the first rounding lands on
 * a tie).
 */

import { type Dim, evaluate, terms } from "../../compiler/dims/index.ts";
import type { BinaryFn, Buffer, Expr, Kernel, Register, Stmt, UnaryFn } from "../../compiler/ir/loop.ts";
import type { Place } from "../../compiler/ir/loop-rewrite.ts";
import type { Numerics } from "../../compiler/ir/target.ts";
import { allocate, dtypes, type TypedArray } from "../../runtime/dtype.ts";
import { numberAt, wrap } from "../../runtime/elements.ts";
import { codeOf } from "../../runtime/float-format.ts";
import { erf } from "../../runtime/math/erf.ts";

export type Memory = ReadonlyMap<Buffer, TypedArray>;

export function interpret(
  kernel: Kernel,
  memory: Memory,
  numerics: Numerics,
  parameters: Readonly<Record<string, number>> = {},
): void {
  new Machine(memory, numerics, new Map(Object.entries(parameters))).run(kernel.body);
}

/**
 * Memory for a kernel's buffers: `fill` gives an array, or nothing for one full of NaN (a poisoned arena).
 */
export function memoryFor(
  kernel: Kernel,
  fill: (b: Buffer) => TypedArray | undefined,
): Map<Buffer, TypedArray> {
  const poison = (b: Buffer) => allocate(b.dtype, b.length).fill(Number.NaN);
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
  mod: (a, b) => (a % b !== 0 && a % b < 0 !== b < 0 ? (a % b) + b : a % b),
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
};

const integer: Partial<Record<BinaryFn, (a: number, b: number) => number>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  div: (a, b) => (a / b) | 0,
};

class Machine {
  readonly #memory: Memory;
  readonly #numerics: Numerics;
  readonly #symbols: Map<string, number>;
  readonly #registers = new Map<Register, number[]>();

  constructor(memory: Memory, numerics: Numerics, symbols: Map<string, number>) {
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
        this.#array(s.buffer, s.index)[this.#at(s.index)] = stored(value, s.buffer.dtype);
        return;
      }
      case "bind":
        this.#symbols.set(s.symbol, this.#bound(s, this.#value(s.value)));
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

  #value(e: Expr): number {
    switch (e.kind) {
      case "constant":
        return e.value;
      case "load":
        return numberAt(e.buffer.dtype, this.#array(e.buffer, e.index), this.#at(e.index));
      case "register": {
        const value = this.#registers.get(e.register)?.[this.#element(e)];
        if (value === undefined) throw new Error(`register ${e.register.name} is read before it is declared`);
        return value;
      }
      case "unary":
        return this.#round(unary[e.fn](this.#value(e.x)), e);
      case "binary":
        return this.#binary(e);
      case "select":
        return this.#value(this.#value(e.condition) !== 0 ? e.a : e.b);
      case "cast":
        return this.#cast(this.#value(e.x), e.dtype);
      case "index":
        return this.#at(e.index);
      case "guard":
        return this.#value(e.tests.every((test) => this.#at(test) >= 0) ? e.inside : e.outside);
    }
  }

  #binary(e: Expr & { kind: "binary" }): number {
    const product = [e.a, e.b].find((part) => part.kind === "binary" && part.fn === "mul");
    const fused = e.fn === "add" && this.#numerics.accumulate === "float32-fma" && isFloat(e) && product;
    if (fused && fused.kind === "binary") {
      const addend = this.#value(fused === e.a ? e.b : e.a);
      return Math.fround(this.#value(fused.a) * this.#value(fused.b) + addend);
    }
    const compute = isFloat(e) ? floating[e.fn] : (integer[e.fn] ?? floating[e.fn]);
    const value = compute(this.#value(e.a), this.#value(e.b));
    return e.dtype === "uint32" ? value >>> 0 : this.#round(value, e);
  }

  #round(x: number, e: Expr & { kind: "unary" | "binary" }): number {
    return this.#numerics.accumulate !== "float64" && isFloat(e) ? Math.fround(x) : x;
  }

  #cast(x: number, dtype: Buffer["dtype"]): number {
    if (dtype === "bool") return x !== 0 ? 1 : 0;
    const cell = allocate(dtype, 1);
    cell[0] = stored(dtypes[dtype].kind === "float" ? x : Math.trunc(x), dtype);
    return numberAt(dtype, cell, 0);
  }

  #narrow(x: number, dtype: Buffer["dtype"]): number {
    return dtype === "float32" && this.#numerics.accumulate !== "float64" ? Math.fround(x) : x;
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

/** The element that stands for a number; arrays of whole bytes wrap and round by themselves. */
function stored(x: number, dtype: Buffer["dtype"]): number {
  const { format, packable } = dtypes[dtype];
  if (format) return codeOf(format, x);
  return packable ? wrap(dtype, x) : x;
}

const isFloat = (e: { readonly dtype: Buffer["dtype"] }) => dtypes[e.dtype].kind === "float";
