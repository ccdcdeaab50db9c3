import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant, symbol } from "../../compiler/dims/index.ts";
import type { Buffer, Kernel, Stmt } from "../../compiler/ir/loop.ts";
import type { ArenaPlan, Step } from "../../compiler/ir/program.ts";
import { planArena } from "../../compiler/lower/arena.ts";
import { verifyArena } from "../../compiler/lower/arena-verify.ts";
import { numbersIn } from "../../runtime/elements.ts";
import { mapStep, recipes, resizeStep, stepsOf, windowStep } from "../support/arbitrary/steps.ts";
import { buffer, loop } from "../support/nests.ts";
import { buffersOf, type MemoryOf, plannedMemory, runSteps, separateMemory } from "../support/run-steps.ts";

const arena = (name: string, length = 8) => buffer(name, length, "arena");
const [a, b, c, d] = [arena("a"), arena("b"), arena("c"), arena("d")];
const input = buffer("x", 8, "input");
const output = buffer("y", 8, "output");

function planned(steps: readonly Step[]): ArenaPlan {
  const plan = planArena(steps);
  verifyArena(plan, steps);
  return plan;
}

const offset = (plan: ArenaPlan, buffer: Buffer) => plan.offsets.get(buffer);

describe("the plan of an arena", () => {
  test("holds the buffers in space arena and no others", () => {
    const plan = planned([mapStep([input], a), mapStep([a], output)]);
    expect([...plan.offsets]).toEqual([[a, 0]]);
    expect(plan).toMatchObject({ bytes: 32, lowerBound: 32 });
  });

  test("of a program without arena buffers is empty", () => {
    expect(planned([mapStep([input], output)])).toEqual({ bytes: 0, lowerBound: 0, offsets: new Map() });
  });

  test("aligns offsets to 16 bytes and counts aligned sizes in the bound", () => {
    const [p, q] = [arena("p", 5), arena("q", 3)];
    const plan = planned([resizeStep(input, p), resizeStep(p, q), resizeStep(q, output)]);
    expect(plan).toMatchObject({ bytes: 48, lowerBound: 48 });
    expect([offset(plan, p), offset(plan, q)]).toEqual([0, 32]);
  });

  test("computes a chain of elementwise kernels in place", () => {
    const plan = planned([mapStep([input], a), mapStep([a], b), mapStep([b], c), mapStep([c], output)]);
    expect(plan.bytes).toBe(32);
    expect([a, b, c].map((x) => offset(plan, x))).toEqual([0, 0, 0]);
  });

  test("keeps an operand that is read at another index, or later again", () => {
    expect(planned([mapStep([input], a), mapStep([a], b, true), mapStep([b], output)]).bytes).toBe(64);
    expect(planned([mapStep([input], a), mapStep([a], b), mapStep([b, a], output)]).bytes).toBe(64);
  });

  test("gives an operand's memory to one result only", () => {
    const steps = [mapStep([input], a), mapStep([a], b), mapStep([a], c), mapStep([b, c], output)];
    const plan = planned(steps);
    expect(plan.bytes).toBe(64);
    expect(offset(plan, c)).toBe(offset(plan, a));
  });

  test("gives it to one result of a kernel that has two", () => {
    const register = { name: "t", dtype: "float32", shape: [] } as const;
    const i = symbol("i");
    const body: Stmt[] = [
      { kind: "let", register, index: [], value: { kind: "load", buffer: a, index: i } },
      ...[b, c].map((to): Stmt => {
        return { kind: "store", buffer: to, index: i, value: { kind: "register", register, index: [] } };
      }),
    ];
    const kernel: Kernel = {
      name: "both",
      reads: [a],
      writes: [b, c],
      parameters: [],
      body: [loop("i", 8, true, body)],
      comment: "",
    };
    const both: Step = { kind: "call", kernel, buffers: [a, b, c], args: [] };
    const plan = planned([mapStep([input], a), both, mapStep([b, c], output)]);
    expect(plan.bytes).toBe(64);
  });

  test("does not write over an operand what was begun before it died", () => {
    const [wide, narrow] = [arena("wide"), arena("narrow")];
    const steps = [
      mapStep([input], narrow),
      resizeStep(input, wide),
      mapStep([narrow], wide),
      mapStep([wide], output),
    ];
    expect(planned(steps).bytes).toBe(64);
  });

  test("does not write over what a repeat reads in its next iteration", () => {
    const steps: Step[] = [
      mapStep([input], a),
      { kind: "repeat", axis: "t", extent: constant(3), body: [mapStep([a], b), mapStep([b], c)] },
      mapStep([c], output),
    ];
    expect(planned(steps).bytes).toBe(96);
  });

  test("keeps a state that an iteration reads before it writes it", () => {
    const body = [mapStep([a], b), mapStep([b], c, true), mapStep([c], a)];
    const steps: Step[] = [
      mapStep([input], a),
      { kind: "repeat", axis: "t", extent: constant(3), body },
      mapStep([a], output),
    ];
    const plan = planned(steps);
    expect(plan.bytes).toBe(96);
  });

  test("keeps a stack that is filled window by window, even if nothing reads it", () => {
    const stack = arena("stack", 24);
    const body = [mapStep([input], a), windowStep(a, stack, "t"), mapStep([a], d, true)];
    const steps: Step[] = [{ kind: "repeat", axis: "t", extent: constant(3), body }];
    expect(planned(steps).bytes).toBe(96 + 64);
  });

  test("is the same for the same steps", () => {
    fc.assert(
      fc.property(recipes(), (list) => {
        const steps = stepsOf(list);
        expect(planArena(steps)).toEqual(planArena(steps));
      }),
      { numRuns: 20 },
    );
  });
});

