/**
 * The laws of WebAssembly modules: with plain SIMD they give the interpreter's result bit for bit, whatever
 * the schedule and whatever stays TypeScript.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bind } from "../../compiler/infer/bind.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { checkModule } from "../../runtime/fuzz/index.ts";
import { load } from "../../runtime/load.ts";
import { graphArbitrary, symbolicGraphArbitrary } from "../support/arbitrary/graphs.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";
import { type Arrays, inputsOf, requireEqual } from "../support/laws.ts";
import { contractionArbitrary } from "../support/laws-contractions.ts";
import { checkAll } from "../support/laws-typescript.ts";
import { emitForWasm, interpreted, plain, poisonedMemory } from "../support/laws-wasm.ts";
import { isLegal, opened, parametersOf, sampleOf, withoutOpenParameters } from "../support/open-graphs.ts";
import { runs } from "../support/runs.ts";

const filling = fillingArbitrary({ specials: true });

const bound = symbolicGraphArbitrary().map(({ graph, sample }) =>
  Object.defineProperty(bind(graph, sample).graph, fc.toStringMethod, {
    value: () => `\n${printGraph(graph)}\n`,
  }),
);

describe.each([
  ["a random graph", graphArbitrary(), false, 120],
  ["a random graph after all exact passes", graphArbitrary(), true, 120],
  ["a symbolic graph bound to a sample", bound, true, 60],
  ["nothing but scans", graphArbitrary({ ops: ["scan"], maxSteps: 2 }), true, 60],
  ["a contraction of many sizes", contractionArbitrary(), true, 25],
])("the WebAssembly module of %s", (_, graph, passes, numRuns) => {
  test("gives the interpreter's answer twice on poisoned memory, bit for bit", () => {
    fc.assert(
      fc.property(graph, filling, (graph, filling) => {
        const data = fill(graph, filling);
        const emitted = emitForWasm(graph, data, { passes });
        const expected = interpreted(emitted.program, inputsOf(graph, data));
        const instance = load(poisonedMemory(emitted.module)).instantiate();
        for (let i = 0; i < 2; i++) requireEqual(instance.run(inputsOf(graph, data)), expected, emitted);
      }),
      runs(numRuns),
    );
  });

  test("keeps the promises that every module makes", () => {
    fc.assert(
      fc.property(graph, filling, (graph, filling) => {
        const data = fill(graph, filling);
        checkModule(load(emitForWasm(graph, data, { passes }).module), inputsOf(graph, data));
      }),
      runs(25),
    );
  });
});

test("a module with open dims gives at every legal size what the interpreter gives", () => {
  const any = fc.integer({ min: 1, max: 6 });
  const bounds = { a: { min: 1, max: 6 }, b: { min: 1, max: 6 }, c: { min: 1, max: 6 } };
  const others = fc.array(fc.record({ a: any, b: any, c: any }), { minLength: 1, maxLength: 2 });
  let ran = 0;
  fc.assert(
    fc.property(symbolicGraphArbitrary(), others, (random, others) => {
      const graph = withoutOpenParameters(random.graph);
      const open = opened(graph, bounds);
      const parameters = parametersOf(open.graph);
      const emitted = emitForWasm(open.graph, parameters, { open: open.open });
      const instance = load(poisonedMemory(emitted.module)).instantiate();
      for (const each of [Object.fromEntries(random.binding), ...others]) {
        const sizes = new Map(Object.entries(each));
        if (!isLegal(open, graph, sizes)) continue;
        const found = bind(graph, sampleOf(graph, sizes)).graph;
        const inputs = inputsOf(
          found,
          new Map([...fill(found, { style: "normal", seed: 5 }), ...parameters]),
        );
        const wanted = outcome(() => interpreted(emitted.program, inputs, each));
        const actual = outcome(() => instance.run(inputs, each));
        expect(actual === undefined).toBe(wanted === undefined);
        if (actual && wanted) requireEqual(actual, shortened(wanted, actual), emitted);
        ran++;
      }
    }),
    runs(50),
  );
  expect(ran).toBeGreaterThan(50);
});

/** Undefined where an index from data is refused. */
function outcome(body: () => Arrays): Arrays | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Open outputs as long as a run makes them. */
const shortened = (whole: Arrays, lengths: Arrays): Arrays =>
  Object.fromEntries(
    Object.entries(whole).map(([name, data]) => [name, data.slice(0, lengths[name]!.length)]),
  );

test("the modules of random graphs pass the strictest type checks", () => {
  const texts: string[] = [];
  fc.assert(
    fc.property(graphArbitrary(), filling, (graph, filling) => {
      const emit = { ...plain, format: "ts" } as const;
      texts.push(emitForWasm(graph, fill(graph, filling), { emit }).module.code);
    }),
    runs(15),
  );
  expect(checkAll(texts)).toEqual([]);
});

test("a module is the same text and the same bytes every time, which the engine accepts", () => {
  fc.assert(
    fc.property(graphArbitrary(), filling, (graph, filling) => {
      const data = fill(graph, filling);
      const emit = { ...plain, simd: "auto", wasm: "file" } as const;
      const [first, second] = [0, 1].map(() => emitForWasm(graph, data, { emit }).module);
      expect(second).toEqual(first);
      expect(WebAssembly.validate(first!.wasm!.plain)).toBe(true);
    }),
    runs(15),
  );
});
