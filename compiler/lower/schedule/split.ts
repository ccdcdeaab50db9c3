/**
 * Cuts one loop into blocks of `factor` iterations and the iterations left over, both of known extent:
 *
 *     for n < 10            for n < 8 step 4          for n.r < 2 unroll
 *       body(n)       =>      for n.i < 4 unroll        body(8 + n.r)
 *                               body(n + n.i)
 *
 * A single iteration left over needs no loop. Iterations keep their order, so reductions may be split too. It
 * refuses (gives back the loop) what has no constant extent or counts in steps.
 */
import { add, constant, constantOf, symbol } from "../../dims/index.ts";
import type { For, LoopMode, Register, Stmt } from "../../ir/loop.ts";
import { type Place, rewriteStmts, substituteAxis, visitStmts } from "../../ir/loop-rewrite.ts";

/** `inner` is the mode of the loops inside a block and of the left-over loop. */
export function split(loop: For, factor: number, inner: LoopMode): readonly Stmt[] {
  const extent = constantOf(loop.extent);
  if (extent === undefined || loop.step !== 1 || factor < 2) return [loop];
  const whole = extent - (extent % factor);
  return [...blocks(loop, whole, factor, inner), ...leftOver(loop, whole, extent - whole, inner)];
}

function blocks(loop: For, whole: number, factor: number, mode: LoopMode): readonly Stmt[] {
  if (whole === 0) return [];
  const axis = `${loop.axis}.i`;
  const only = whole === factor;
  const position = only ? symbol(axis) : add(symbol(loop.axis), symbol(axis));
  const body = substituteAxis(loop.body, loop.axis, position);
  const inner: For = { ...loop, axis, extent: constant(factor), mode, body };
  return [only ? inner : { ...loop, extent: constant(whole), step: factor, body: [inner] }];
}

function leftOver(loop: For, whole: number, count: number, mode: LoopMode): readonly Stmt[] {
  if (count === 0) return [];
  const axis = `${loop.axis}.r`;
  const position = count === 1 ? constant(whole) : add(whole, symbol(axis));
  const body = renameRegisters(substituteAxis(loop.body, loop.axis, position));
  if (count === 1) return body;
  return [{ ...loop, axis, extent: constant(count), mode, body }];
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
