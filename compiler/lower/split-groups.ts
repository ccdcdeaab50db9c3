/**
 * Loops over outputs that come in groups become two: over the groups, and over the outputs of one. A grouped
 * convolution finds the channels of output o behind floor(o / n), which no schedule can block or vectorise;
 * with o = n*g + i that is g. Left alone are groups of fewer outputs than a vector has lanes, and loops that
 * the groups do not divide.
 */
import { add, constant, constantOf, type Dim, mul, substitute, sum, symbol, terms } from "../dims/index.ts";
import { dimOfAtom } from "../ir/affine.ts";
import type { For, Kernel, Stmt } from "../ir/loop.ts";
import { rewriteStmts } from "../ir/loop-rewrite.ts";

export function splitGroups(kernel: Kernel, lanes: number): Kernel {
  return lanes === 1 ? kernel : { ...kernel, body: kernel.body.map((s) => splitIn(s, lanes)) };
}

function splitIn(s: Stmt, lanes: number): Stmt {
  if (s.kind !== "for") return s;
  const loop: For = { ...s, body: s.body.map((inner) => splitIn(inner, lanes)) };
  const size = loop.parallel && loop.step === 1 ? groupSize(loop) : undefined;
  if (size === undefined || size < lanes) return loop;
  const group = `${loop.axis}.g`;
  const whole = add(mul(size, symbol(group)), symbol(loop.axis));
  const index = (d: Dim) =>
    sum(
      terms(d).map(({ coefficient, factors }) => {
        const parts = factors.map((atom) => {
          const part = dimOfAtom(atom);
          const isGroup =
            atom.kind === "floor" && isOf(atom.numerator, loop) && constantOf(atom.denominator) === size;
          return isGroup ? symbol(group) : substitute(part, new Map([[loop.axis, whole]]));
        });
        return mul(Number(coefficient), ...parts);
      }),
    );
  const inner: For = { ...loop, extent: constant(size), body: rewriteStmts(loop.body, { index }) };
  return { ...loop, axis: group, extent: constant(constantOf(loop.extent)! / size), body: [inner] };
}

const isOf = (d: Dim, { axis }: For) => d === symbol(axis);

/** The only n for which an address has floor(axis / n), if it divides the extent. */
function groupSize(loop: For): number | undefined {
  const extent = constantOf(loop.extent);
  const found = new Set<number>();
  rewriteStmts(loop.body, {
    index: (d) => {
      for (const { factors } of terms(d))
        for (const atom of factors)
          if (atom.kind === "floor" && isOf(atom.numerator, loop))
            found.add(constantOf(atom.denominator) ?? 0);
      return d;
    },
  });
  const [size, ...others] = found;
  if (!size || others.length > 0 || extent === undefined || extent <= size) return undefined;
  return extent % size === 0 ? size : undefined;
}
