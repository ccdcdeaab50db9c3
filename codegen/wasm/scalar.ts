/**
 * Scalar expressions: floats are f32 (this target's numerics round every step to float32), integers and
 * booleans i32. f32.max and f32.min propagate NaN and order the zeros, as the IR's do; f32.nearest rounds
 * half to even.
 */
import type { BinaryFn, Expr, Stmt, UnaryFn } from "../../compiler/ir/loop.ts";
import { dtypeOf } from "../../compiler/ir/loop-rewrite.ts";
import { type DType, dtypes } from "../../runtime/dtype.ts";
import type { FunctionAssembler } from "./assembler/index.ts";
import { isMathFn, type MathFn, mathFunction } from "./math/index.ts";
import { elementKey, emitAddress, emitDim, innerScope, type Scope } from "./scope.ts";
import { unsupported } from "./unsupported.ts";

export const isFloat = (dtype: DType) => dtypes[dtype].kind === "float";

type Emit = (f: FunctionAssembler) => unknown;

const floatUnary: Partial<Record<UnaryFn, Emit>> = {
  neg: (f) => f.f32_neg(),
  abs: (f) => f.f32_abs(),
  sqrt: (f) => f.f32_sqrt(),
  floor: (f) => f.f32_floor(),
  ceil: (f) => f.f32_ceil(),
  round: (f) => f.f32_nearest(),
};

const floatBinary: Partial<Record<BinaryFn, Emit>> = {
  add: (f) => f.f32_add(),
  sub: (f) => f.f32_sub(),
  mul: (f) => f.f32_mul(),
  div: (f) => f.f32_div(),
  max: (f) => f.f32_max(),
  min: (f) => f.f32_min(),
  eq: (f) => f.f32_eq(),
  ne: (f) => f.f32_ne(),
  lt: (f) => f.f32_lt(),
  le: (f) => f.f32_le(),
  gt: (f) => f.f32_gt(),
  ge: (f) => f.f32_ge(),
};

const integerBinary: Partial<Record<BinaryFn, Emit>> = {
  add: (f) => f.i32_add(),
  sub: (f) => f.i32_sub(),
  mul: (f) => f.i32_mul(),
  eq: (f) => f.i32_eq(),
  ne: (f) => f.i32_ne(),
  lt: (f) => f.i32_lt_s(),
  le: (f) => f.i32_le_s(),
  gt: (f) => f.i32_gt_s(),
  ge: (f) => f.i32_ge_s(),
  and: (f) => f.i32_and(),
  or: (f) => f.i32_or(),
  xor: (f) => f.i32_xor(),
};

/** Leaves the value on the stack: f32 for floats, i32 for everything else. */
export function emitScalar(scope: Scope, e: Expr): void {
  const { f } = scope;
  switch (e.kind) {
    case "constant":
      if (isFloat(e.dtype)) f.f32_const(Number(e.value));
      else f.i32_const(Number(e.value));
      return;
    case "load":
      emitLoad(scope, e);
      return;
    case "register": {
      const cell = scope.registers.get(e.register)?.get(elementKey(e.index));
      if (!cell) throw new Error(`internal: register ${e.register.name} is not declared`);
      f.local_get(cell.local);
      if (cell.type === "v128") f.f32x4_extract_lane(cell.lane);
      return;
    }
    case "unary":
      emitUnary(scope, e);
      return;
    case "binary":
      emitBinary(scope, e);
      return;
    case "select":
      emitScalar(scope, e.a);
      emitScalar(scope, e.b);
      emitScalar(scope, e.condition);
      f.select();
      return;
    case "cast":
      emitCast(scope, e);
      return;
    case "bits":
      emitBits(scope, e);
      return;
    case "index":
      emitDim(scope, e.index);
      if (isFloat(e.dtype)) f.f32_convert_i32_s();
      return;
    case "guard":
      emitGuard(scope, e, isFloat(e.dtype) ? "f32" : "i32", emitScalar);
      return;
  }
}

/** Floats are f32, whatever they are called, so only the bits of float32 can be had. */
function emitBits(scope: Scope, { x, dtype }: Expr & { kind: "bits" }): void {
  const [from, to] = [dtypeOf(x), dtype];
  const isFloat32 = from === "float32" || to === "float32";
  if (isFloat(from) !== isFloat(to) && !isFloat32) unsupported(`the bits of ${from} as ${to}`);
  if (isFloat(from) === isFloat(to) && from !== to) unsupported(`the bits of ${from} as ${to}`);
  emitScalar(scope, x);
  if (isFloat(from) && !isFloat(to)) scope.f.i32_reinterpret_f32();
  if (!isFloat(from) && isFloat(to)) scope.f.f32_reinterpret_i32();
}

