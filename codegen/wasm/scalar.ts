/**
 * Scalar expressions. Floats are computed in their own type, so that every step of a float32 is rounded to
 * float32, as this target's numerics say. The min and max of WebAssembly propagate NaN and order the zeros,
 * as the IR's do; `nearest` rounds half to even.
 */
import type { BinaryFn, Expr, Stmt, UnaryFn } from "../../compiler/ir/loop.ts";
import { dtypeOf } from "../../compiler/ir/loop-rewrite.ts";
import { type DType, dtypes, widthOf } from "../../runtime/dtype.ts";
import type { OpcodeName } from "./assembler/index.ts";
import { emitBits, emitCast, emitWidth } from "./cast.ts";
import { emitIntegerBinary, emitIntegerUnary, emitNarrow } from "./integer.ts";
import { isMathFn, type MathFn, mathFunction } from "./math/index.ts";
import { elementKey, emitAddress, emitDim, innerScope, type Scope } from "./scope.ts";
import { unsupported } from "./unsupported.ts";
import { isFloatType, isUnsigned, type ScalarType, typeOf } from "./value-type.ts";

export const isFloat = (dtype: DType) => dtypes[dtype].kind === "float";

type FloatUnary = "neg" | "abs" | "sqrt" | "floor" | "ceil" | "nearest";
type FloatBinary = "add" | "sub" | "mul" | "div" | "max" | "min" | "eq" | "ne" | "lt" | "le" | "gt" | "ge";

const floatUnary: Readonly<Partial<Record<UnaryFn, FloatUnary>>> = {
  neg: "neg",
  abs: "abs",
  sqrt: "sqrt",
  floor: "floor",
  ceil: "ceil",
  round: "nearest",
};

const floatBinary: Readonly<Partial<Record<BinaryFn, FloatBinary>>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  max: "max",
  min: "min",
  eq: "eq",
  ne: "ne",
  lt: "lt",
  le: "le",
  gt: "gt",
  ge: "ge",
};

/** Leaves the value on the stack, of the type of its dtype. */
export function emitScalar(scope: Scope, e: Expr): void {
  const { f } = scope;
  switch (e.kind) {
    case "constant":
      emitConstant(scope, e);
      return;
    case "load":
      emitLoad(scope, e);
      return;
    case "register": {
      const cell = scope.registers.get(e.register)?.get(elementKey(e.index));
      if (!cell) throw new Error(`internal: register ${e.register.name} is not declared`);
      f.local_get(cell.local);
      if (cell.type === "v128" && isFloat(e.register.dtype)) f.f32x4_extract_lane(cell.lane);
      else if (cell.type === "v128") f.i32x4_extract_lane(cell.lane);
      return;
    }
    case "unary":
      emitUnary(scope, e);
      return;
    case "binary":
      emitBinary(scope, e);
      return;
    case "select":
      emitAs(scope, e.a, typeOf(e.dtype));
      emitAs(scope, e.b, typeOf(e.dtype));
      emitScalar(scope, e.condition);
      f.select();
      return;
    case "cast":
      emitScalar(scope, e.x);
      emitCast(f, dtypeOf(e.x), e.dtype, isSmall(e.x));
      return;
    case "bits":
      emitScalar(scope, e.x);
      emitBits(f, dtypeOf(e.x), e.dtype);
      return;
    case "index":
      emitDim(scope, e.index);
      emitCast(f, "int32", e.dtype);
      return;
    case "guard":
      emitGuard(scope, e, typeOf(e.dtype), (inside, x) => emitAs(inside, x, typeOf(e.dtype)));
      return;
  }
}

/** As `emitScalar`; a float of the other width is widened or rounded. */
export function emitAs(scope: Scope, e: Expr, type: ScalarType): void {
  emitScalar(scope, e);
  const found = typeOf(dtypeOf(e));
  if (isFloatType(found) && isFloatType(type)) emitWidth(scope.f, found, type);
  else if (found !== type) unsupported(`a ${dtypeOf(e)} where a value of type ${type} belongs`);
}

/** `emit` writes the two arms; nothing loaded in one is remembered outside it. */
export function emitGuard(
  scope: Scope,
  e: Expr & { kind: "guard" },
  type: ScalarType | "v128",
  emit: (scope: Scope, e: Expr) => void,
): void {
  const { f } = scope;
  f.i32_const(1);
  for (const test of e.tests) {
    emitDim(scope, test);
    f.i32_const(0).i32_ge_s().i32_and();
  }
  f.if(type);
  emit(innerScope(scope), e.inside);
  f.else();
  emit(innerScope(scope), e.outside);
  f.end();
}

function emitConstant({ f }: Scope, { value, dtype }: Expr & { kind: "constant" }): void {
  const type = typeOf(dtype);
  if (type === "f32") f.f32_const(Number(value));
  else if (type === "f64") f.f64_const(Number(value));
  else if (type === "i64") f.i64_const(BigInt.asIntN(64, BigInt(value)));
  else f.i32_const(dtypes[dtype].kind === "bool" ? Number(Number(value) !== 0) : Number(value) | 0);
}

function emitLoad(scope: Scope, { buffer, index }: Expr & { kind: "load" }): void {
  const { f } = scope;
  const { bytes } = dtypes[buffer.dtype];
  const address = scope.addresses.of(buffer, index);
  emitAddress(scope, address, bytes);
  f.instruction(loadOf(buffer.dtype), [address.offset * bytes]);
}

