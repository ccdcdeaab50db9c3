/**
 * Casts in lanes. A float becomes an integer as `| 0` has it: cut, modulo 2^32, 0 for NaN and infinities. The
 * instruction saturates instead, which is the same within the range of an int32; so values whose bounds are
 * known take it alone, others a function that looks first.
 */
import type { Expr } from "../../compiler/ir/loop.ts";
import { dtypeOf } from "../../compiler/ir/loop-rewrite.ts";
import { type DType, dtypes } from "../../runtime/dtype.ts";
import type { Module } from "./assembler/index.ts";
import { Lanes } from "./math/lanes.ts";
import { isFloat, isSmall } from "./scalar.ts";
import type { Scope } from "./scope.ts";

/**
 * Casts the lanes on the stack, which are those of `e.x`. With `wraps` false an integer of fewer bits than 32
 * is left as it is, for a store that wraps it.
 */
export function emitVectorCast(scope: Scope, { x, dtype }: Expr & { kind: "cast" }, wraps = true): void {
  const { f } = scope;
  const from = dtypeOf(x);
  if (isFloat(from)) {
    if (isFloat(dtype)) return;
    if (isSmall(x)) f.i32x4_trunc_sat_f32x4_s();
    else f.call(toInt32(scope.module));
  } else if (isFloat(dtype)) {
    if (from === "uint32") f.f32x4_convert_i32x4_u();
    else f.f32x4_convert_i32x4_s();
    return;
  }
  if (wraps && !isAmong(from, dtype)) emitWrap(scope, dtype);
}

/** Whether a `to` holds every `from`. */
function isAmong(from: DType, to: DType): boolean {
  const [a, b] = [dtypes[from], dtypes[to]];
  return !isFloat(from) && a.lowest >= b.lowest && a.highest <= b.highest;
}

function emitWrap({ f }: Scope, dtype: DType): void {
  const { bytes, lowest } = dtypes[dtype];
  const spare = 32 - 8 * bytes;
  if (spare === 0) return;
  f.i32_const(spare).i32x4_shl().i32_const(spare);
  if (lowest === 0) f.i32x4_shr_u();
  else f.i32x4_shr_s();
}

const limit = 2 ** 31;

/** (v128) -> v128 */
function toInt32(module: Module): number {
  return module.shared("toInt32", () => {
    const f = module.func({ name: "toInt32", params: ["v128"], results: ["v128"] });
    const m = new Lanes(module, f);
    const x = m.local(0);
    const result = f.local("v128");
    f.local_get(0).i32x4_trunc_sat_f32x4_s().local_set(result);
    m.op("v128.any_true", m.op("f32x4.ge", m.abs(x), m.c(limit)))();
    f.if();
    m.halves((d, wide) => {
      const cut = d.keep(d.op("f64x2.trunc", wide));
      const turns = d.op("f64x2.floor", d.mul(cut, d.c(2 ** -32)));
      return d.op("i32x4.trunc_sat_f64x2_u_zero", d.sub(cut, d.mul(turns, d.c(2 ** 32))));
    }, x)();
    f.local_set(result).end();
    f.local_get(result).end();
    return f;
  });
}
