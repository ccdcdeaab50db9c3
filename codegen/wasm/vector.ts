/**
 * Expressions of four lanes of 32 bits: floats as f32x4, integers and bools (0 or 1) as i32x4. Conditions are
 * masks, all bits of a lane or none, until somebody needs the number. With fused numerics an addition of a
 * product is one relaxed multiply-add. What has no vector form is computed lane by lane as scalars.
 */
import { symbolsOf } from "../../compiler/dims/index.ts";
import { strideOf } from "../../compiler/ir/affine.ts";
import type { BinaryFn, Expr, Stmt } from "../../compiler/ir/loop.ts";
import { dtypeOf, partsOf } from "../../compiler/ir/loop-rewrite.ts";
import type { DType } from "../../runtime/dtype.ts";
import { firstLane, laneCount, nthLane } from "./flatten.ts";
import { isMathFn, mathFunction } from "./math/index.ts";
import { emitOneByOne } from "./one-by-one.ts";
import { emitGuard, isFloat } from "./scalar.ts";
import { elementKey, emitDim, type Scope } from "./scope.ts";
import { unsupported } from "./unsupported.ts";
import { emitVectorCast } from "./vector-cast.ts";
import * as functions from "./vector-functions.ts";
import { emitVectorLoad, hasLanes } from "./vector-memory.ts";

type Of<K extends Expr["kind"]> = Extract<Expr, { kind: K }>;

/** Leaves the values of lanes 0 to 3 of `lane` on the stack as v128. */
export function emitVector(scope: Scope, e: Expr, lane: string): void {
  const { f } = scope;
  if (!hasLanes(dtypeOf(e))) unsupported(`lanes of ${dtypeOf(e)}`);
  if (isCondition(e)) {
    emitMask(scope, e, lane);
    f.i32x4_neg();
  } else if (hasVectorForm(e, lane)) emitForm(scope, e, lane);
  else emitOneByOne(scope, e, lane);
}

/** The lanes of what is stored: a cast to an integer need not wrap, for the store does. */
export function emitStored(scope: Scope, { buffer, value }: Stmt & { kind: "store" }, lane: string): void {
  if (
    value.kind === "cast" &&
    value.dtype === buffer.dtype &&
    dtypeOf(value) !== "bool" &&
    hasVectorForm(value, lane)
  ) {
    emitVector(scope, value.x, lane);
    emitVectorCast(scope, value, false);
  } else emitVector(scope, value, lane);
}

/** Leaves all bits of a lane set where the condition holds there, else none. */
export function emitMask(scope: Scope, e: Expr, lane: string): void {
  const { f } = scope;
  const mask = (part: Expr) => emitMask(scope, part, lane);
  if (!isCondition(e)) {
    emitVector(scope, e, lane);
    emitIsNonzero(scope, dtypeOf(e));
  } else if (e.kind === "cast") {
    if (dtypeOf(e.x) === "bool") mask(e.x);
    else {
      emitVector(scope, e.x, lane);
      emitIsNonzero(scope, dtypeOf(e.x));
    }
  } else if (e.kind === "unary") {
    mask(e.x);
    f.v128_not();
  } else if (e.kind === "binary") {
    const isLogic = dtypeOf(e.a) === "bool" && functions.logic[e.fn] !== undefined;
    for (const part of [e.a, e.b]) isLogic ? mask(part) : emitVector(scope, part, lane);
    f.instruction(isLogic ? functions.logic[e.fn]! : comparisonOf(e)!, []);
  }
}

function emitIsNonzero({ f }: Scope, dtype: DType): void {
  f.v128_const(new Float32Array(laneCount));
  if (isFloat(dtype)) f.f32x4_ne();
  else f.i32x4_ne();
}

const isUnsigned = (dtype: DType) => dtype === "uint32";
const lanesOfParts = (e: Expr) => partsOf(e).every((part) => hasLanes(dtypeOf(part)));

function comparisonOf({ fn, a }: Of<"binary">) {
  const dtype = dtypeOf(a);
  return isFloat(dtype) ? functions.floatComparison[fn] : functions.integerComparison(isUnsigned(dtype))[fn];
}

