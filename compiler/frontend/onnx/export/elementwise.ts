/**
 * Exports elementwise ops. Most have an ONNX operator of the same meaning; the others are made of several.
 */

import type { DType } from "../../../../runtime/dtype.ts";
import { dtypes } from "../../../../runtime/dtype.ts";
import type { Node } from "../../../ir/graph.ts";
import { elementTypeOf, int, type OnnxDraft, text } from "./draft.ts";
import type { ExportRow } from "./row.ts";

/** Core op to ONNX operator, where operands and result are the same. */
const sameOperator: Readonly<Record<string, string>> = {
  abs: "Abs",
  sign: "Sign",
  exp: "Exp",
  log: "Log",
  sqrt: "Sqrt",
  sin: "Sin",
  cos: "Cos",
  tan: "Tan",
  asin: "Asin",
  acos: "Acos",
  atan: "Atan",
  sinh: "Sinh",
  cosh: "Cosh",
  tanh: "Tanh",
  asinh: "Asinh",
  acosh: "Acosh",
  atanh: "Atanh",
  erf: "Erf",
  floor: "Floor",
  ceil: "Ceil",
  round: "Round",
  add: "Add",
  sub: "Sub",
  mul: "Mul",
  div: "Div",
  pow: "Pow",
  max: "Max",
  min: "Min",
  eq: "Equal",
  lt: "Less",
  le: "LessOrEqual",
  gt: "Greater",
  ge: "GreaterOrEqual",
  select: "Where",
};

/** Of bools, and of integers bit by bit. */
const bitOperators: Readonly<Record<string, readonly [bool: string, integer: string]>> = {
  not: ["Not", "BitwiseNot"],
  and: ["And", "BitwiseAnd"],
  or: ["Or", "BitwiseOr"],
  xor: ["Xor", "BitwiseXor"],
};

const dtypeOf = (node: Node): DType => node.operands[0]!.type.dtype;

export const elementwiseRows: Readonly<Record<string, ExportRow>> = {
  ...Object.fromEntries(
    Object.entries(sameOperator).map(([op, opType]) => [
      op,
      ((draft, _node, operands) => [draft.node(opType, operands)]) satisfies ExportRow,
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(bitOperators).map(([op, [bool, integer]]) => [
      op,
      ((draft, node, operands) => [
        draft.node(dtypeOf(node) === "bool" ? bool : integer, operands),
      ]) satisfies ExportRow,
    ]),
  ),
  shiftLeft: (draft, node, [x, by]) => [shifted(draft, dtypeOf(node), x!, by!, "LEFT")],
  shiftRight: (draft, node, [x, by]) => {
    const dtype = dtypeOf(node);
    if (dtype.startsWith("uint")) return [shifted(draft, dtype, x!, by!, "RIGHT")];
    // ONNX shifts unsigned integers only: a negative one is inverted before and after.
    const isNegative = draft.node("Less", [x!, draft.number(dtype, 0)]);
    const sign = draft.node("Where", [isNegative, draft.number(dtype, -1), draft.number(dtype, 0)]);
    const inverted = draft.node("BitwiseXor", [x!, sign]);
    return [draft.node("BitwiseXor", [shifted(draft, dtype, inverted, by!, "RIGHT"), sign])];
  },
  neg: (draft, node, [x]) => {
    // ONNX has no Neg of unsigned integers; here it wraps.
    const unsigned = dtypeOf(node).startsWith("uint");
    return [unsigned ? draft.node("Sub", [draft.number(dtypeOf(node), 0), x!]) : draft.node("Neg", [x!])];
  },
  ne: (draft, _node, operands) => [draft.node("Not", [draft.node("Equal", operands)])],
  expm1: (draft, node, [x]) => [draft.node("Sub", [draft.node("Exp", [x!]), draft.number(dtypeOf(node), 1)])],
  log1p: (draft, node, [x]) => [draft.node("Log", [draft.node("Add", [x!, draft.number(dtypeOf(node), 1)])])],
  mod: (draft, node, [a, b]) => [modulo(draft, dtypeOf(node), a!, b!)],
  atan2: (draft, node, [y, x]) => [atan2(draft, dtypeOf(node), y!, x!)],
  cast: (draft, node, [x]) => [draft.cast(x!, node.results[0]!.type.dtype)],
  bitCast: (draft, node, [x]) => [
    draft.node("BitCast", [x!], { to: int(elementTypeOf(node.results[0]!.type.dtype)) }),
  ],
};

function shifted(draft: OnnxDraft, dtype: DType, x: string, by: string, direction: "LEFT" | "RIGHT"): string {
  const unsigned = (dtype.startsWith("u") ? dtype : `u${dtype}`) as DType;
  const operands = [x, by].map((name) => (unsigned === dtype ? name : draft.cast(name, unsigned)));
  const result = draft.node("BitShift", operands, { direction: text(direction) });
  return unsigned === dtype ? result : draft.cast(result, dtype);
}

/** ONNX Mod of floats has the dividend's sign; here it has the divisor's. */
function modulo(draft: OnnxDraft, dtype: DType, a: string, b: string): string {
  if (dtypes[dtype].kind !== "float") return draft.node("Mod", [a, b], { fmod: int(0) });
  const whole = draft.node("Floor", [draft.node("Div", [a, b])]);
  return draft.node("Sub", [a, draft.node("Mul", [whole, b])]);
}

/** atan(y / x), moved by a half turn where x < 0; ONNX has no atan2. The sign of a zero y is lost. */
function atan2(draft: OnnxDraft, dtype: DType, y: string, x: string): string {
  const zero = draft.number(dtype, 0);
  const angle = draft.node("Atan", [draft.node("Div", [y, x])]);
  const below = draft.node("Less", [y, zero]);
  const turn = draft.node("Where", [below, draft.number(dtype, -Math.PI), draft.number(dtype, Math.PI)]);
  const behind = draft.node("Where", [draft.node("Less", [x, zero]), turn, zero]);
  const moved = draft.node("Add", [angle, behind]);
  const origin = draft.node("And", [draft.node("Equal", [x, zero]), draft.node("Equal", [y, zero])]);
  return draft.node("Where", [origin, zero, moved]);
}
