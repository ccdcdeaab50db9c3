/**
 * How many random cases a law gets, and from which seed. The only place where tests read the environment:
 * `SHAPECAST_RUNS=5000` looks longer, `SHAPECAST_SEED=7` looks elsewhere, `SHAPECAST_CODE=1` adds the emitted
 * code to the report of a counter-example. The seed is fixed otherwise, so that a red build is red again.
 */
import { vi } from "vitest";

// A law takes as long as it takes: what it says does not depend on how busy the machine is.
vi.setConfig({ testTimeout: 3_600_000 });

const { SHAPECAST_RUNS, SHAPECAST_SEED, SHAPECAST_CODE } = process.env;

export const wantsCode = SHAPECAST_CODE !== undefined && SHAPECAST_CODE !== "0";

/** Parameters of a property; fast-check prints the seed with a failure. */
export function runs(numRuns = 200): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: Number(SHAPECAST_RUNS ?? numRuns), seed: Number(SHAPECAST_SEED ?? 20_251) };
}
