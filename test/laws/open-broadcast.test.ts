/**
 * Open dims that are broadcast against each other: the module takes what the graph takes, no more and no
 * less, and gives what the graph of these sizes gives.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { CompileError } from "../../compiler/index.ts";
import { type BoundModel, bind } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Graph, Value } from "../../compiler/ir/graph.ts";
import { load } from "../../runtime/load.ts";
import { size } from "../../runtime/tensor.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { float } from "../support/inferred.ts";
import { inputsOf, poisoned, reference, requireEqual } from "../support/laws.ts";
import { emitOpen, opened, sampleOf } from "../support/open-graphs.ts";
import { runs } from "../support/runs.ts";

const bounds = { a: { min: 1, max: 3 }, b: { min: 1, max: 3 }, c: { min: 1, max: 3 } };
const combinations = ["111", "333", "131", "113", "311", "331", "133", "313", "213", "122"].map((digits) => {
  const [a, b, c] = [...digits].map(Number) as [number, number, number];
  return { a, b, c };
});

const shape = fc.array(fc.constantFrom("a", "b", "c", 2, 1), { minLength: 1, maxLength: 2 });
const op = fc.constantFrom("add", "sub", "max", "select", "concat");
const networks = fc.record({
  shapes: fc.tuple(shape, shape, shape),
  steps: fc.array(fc.record({ op, operands: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)) }), {
    minLength: 1,
    maxLength: 3,
  }),
});
type Network = typeof networks extends fc.Arbitrary<infer T> ? T : never;

/** Undefined where the shapes contradict each other whatever the sizes. */
function built({ shapes, steps }: Network): Graph | undefined {
  const g = new GraphBuilder("case");
  const values: Value[] = shapes.map((sizes, i) => g.input(`x${i}`, float(...sizes)));
  try {
    for (const { op: name, operands } of steps) {
      const [x, y, z] = operands.map((i) => values[i % values.length]!) as [Value, Value, Value];
      if (name === "select") {
        const condition = g.node("gt", [x, y])[0]!;
        values.push(g.node("select", [condition, y, z])[0]!);
      } else if (name === "concat") values.push(g.node("concat", [x, y], { axis: 0 })[0]!);
      else values.push(g.node(name, [x, y])[0]!);
    }
    return g.finish([
      { name: "out", value: values.at(-1)! },
      { name: "first", value: values[3]! },
    ]);
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

function attempt(make: () => BoundModel): BoundModel | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

const zeros = (shapes: Readonly<Record<string, readonly number[]>>) =>
  Object.fromEntries(Object.entries(shapes).map(([name, each]) => [name, new Float32Array(size(each))]));

test("a module takes the sizes that its graph takes, and computes what the graph of these sizes does", () => {
  const seen = { taken: 0, stretched: 0, refused: 0 };
  fc.assert(
    fc.property(networks, (network) => {
      const graph = built(network);
      const open =
        graph && attempt(() => ({ ...opened(graph, bounds), symbols: new Map(), origins: new Map() }));
      if (!graph || !open) return;
      const emitted = emitOpen(open, new Map());
      const instance = load(poisoned(emitted)).instantiate();
      for (const sizes of combinations) {
        const shapes = sampleOf(graph, new Map(Object.entries(sizes)));
        const bound = attempt(() => bind(graph, shapes))?.graph;
        if (!bound) {
          expect(() => instance.run(zeros(shapes), sizes)).toThrow(RangeError);
          seen.refused++;
          continue;
        }
        const data = fill(bound, { style: "normal", seed: 7 });
        requireEqual(instance.run(inputsOf(bound, data), sizes), reference(bound, data), emitted);
        seen.taken++;
        if (open.open.relations.some(({ orOne }) => orOne) && sizes.a !== sizes.b) seen.stretched++;
      }
    }),
    runs(40),
  );
  expect(Math.min(seen.taken, seen.stretched, seen.refused)).toBeGreaterThan(40);
});
