/**
 * Unroll-and-jam: pushes a parallel loop inward to the statements, through the loops between, so that one
 * pass of a reduction serves all its iterations. Registers declared inside become tiles with one element for
 * each iteration:
 *
 *     for n.i < 4                      for n.i < 4
 *       let acc = 0                      let acc[n.i] = 0
 *       for k < 9                 =>     for k < 9
 *         set acc = acc + f(n.i, k)        for n.i < 4
 *       store y[n.i] = acc                   set acc[n.i] = acc[n.i] + f(n.i, k)
 *                                        for n.i < 4
 *                                          store y[n.i] = acc[n.i]
 *
 * Legal for every parallel loop: only the order between its iterations changes. It refuses (gives back the
 * loop) one that is not parallel, has no constant extent, or binds a symbol inside, for a symbol cannot
 * become a tile.
 */
import { constantOf, symbol, symbolsOf } from "../../dims/index.ts";
import type { For, Register, Stmt } from "../../ir/loop.ts";
import { type Place, rewriteStmts, visitStmts } from "../../ir/loop-rewrite.ts";

export function sink(loop: For): readonly Stmt[] {
  return canSink(loop) ? distribute(loop, expand(loop)) : [loop];
}

function canSink(loop: For): boolean {
  let sinkable = loop.parallel && loop.step === 1 && constantOf(loop.extent) !== undefined;
  visitStmts(loop.body, (s) => {
    if (s.kind === "bind") sinkable = false;
  });
  return sinkable;
}

/** The body with each register declared in it replaced by a tile, indexed by the loop's axis last. */
function expand(loop: For): readonly Stmt[] {
  const extent = constantOf(loop.extent) ?? 0;
  const tiles = new Map<Register, Register>();
  visitStmts(loop.body, (s) => {
    // A tile this loop fills already has an element for each iteration.
    if (s.kind === "let" && !tiles.has(s.register) && !s.index.includes(symbol(loop.axis)))
      tiles.set(s.register, { ...s.register, shape: [...s.register.shape, extent] });
  });
  const place = (p: Place): Place => {
    const tile = tiles.get(p.register);
    return tile ? { register: tile, index: [...p.index, symbol(loop.axis)] } : p;
  };
  return rewriteStmts(loop.body, { place });
}

/** The loop around each run of plain statements, and inside each loop whose extent it does not decide. */
function distribute(loop: For, body: readonly Stmt[]): readonly Stmt[] {
  const out: Stmt[] = [];
  let run: Stmt[] = [];
  const flush = () => {
    if (run.length > 0) out.push({ ...loop, body: run });
    run = [];
  };
  for (const s of body) {
    if (s.kind === "for" && !symbolsOf(s.extent).includes(loop.axis)) {
      flush();
      out.push({ ...s, body: distribute(loop, s.body) });
    } else run.push(s);
  }
  flush();
  return out;
}