/** Whether it is computed as a mask. */
function isCondition(e: Expr): e is Of<"cast" | "unary" | "binary"> {
  if (dtypeOf(e) !== "bool" || !lanesOfParts(e)) return false;
  if (e.kind === "cast") return true;
  if (e.kind === "unary") return e.fn === "not" && dtypeOf(e.x) === "bool";
  if (e.kind !== "binary") return false;
  return comparisonOf(e) !== undefined || (dtypeOf(e.a) === "bool" && functions.logic[e.fn] !== undefined);
}

const constantShift = ({ fn, b }: Of<"binary">) =>
  (fn === "shiftLeft" || fn === "shiftRight") && b.kind === "constant" ? Number(b.value) : undefined;

/** Of expressions that are no conditions. */
function hasVectorForm(e: Expr, lane: string): boolean {
  if (!lanesOfParts(e)) return false;
  switch (e.kind) {
    case "load":
    case "index":
      return strideOf(e.index, lane) !== undefined;
    case "unary":
      if (e.fn === "sign") return true;
      if (isFloat(e.dtype)) return isMathFn(e.fn) || functions.floatUnary[e.fn] !== undefined;
      return functions.integerUnary[e.fn] !== undefined;
    case "binary":
      if (isFloat(e.dtype)) return isMathFn(e.fn) || functions.floatBinary[e.fn] !== undefined;
      return functions.integerBinary(false)[e.fn] !== undefined || constantShift(e) !== undefined;
    case "guard":
      return e.tests.every((test) => strideOf(test, lane) !== undefined);
    case "bits":
      return false;
    default:
      return true;
  }
}

function emitForm(scope: Scope, e: Expr, lane: string): void {
  const { f } = scope;
  switch (e.kind) {
    case "constant":
      emitConstant(scope, e);
      return;
    case "load":
      emitVectorLoad(scope, e, lane);
      return;
    case "register":
      emitRegister(scope, e, lane);
      return;
    case "unary":
      emitUnary(scope, e, lane);
      return;
    case "binary":
      emitBinary(scope, e, lane);
      return;
    case "select":
      emitVector(scope, e.a, lane);
      emitVector(scope, e.b, lane);
      emitMask(scope, e.condition, lane);
      f.v128_bitselect();
      return;
    case "cast":
      emitVector(scope, e.x, lane);
      emitVectorCast(scope, e);
      return;
    case "index":
      emitIndex(scope, e, lane);
      return;
    case "guard":
      emitLaneGuard(scope, e, lane);
      return;
    case "bits":
      throw new Error("internal: bits have no vector form");
  }
}

function emitConstant({ module, f }: Scope, { value, dtype }: Of<"constant">): void {
  const lanes = isFloat(dtype) ? new Float32Array(laneCount) : new Int32Array(laneCount);
  f.global_get(module.constant(lanes.fill(Number(value))));
}

function emitRegister(scope: Scope, e: Of<"register">, lane: string): void {
  const { f } = scope;
  const first = e.index.map((d) => firstLane(d, lane));
  const moves = e.index.some((d) => symbolsOf(d).includes(lane));
  const cell = scope.registers.get(e.register)?.get(elementKey(first));
  if (!cell) throw new Error(`internal: register ${e.register.name} is not declared`);
  const float = isFloat(e.register.dtype);
  f.local_get(cell.local);
  if (cell.type === "v128" && moves) return;
  if (cell.type === "v128") float ? f.f32x4_extract_lane(cell.lane) : f.i32x4_extract_lane(cell.lane);
  if (float) f.f32x4_splat();
  else f.i32x4_splat();
}

function emitUnary(scope: Scope, e: Of<"unary">, lane: string): void {
  const { f } = scope;
  emitVector(scope, e.x, lane);
  if (e.fn === "sign") emitSign(scope, e.dtype);
  else if (!isFloat(e.dtype)) {
    if (e.fn !== "abs" || !isUnsigned(e.dtype)) f.instruction(functions.integerUnary[e.fn]!, []);
  } else if (isMathFn(e.fn)) f.call(mathFunction(scope.module, e.fn));
  else f.instruction(functions.floatUnary[e.fn]!, []);
}

