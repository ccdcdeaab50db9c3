/**
 * Indices that come from data. One that is outside is refused by the host, which is told what it was for: a
 * JavaScript function that throws, straight through the WebAssembly that called it. The instance can run
 * again afterwards.
 */
import type { Stmt } from "../../compiler/ir/loop.ts";
import { dtypeOf } from "../../compiler/ir/loop-rewrite.ts";
import type { DType } from "../../runtime/dtype.ts";
import { emitScalar } from "./scalar.ts";
import { emitDim, type Scope } from "./scope.ts";
import { unsupported } from "./unsupported.ts";
import { typeOf } from "./value-type.ts";

type Bind = Extract<Stmt, { kind: "bind" }>;

export interface Host {
  /** The imported function of a text's number, an index (f64), the least one it may be, and the extent. */
  readonly refuse: number;
  /** The number of a text. */
  textOf(what: string): number;
}

/** Leaves the index in a local that `scope` knows from then on. */
export function emitBind(scope: Scope, bind: Bind, host: Host | undefined): void {
  const { f } = scope;
  const [raw, extent, index] = [emitRaw(scope, bind), f.local("i64"), f.local("i64")];
  emitDim(scope, bind.extent);
  f.i64_extend_i32_s().local_set(extent);
  f.local_get(raw);
  if (bind.wrap) {
    // Only what is below zero is counted from the end.
    f.local_get(extent).i64_const(0n).local_get(raw).i64_const(0n).i64_lt_s().select().i64_add();
  }
  f.local_set(index);
  if (bind.mode === "clamp") emitClamp(scope, index, extent);
  else emitCheck(scope, bind, { raw, extent, index }, host);
  const local = f.local("i32");
  f.local_get(index).i32_wrap_i64().local_set(local);
  scope.symbols.set(bind.symbol, local);
}

/** As 64 bits with a sign, so that nothing overflows. Of uint64 what is too large stays so. */
function emitRaw(scope: Scope, { value, what }: Bind): number {
  const { f } = scope;
  const dtype: DType = dtypeOf(value);
  const type = typeOf(dtype);
  if (type === "f32" || type === "f64") unsupported(`an index from data of ${dtype} (${what})`);
  const raw = f.local("i64");
  emitScalar(scope, value);
  if (type === "i32" && dtype === "uint32") f.i64_extend_i32_u();
  else if (type === "i32") f.i64_extend_i32_s();
  f.local_set(raw);
  if (dtype === "uint64") {
    f.i64_const(2n ** 63n - 1n).local_get(raw);
    f.local_get(raw).i64_const(0n).i64_lt_s().select().local_set(raw);
  }
  return raw;
}

function emitClamp({ f }: Scope, index: number, extent: number): void {
  const last = f.local("i64");
  f.local_get(extent).i64_const(1n).i64_sub().local_set(last);
  f.local_get(index).i64_const(0n).local_get(index).i64_const(0n).i64_gt_s().select().local_set(index);
  f.local_get(index).local_get(last);
  f.local_get(index).local_get(last).i64_lt_s().select().local_set(index);
}

interface Locals {
  readonly raw: number;
  readonly extent: number;
  readonly index: number;
}

function emitCheck(
  { f }: Scope,
  { what, wrap }: Bind,
  { raw, extent, index }: Locals,
  host: Host | undefined,
): void {
  if (!host) unsupported(`an index from data (${what})`);
  f.local_get(index).local_get(extent).i64_ge_u().if();
  f.i32_const(host.textOf(what)).local_get(raw).f64_convert_i64_s();
  if (wrap) f.i32_const(0).local_get(extent).i32_wrap_i64().i32_sub();
  else f.i32_const(0);
  f.local_get(extent).i32_wrap_i64().call(host.refuse).unreachable();
  f.end();
}
