/** The laws of models: random stacks of layers, bound by a sample, compiled and really run. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile, load } from "../../compiler/index.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { numbersIn } from "../../runtime/elements.ts";
import { checkModule, inputs } from "../../runtime/fuzz/index.ts";
import { mulberry32 } from "../../runtime/random/noise.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { fill } from "../support/arbitrary/tensors.ts";
import { emitOptimised, inputsOf, poisoned, reference, requireEqual, type Tensors } from "../support/laws.ts";
import { checkAll } from "../support/laws-typescript.ts";
import { runs } from "../support/runs.ts";
import { type Stack, type StackInput, stackArbitrary } from "../support/stacks.ts";

const stacks = stackArbitrary();
const seeds = fc.nat(1_000_000);

const sampleOf = (stack: Stack) => Object.fromEntries(stack.inputs.map(({ name, shape }) => [name, shape]));

/** Random inputs, and the parameters as the model initialises them or, for odd seeds, random as well. */
function dataFor(stack: Stack, graph: Graph<BoundDim>, seed: number, parameters: Tensors): Tensors {
  const random = fill(graph, { style: "normal", seed });
  const words = stack.inputs
    .filter(({ below }) => below !== undefined)
    .map((input) => [input.name, wordsFor(input)]);
  return new Map([...random, ...(seed % 2 === 0 ? parameters : []), ...(words as [string, Tensor][])]);
}

function wordsFor({ shape, below }: StackInput): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return { dtype: "int32", shape, data: Int32Array.from({ length }, (_, i) => (i * 5) % below!) };
}

/** Weights unlike the initial ones, which say little: a fresh batch normalisation changes nothing. */
function trained(parameters: ReadonlyMap<string, Tensor>, seed: number): Record<string, Tensor> {
  const next = mulberry32(seed);
  return Object.fromEntries(
    [...parameters].map(([path, { dtype, shape, data }]) => {
      const values = numbersIn(data).map(() => (/variance/i.test(path) ? 0.2 + next() : next() - 0.4));
      return [path, { dtype, shape, data: values }];
    }),
  );
}

const rangesOf = (stack: Stack) =>
  Object.fromEntries(
    stack.inputs.map(({ name, below }) => [name, below ? { min: 0, max: below - 1 } : { min: -2, max: 2 }]),
  );

describe("a random stack of layers", () => {
  test("has the same shapes and values when it is bound twice, in whatever order it is asked", () => {
    fc.assert(
      fc.property(stacks, seeds, (stack, seed) => {
        const [early, late] = [stack.build(), stack.build()];
        early.initialize({ seed });
        for (const net of [early, late]) net.bind(sampleOf(stack));
        late.initialize({ seed });
        const backwards = [...late.weights].reverse().map(({ path, tensor }) => [path, tensor()]);
        expect(backwards.reverse()).toEqual([...early.parameters()]);
      }),
      runs(),
    );
  });

  test("gives the reference's answer bit for bit after the exact passes, twice on a poisoned arena", () => {
    fc.assert(
      fc.property(stacks, seeds, (stack, seed) => {
        const net = stack.build();
        const { graph } = net.bind(sampleOf(stack));
        const data = dataFor(stack, graph, seed, net.parameters());
        const emitted = emitOptimised(graph, data);
        const instance = load(poisoned(emitted)).instantiate();
        const expected = reference(graph, data);
        for (let i = 0; i < 2; i++) requireEqual(instance.run(inputsOf(graph, data)), expected, emitted);
      }),
      runs(),
    );
  });

  test("compiles to a module that keeps its promises and is near the reference", () => {
    fc.assert(
      fc.property(stacks, seeds, (stack, seed) => {
        const net = stack.build();
        const { graph } = net.bind(sampleOf(stack));
        if (seed % 2 === 1) net.setWeights(trained(net.parameters(), seed));
        const module = load(compile(net, { sample: sampleOf(stack), format: "js" }));
        const [input] = fc.sample(inputs(module.signature, { ranges: rangesOf(stack) }), {
          seed,
          numRuns: 1,
        });
        const tensors = stack.inputs.map(
          ({ name, dtype, shape }) => [name, { dtype, shape, data: input![name]! }] as const,
        );
        const expected = reference(graph, new Map([...net.parameters(), ...tensors]));
        const largest = Math.max(
          1,
          ...Object.values(expected).flatMap((data) => [...numbersIn(data)].map(Math.abs)),
        );
        checkModule(module, input!, { reference: () => expected, rtol: 1e-4, atol: 1e-5 * largest });
      }),
      runs(),
    );
  });

  test("compiles to the same bytes again", () => {
    fc.assert(
      fc.property(stacks, (stack) => {
        const code = () => compile(stack.build(), { sample: sampleOf(stack) }).code;
        expect(code()).toBe(code());
      }),
      runs(),
    );
  });

  test("compiles to a module that passes the strictest type checks", () => {
    const modules = fc
      .sample(stacks, runs(60))
      .map((stack) => compile(stack.build(), { sample: sampleOf(stack) }).code);
    expect(checkAll(modules)).toEqual([]);
  });
});
