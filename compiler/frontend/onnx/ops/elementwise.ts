/** Element by element: arithmetic, comparison and logic, with the broadcasting of their opset. */
import { dtypes } from "../../../../runtime/dtype.ts";
import { constant, type Dim } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, int, ints, required, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

type Two = (ops: Ops, a: Value, b: Value) => Value;
type One = (ops: Ops, x: Value) => Value;

/** One operand, the same since the first opset that has it. */
const one = (name: string, version: number, apply: One): Operator =>
  operator(
    name,
    since(version, {}, (c) => apply(c.ops, c.value(0))),
  );

/** A one-operand operator of opset 1, where an attribute says what may be overwritten. */
const oldOne = (name: string, apply: One): Operator =>
  operator(
    name,
    since(1, { consumed_inputs: ints() }, (c) => apply(c.ops, c.value(0))),
    since(6, {}, (c) => apply(c.ops, c.value(0))),
  );

/** Two operands that broadcast; before opset 7 only the second one does, and only when it is said. */
const two = (name: string, apply: Two, first = 1): Operator => {
  const now = since(Math.max(first, 7), {}, (c) => apply(c.ops, c.value(0), c.value(1)));
  if (first > 1) return operator(name, { ...now, since: first });
  const before = since(1, { axis: int(), broadcast: flag(false), consumed_inputs: ints() }, (c, { axis }) =>
    apply(c.ops, c.value(0), aligned(c, axis)),
  );
  return operator(name, before, now);
};

/** The second operand, its first axis laid on axis `axis` of the first operand. */
function aligned(c: NodeContext, axis: number | undefined): Value {
  const [a, b] = [c.value(0), c.value(1)];
  if (axis === undefined || c.ops.rank(b) === 0) return b;
  const behind = c.ops.rank(a) - c.ops.axis(a, axis) - c.ops.rank(b);
  if (behind <= 0) return b;
  const ones: readonly Dim[] = Array.from({ length: behind }, () => constant(1));
  return c.ops.reshape(b, [...c.ops.shape(b), ...ones]);
}

/** Any number of operands, two at a time. */
const many = (name: string, apply: Two): Operator => {
  const run = (c: NodeContext) => c.values().reduce((a, b) => apply(c.ops, a, b));
  return operator(name, since(1, { consumed_inputs: ints() }, run), since(6, {}, run));
};

function mean(c: NodeContext): Value {
  const values = c.values();
  return c.ops.div(
    values.reduce((a, b) => c.ops.add(a, b)),
    values.length,
  );
}

/** The sign of the result is the dividend's, as in C. */
function remainder(ops: Ops, a: Value, b: Value): Value {
  const rest = ops.mod(ops.abs(a), ops.abs(b));
  return ops.select(ops.lt(a, 0), ops.neg(rest), rest);
}

/** The result has the base's dtype, whatever the exponent's; integers are raised in doubles. */
function power(ops: Ops, base: Value, exponent: Value): Value {
  const { dtype } = base.type;
  if (dtypes[dtype].kind === "float") return ops.pow(base, ops.cast(exponent, dtype));
  return ops.cast(ops.pow(ops.cast(base, "float64"), ops.cast(exponent, "float64")), dtype);
}

function infinite(ops: Ops, x: Value, negative: boolean, positive: boolean): Value {
  const [low, high] = [ops.eq(x, Number.NEGATIVE_INFINITY), ops.eq(x, Number.POSITIVE_INFINITY)];
  if (negative && positive) return ops.or(low, high);
  return negative ? low : positive ? high : ops.and(low, high);
}

