/**
 * Elementwise functions of two values of one dtype, with NumPy broadcasting. A row has the function on floats
 * (in doubles, rounded once to the dtype) and on integers (wrapping when the result is stored); its loop-IR
 * form is the function of the same name.
 *
 * `max` and `min` are Math.max and Math.min: NaN wins, -0 is below +0. `mod` has the divisor's sign, as
 * numpy.mod, where it is zero, too. Integer `div` truncates as ONNX Div does; integer division by zero gives
 * 0, and `mod` by zero 0, so that no target can trap. `and`, `or`, `xor` are bitwise on integers. A shift by
 * more bits than there are, or by a negative number, shifts everything out; to the right the sign comes in.
 */
import { type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { bigsIn, isBig, numbersIn } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { BinaryFn } from "../ir/loop.ts";
import type { Op } from "../ir/op.ts";
import { broadcastAt, broadcastShape, broadcastSteps, relateBroadcast } from "./broadcasting.ts";
import { type Accepts, checkDType, checkSameDType, defineOp } from "./definition.ts";
import { build } from "./odometer.ts";

type Apply = (a: number, b: number) => number;

interface Row {
  readonly name: BinaryFn;
  readonly accepts: Accepts;
  readonly float: Apply;
  /** The same on integers of up to 32 bits; `float` serves both when absent. */
  readonly integer?: Apply;
  /** The same on 64-bit integers, which are bigints; functions of floats alone have none. */
  readonly big?: (a: bigint, b: bigint) => Scalar;
}

const rows: readonly Row[] = [
  {
    name: "add",
    accepts: "number",
    float: (a, b) => a + b,
    integer: (a, b) => (a + b) | 0,
    big: (a, b) => a + b,
  },
  {
    name: "sub",
    accepts: "number",
    float: (a, b) => a - b,
    integer: (a, b) => (a - b) | 0,
    big: (a, b) => a - b,
  },
  { name: "mul", accepts: "number", float: (a, b) => a * b, integer: Math.imul, big: (a, b) => a * b },
  {
    name: "div",
    accepts: "number",
    float: (a, b) => a / b,
    integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
    big: (a, b) => (b === 0n ? 0n : a / b),
  },
  {
    name: "mod",
    accepts: "number",
    float: modulo,
    integer: (a, b) => (b === 0 ? 0 : modulo(a, b) + 0),
    big: bigModulo,
  },
  { name: "pow", accepts: "float", float: Math.pow },
  { name: "max", accepts: "number", float: Math.max, big: (a, b) => (a > b ? a : b) },
  { name: "min", accepts: "number", float: Math.min, big: (a, b) => (a < b ? a : b) },
  { name: "atan2", accepts: "float", float: Math.atan2 },
  { name: "and", accepts: "integer or bool", float: (a, b) => a & b, big: (a, b) => a & b },
  { name: "or", accepts: "integer or bool", float: (a, b) => a | b, big: (a, b) => a | b },
  { name: "xor", accepts: "integer or bool", float: (a, b) => a ^ b, big: (a, b) => a ^ b },
  {
    name: "shiftLeft",
    accepts: "integer",
    float: (a, b) => (b >= 0 && b < 32 ? a << b : 0),
    big: (a, b) => (b >= 0n && b < 64n ? a << b : 0n),
  },
  {
    name: "shiftRight",
    accepts: "integer",
    float: (a, b) => (b >= 0 && b < 32 ? Math.floor(a / 2 ** b) : a < 0 ? -1 : 0),
    big: (a, b) => (b >= 0n && b < 64n ? a >> b : a < 0n ? -1n : 0n),
  },
];

const comparisons: readonly Row[] = [
  { name: "eq", accepts: "any", ...comparing((a, b) => a === b) },
  { name: "ne", accepts: "any", ...comparing((a, b) => a !== b) },
  { name: "lt", accepts: "number", ...comparing((a, b) => a < b) },
  { name: "le", accepts: "number", ...comparing((a, b) => a <= b) },
  { name: "gt", accepts: "number", ...comparing((a, b) => a > b) },
  { name: "ge", accepts: "number", ...comparing((a, b) => a >= b) },
];

export const binaryOps: readonly Op[] = rows.map((row) => pairwise(row, (dtype) => dtype));

/** Comparisons give bool; every one but `ne` is false beside a NaN. */
export const compareOps: readonly Op[] = comparisons.map((row) => pairwise(row, () => "bool"));

function pairwise(row: Row, resultOf: (operand: DType) => DType): Op {
  const { name, accepts } = row;
  return defineOp({
    name,
    operands: ["a", "b"],
    attributes: {},
    relate: (context, types) => {
      const [a, b] = [types[0]!, types[1]!];
      checkDType(context, name, "a", a, accepts);
      checkSameDType(context, name, ["a", "b"], a, b);
      return [{ dtype: resultOf(a.dtype), shape: relateBroadcast(context, name, ["a", "b"], types) }];
    },
    evaluate: ([a, b]) => [evaluatePair(row, a!, b!, resultOf(a!.dtype))],
    lower: ([a, b]) => ({
      kind: "map",
      elementwise: true,
      at: (index) => ({
        kind: "binary",
        fn: name,
        a: broadcastAt(a!, index),
        b: broadcastAt(b!, index),
        dtype: resultOf(a!.dtype),
      }),
    }),
  });
}

function evaluatePair(row: Row, a: Tensor, b: Tensor, dtype: DType): Tensor {
  const shape = broadcastShape([a.shape, b.shape]);
  const steps = [broadcastSteps(a.shape, shape.length), broadcastSteps(b.shape, shape.length)];
  if (isBig(a.data)) {
    const [left, right] = [bigsIn(a.data), bigsIn(b.data)];
    return build(dtype, shape, steps, ([i, j]) => row.big!(left[i!]!, right[j!]!));
  }
  const apply = (dtypes[a.dtype].kind === "integer" ? row.integer : undefined) ?? row.float;
  const [left, right] = [numbersIn(a.data), numbersIn(b.data)];
  return build(dtype, shape, steps, ([i, j]) => apply(left[i!]!, right[j!]!));
}

function comparing(test: (a: Scalar, b: Scalar) => boolean): Pick<Row, "float" | "big"> {
  return { float: (a, b) => Number(test(a, b)), big: (a, b) => Number(test(a, b)) };
}

function bigModulo(a: bigint, b: bigint): bigint {
  if (b === 0n) return 0n;
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

function modulo(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}
