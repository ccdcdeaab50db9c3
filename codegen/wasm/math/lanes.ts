/**
 * How the vector functions are written: values are closures that leave one v128 on the stack, so that a
 * formula reads as a formula (`m.madd(r, p, m.c(1))`) and costs nothing but its instructions. `keep` computes
 * a value now, into a local, to be used several times.
 *
 * `madd` is one relaxed instruction in modules for engines that have it, else a product and a sum: what is
 * written with it must be right under both, rounded once or twice.
 */
import type { FunctionAssembler, Module, OpcodeName } from "../assembler/index.ts";

/** Leaves its value on the stack. */
export type Value = () => void;

type Shape = "f32x4" | "f64x2";

/** The instructions of one function on vectors of one shape. */
export class Lanes {
  readonly f: FunctionAssembler;
  readonly #module: Module;
  readonly #shape: Shape;

  constructor(module: Module, f: FunctionAssembler, shape: Shape = "f32x4") {
    this.f = f;
    this.#module = module;
    this.#shape = shape;
  }

  /** The same function in doubles. */
  doubles(): Lanes {
    return new Lanes(this.#module, this.f, "f64x2");
  }

  local(index: number): Value {
    return () => this.f.local_get(index);
  }

  keep(value: Value): Value {
    const local = this.f.local("v128");
    value();
    this.f.local_set(local);
    return this.local(local);
  }

  /** Any instruction without immediates. */
  op(name: OpcodeName, ...operands: readonly Value[]): Value {
    return () => {
      for (const operand of operands) operand();
      this.f.instruction(name, []);
    };
  }

  /** A number in every lane. */
  c(value: number): Value {
    const lanes = this.#shape === "f32x4" ? new Float32Array(4).fill(value) : new Float64Array(2).fill(value);
    return this.#constant(lanes);
  }

  /** Bits in every lane: 32, or 64 from a bigint. */
  bits(value: number | bigint): Value {
    const lanes =
      typeof value === "bigint" ? new BigInt64Array(2).fill(value) : new Int32Array(4).fill(value);
    return this.#constant(lanes);
  }

  #constant(lanes: ArrayBufferView): Value {
    const index = this.#module.constant(lanes);
    return () => this.f.global_get(index);
  }

  /** `i32x4.shl` and its like, by a constant. */
  shift(name: OpcodeName, x: Value, by: number): Value {
    return () => {
      x();
      this.f.i32_const(by).instruction(name, []);
    };
  }

  shuffle(lanes: readonly number[], a: Value, b: Value): Value {
    return () => {
      a();
      b();
      this.f.i8x16_shuffle(lanes);
    };
  }

  #both(
    fn: "add" | "sub" | "mul" | "div" | "eq" | "lt" | "gt" | "ge" | "ne" | "pmin" | "pmax",
    a: Value,
    b: Value,
  ): Value {
    return this.op(`${this.#shape}.${fn}`, a, b);
  }

  add = (a: Value, b: Value) => this.#both("add", a, b);
  sub = (a: Value, b: Value) => this.#both("sub", a, b);
  mul = (a: Value, b: Value) => this.#both("mul", a, b);
  div = (a: Value, b: Value) => this.#both("div", a, b);
  eq = (a: Value, b: Value) => this.#both("eq", a, b);
  ne = (a: Value, b: Value) => this.#both("ne", a, b);
  lt = (a: Value, b: Value) => this.#both("lt", a, b);
  gt = (a: Value, b: Value) => this.#both("gt", a, b);
  /** `b < a ? b : a`: a NaN in `a` stays. One instruction on x86, where `f32x4.min` takes seven. */
  pmin = (a: Value, b: Value) => this.#both("pmin", a, b);
  /** `a < b ? b : a`: a NaN in `a` stays. */
  pmax = (a: Value, b: Value) => this.#both("pmax", a, b);
  sqrt = (a: Value) => this.op(`${this.#shape}.sqrt`, a);
  abs = (a: Value) => this.op(`${this.#shape}.abs`, a);
  nearest = (a: Value) => this.op(`${this.#shape}.nearest`, a);
  and = (a: Value, b: Value) => this.op("v128.and", a, b);
  or = (a: Value, b: Value) => this.op("v128.or", a, b);
  xor = (a: Value, b: Value) => this.op("v128.xor", a, b);
  /** `a` where the mask is set, else `b`. */
  select = (mask: Value, a: Value, b: Value) => this.op("v128.bitselect", a, b, mask);

  /** a * b + c */
  madd(a: Value, b: Value, c: Value): Value {
    return () => {
      a();
      b();
      this.f.fusibleMul(this.#shape);
      c();
      this.f.fusibleAdd(this.#shape);
    };
  }

  /** Coefficients from the constant term up, by Horner's rule; `x` must be kept. */
  polynomial(x: Value, coefficients: readonly number[]): Value {
    const terms = coefficients.map((coefficient) => this.c(coefficient));
    return terms.reduceRight((sum, term) => this.madd(sum, x, term));
  }

  signOf(x: Value): Value {
    return this.and(x, this.#shape === "f32x4" ? this.bits(-0x8000_0000) : this.bits(-(2n ** 63n)));
  }

  /** Lanes 0 and 1, then 2 and 3, in doubles; the results are rounded to float32 and put together. */
  inDoubles(compute: (d: Lanes, ...halves: Value[]) => Value, ...operands: readonly Value[]): Value {
    return this.halves((d, ...wide) => d.op("f32x4.demote_f64x2_zero", compute(d, ...wide)), ...operands);
  }

  /** The same, of results that are in the lower half already. */
  halves(compute: (d: Lanes, ...halves: Value[]) => Value, ...operands: readonly Value[]): Value {
    const d = this.doubles();
    const half = (of: (x: Value) => Value) => {
      const values = operands.map((x) => d.keep(this.op("f64x2.promote_low_f32x4", of(x))));
      return this.keep(compute(d, ...values));
    };
    const low = half((x) => x);
    const high = half((x) => this.upper(x));
    return this.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23], low, high);
  }

  /** Lanes 2 and 3 in the lower half. */
  upper(x: Value): Value {
    return this.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15], x, x);
  }
}
