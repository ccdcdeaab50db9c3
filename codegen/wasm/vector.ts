/**
 * Expressions of four lanes. A load whose address moves by one with the lane axis is a vector load, one that
 * does not move is broadcast, any other is gathered lane by lane. Within a straight line each address is
 * loaded once. With fused numerics an addition of a product is one relaxed multiply-add.
 */
import { print, symbolsOf } from "../../compiler/dims/index.ts";
import { strideOf } from "../../compiler/ir/affine.ts";
import type { BinaryFn, Expr, UnaryFn } from "../../compiler/ir/loop.ts";
import type { FunctionAssembler } from "./assembler/index.ts";
import { firstLane, laneCount } from "./flatten.ts";
import { isMathFn, mathFunction } from "./math/index.ts";
import { emitGuard, isFloat } from "./scalar.ts";
import { elementKey, emitAddress, type Scope } from "./scope.ts";
import { unsupported } from "./unsupported.ts";

type Emit = (f: FunctionAssembler) => unknown;

const unary: Partial<Record<UnaryFn, Emit>> = {
  neg: (f) => f.f32x4_neg(),
  abs: (f) => f.f32x4_abs(),
  sqrt: (f) => f.f32x4_sqrt(),
  floor: (f) => f.f32x4_floor(),
  ceil: (f) => f.f32x4_ceil(),
  round: (f) => f.f32x4_nearest(),
};

const binary: Partial<Record<BinaryFn, Emit>> = {
  add: (f) => f.f32x4_add(),
  sub: (f) => f.f32x4_sub(),
  mul: (f) => f.f32x4_mul(),
  div: (f) => f.f32x4_div(),
  max: (f) => f.f32x4_max(),
  min: (f) => f.f32x4_min(),
};

/** Leaves the values of lanes 0 to 3 of `lane` on the stack as v128. */
export function emitVector(scope: Scope, e: Expr, lane: string): void {
  const { f } = scope;
  const go = (inside: Scope, x: Expr) => emitVector(inside, x, lane);
  switch (e.kind) {
    case "constant":
      f.v128_const(new Float32Array(laneCount).fill(Number(e.value)));
      return;
    case "load":
      emitLoad(scope, e, lane);
      return;
    case "register":
      emitRegister(scope, e, lane);
      return;
    case "unary": {
      if (isMathFn(e.fn)) {
        go(scope, e.x);
        f.call(mathFunction(scope.module, e.fn, scope.fma));
        return;
      }
      const emit = unary[e.fn] ?? unsupported(`${e.fn} in lanes`);
      go(scope, e.x);
      emit(f);
      return;
    }
    case "binary":
      emitBinary(scope, e, lane);
      return;
    case "cast":
      if (!isFloat(e.dtype)) unsupported(`a cast to ${e.dtype} in lanes`);
      go(scope, e.x);
      return;
    case "guard":
      if (e.tests.some((test) => symbolsOf(test).includes(lane))) unsupported("a guard that differs by lane");
      emitGuard(scope, e, "v128", go);
      return;
    default:
      unsupported(`a ${e.kind} in lanes`);
      return;
  }
}

function emitBinary(scope: Scope, e: Expr & { kind: "binary" }, lane: string): void {
  const { f } = scope;
  if (isMathFn(e.fn)) {
    emitVector(scope, e.a, lane);
    emitVector(scope, e.b, lane);
    f.call(mathFunction(scope.module, e.fn, scope.fma));
    return;
  }
  const emit = binary[e.fn] ?? unsupported(`${e.fn} in lanes`);
  const [sum, product] = isProduct(e.b) ? [e.a, e.b] : [e.b, e.a];
  if (e.fn === "add" && scope.fma && isProduct(product)) {
    emitVector(scope, product.a, lane);
    emitVector(scope, product.b, lane);
    emitVector(scope, sum, lane);
    f.f32x4_relaxed_madd();
    return;
  }
  emitVector(scope, e.a, lane);
  emitVector(scope, e.b, lane);
  emit(f);
}

const isProduct = (e: Expr): e is Expr & { kind: "binary" } => e.kind === "binary" && e.fn === "mul";

function emitRegister(scope: Scope, e: Expr & { kind: "register" }, lane: string): void {
  const { f } = scope;
  const first = e.index.map((d) => firstLane(d, lane));
  const moves = e.index.some((d) => symbolsOf(d).includes(lane));
  const cell = scope.registers.get(e.register)?.get(elementKey(first));
  if (!cell) throw new Error(`internal: register ${e.register.name} is not declared`);
  f.local_get(cell.local);
  if (cell.type === "f32") f.f32x4_splat();
  else if (cell.type === "v128" && !moves) f.f32x4_extract_lane(cell.lane).f32x4_splat();
  else if (cell.type !== "v128") unsupported(`the ${e.register.dtype} register ${e.register.name} in lanes`);
}

function emitLoad(scope: Scope, e: Expr & { kind: "load" }, lane: string): void {
  const { f } = scope;
  const stride = strideOf(e.index, lane);
  if (stride === undefined) unsupported(`lanes whose address ${e.index} is not linear`);
  if (e.buffer.dtype !== "float32") unsupported(`lanes of ${e.buffer.dtype}`);
  const key = `${stride} ${e.buffer.name} ${print(firstLane(e.index, lane))}`;
  const known = scope.loaded.get(key);
  if (known) {
    f.local_get(known.local);
    return;
  }
  emitLanes(scope, e, lane, stride);
  const local = f.local("v128");
  f.local_tee(local);
  scope.loaded.set(key, { buffer: e.buffer, local });
}

function emitLanes(scope: Scope, e: Expr & { kind: "load" }, lane: string, stride: number): void {
  const { f } = scope;
  const address = scope.addresses.of(e.buffer, firstLane(e.index, lane));
  const offset = (i: number) => (address.offset + i * stride) * 4;
  if (stride < 0) unsupported("lanes whose addresses run backwards");
  emitAddress(scope, address, 4);
  if (stride === 1) f.v128_load(offset(0));
  else if (stride === 0) f.v128_load32_splat(offset(0));
  else {
    f.v128_load32_splat(offset(0));
    for (let i = 1; i < laneCount; i++) {
      const vector = f.local("v128");
      f.local_set(vector);
      emitAddress(scope, address, 4);
      f.local_get(vector).v128_load32_lane(i, offset(i));
    }
  }
}
