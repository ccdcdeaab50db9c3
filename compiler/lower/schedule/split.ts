/**
 * Cuts one loop into blocks of `factor` iterations and the iterations left over, both of known extent:
 *
 *     for n < 10            for n < 8 step 4          for n.r < 2 unroll
 *       body(n)       =>      for n.i < 4 unroll        body(8 + n.r)
 *                               body(n + n.i)
 *
 * A single iteration left over needs no loop. Iterations keep their order, so reductions may be split too.
 * An extent n that is not constant gives floor(n / factor) blocks and a serial loop over what is left. It
 * refuses (gives back the loop) what counts in steps.
 */
import { add, constant, constantOf, type Dim, floorDiv, mul, sub, symbol } from "../../dims/index.ts";
import type { For, LoopMode, Register, Stmt } from "../../ir/loop.ts";
import { type Place, rewriteStmts, substituteAxis, visitStmts } from "../../ir/loop-rewrite.ts";

/** `inner` is the mode of the loops inside a block and of the left-over loop. */
export function split(loop: For, factor: number, inner: LoopMode): readonly Stmt[] {
  if (loop.step !== 1 || factor < 2) return [loop];
  const whole = mul(factor, floorDiv(loop.extent, factor));
  return [...blocks(loop, whole, factor, inner), ...leftOver(loop, whole, inner)];
}

function blocks(loop: For, whole: Dim, factor: number, mode: LoopMode): readonly Stmt[] {
  const turns = constantOf(whole);
  if (turns === 0) return [];
  const axis = `${loop.axis}.i`;
  const only = turns === factor;
  const position = only ? symbol(axis) : add(symbol(loop.axis), symbol(axis));
  const body = substituteAxis(loop.body, loop.axis, position);
  const inner: For = { ...loop, axis, extent: constant(factor), mode, body };
  return [only ? inner : { ...loop, extent: whole, step: factor, body: [inner] }];
}

function leftOver(loop: For, whole: Dim, mode: LoopMode): readonly Stmt[] {
  const extent = sub(loop.extent, whole);
  const count = constantOf(extent);
  if (count === 0) return [];
  const axis = `${loop.axis}.r`;
  const position = count === 1 ? whole : add(whole, symbol(axis));
  const body = renameRegisters(substituteAxis(loop.body, loop.axis, position));
  if (count === 1) return body;
  return [{ ...loop, axis, extent, mode: count === undefined ? "serial" : mode, body }];
}

/** The copy declares registers of its own: unrolled, both copies may end in one scope. */
function renameRegisters(stmts: readonly Stmt[]): readonly Stmt[] {
  const renamed = new Map<Register, Register>();
  visitStmts(stmts, (s) => {
    if (s.kind === "let") renamed.set(s.register, { ...s.register, name: `${s.register.name}_r` });
  });
  const place = (p: Place) => ({ ...p, register: renamed.get(p.register) ?? p.register });
  return renamed.size === 0 ? stmts : rewriteStmts(stmts, { place });
}
