/**
 * Elementwise functions of two values of one dtype, with NumPy broadcasting. A row has the function on floats
 * (in doubles, rounded once to the dtype) and on integers (wrapping when the result is stored); its loop-IR
 * form is the function of the same name.
 *
 * `max` and `min` are Math.max and Math.min: NaN wins, -0 is below +0. `mod` has the divisor's sign, as
 * numpy.mod. Integer `div` truncates as ONNX Div does; integer division by zero gives 0, and `mod` by zero 0,
 * so that no target can trap.
 */
import type { DType } from "../../runtime/dtype.ts";
import { dtypes } from "../../runtime/dtype.ts";
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
}

const rows: readonly Row[] = [
  { name: "add", accepts: "number", float: (a, b) => a + b, integer: (a, b) => (a + b) | 0 },
  { name: "sub", accepts: "number", float: (a, b) => a - b, integer: (a, b) => (a - b) | 0 },
  { name: "mul", accepts: "number", float: (a, b) => a * b, integer: Math.imul },
  {
    name: "div",
    accepts: "number",
    float: (a, b) => a / b,
    integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  },
  { name: "mod", accepts: "number", float: modulo, integer: (a, b) => (b === 0 ? 0 : modulo(a, b)) },
  { name: "pow", accepts: "float", float: Math.pow },
  { name: "max", accepts: "number", float: Math.max },
  { name: "min", accepts: "number", float: Math.min },
  { name: "atan2", accepts: "float", float: Math.atan2 },
  { name: "and", accepts: "bool", float: (a, b) => a & b },
  { name: "or", accepts: "bool", float: (a, b) => a | b },
  { name: "xor", accepts: "bool", float: (a, b) => a ^ b },
];

const comparisons: readonly Row[] = [
  { name: "eq", accepts: "any", float: (a, b) => Number(a === b) },
  { name: "ne", accepts: "any", float: (a, b) => Number(a !== b) },
  { name: "lt", accepts: "number", float: (a, b) => Number(a < b) },
  { name: "le", accepts: "number", float: (a, b) => Number(a <= b) },
  { name: "gt", accepts: "number", float: (a, b) => Number(a > b) },
  { name: "ge", accepts: "number", float: (a, b) => Number(a >= b) },
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
  const apply = (dtypes[a.dtype].kind === "integer" ? row.integer : undefined) ?? row.float;
  const shape = broadcastShape([a.shape, b.shape]);
  const steps = [broadcastSteps(a.shape, shape.length), broadcastSteps(b.shape, shape.length)];
  return build(dtype, shape, steps, ([i, j]) => apply(a.data[i!]!, b.data[j!]!));
}

function modulo(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}
