/**
 * The sizes a schedule has in mind. A loop over a constant extent has one; of one over open dims a few are
 * tried, from a single sample to a large batch: what is best for 32 rows may be half as fast for one.
 */
import { constant, constantOf, type Dim, substitute } from "../../dims/index.ts";
import type { OpenDims } from "../../ir/open-dims.ts";

/** One value for every open dim. */
export type Sizes = ReadonlyMap<string, Dim>;

const typical = [1, 4, 7, 32];

/** One map without entries when nothing is open. */
export function sizesToPlanFor({ dims }: OpenDims): readonly Sizes[] {
  if (dims.length === 0) return [new Map()];
  const within = (n: number, min: number, max: number) => Math.max(min, 1, Math.min(n, max));
  return typical.map((n) => new Map(dims.map(({ name, min, max }) => [name, constant(within(n, min, max))])));
}

/** An extent under such sizes; 0 for one that depends on something else. */
export const extentUnder = (extent: Dim, sizes: Sizes): number =>
  constantOf(sizes.size === 0 ? extent : substitute(extent, sizes)) ?? 0;