/** Zeros and NaN are their own sign. */
function emitSign({ f }: Scope, dtype: DType): void {
  const x = f.local("v128");
  const zero = () => f.v128_const(new Int32Array(laneCount));
  f.local_set(x);
  if (isFloat(dtype)) {
    f.local_get(x)
      .v128_const(new Int32Array(laneCount).fill(-(2 ** 31)))
      .v128_and();
    f.v128_const(new Float32Array(laneCount).fill(1)).v128_or().local_get(x);
    f.local_get(x).f32x4_abs();
    zero().f32x4_gt().v128_bitselect();
  } else if (isUnsigned(dtype)) {
    f.local_get(x);
    zero().i32x4_ne().i32x4_neg();
  } else {
    f.local_get(x);
    zero().i32x4_lt_s().local_get(x);
    zero().i32x4_gt_s().i32x4_sub();
  }
}

const isProduct = (e: Expr): e is Of<"binary"> => e.kind === "binary" && e.fn === "mul";

function emitBinary(scope: Scope, e: Of<"binary">, lane: string): void {
  const { f } = scope;
  const go = (part: Expr) => emitVector(scope, part, lane);
  const float = isFloat(e.dtype);
  const [sum, product] = isProduct(e.b) ? [e.a, e.b] : [e.b, e.a];
  const shift = constantShift(e);
  if (float && e.fn === "add" && isProduct(product)) {
    [product.a, product.b].forEach(go);
    f.fusibleMul("f32x4");
    go(sum);
    f.fusibleAdd("f32x4");
  } else if (!float && shift !== undefined) {
    go(e.a);
    emitShift(scope, e, shift);
  } else if (isClip(e)) {
    [e.a, e.b].forEach(go);
    if (e.fn === "min") f.f32x4_pmin();
    else f.f32x4_pmax();
    // The greater of -0 and 0 is 0.
    if (e.fn === "max" && Object.is(e.b.value, 0)) {
      go(e.b);
      f.f32x4_add();
    }
  } else {
    [e.a, e.b].forEach(go);
    if (float && isMathFn(e.fn)) f.call(mathFunction(scope.module, e.fn));
    else f.instruction(arithmeticOf(e.fn, e.dtype), []);
  }
}

/**
 * The maximum or minimum with a constant: where x is NaN or both are zeros, pmin and pmax give x, one
 * instruction for the eight that know all cases.
 */
function isClip(e: Of<"binary">): e is Of<"binary"> & { readonly b: Of<"constant"> } {
  if ((e.fn !== "max" && e.fn !== "min") || e.dtype !== "float32" || e.b.kind !== "constant") return false;
  return !Number.isNaN(e.b.value) && !(e.fn === "min" && Object.is(e.b.value, -0));
}

function arithmeticOf(fn: BinaryFn, dtype: DType) {
  return (isFloat(dtype) ? functions.floatBinary : functions.integerBinary(isUnsigned(dtype)))[fn]!;
}

/** Shifts by what is no number of bits leave nothing but, to the right, the sign. */
function emitShift({ f }: Scope, { fn, dtype }: Of<"binary">, by: number): void {
  const within = by >= 0 && by < 32;
  const keepsSign = fn === "shiftRight" && !isUnsigned(dtype);
  if (!within && !keepsSign) f.v128_const(new Int32Array(laneCount)).v128_and();
  else if (keepsSign) f.i32_const(within ? by : 31).i32x4_shr_s();
  else if (fn === "shiftRight") f.i32_const(by).i32x4_shr_u();
  else f.i32_const(by).i32x4_shl();
}

function emitIndex(scope: Scope, { index, dtype }: Of<"index">, lane: string): void {
  const { f } = scope;
  emitDim(scope, firstLane(index, lane));
  f.i32x4_splat();
  const stride = strideOf(index, lane)!;
  if (stride !== 0) f.v128_const(Int32Array.from([0, 1, 2, 3], (i) => i * stride)).i32x4_add();
  if (isFloat(dtype)) f.f32x4_convert_i32x4_s();
}

/**
 * A test that is linear in the lane holds for all lanes when it does for the first and the last. Where it
 * holds for some only, each lane is computed for itself.
 */
function emitLaneGuard(scope: Scope, e: Of<"guard">, lane: string): void {
  const varies = e.tests.some((test) => symbolsOf(test).includes(lane));
  const ends = new Set(
    e.tests.flatMap((test) => [nthLane(test, lane, 0), nthLane(test, lane, laneCount - 1)]),
  );
  const whole: Expr = { ...e, tests: [...ends], outside: varies ? e : e.outside };
  emitGuard(scope, whole, "v128", (inside, part) =>
    part === e ? emitOneByOne(inside, e, lane) : emitVector(inside, part, lane),
  );
}
