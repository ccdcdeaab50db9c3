/**
 * Element-by-element core ops as typed functions over a GraphBuilder. Operands may be plain numbers: they
 * become constants of the other operand's dtype, so that layers read like formulas. Broadcasting is numpy's.
 */
import type { DType } from "../../../runtime/dtype.ts";
import { type Tensor, tensor } from "../../../runtime/tensor.ts";
import type { Shape } from "../../dims/index.ts";
import type { GraphBuilder } from "../../infer/builder.ts";
import type { Attributes, Value } from "../../ir/graph.ts";

/** A value of the graph, or a number that stands for a constant. */
export type Arg = Value | number;

export class ElementwiseOps {
  readonly builder: GraphBuilder;

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  /** The dims of `x` with everything known so far filled in. */
  shape(x: Value): Shape {
    return this.builder.resolve(x.type.shape);
  }

  rank(x: Value): number {
    return x.type.shape.length;
  }

  /** A constant: a tensor, or a scalar of `dtype`. */
  constant(value: Tensor | number, dtype: DType = "float32"): Value {
    return this.builder.constant(typeof value === "number" ? scalar(value, dtype) : value);
  }

  neg = (x: Value) => this.one("neg", x);
  abs = (x: Value) => this.one("abs", x);
  sign = (x: Value) => this.one("sign", x);
  exp = (x: Value) => this.one("exp", x);
  expm1 = (x: Value) => this.one("expm1", x);
  log = (x: Value) => this.one("log", x);
  log1p = (x: Value) => this.one("log1p", x);
  sqrt = (x: Value) => this.one("sqrt", x);
  sin = (x: Value) => this.one("sin", x);
  cos = (x: Value) => this.one("cos", x);
  tan = (x: Value) => this.one("tan", x);
  asin = (x: Value) => this.one("asin", x);
  acos = (x: Value) => this.one("acos", x);
  atan = (x: Value) => this.one("atan", x);
  sinh = (x: Value) => this.one("sinh", x);
  cosh = (x: Value) => this.one("cosh", x);
  tanh = (x: Value) => this.one("tanh", x);
  asinh = (x: Value) => this.one("asinh", x);
  acosh = (x: Value) => this.one("acosh", x);
  atanh = (x: Value) => this.one("atanh", x);
  erf = (x: Value) => this.one("erf", x);
  floor = (x: Value) => this.one("floor", x);
  ceil = (x: Value) => this.one("ceil", x);
  /** To the nearest integer, halves to even. */
  round = (x: Value) => this.one("round", x);
  not = (x: Value) => this.one("not", x);

  add = (a: Arg, b: Arg) => this.two("add", a, b);
  sub = (a: Arg, b: Arg) => this.two("sub", a, b);
  mul = (a: Arg, b: Arg) => this.two("mul", a, b);
  div = (a: Arg, b: Arg) => this.two("div", a, b);
  mod = (a: Arg, b: Arg) => this.two("mod", a, b);
  pow = (a: Arg, b: Arg) => this.two("pow", a, b);
  max = (a: Arg, b: Arg) => this.two("max", a, b);
  min = (a: Arg, b: Arg) => this.two("min", a, b);
  atan2 = (a: Arg, b: Arg) => this.two("atan2", a, b);
  and = (a: Value, b: Value) => this.two("and", a, b);
  or = (a: Value, b: Value) => this.two("or", a, b);
  xor = (a: Value, b: Value) => this.two("xor", a, b);
  shiftLeft = (a: Value, b: Value) => this.two("shiftLeft", a, b);
  shiftRight = (a: Value, b: Value) => this.two("shiftRight", a, b);

  eq = (a: Arg, b: Arg) => this.two("eq", a, b);
  ne = (a: Arg, b: Arg) => this.two("ne", a, b);
  lt = (a: Arg, b: Arg) => this.two("lt", a, b);
  le = (a: Arg, b: Arg) => this.two("le", a, b);
  gt = (a: Arg, b: Arg) => this.two("gt", a, b);
  ge = (a: Arg, b: Arg) => this.two("ge", a, b);

  /** `a` where `condition` holds, else `b`; all three broadcast. */
  select(condition: Value, a: Arg, b: Arg): Value {
    const [left, right] = this.#pair(a, b);
    return this.node("select", [condition, left, right]);
  }

  /** Float to integer truncates towards zero and saturates. */
  cast(x: Value, dtype: DType): Value {
    return x.type.dtype === dtype ? x : this.node("cast", [x], { dtype });
  }

  /** The same bits as another dtype of the same width. */
  bitCast(x: Value, dtype: DType): Value {
    return x.type.dtype === dtype ? x : this.node("bitCast", [x], { dtype });
  }

  /** The only result of a node with one result. */
  protected node(op: string, operands: readonly Value[], attributes: Attributes = {}): Value {
    return this.builder.node(op, operands, attributes)[0]!;
  }

  protected one(op: string, x: Value): Value {
    return this.node(op, [x]);
  }

  protected two(op: string, a: Arg, b: Arg): Value {
    return this.node(op, this.#pair(a, b));
  }

  #pair(a: Arg, b: Arg): readonly [Value, Value] {
    if (typeof a !== "number") return [a, typeof b === "number" ? this.constant(b, a.type.dtype) : b];
    if (typeof b !== "number") return [this.constant(a, b.type.dtype), b];
    return [this.constant(a), this.constant(b)];
  }
}

function scalar(value: number, dtype: DType): Tensor {
  return tensor([value], [], dtype);
}