/** `emit` writes the two arms; nothing loaded in one is remembered outside it. */
export function emitGuard(
  scope: Scope,
  e: Expr & { kind: "guard" },
  type: "f32" | "i32" | "v128",
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

function emitLoad(scope: Scope, { buffer, index }: Expr & { kind: "load" }): void {
  const { f } = scope;
  const { bytes } = dtypes[buffer.dtype];
  const address = scope.addresses.of(buffer, index);
  emitAddress(scope, address, bytes);
  const offset = address.offset * bytes;
  if (buffer.dtype === "float32") f.f32_load(offset);
  else if (buffer.dtype === "int32") f.i32_load(offset);
  else if (buffer.dtype === "int8") f.i32_load8_s(offset);
  else if (buffer.dtype === "uint8" || buffer.dtype === "bool") f.i32_load8_u(offset);
  else unsupported(`a load from ${buffer.name}, which is ${buffer.dtype}`);
}

export function emitStore(scope: Scope, { buffer, index, value }: Stmt & { kind: "store" }): void {
  const { f } = scope;
  const { bytes } = dtypes[buffer.dtype];
  const address = scope.addresses.of(buffer, index);
  emitAddress(scope, address, bytes);
  emitScalar(scope, value);
  const offset = address.offset * bytes;
  if (buffer.dtype === "float32") f.f32_store(offset);
  else if (buffer.dtype === "int32") f.i32_store(offset);
  else if (bytes === 1 && !dtypes[buffer.dtype].format && !dtypes[buffer.dtype].packable)
    f.i32_store8(offset);
  else unsupported(`a store to ${buffer.name}, which is ${buffer.dtype}`);
}

function emitUnary(scope: Scope, e: Expr & { kind: "unary" }): void {
  const { f } = scope;
  if (!isFloat(dtypeOf(e.x))) {
    emitIntegerUnary(scope, e);
    return;
  }
  if (isMathFn(e.fn)) {
    emitMath(scope, e.fn, [e.x]);
    return;
  }
  const emit = floatUnary[e.fn] ?? unsupported(`${e.fn} of ${dtypeOf(e.x)}`);
  emitScalar(scope, e.x);
  emit(f);
}

/** The function of four lanes, so that a value does not depend on whether it is computed in lanes. */
function emitMath(scope: Scope, fn: MathFn, operands: readonly Expr[]): void {
  const { f } = scope;
  for (const operand of operands) {
    emitScalar(scope, operand);
    f.f32x4_splat();
  }
  f.call(mathFunction(scope.module, fn, scope.fma)).f32x4_extract_lane(0);
}

function emitIntegerUnary(scope: Scope, e: Expr & { kind: "unary" }): void {
  const { f } = scope;
  if (e.fn === "neg") f.i32_const(0);
  emitScalar(scope, e.x);
  if (e.fn === "neg") f.i32_sub();
  else if (e.fn === "not") f.i32_eqz();
  else unsupported(`${e.fn} of ${dtypeOf(e.x)}`);
}

function emitBinary(scope: Scope, e: Expr & { kind: "binary" }): void {
  const { f } = scope;
  if (isMathFn(e.fn) && isFloat(dtypeOf(e.a))) {
    emitMath(scope, e.fn, [e.a, e.b]);
    return;
  }
  const table = isFloat(dtypeOf(e.a)) ? floatBinary : integerBinary;
  const emit = table[e.fn] ?? unsupported(`${e.fn} of ${dtypeOf(e.a)}`);
  emitScalar(scope, e.a);
  emitScalar(scope, e.b);
  emit(f);
}

const castable: ReadonlySet<DType> = new Set(["float32", "float64", "int32", "int8", "uint8", "bool"]);

function emitCast(scope: Scope, e: Expr & { kind: "cast" }): void {
  const { f } = scope;
  if (!castable.has(e.dtype)) unsupported(`a cast to ${e.dtype}`);
  const from = isFloat(dtypeOf(e.x));
  emitScalar(scope, e.x);
  if (e.dtype === "bool") {
    if (from) f.f32_const(0).f32_ne();
    else f.i32_const(0).i32_ne();
  } else if (isFloat(e.dtype)) {
    if (!from) f.f32_convert_i32_s();
  } else {
    if (from) emitToInt32(f);
    if (e.dtype === "int8") f.i32_extend8_s();
    if (e.dtype === "uint8") f.i32_const(255).i32_and();
  }
}

/** What `| 0` makes of the float on the stack: cut, modulo 2^32; 0 for what is not finite. */
function emitToInt32(f: FunctionAssembler): void {
  const whole = f.local("f64");
  f.f64_promote_f32().f64_trunc().local_tee(whole);
  f.local_get(whole)
    .f64_const(2 ** -32)
    .f64_mul()
    .f64_floor()
    .f64_const(2 ** 32)
    .f64_mul();
  f.f64_sub().i32_trunc_sat_f64_u();
}
