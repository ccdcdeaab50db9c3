/** What the store leaves to algorithms: solving an equation for a symbol, minimal cores. */
import { type Atom, type Dim, intern, kindOf, partsOf, type Term } from "./dim.ts";
import { monomial, neg, sub, sum } from "./expression.ts";
import { magnitude } from "./integer.ts";

/** name = numerator/denominator */
export interface Solution {
  readonly name: string;
  readonly numerator: Dim;
  readonly denominator: Dim;
}

const isFlex = (name: string): boolean => kindOf(name) === "flex";

/** 0 for a constant, 1 for rigid and free symbols, 2 with a flex one. */
export const openness = (d: Dim): number => (d.value !== undefined ? 0 : d.symbols.some(isFlex) ? 2 : 1);

/** zero = 0 solved for a flex symbol: one with coefficient 1 or -1, or the only one. */
export function solveFlex(zero: Dim): Solution | undefined {
  const [name, ...others] = zero.terms.length > 99 ? [] : zero.symbols.filter(isFlex);
  const only = name !== undefined && others.length === 0 ? name : undefined;
  return solveAlone(zero, isFlex) ?? (only === undefined ? undefined : solveFor(zero, only));
}

/** zero = 0 solved for a symbol, the last accepted one with coefficient 1 or -1 that occurs nowhere else. */
export function solveAlone(zero: Dim, accepts: (name: string) => boolean = () => true): Solution | undefined {
  const isAlone = ({ coefficient, factors: [f, other] }: Term) =>
    f?.kind === "symbol" && !other && magnitude(coefficient) === 1 && accepts(f.name);
  for (const { factors } of zero.terms.filter(isAlone).reverse().slice(0, 9)) {
    const found = solveFor(zero, (factors[0] as Extract<Atom, { kind: "symbol" }>).name);
    if (found?.denominator.value === 1) return found;
  }
  return undefined;
}

/** zero = 0 as name = numerator/denominator, without the name; undefined when it is not linear in it. */
export function solveFor(zero: Dim, name: string): Solution | undefined {
  const isName = (f: Atom) => f.kind === "symbol" && f.name === name;
  const own = zero.terms.filter((t) => t.factors.some(isName));
  const inside = zero.atoms.some((f) => partsOf(f).some((part) => part.symbols.includes(name)));
  if (inside || own.length === 0 || own.some((t) => t.factors.filter(isName).length > 1)) return undefined;
  const factor = sum(
    own.map((t) =>
      monomial(
        t.coefficient,
        t.factors.filter((f) => !isName(f)),
      ),
    ),
  );
  const rest = sub(zero, intern(own));
  const positive = factor.terms[0]!.coefficient > 0;
  return { name, numerator: positive ? neg(rest) : rest, denominator: positive ? factor : neg(factor) };
}

/**
 * A minimal unsatisfiable core: what in the first pool that contradicts `last` cannot be left out, and
 * `last`, in the order they were asserted. Pools go from the likely suspects to everything. First Junker's
 * QuickXplain (AAAI 2004): halve the candidates, keep the half without which there is no conflict. Then each
 * survivor is left out once more, because what the store concludes is not monotonic. `budget` counts the
 * assertions replayed; when it is spent, the core stays as small as it has become.
 */
export function minimalCore<T extends { readonly index: number }>(
  pools: readonly (() => readonly T[])[],
  last: T,
  conflicts: (list: readonly T[]) => boolean,
  budget = 50_000,
): readonly T[] {
  let left = budget;
  const ordered = (list: readonly T[]) => [...list].sort((x, y) => x.index - y.index);
  const test = (list: readonly T[]) => {
    left -= list.length;
    return conflicts([...ordered(list), last]);
  };
  const explain = (known: readonly T[], added: boolean, rest: readonly T[]): readonly T[] => {
    if (left < 0) return rest;
    if (added && test(known)) return [];
    if (rest.length <= 1) return rest;
    const half = rest.length >> 1;
    const [early, late] = [rest.slice(0, half), rest.slice(half)];
    const needed = explain([...known, ...early], true, late);
    return [...explain([...known, ...needed], needed.length > 0, early), ...needed];
  };
  const pool = pools.map((make) => make()).find(test);
  let core = pool ? explain([], true, pool) : pools[0]!();
  for (const x of core) {
    const without = core.filter((y) => y !== x);
    if (left >= 0 && test(without)) core = without;
  }
  return [...ordered(core), last];
}