export function emitStore(scope: Scope, { buffer, index, value }: Stmt & { kind: "store" }): void {
  const { f } = scope;
  const { bytes } = dtypes[buffer.dtype];
  const address = scope.addresses.of(buffer, index);
  emitAddress(scope, address, bytes);
  emitAs(scope, value, typeOf(buffer.dtype));
  // Integers of less than a byte have one to themselves, and are stored as the integers they are.
  if (dtypes[buffer.dtype].packable) emitNarrow(f, buffer.dtype, widthOf(buffer.dtype));
  f.instruction(storeOf(buffer.dtype), [address.offset * bytes]);
}

function loadOf(dtype: DType): OpcodeName {
  const type = typeOf(dtype);
  const { bytes } = dtypes[dtype];
  if (type !== "i32" || bytes === 4) return `${type}.load`;
  const sign = isUnsigned(dtype) ? "u" : "s";
  return bytes === 1 ? `i32.load8_${sign}` : `i32.load16_${sign}`;
}

function storeOf(dtype: DType): OpcodeName {
  const type = typeOf(dtype);
  const { bytes } = dtypes[dtype];
  if (type !== "i32" || bytes === 4) return `${type}.store`;
  return bytes === 1 ? "i32.store8" : "i32.store16";
}

function emitUnary(scope: Scope, e: Expr & { kind: "unary" }): void {
  const { f } = scope;
  const dtype = dtypeOf(e.x);
  const type = typeOf(dtype);
  if (type === "f32" && isMathFn(e.fn)) {
    emitMath(scope, e.fn, [e.x]);
    return;
  }
  emitScalar(scope, e.x);
  if (isFloatType(type)) {
    if (e.fn === "sign") emitSign(scope, type);
    else f.instruction(`${type}.${floatUnary[e.fn] ?? unsupported(`${e.fn} of ${dtype}`)}`, []);
  } else if (!emitIntegerUnary(f, e.fn, dtype)) unsupported(`${e.fn} of ${dtype}`);
}

/** The function of four lanes, so that a value does not depend on whether it is computed in lanes. */
function emitMath(scope: Scope, fn: MathFn, operands: readonly Expr[]): void {
  const { f } = scope;
  for (const operand of operands) {
    emitAs(scope, operand, "f32");
    f.f32x4_splat();
  }
  f.call(mathFunction(scope.module, fn)).f32x4_extract_lane(0);
}

/** 1 with the sign of what is not zero; zeros and NaN are their own. */
function emitSign({ f }: Scope, type: "f32" | "f64"): void {
  const x = f.local(type);
  f.local_set(x);
  if (type === "f32") {
    f.f32_const(1).local_get(x).f32_copysign().local_get(x);
    f.local_get(x).f32_abs().f32_const(0).f32_gt().select();
  } else {
    f.f64_const(1).local_get(x).f64_copysign().local_get(x);
    f.local_get(x).f64_abs().f64_const(0).f64_gt().select();
  }
}

function emitBinary(scope: Scope, e: Expr & { kind: "binary" }): void {
  const { f } = scope;
  const types = [typeOf(dtypeOf(e.a)), typeOf(dtypeOf(e.b)), typeOf(e.dtype)];
  const type = types.find((each) => each === "f64") ?? types[0]!;
  const dtype = dtypeOf(e.a);
  if (type === "f32" && isMathFn(e.fn)) {
    emitMath(scope, e.fn, [e.a, e.b]);
    return;
  }
  emitAs(scope, e.a, type);
  emitAs(scope, e.b, type);
  if (isFloatType(type)) {
    const name = floatBinary[e.fn] ?? unsupported(`${e.fn} of ${dtype}`);
    f.instruction(`${type}.${name}`, []);
    if (isFloat(e.dtype)) emitWidth(f, type, typeOf(e.dtype) === "f64" ? "f64" : "f32");
  } else if (!emitIntegerBinary(f, e.fn, dtype)) unsupported(`${e.fn} of ${dtype}`);
}

/** Whether a float is known to be NaN or in the range of int32: a clamped one, as quantisation makes them. */
export function isSmall(e: Expr): boolean {
  const [low, high] = boundsOf(e);
  return low >= -(2 ** 31) && high < 2 ** 31;
}

function boundsOf(e: Expr): readonly [low: number, high: number] {
  if (e.kind === "constant") return [Number(e.value), Number(e.value)];
  if (e.kind === "load" && dtypes[e.buffer.dtype].kind !== "float" && !dtypes[e.buffer.dtype].big)
    return [Number(dtypes[e.buffer.dtype].lowest), Number(dtypes[e.buffer.dtype].highest)];
  if (e.kind === "cast" && isFloat(e.dtype)) {
    // The largest int32 is no float32, and the next one is beyond.
    const [low, high] = boundsOf(e.x);
    return e.dtype === "float64" ? [low, high] : [Math.fround(low), Math.fround(high)];
  }
  if (e.kind === "unary" && (e.fn === "floor" || e.fn === "ceil" || e.fn === "round")) {
    const [low, high] = boundsOf(e.x);
    return [Math.floor(low), Math.ceil(high)];
  }
  if (e.kind !== "binary" || (e.fn !== "max" && e.fn !== "min"))
    return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const [a, b] = [boundsOf(e.a), boundsOf(e.b)];
  const pick = e.fn === "max" ? Math.max : Math.min;
  return [pick(a[0], b[0]), pick(a[1], b[1])];
}
