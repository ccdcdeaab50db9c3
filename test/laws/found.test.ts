/** What random cases once found wrong, kept as the smallest case that shows it. */
import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { emitGraph, reference, requireEqual, runEmitted } from "../support/laws.ts";

describe("kernels are shared only if they do the same", () => {
  const numbers = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  test("filling with zeros of either sign, infinities and NaN are different kernels", () => {
    const g = new GraphBuilder("fills");
    const outputs = numbers.map((x, i) => ({
      name: `y${i}`,
      value: g.constant({ dtype: "float32", shape: [2], data: Float32Array.of(x, x) }),
    }));
    const filled = g.finish(outputs) as Graph<BoundDim>;
    const emitted = emitGraph(filled, new Map());
    requireEqual(runEmitted(emitted, new Map()), reference(filled, new Map()), emitted);
    expect(emitted.program.kernels).toHaveLength(numbers.length);
  });
});
