/** The arenas of whole programs: random graphs through the passes and the lowering, for every target. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Target, targets } from "../../compiler/ir/target.ts";
import { verifyArena } from "../../compiler/lower/arena-verify.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { runPasses } from "../../compiler/passes/pipeline.ts";
import { graphArbitrary } from "../support/arbitrary/graphs.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";

test("the arena of a lowered graph has no two buffers in one place at one time", () => {
  const target = fc.constantFrom<Target>(targets.ts, targets.wasm, targets["wasm-relaxed"]);
  let shared = 0;
  fc.assert(
    fc.property(graphArbitrary({ maxSteps: 20 }), fillingArbitrary(), target, (graph, filling, target) => {
      const parameters = fill(graph, filling);
      const { numerics } = target;
      const optimised = runPasses(graph, { target: { numerics, lanes: 1 }, parameters });
      const { arena, steps } = lower(optimised, { target, parameters, symbols: new Map() });
      verifyArena(arena, steps);
      shared += arena.offsets.size - new Set(arena.offsets.values()).size;
    }),
    { numRuns: 200, seed: 7 },
  );
  expect(shared).toBeGreaterThan(0);
});
