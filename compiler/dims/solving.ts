/** Solving an equation for one symbol in which it is linear. */
import { type Atom, atomsOf, childrenOf, constant, type Dim, intern, kindOf, symbolsOf } from "./dim.ts";
import { addScaled, monomial, neg, sum } from "./expression.ts";
import { magnitude } from "./integer.ts";

export interface Solution {
  readonly name: string;
  readonly numerator: Dim;
  readonly denominator: Dim;
}

const isFlex = (name: string): boolean => kindOf(name) === "flex";

/** 0 for a constant, 1 for rigid and free symbols, 2 with a flex one. */
export function openness(d: Dim): number {
  return d.value !== undefined ? 0 : symbolsOf(d).some(isFlex) ? 2 : 1;
}

/** zero = 0 solved for a flex symbol: one with coefficient 1 or -1, or the only one. */
export function solveFlex(zero: Dim): Solution | undefined {
  const alone = solveAlone(zero, isFlex);
  if (alone) return { ...alone, numerator: alone.value, denominator: constant(1) };
  const [name, ...others] = symbolsOf(zero).filter(isFlex);
  const [factor, rest] = (name !== undefined && others.length === 0 && splitOff(zero, name)) || [];
  if (name === undefined || !factor || !rest) return undefined;
  const flip = Number(factor.value ?? -1) > 0;
  return { name, numerator: flip ? neg(rest) : rest, denominator: flip ? factor : neg(factor) };
}

/** zero = 0 solved for a symbol, the last that has coefficient 1 or -1 and occurs nowhere else. */
export function solveAlone(zero: Dim, accepts: (name: string) => boolean = () => true) {
  const alone = zero.terms.flatMap(({ coefficient, factors: [f, ...others] }) => {
    const fits =
      f?.kind === "symbol" && others.length === 0 && magnitude(coefficient) === 1 && accepts(f.name);
    return fits ? [f.name] : [];
  });
  for (const name of alone.sort().reverse().slice(0, 9)) {
    const [factor, rest] = splitOff(zero, name) ?? [];
    if (factor?.value === 1) return { name, value: neg(rest!) };
    if (factor?.value === -1) return { name, value: rest! };
  }
  return undefined;
}

/** d as factor*name + rest, neither holding the name; undefined when d is not linear in it. */
function splitOff(d: Dim, name: string): readonly [factor: Dim, rest: Dim] | undefined {
  const isName = (f: Atom) => f.kind === "symbol" && f.name === name;
  const inside = atomsOf(d).some((atom) => childrenOf(atom).some((child) => symbolsOf(child).includes(name)));
  const own = d.terms.filter((t) => t.factors.some(isName));
  if (inside || own.some((t) => t.factors.filter(isName).length > 1)) return undefined;
  const others = own.map((t) =>
    monomial(
      t.coefficient,
      t.factors.filter((f) => !isName(f)),
    ),
  );
  return [sum(others), addScaled(d, -1, intern(own))];
}

/**
 * A minimal unsatisfiable core: what in the first pool that contradicts `last` cannot be left out, and
 * `last`, in the order they were asserted. Pools go from the likely suspects to everything. Junker's
 * QuickXplain (AAAI 2004): halve the candidates, keep the half without which there is no conflict.
 */
export function minimalCore<T extends { readonly index: number }>(
  pools: readonly (() => readonly T[])[],
  last: T,
  conflicts: (list: readonly T[]) => boolean,
): readonly T[] {
  const ordered = (list: readonly T[]) => [...list].sort((x, y) => x.index - y.index);
  const test = (list: readonly T[]) => conflicts([...ordered(list), last]);
  const explain = (known: readonly T[], added: boolean, rest: readonly T[]): readonly T[] => {
    if (added && test(known)) return [];
    if (rest.length <= 1) return rest;
    const half = rest.length >> 1;
    const [early, late] = [rest.slice(0, half), rest.slice(half)];
    const needed = explain([...known, ...early], true, late);
    return [...explain([...known, ...needed], needed.length > 0, early), ...needed];
  };
  const pool = pools.map((make) => make()).find(test);
  return [...ordered(pool ? explain([], true, pool) : pools[0]!()), last];
}
