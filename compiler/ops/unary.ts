/**
 * Elementwise functions of one value. A row has the function itself, in doubles, and which values it takes;
 * its loop-IR form is the function of the same name. float32 results are the double result rounded once,
 * integer ones wrap. NaN gives NaN everywhere. Semantics are those of NumPy and of the ONNX ops of the same
 * names; `round` is half to even, `not` of an integer turns every bit around.
 */

import { dtypes, type Scalar } from "../../runtime/dtype.ts";
import { bigsIn, isBig, numbersIn } from "../../runtime/elements.ts";
import { erf } from "../../runtime/math/erf.ts";
import { strides, type Tensor } from "../../runtime/tensor.ts";
import type { UnaryFn } from "../ir/loop.ts";
import type { Op } from "../ir/op.ts";
import { type Accepts, checkDType, defineOp } from "./definition.ts";
import { build } from "./odometer.ts";

interface Row {
  readonly name: UnaryFn;
  readonly accepts: Accepts;
  readonly apply: (x: number) => number;
  /** The same on integers of up to 32 bits; `apply` serves both when absent. */
  readonly integer?: (x: number) => number;
  /** The same on 64-bit integers, which are bigints; those that take no integers have none. */
  readonly big?: (x: bigint) => bigint;
}

const rows: readonly Row[] = [
  { name: "neg", accepts: "number", apply: (x) => -x, big: (x) => -x },
  { name: "abs", accepts: "number", apply: Math.abs, big: (x) => (x < 0n ? -x : x) },
  { name: "sign", accepts: "number", apply: Math.sign, big: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n) },
  { name: "exp", accepts: "float", apply: Math.exp },
  { name: "expm1", accepts: "float", apply: Math.expm1 },
  { name: "log", accepts: "float", apply: Math.log },
  { name: "log1p", accepts: "float", apply: Math.log1p },
  { name: "sqrt", accepts: "float", apply: Math.sqrt },
  { name: "sin", accepts: "float", apply: Math.sin },
  { name: "cos", accepts: "float", apply: Math.cos },
  { name: "tan", accepts: "float", apply: Math.tan },
  { name: "asin", accepts: "float", apply: Math.asin },
  { name: "acos", accepts: "float", apply: Math.acos },
  { name: "atan", accepts: "float", apply: Math.atan },
  { name: "sinh", accepts: "float", apply: Math.sinh },
  { name: "cosh", accepts: "float", apply: Math.cosh },
  { name: "tanh", accepts: "float", apply: Math.tanh },
  { name: "asinh", accepts: "float", apply: Math.asinh },
  { name: "acosh", accepts: "float", apply: Math.acosh },
  { name: "atanh", accepts: "float", apply: Math.atanh },
  { name: "erf", accepts: "float", apply: erf },
  { name: "floor", accepts: "float", apply: Math.floor },
  { name: "ceil", accepts: "float", apply: Math.ceil },
  { name: "round", accepts: "float", apply: roundHalfEven },
  { name: "not", accepts: "integer or bool", apply: (x) => 1 - x, integer: (x) => ~x, big: (x) => ~x },
];

export const unaryOps: readonly Op[] = rows.map((row) => elementwise(row));

function elementwise(row: Row): Op {
  const { name, accepts } = row;
  return defineOp({
    name,
    operands: ["x"],
    attributes: {},
    relate: (context, [x]) => {
      checkDType(context, name, "x", x!, accepts);
      return [x!];
    },
    evaluate: ([x]) => [build(x!.dtype, x!.shape, [strides(x!.shape)], elementOf(row, x!))],
    lower: ([x]) => ({
      kind: "map",
      elementwise: true,
      at: (index) => ({ kind: "unary", fn: name, x: x!.at(index), dtype: x!.dtype }),
    }),
  });
}

function elementOf(row: Row, { data, dtype }: Tensor): (offsets: readonly number[]) => Scalar {
  if (isBig(data)) return ([at]) => row.big!(bigsIn(data)[at!]!);
  const numbers = numbersIn(data);
  const apply = (dtypes[dtype].kind === "integer" ? row.integer : undefined) ?? row.apply;
  return ([at]) => apply(numbers[at!]!);
}

/**
 * From 2^52 on every double is whole; below, adding it pushes the fraction out with the hardware's
 * half-to-even.
 */
function roundHalfEven(x: number): number {
  const whole = 2 ** 52;
  if (!(Math.abs(x) < whole)) return x;
  const magnitude = Math.abs(x) + whole - whole;
  return x < 0 || Object.is(x, -0) ? -magnitude : magnitude;
}
