/**
 * A minimal unsatisfiable core: the assertions that contradict each other, none of which can be left out.
 * Junker's QuickXplain (AAAI 2004): halve the candidates, keep the half without which there is no conflict.
 * A test of a set is a replay into an empty store.
 */

/**
 * The smallest part of the first pool that contradicts `last`, then `last`, in the order they were asserted.
 * Pools go from the likely suspects to everything.
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
  for (const pool of pools) {
    const list = pool();
    if (test(list)) return [...ordered(explain([], true, list)), last];
  }
  return [...ordered(pools[0]!()), last];
}
