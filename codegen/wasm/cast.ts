/**
 * Changes of type: casts with the meaning of the reference (floats are cut to integers and wrapped as
 * JavaScript's `| 0` and typed arrays do it, to 64 bits they saturate, integers wrap), and bits seen as
 * another type.
 */
import { type DType, dtypes, widthOf } from "../../runtime/dtype.ts";
import type { FunctionAssembler } from "./assembler/index.ts";
import { emitNarrow } from "./integer.ts";
import { unsupported } from "./unsupported.ts";
import { isFloatType, isUnsigned, type ScalarType, typeOf } from "./value-type.ts";

/** `isSmall`: the float on the stack, if it is one, is NaN or in the range of int32. */
export function emitCast(f: FunctionAssembler, from: DType, to: DType, isSmall = false): void {
  const [source, target] = [typeOf(from), typeOf(to)];
  if (dtypes[to].kind === "bool") emitIsNonzero(f, source);
  else if (isFloatType(target)) emitFloat(f, from, target);
  else if (target === "i64") emitInt64(f, from, to);
  else {
    if (source === "i64") f.i32_wrap_i64();
    else if (isFloatType(source)) emitToInt32(f, source, isSmall);
    emitNarrow(f, to, widthOf(to));
  }
}

function emitIsNonzero(f: FunctionAssembler, type: ScalarType): void {
  if (type === "i64") f.i64_const(0n).i64_ne();
  else if (type === "i32") f.i32_const(0).i32_ne();
  else if (type === "f32") f.f32_const(0).f32_ne();
  else f.f64_const(0).f64_ne();
}

function emitFloat(f: FunctionAssembler, from: DType, target: "f32" | "f64"): void {
  const source = typeOf(from);
  if (isFloatType(source)) emitWidth(f, source, target);
  else f.instruction(`${target}.convert_${source}_${isUnsigned(from) ? "u" : "s"}`, []);
}

/** A float as one of the other width. */
export function emitWidth(f: FunctionAssembler, source: "f32" | "f64", target: "f32" | "f64"): void {
  if (source === target) return;
  if (target === "f64") f.f64_promote_f32();
  else f.f32_demote_f64();
}

function emitInt64(f: FunctionAssembler, from: DType, to: DType): void {
  const source = typeOf(from);
  if (source === "i64") return;
  if (isFloatType(source)) f.instruction(`i64.trunc_sat_${source}_${isUnsigned(to) ? "u" : "s"}`, []);
  else if (isUnsigned(from)) f.i64_extend_i32_u();
  else f.i64_extend_i32_s();
}

/** Cut, modulo 2^32; 0 for what is not finite. */
function emitToInt32(f: FunctionAssembler, source: "f32" | "f64", isSmall: boolean): void {
  if (isSmall) {
    f.instruction(`i32.trunc_sat_${source}_s`, []);
    return;
  }
  const whole = f.local("f64");
  emitWidth(f, source, "f64");
  f.f64_trunc().local_tee(whole).local_get(whole);
  const [down, up] = [2 ** -32, 2 ** 32];
  f.f64_const(down).f64_mul().f64_floor().f64_const(up).f64_mul().f64_sub();
  f.i32_trunc_sat_f64_u();
}

/** The bits of a `from` as a `to` of as many; a NaN has those of NumPy's. */
export function emitBits(f: FunctionAssembler, from: DType, to: DType): void {
  const [source, target] = [typeOf(from), typeOf(to)];
  if (source === "f32") {
    const x = f.local("f32");
    f.local_tee(x).i32_reinterpret_f32().i32_const(0x7fc00000);
    f.local_get(x).local_get(x).f32_eq().select();
  } else if (source === "f64") {
    const x = f.local("f64");
    f.local_tee(x).i64_reinterpret_f64().i64_const(0x7ff8000000000000n);
    f.local_get(x).local_get(x).f64_eq().select();
  }
  if (target === "f32") f.f32_reinterpret_i32();
  else if (target === "f64") f.f64_reinterpret_i64();
  else if (target === "i32") {
    if (source === "i64") unsupported(`the bits of a ${from} as a ${to}`);
    if (dtypes[to].kind === "bool") f.i32_const(2 ** widthOf(to) - 1).i32_and();
    if (dtypes[to].kind === "bool") emitIsNonzero(f, "i32");
    else emitNarrow(f, to, widthOf(to));
  }
}
