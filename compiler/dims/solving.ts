/** Solving an equation for one symbol in which it is linear. */
import { type Dim, isConstant, kindOf, monomial, neg, sum, symbolsOf } from "./expression.ts";

/** 0 for a constant, 1 for rigid and free symbols, 2 with a flex one. */
export function openness(d: Dim): number {
  return isConstant(d) ? 0 : symbolsOf(d).some((name) => kindOf(name) === "flex") ? 2 : 1;
}

/**
 * d = 0 solved for a flex symbol, as numerator / denominator; the easiest one, by name if several are alike.
 */
export function solveFlex(d: Dim) {
  const names = symbolsOf(d).filter((name) => kindOf(name) === "flex");
  const solved = names.flatMap((name) => {
    const found = splitOff(d, name);
    if (!found) return [];
    const [factor, rest] = found;
    const open = openness(rest) === 2;
    const effort =
      factor.value === 1 || factor.value === -1
        ? 0
        : open || openness(factor) === 2
          ? 9
          : isConstant(factor)
            ? 1
            : 2;
    const flip = factor.value !== undefined && factor.value > 0;
    return effort === 9
      ? []
      : [{ name, effort, numerator: flip ? neg(rest) : rest, denominator: flip ? factor : neg(factor) }];
  });
  return solved.sort((x, y) => x.effort - y.effort || (x.name > y.name ? -1 : 1))[0];
}

/** zero = 0 solved for a symbol with coefficient 1 or -1: an orientation for decisions, not a binding. */
export function solveRigid(zero: Dim) {
  for (const name of [...symbolsOf(zero)].reverse()) {
    const [factor, rest] = splitOff(zero, name) ?? [];
    if (factor?.value === 1) return { name, value: neg(rest!) };
    if (factor?.value === -1) return { name, value: rest! };
  }
  return undefined;
}

/** d as factor*name + rest, neither holding the name; undefined when d is not linear in it. */
function splitOff(d: Dim, name: string): readonly [factor: Dim, rest: Dim] | undefined {
  const isName = (f: { readonly kind: string }) =>
    f.kind === "symbol" && (f as { readonly name?: string }).name === name;
  const parts = d.terms.map((t) => {
    const others = t.factors.filter((f) => !isName(f));
    return {
      count: t.factors.length - others.length,
      dim: monomial(t.coefficient, others),
    };
  });
  const factor = sum(parts.filter((p) => p.count === 1).map((p) => p.dim));
  const rest = sum(parts.filter((p) => p.count === 0).map((p) => p.dim));
  const clean = parts.every((p) => p.count < 2) && ![factor, rest].some((x) => symbolsOf(x).includes(name));
  return clean && factor.value !== 0 ? [factor, rest] : undefined;
}