export const elementwise: readonly Operator[] = [
  oldOne("Abs", (ops, x) => ops.abs(x)),
  oldOne("Neg", (ops, x) => ops.neg(x)),
  oldOne("Exp", (ops, x) => ops.exp(x)),
  oldOne("Log", (ops, x) => ops.log(x)),
  oldOne("Sqrt", (ops, x) => ops.sqrt(x)),
  oldOne("Reciprocal", (ops, x) => ops.div(1, x)),
  oldOne("Floor", (ops, x) => ops.floor(x)),
  oldOne("Ceil", (ops, x) => ops.ceil(x)),
  one("Round", 11, (ops, x) => ops.round(x)),
  one("Sign", 9, (ops, x) => ops.sign(x)),
  one("Erf", 9, (ops, x) => ops.erf(x)),
  one("Sin", 7, (ops, x) => ops.sin(x)),
  one("Cos", 7, (ops, x) => ops.cos(x)),
  one("Tan", 7, (ops, x) => ops.tan(x)),
  one("Asin", 7, (ops, x) => ops.asin(x)),
  one("Acos", 7, (ops, x) => ops.acos(x)),
  one("Atan", 7, (ops, x) => ops.atan(x)),
  one("Sinh", 9, (ops, x) => ops.sinh(x)),
  one("Cosh", 9, (ops, x) => ops.cosh(x)),
  one("Asinh", 9, (ops, x) => ops.asinh(x)),
  one("Acosh", 9, (ops, x) => ops.acosh(x)),
  one("Atanh", 9, (ops, x) => ops.atanh(x)),
  one("Not", 1, (ops, x) => ops.not(x)),
  one("IsNaN", 9, (ops, x) => ops.ne(x, x)),
  operator(
    "IsInf",
    since(10, { detect_negative: flag(true), detect_positive: flag(true) }, (c, a) =>
      infinite(c.ops, c.value(0), a.detect_negative, a.detect_positive),
    ),
  ),

  two("Add", (ops, a, b) => ops.add(a, b)),
  two("Sub", (ops, a, b) => ops.sub(a, b)),
  two("Mul", (ops, a, b) => ops.mul(a, b)),
  two("Div", (ops, a, b) => ops.div(a, b)),
  two("Pow", power),
  two("And", (ops, a, b) => ops.and(a, b)),
  two("Or", (ops, a, b) => ops.or(a, b)),
  two("Xor", (ops, a, b) => ops.xor(a, b)),
  two("Equal", (ops, a, b) => ops.eq(a, b)),
  two("Less", (ops, a, b) => ops.lt(a, b)),
  two("Greater", (ops, a, b) => ops.gt(a, b)),
  two("LessOrEqual", (ops, a, b) => ops.le(a, b), 12),
  two("GreaterOrEqual", (ops, a, b) => ops.ge(a, b), 12),
  operator(
    "Mod",
    since(10, { fmod: flag(false) }, (c, { fmod }) =>
      fmod ? remainder(c.ops, c.value(0), c.value(1)) : c.ops.mod(c.value(0), c.value(1)),
    ),
  ),

  many("Sum", (ops, a, b) => ops.add(a, b)),
  many("Max", (ops, a, b) => ops.max(a, b)),
  many("Min", (ops, a, b) => ops.min(a, b)),
  operator("Mean", since(1, { consumed_inputs: ints() }, mean), since(6, {}, mean)),
  two("BitwiseAnd", (ops, a, b) => ops.and(a, b), 18),
  two("BitwiseOr", (ops, a, b) => ops.or(a, b), 18),
  two("BitwiseXor", (ops, a, b) => ops.xor(a, b), 18),
  one("BitwiseNot", 18, (ops, x) => ops.not(x)),
  operator(
    "BitShift",
    since(11, { direction: required(word(["LEFT", "RIGHT"], "LEFT")) }, (c, { direction }) =>
      direction === "LEFT"
        ? c.ops.shiftLeft(c.value(0), c.value(1))
        : c.ops.shiftRight(c.value(0), c.value(1)),
    ),
  ),
  operator(
    "Where",
    since(9, {}, (c) => c.ops.select(c.value(0), c.value(1), c.value(2))),
  ),
];
