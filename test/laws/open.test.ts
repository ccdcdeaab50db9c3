/** The laws of modules with open dims: at every legal size they are the module of that size. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bind } from "../../compiler/infer/bind.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { verifyProgram } from "../../compiler/ir/program-verify.ts";
import { verifyArena } from "../../compiler/lower/arena-verify.ts";
import { allocate } from "../../runtime/dtype.ts";
import { checkModule } from "../../runtime/fuzz/index.ts";
import { load } from "../../runtime/load.ts";
import { size } from "../../runtime/tensor.ts";
import { symbolicGraphArbitrary } from "../support/arbitrary/graphs.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { inline, inputsOf, poisoned, reference, requireEqual, type Tensors } from "../support/laws.ts";
import { checkAll } from "../support/laws-typescript.ts";
import {
  emitOpen,
  isLegal,
  opened,
  parametersOf,
  type Sizes,
  sampleOf,
  withoutOpenParameters,
} from "../support/open-graphs.ts";
import { runs } from "../support/runs.ts";

const bounds = { a: { min: 1, max: 6 }, b: { min: 1, max: 6 }, c: { min: 1, max: 6 } };
const any = fc.integer({ min: 1, max: 6 });
const combination = fc.record({ a: any, b: any, c: any });

/** Sizes under which the network is known to work, and some under which it may or may not. */
const cases = fc.record({
  random: symbolicGraphArbitrary(),
  others: fc.array(combination, { minLength: 2, maxLength: 3 }),
});
const extremes = [
  { a: 1, b: 1, c: 1 },
  { a: 6, b: 6, c: 6 },
];

/** The reference's answer, or nothing where data of the run are refused (an index that is outside). */
function answer(graph: Graph, sizes: Sizes, parameters: Tensors) {
  const bound = bind(graph, sampleOf(graph, sizes)).graph;
  const data = new Map([...fill(bound, { style: "normal", seed: 5 }), ...parameters]);
  try {
    return { data, expected: reference(bound, data), bound };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

/** Arrays of the lengths that the sizes ask for. */
const zeros = (graph: Graph, sizes: Sizes) =>
  Object.fromEntries(
    Object.entries(sampleOf(graph, sizes)).map(([name, shape], i) => [
      name,
      allocate(graph.inputs[i]!.type.dtype, size(shape)),
    ]),
  );

const law = (numRuns: number, predicate: (open: Case) => void) =>
  fc.assert(
    fc.property(cases, ({ random, others }) => {
      const graph = withoutOpenParameters(random.graph);
      const open = opened(graph, bounds);
      const parameters = parametersOf(open.graph);
      const sizes = [Object.fromEntries(random.binding), ...extremes, ...others];
      predicate({ graph, open, parameters, sizes: sizes.map((given) => new Map(Object.entries(given))) });
    }),
    runs(numRuns),
  );

interface Case {
  readonly graph: Graph;
  readonly open: ReturnType<typeof opened>;
  readonly parameters: Tensors;
  readonly sizes: readonly Sizes[];
}

describe("a module with open dims", () => {
  test("gives at every legal size what the graph of that size gives, on a poisoned arena", () => {
    let ran = 0;
    law(60, ({ graph, open, parameters, sizes }) => {
      const emitted = emitOpen(open, parameters);
      const instance = load(poisoned(emitted)).instantiate();
      for (const each of sizes.filter((candidate) => isLegal(open, graph, candidate))) {
        const wanted = answer(graph, each, parameters);
        if (!wanted) continue;
        const { bound, data, expected } = wanted;
        requireEqual(instance.run(inputsOf(bound, data), Object.fromEntries(each)), expected, emitted);
        for (const { name, value } of bound.outputs)
          expect(instance.shapes?.[name]).toEqual(value.type.shape.map(Number));
        ran++;
      }
    });
    expect(ran).toBeGreaterThan(60);
  });

  test("refuses at its door every size that the network does not take", () => {
    let refused = 0;
    law(60, ({ graph, open, parameters, sizes }) => {
      const illegal = sizes.filter((candidate) => !isLegal(open, graph, candidate));
      if (illegal.length === 0) return;
      const instance = load(emitOpen(open, parameters).module).instantiate();
      for (const each of illegal) {
        expect(() => instance.run(zeros(graph, each), Object.fromEntries(each))).toThrow(RangeError);
        refused++;
      }
    });
    expect(refused).toBeGreaterThan(0);
  });

  test("proves every address inside its buffer, and every buffer its own while it is needed", () => {
    law(60, ({ open, parameters }) => {
      const { program } = emitOpen(open, parameters);
      verifyProgram(program);
      verifyArena(program.arena, program.steps);
    });
  });

  test("keeps the promises that every module makes", () => {
    law(25, ({ graph, open, parameters, sizes }) => {
      const module = load(emitOpen(open, parameters).module);
      for (const each of sizes.filter((candidate) => isLegal(open, graph, candidate))) {
        const wanted = answer(graph, each, parameters);
        if (!wanted) continue;
        checkModule(module, inputsOf(wanted.bound, wanted.data), { dims: Object.fromEntries(each) });
      }
    });
  });

  test("passes the strictest type checks", () => {
    const modules: string[] = [];
    law(25, ({ open, parameters }) => {
      modules.push(emitOpen(open, parameters, { ...inline, format: "ts" }).module.code);
    });
    expect(checkAll(modules)).toEqual([]);
  });
});
