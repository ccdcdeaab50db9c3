import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import type { Step } from "../../compiler/ir/program.ts";
import { livenessOf } from "../../compiler/lower/liveness.ts";
import { mapStep, windowStep } from "../support/arbitrary/steps.ts";
import { buffer } from "../support/nests.ts";

const [a, b, c] = ["a", "b", "c"].map((name) => buffer(name, 8, "arena")) as [
  ReturnType<typeof buffer>,
  ReturnType<typeof buffer>,
  ReturnType<typeof buffer>,
];
const input = buffer("x", 8, "input");
const output = buffer("y", 8, "output");
const repeat = (axis: string, ...body: readonly Step[]): Step => ({
  kind: "repeat",
  axis,
  extent: constant(3),
  body,
});

/** "a 0-2" for each buffer in the order of first access. */
const rangesOf = (...steps: readonly Step[]) =>
  [...livenessOf(steps).ranges.values()].map(({ buffer, first, last }) => `${buffer.name} ${first}-${last}`);

describe("a buffer is live", () => {
  test("from its first write to its last read", () => {
    const steps = [mapStep([input], a), mapStep([a], b), mapStep([a], c), mapStep([b], output)];
    expect(rangesOf(...steps)).toEqual(["a 0-2", "b 1-3", "c 2-2"]);
  });

  test("within an iteration if it is used nowhere else", () => {
    const steps = [repeat("t", mapStep([input], a), mapStep([a], b), mapStep([b], output))];
    expect(rangesOf(...steps)).toEqual(["a 1-2", "b 2-3"]);
  });

  test("through a repeat that reads what was written before it", () => {
    expect(rangesOf(mapStep([input], a), repeat("t", mapStep([a], b), mapStep([b], c)))).toEqual([
      "a 0-4",
      "b 2-3",
      "c 3-3",
    ]);
  });

  test("through a repeat that leaves it for later", () => {
    expect(rangesOf(repeat("t", mapStep([input], a), mapStep([a], b)), mapStep([b], output))).toEqual([
      "a 1-2",
      "b 0-4",
    ]);
  });

  test("through a repeat that reads it before writing it", () => {
    expect(rangesOf(repeat("t", mapStep([a], b), mapStep([b], a)))).toEqual(["a 0-3", "b 1-2"]);
  });

  test("through a repeat that writes a window of it at each step", () => {
    const stack = buffer("stack", 24, "arena");
    expect(rangesOf(repeat("t", mapStep([input], a), windowStep(a, stack, "t")))).toEqual([
      "a 1-2",
      "stack 0-3",
    ]);
  });

  test("through the inner repeat only, where the outer one starts it anew", () => {
    const inner = repeat("u", mapStep([a], b), mapStep([b], a));
    expect(rangesOf(repeat("t", mapStep([input], a), inner, mapStep([a], output)))).toEqual([
      "a 1-6",
      "b 3-4",
    ]);
  });
});
