/** The instruction of four lanes for each function of the loop IR that has one. */
import type { BinaryFn, UnaryFn } from "../../compiler/ir/loop.ts";
import type { OpcodeName } from "./assembler/index.ts";

type Unary = Partial<Record<UnaryFn, OpcodeName>>;
type Binary = Partial<Record<BinaryFn, OpcodeName>>;

export const floatUnary: Unary = {
  neg: "f32x4.neg",
  abs: "f32x4.abs",
  sqrt: "f32x4.sqrt",
  floor: "f32x4.floor",
  ceil: "f32x4.ceil",
  round: "f32x4.nearest",
};

export const floatBinary: Binary = {
  add: "f32x4.add",
  sub: "f32x4.sub",
  mul: "f32x4.mul",
  div: "f32x4.div",
  max: "f32x4.max",
  min: "f32x4.min",
};

export const floatComparison: Binary = {
  eq: "f32x4.eq",
  ne: "f32x4.ne",
  lt: "f32x4.lt",
  le: "f32x4.le",
  gt: "f32x4.gt",
  ge: "f32x4.ge",
};

export const integerUnary: Unary = { neg: "i32x4.neg", abs: "i32x4.abs", not: "v128.not" };

export const logic: Binary = { and: "v128.and", or: "v128.or", xor: "v128.xor" };

const signedBinary: Binary = {
  ...logic,
  add: "i32x4.add",
  sub: "i32x4.sub",
  mul: "i32x4.mul",
  max: "i32x4.max_s",
  min: "i32x4.min_s",
};

const signedComparison: Binary = {
  eq: "i32x4.eq",
  ne: "i32x4.ne",
  lt: "i32x4.lt_s",
  le: "i32x4.le_s",
  gt: "i32x4.gt_s",
  ge: "i32x4.ge_s",
};

const unsignedBinary: Binary = { ...signedBinary, max: "i32x4.max_u", min: "i32x4.min_u" };

const unsignedComparison: Binary = {
  eq: "i32x4.eq",
  ne: "i32x4.ne",
  lt: "i32x4.lt_u",
  le: "i32x4.le_u",
  gt: "i32x4.gt_u",
  ge: "i32x4.ge_u",
};

export const integerBinary = (unsigned: boolean) => (unsigned ? unsignedBinary : signedBinary);
export const integerComparison = (unsigned: boolean) => (unsigned ? unsignedComparison : signedComparison);
