/** The laws of sizes that a run computes: emitted modules give what the reference gives, at every count. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emitTypeScript } from "../../codegen/typescript/index.ts";
import { constant, type Shape } from "../../compiler/dims/index.ts";
import { Ops } from "../../compiler/frontend/ops/composites.ts";
import { bind } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Value } from "../../compiler/ir/graph.ts";
import { verifyProgram } from "../../compiler/ir/program-verify.ts";
import { targets } from "../../compiler/ir/target.ts";
import { verifyArena } from "../../compiler/lower/arena-verify.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { runPasses } from "../../compiler/passes/pipeline.ts";
import { checkModule } from "../../runtime/fuzz/index.ts";
import { load } from "../../runtime/load.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { loadPoisoned } from "../support/emitted.ts";
import { runProgram } from "../support/run-program.ts";

const sizes = (...list: readonly number[]): Shape => list.map((n) => constant(n));

/** A graph of x [n, 3] and masks [n]. */
function masked(
  n: number,
  build: (ops: Ops, x: Value, masks: readonly Value[]) => Readonly<Record<string, Value>>,
  masks = 1,
) {
  const g = new GraphBuilder("masked");
  const ops = new Ops(g);
  const x = g.input("x", { dtype: "float32", shape: sizes(n, 3) });
  const given = Array.from({ length: masks }, (_, i) => g.input(`m${i}`, { dtype: "bool", shape: sizes(n) }));
  const outputs = build(ops, x, given);
  const graph = g.finish(Object.entries(outputs).map(([name, value]) => ({ name, value })));
  const sample = Object.fromEntries(graph.inputs.map(({ name, type }) => [name, type.shape.map(Number)]));
  const bound = bind(graph, sample);
  const optimised = runPasses(bound.graph);
  const { open } = bound;
  const program = lower(optimised, { target: targets.ts, parameters: new Map(), symbols: new Map(), open });
  verifyProgram(program);
  verifyArena(program.arena, program.steps);
  return { graph: bound.graph, program };
}

type Masked = ReturnType<typeof masked>;

const dataOf = (n: number, masks: readonly (readonly boolean[])[]): ReadonlyMap<string, Tensor> =>
  new Map<string, Tensor>([
    ["x", { dtype: "float32", shape: [n, 3], data: Float32Array.from({ length: 3 * n }, (_, i) => i - 4) }],
    ...masks.map(
      (mask, i) => [`m${i}`, { dtype: "bool", shape: [n], data: Uint8Array.from(mask, Number) }] as const,
    ),
  ]);

const arraysOf = (data: ReadonlyMap<string, Tensor>) =>
  Object.fromEntries([...data].map(([name, tensor]) => [name, tensor.data.slice()]));

/** One instance runs all data, on a poisoned arena. */
function requireLaw({ graph, program }: Masked, runs: readonly ReadonlyMap<string, Tensor>[]): void {
  const instance = loadPoisoned(program).instantiate();
  for (const data of runs) {
    const expected = evaluateGraph(graph, data);
    const found = instance.run(arraysOf(data));
    const interpreted = runProgram(program, arraysOf(data));
    for (const [name, { shape, data: wanted }] of expected) {
      expect(instance.shapes?.[name]).toEqual(shape);
      expect(found[name]).toEqual(wanted);
      expect(interpreted[name]?.slice(0, wanted.length)).toEqual(wanted);
    }
  }
}

const everyCount = (n: number) =>
  Array.from({ length: n + 1 }, (_, count) => dataOf(n, [Array.from({ length: n }, (_, i) => i < count)]));

const rows = (ops: Ops, x: Value, mask: Value, hint = "rows") => ops.compress([x], mask, hint)[0]!;

