/**
 * Rows of arithmetic. Each says why no bit changes; results that are NaN stay NaN, and which NaN is not
 * observable. Left out on purpose: x + 0 (makes 0 of -0), x * 0 and x - x (NaN, infinity), pow(x, 2) (engines
 * do not promise to round it as x * x), any reordering of sums.
 */
import { type DType, dtypes } from "../../../runtime/dtype.ts";
import { roundTo } from "../../../runtime/float-format.ts";
import { tensor } from "../../../runtime/tensor.ts";
import { binaryOps, compareOps } from "../../ops/binary.ts";
import type { CastAttributes } from "../../ops/cast.ts";
import { type BoundNode, type BoundValue, type Scope, sameType } from "../rewrite.ts";
import { by, from, type Row, repeated, splat } from "./row.ts";

const isFloat = (value: BoundValue) => dtypes[value.type.dtype].kind === "float";

/** `x` of an op that changes nothing when its other operand is `neutral(x)`. */
function neutral(op: string, value: (x: BoundValue) => number, sides: readonly (0 | 1)[]): Row {
  return {
    ops: [op],
    name: `${op} of its neutral element -> the other operand`,
    apply: (node, scope) => {
      for (const side of sides) {
        const x = node.operands[1 - side]!;
        const other = splat(node.operands[side]!, scope);
        if (other !== undefined && Object.is(other, value(x))) return repeated(node, x);
      }
      return undefined;
    },
  };
}

/** The value whose every bit is set. */
function allBits(dtype: DType): number {
  const { lowest, highest } = dtypes[dtype];
  return Number(lowest) === 0 ? Number(highest) : -1;
}

const [either, right] = [[0, 1], [1]] as const;

export const arithmetic: readonly Row[] = [
  // -0 leaves both zeros as they are under addition; under subtraction it is 0. Integers have one zero.
  neutral("add", (x) => (isFloat(x) ? -0 : 0), either),
  neutral("sub", () => 0, right),
  neutral("mul", () => 1, either),
  neutral("div", () => 1, right),
  // Defined so by ECMAScript, also of NaN.
  neutral("pow", () => 1, right),
  // Math.max and Math.min: beside an infinity of the losing side NaN stays NaN and -0 stays -0.
  neutral("max", (x) => (isFloat(x) ? Number.NEGATIVE_INFINITY : Number.NaN), either),
  neutral("min", (x) => (isFloat(x) ? Number.POSITIVE_INFINITY : Number.NaN), either),
  neutral("and", (x) => allBits(x.type.dtype), either),
  neutral("or", () => 0, either),
  neutral("xor", () => 0, either),
  {
    // Both are the same real number rounded once, because the reciprocal of a power of two is exact.
    ops: ["div"],
    name: "x / 2^k -> x * 2^-k",
    apply: (node, scope) => {
      const [x, divisor] = [node.operands[0]!, node.operands[1]!];
      const value = isFloat(x) ? splat(divisor, scope) : undefined;
      if (value === undefined || !hasExactReciprocal(value, x.type.dtype)) return undefined;
      return by(node, "mul", [x, reciprocal(divisor, 1 / value, node, scope)]);
    },
  },
  {
    // A sign flipped twice; an integer minimum wraps onto itself twice.
    ops: ["neg", "not"],
    name: "neg(neg(x)) -> x, not(not(x)) -> x",
    apply: (node, scope) => from(node, scope, node.op)?.operands,
  },
  {
    // The sign is dropped anyway; an unsigned integer has none, so only floats may lose the negation.
    ops: ["abs"],
    name: "abs(neg(x)), abs(abs(x)) -> abs(x)",
    apply: (node, scope) => {
      const negated = isFloat(node.operands[0]!) ? from(node, scope, "neg") : undefined;
      const inner = negated ?? from(node, scope, "abs");
      return inner && by(node, "abs", inner.operands);
    },
  },
  {
    // One value beside itself: NaN gives NaN, a zero its own sign.
    ops: ["max", "min", "and", "or"],
    name: "max(x, x) -> x",
    apply: (node) => (node.operands[0] === node.operands[1] ? [node.operands[0]!] : undefined),
  },
  {
    // Nothing is computed by a selection.
    ops: ["select"],
    name: "select by a known condition, or between one value -> that value",
    apply: (node, scope) => {
      const [condition, a, b] = [node.operands[0]!, node.operands[1]!, node.operands[2]!];
      const known = splat(condition, scope);
      if (known !== undefined) return repeated(node, known !== 0 ? a : b);
      return a === b ? repeated(node, a) : undefined;
    },
  },
  {
    ops: ["cast"],
    name: "cast to its own dtype -> x",
    apply: (node) => (sameType(node.operands[0]!.type, node.results[0]!.type) ? node.operands : undefined),
  },
  {
    // The wider dtype of the same kind holds every value, so the first cast loses nothing.
    ops: ["cast"],
    name: "cast after widening -> cast",
    apply: (node, scope) => {
      const inner = from(node, scope, "cast");
      const [x] = inner?.operands ?? [];
      if (!x || !widens(x.type.dtype, inner!.results[0]!.type.dtype)) return undefined;
      const { dtype } = node.attributes as CastAttributes;
      return by(node, "cast", [x], { dtype });
    },
  },
  {
    // Elementwise ops repeat their operands themselves.
    ops: [...binaryOps, ...compareOps].map((op) => op.name).concat("select"),
    name: "elementwise op of a broadcast -> of what is broadcast",
    apply: (node, scope) => {
      const i = node.operands.findIndex((_, operand) => isRepeatedAnyway(node, operand, scope));
      if (i < 0) return undefined;
      const source = scope.producer(node.operands[i]!)!.operands[0]!;
      return by(node, node.op, node.operands.with(i, source));
    },
  },
];

function hasExactReciprocal(x: number, dtype: DType): boolean {
  const exponent = Math.log2(Math.abs(x));
  const { format } = dtypes[dtype];
  return (
    Number.isInteger(exponent) && Math.abs(exponent) <= 126 && (!format || roundTo(format, 1 / x) === 1 / x)
  );
}

function reciprocal(divisor: BoundValue, value: number, node: BoundNode, scope: Scope): BoundValue {
  const { dtype } = divisor.type;
  const scalar = scope.add(
    "constant",
    [],
    { value: tensor([value], [], dtype) },
    { dtype, shape: [] },
    node.source,
  );
  if (divisor.type.shape.length === 0) return scalar;
  const { shape } = divisor.type;
  return scope.add("broadcast", [scalar], { shape, axes: [] }, divisor.type, node.source);
}

/** Whether `to` is of the same kind and holds every value of `from`. */
function widens(from: DType, to: DType): boolean {
  const [a, b] = [dtypes[from], dtypes[to]];
  if (from === to || a.kind !== b.kind) return from === to;
  if (a.kind === "float") return a.format ? !b.format : to === "float64";
  return b.lowest <= a.lowest && a.highest <= b.highest;
}

/** Whether operand `i` is a broadcast along leading axes, and the result has its shape without it. */
function isRepeatedAnyway(node: BoundNode, i: number, scope: Scope): boolean {
  const producer = from(node, scope, "broadcast", i);
  if (!producer) return false;
  const [source] = producer.operands;
  const { axes, shape } = producer.attributes as { axes: readonly number[]; shape: readonly unknown[] };
  if (axes.some((axis, k) => axis !== shape.length - axes.length + k)) return false;
  const types = node.operands.map((operand, k) => (k === i ? source! : operand).type.shape);
  const result = node.results[0]!.type.shape;
  return result.every((d, axis) => types.some((dims) => dims[axis - result.length + dims.length] === d));
}