const outputsOf = (steps: readonly Step[], memoryOf: MemoryOf) => {
  numbersIn(memoryOf(buffersOf(steps)[0]!)).set([1, -2, 3, 0.5, 7, 11]);
  runSteps(steps, memoryOf);
  return buffersOf(steps)
    .filter((x) => x.space === "output")
    .map((x) => memoryOf(x));
};

describe("a program in its planned arena", () => {
  test("computes what it computes with memory for every buffer", () => {
    fc.assert(
      fc.property(recipes(), (list) => {
        const steps = stepsOf(list);
        const plan = planned(steps);
        expect(plan.bytes).toBeGreaterThanOrEqual(plan.lowerBound);
        expect(outputsOf(steps, plannedMemory(plan))).toEqual(outputsOf(steps, separateMemory()));
      }),
      { numRuns: 300 },
    );
  });
});

describe("the verifier of the arena", () => {
  test("accepts a plan only if the program then computes the same", () => {
    let refused = 0;
    fc.assert(
      fc.property(recipes(8), fc.nat(), fc.nat(), (list, from, to) => {
        const steps = stepsOf(list);
        const plan = planArena(steps);
        const buffers = [...plan.offsets.keys()];
        const [moved, onto] = [buffers[from % buffers.length]!, buffers[to % buffers.length]!];
        const offsets = new Map(plan.offsets).set(moved, plan.offsets.get(onto)!);
        const tampered = { ...plan, offsets, bytes: plan.bytes + 16 * moved.length };
        try {
          verifyArena(tampered, steps);
        } catch {
          refused++;
          return;
        }
        expect(outputsOf(steps, plannedMemory(tampered))).toEqual(outputsOf(steps, separateMemory()));
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(50);
  });

  const steps = [mapStep([input], a), mapStep([a], b, true), mapStep([a, b], c), mapStep([c], output)];
  const tamper = (offsets: readonly (readonly [Buffer, number])[], bytes = 96): ArenaPlan => ({
    bytes,
    lowerBound: 64,
    offsets: new Map(offsets),
  });

  test("names both buffers of an overlap", () => {
    const overlap = tamper([[a, 0], [b, 16], [c, 48]]); // biome-ignore format: a row
    expect(() => verifyArena(overlap, steps)).toThrow("internal: map writes b over a, which it still reads");
    const stolen = [mapStep([input], a), mapStep([input], b), mapStep([a, b], output)];
    expect(() =>
      verifyArena(
        tamper([
          [a, 0],
          [b, 0],
        ]),
        stolen,
      ),
    ).toThrow(
      // biome-ignore format: a row
      "internal: map needs a, whose bytes b has taken meanwhile",
    );
  });

  test("refuses a temporary of an iteration over a stack that is filled window by window", () => {
    const stack = arena("stack", 24);
    const body = [mapStep([input], a), windowStep(a, stack, "t")];
    const filling: Step[] = [
      { kind: "repeat", axis: "t", extent: constant(3), body },
      mapStep([stack], buffer("all", 24, "output")),
    ];
    const apart = tamper([[a, 0], [stack, 32]], 128); // biome-ignore format: a row
    expect(() => verifyArena(apart, filling)).not.toThrow();
    const over = tamper([[a, 64], [stack, 0]]); // biome-ignore format: a row
    expect(() => verifyArena(over, filling)).toThrow("window writes stack over a, which it still reads");
    const other = [mapStep([input], a), windowStep(a, stack, "t"), mapStep([input], b)];
    const stolen: Step[] = [{ kind: "repeat", axis: "t", extent: constant(3), body: other }];
    const late = tamper([[a, 96], [stack, 0], [b, 64]], 128); // biome-ignore format: a row
    expect(() => verifyArena(late, stolen)).toThrow("window needs stack, whose bytes b has taken meanwhile");
  });

  test("refuses a buffer without place, outside the arena or not aligned", () => {
    const without = tamper([[a, 0], [b, 32]]); // biome-ignore format: a row
    expect(() => verifyArena(without, steps)).toThrow("the arena has no place for c");
    const outside = tamper([[a, 0], [b, 32], [c, 80]]); // biome-ignore format: a row
    expect(() => verifyArena(outside, steps)).toThrow("c at bytes 80 to 112 of an arena of 96 is misplaced");
    const skewed = tamper([[a, 0], [b, 36], [c, 80]], 200); // biome-ignore format: a row
    expect(() => verifyArena(skewed, steps)).toThrow("b at bytes 36 to 68 of an arena of 200 is misplaced");
  });
});