describe("sizes that the run computes", () => {
  test("are those of the reference for every number of rows, none and all among them", () => {
    const of = masked(5, (ops, x, [mask]) => {
      const taken = rows(ops, ops.mul(x, 2), mask!);
      const [count] = ops.shape(taken);
      return {
        taken,
        scaled: ops.add(ops.exp(taken), 1),
        sums: ops.reduceSum(taken, 1),
        total: ops.reduceSum(taken, 0),
        flat: ops.reshape(taken, [-1]),
        count: ops.builder.dimension(count!),
        numbers: ops.iota("int32", [count!]),
        twice: ops.concat([taken, taken], 0),
        turned: ops.transpose(taken, [1, 0]),
        squares: ops.dotGeneral(taken, taken, { contract: [1, 1] }),
      };
    });
    requireLaw(of, everyCount(5));
  });
  test("are those of the reference for any masks, one size after the other", () => {
    const of = masked(
      6,
      (ops, x, [first, second]) => {
        const [some, mask] = ops.compress([x, second!], first!, "some");
        const fewer = rows(ops, some!, mask!, "fewer");
        return { fewer, both: ops.concat([some!, fewer], 0), best: ops.reduceMax(fewer, 1) };
      },
      2,
    );
    const mask = fc.array(fc.boolean(), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(mask, mask, (a, b) => requireLaw(of, [dataOf(6, [a, b]), dataOf(6, [b, a])])),
      { numRuns: 40 },
    );
  });
  test("that are read from a value that is an output, too", () => {
    const of = masked(4, (ops, x, [mask]) => {
      const found = ops.reduceSum(ops.cast(mask!, "int32"), 0);
      const count = ops.builder.measured(found, constant(4), "n");
      return { found, ones: ops.fill(1, [count], x) };
    });
    requireLaw(of, everyCount(4));
  });
  test("may be states and sequences of a scan", () => {
    const of = masked(4, (ops, x, [mask]) => {
      const taken = rows(ops, x, mask!);
      const start = ops.fill(0, [3], x);
      const { states, outputs } = ops.scan(
        { states: [start], sequences: [taken], invariants: [taken] },
        (inner, [sum], [row], [all]) => {
          const next = inner.add(sum!, row!);
          return { states: [next], outputs: [inner.reduceSum(inner.mul(all!, next), 1)] };
        },
      );
      return { sum: states[0]!, running: outputs[0]! };
    });
    requireLaw(of, everyCount(4));
  });
});

describe("what the equations make of a size that the run computes", () => {
  const equalTo = (other: (ops: Ops, x: Value, masks: readonly Value[]) => Value) =>
    masked(4, (ops, x, masks) => ({ y: ops.add(rows(ops, x, masks[0]!), other(ops, x, masks)) }), 2);
  const run = ({ program }: Masked, masks: readonly (readonly boolean[])[]) =>
    loadPoisoned(program)
      .instantiate()
      .run(arraysOf(dataOf(4, masks)));
  const none = [false, false, false, false];
  const three = [true, false, true, true];

  test("is compared when it is a number", () => {
    const of = equalTo((ops, x) => ops.fill(1, sizes(3, 3), x));
    requireLaw(of, [dataOf(4, [three, none])]);
    expect(() => run(of, [none, none])).toThrow(RangeError);
    expect(() => run(of, [none, none])).toThrow(/is 0, but .* == 3 must hold/);
  });
  test("is compared when it is another such size", () => {
    const of = equalTo((ops, x, [, other]) => rows(ops, x, other!, "others"));
    requireLaw(of, [dataOf(4, [three, three]), dataOf(4, [none, none])]);
    expect(() => run(of, [three, none])).toThrow(RangeError);
    expect(() => run(of, [three, none])).toThrow(/!rows is 3, !others is 0|!others is 0, !rows is 3/);
  });
  test("is compared when it must have a bound", () => {
    const of = masked(4, (ops, x, [mask]) => ({ y: ops.slice(rows(ops, x, mask!), 0, 0, 2) }), 1);
    requireLaw(of, [dataOf(4, [three])]);
    expect(() => run(of, [none])).toThrow(/!rows is 0, but 2 <= !rows <= 4 must hold/);
  });
});

describe("a module whose sizes depend on data", () => {
  const of = masked(4, (ops, x, [mask]) => ({ y: rows(ops, x, mask!) }));
  const { code } = emitTypeScript(of.program, { format: "ts", weights: "inline", header: [] });

  test("names the size with its bounds and asks nothing of the caller", () => {
    expect(code).toContain("computed: 0 <= !rows <= 4");
    expect(code).toContain('shape: ["!rows", 3]');
    expect(code).toContain("run(inputs: Inputs): Outputs");
    const module = load(emitTypeScript(of.program, { format: "js", weights: "inline", header: [] }));
    expect(module.signature.computed).toEqual({ "!rows": { min: 0, max: 4 } });
  });
  test("reads the size between two kernels", () => {
    expect(code).toMatch(/const rows\w* = \w+\[0\]!;/);
  });
  test("gives one view for each length, and the fuzz kit checks it", () => {
    const module = load(emitTypeScript(of.program, { format: "js", weights: "inline", header: [] }));
    const instance = module.instantiate();
    const data = (count: number) => arraysOf(everyCount(4)[count]!);
    const first = instance.run(data(2))["y"];
    instance.run(data(3));
    expect(instance.run(data(2))["y"]).toBe(first);
    for (const count of [0, 1, 4]) checkModule(module, data(count) as never);
  });
  test("refuses to make one in the body of a loop", () => {
    const inLoop = () =>
      masked(4, (ops, x, [mask]) => {
        const { outputs } = ops.scan({ states: [], sequences: [x] }, (inner, _, [row]) => ({
          states: [],
          outputs: inner.compress([row!], inner.gt(row!, 0), "some"),
        }));
        return { y: outputs[0]!, mask: mask! };
      });
    expect(inLoop).toThrow(/sizes that depend on data cannot be made within a loop/);
  });
});
