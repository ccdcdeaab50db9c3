/**
 * The sizes nearest to those of a sample that would do: one dim is changed at a time, the others stay as they
 * are, and everything that is demanded of the changed one has to hold, not only what was broken.
 */
import type { Store } from "../dims/index.ts";
import type { Need } from "./needs.ts";

const FARTHEST = 100_000;

/** By dim, at most one size below and one above; a dim that no size mends is not in it. */
export function nearestSizes(
  broken: Need,
  needs: readonly Need[],
  sizes: ReadonlyMap<string, number>,
  store: Store,
): ReadonlyMap<string, readonly number[]> {
  const near = new Map<string, readonly number[]>();
  for (const name of broken.constraint.symbols()) {
    const size = sizes.get(name)!;
    const found = nearestTo(name, { min: size, max: size }, needs, store, sizes);
    if (found.length > 0) near.set(name, found);
  }
  return near;
}

/** The sizes of `name` nearest to a range that has none that would do, beside those of other dims. */
export function nearestTo(
  name: string,
  range: { readonly min: number; readonly max: number },
  needs: readonly Need[],
  store: Store,
  others: ReadonlyMap<string, number> = new Map(),
): readonly number[] {
  const isKnown = (symbol: string) => symbol === name || others.has(symbol);
  const concerned = needs.filter(({ constraint }) => {
    const symbols = constraint.symbols();
    return symbols.includes(name) && symbols.every(isKnown);
  });
  const { min, max } = store.domainOf(name);
  const holds = (n: number) => {
    const changed = new Map([...others, [name, n]]);
    return n >= min && n <= max && concerned.every(({ constraint }) => constraint.holds(changed));
  };
  return [...first(range.min, -1, holds), ...first(range.max, 1, holds)];
}

function first(from: number, sign: number, holds: (n: number) => boolean): readonly number[] {
  for (let by = 1; by <= FARTHEST; by++) {
    const size = from + sign * by;
    if (size < 0) return [];
    if (holds(size)) return [size];
  }
  return [];
}

/** "96, 104" for one dim, "H = 96 or 104, or W = 64" for several. */
export function printNearest(near: ReadonlyMap<string, readonly number[]>, only: boolean): string {
  if (only) return [...near.values()].flat().join(", ");
  return [...near].map(([name, sizes]) => `${name} = ${sizes.join(" or ")}`).join(", or ");
}
