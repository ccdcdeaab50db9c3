/** Laws of models over random stacks of layers, and of the generator itself. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constantOf } from "../../compiler/dims/index.ts";
import { allocate } from "../../runtime/dtype.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import { rows } from "../support/stacks/rows.ts";
import { type Stack, type StackInput, stackArbitrary } from "../support/stacks.ts";
import "./reference.ts";

const runs = { numRuns: 200 };
const sampleOf = (stack: Stack) => Object.fromEntries(stack.inputs.map(({ name, shape }) => [name, shape]));
const boundShapes = (stack: Stack) =>
  stack
    .build()
    .bind(sampleOf(stack))
    .graph.outputs.map(({ value }) => value.type.shape.map((d) => constantOf(d)));

/** Values that repeat with a prime period: no two neighbours alike, the same at every run. */
function valuesFor({ dtype, shape, below }: StackInput): Tensor {
  const data = allocate(dtype, size(shape));
  for (let i = 0; i < data.length; i++)
    data[i] = below === undefined ? ((i * 7919) % 97) / 48 - 1 : i % below;
  return { dtype, shape, data };
}

describe("random stacks", () => {
  test("bind to the shapes their layers' definitions say", () => {
    fc.assert(
      fc.property(stackArbitrary(), (stack) => {
        expect(boundShapes(stack)).toEqual(stack.outputs);
      }),
      runs,
    );
  });

  test("have parameters that depend on nothing but the sizes that were bound", () => {
    fc.assert(
      fc.property(stackArbitrary(), (stack) => {
        const [one, other] = [stack.build(), stack.build()];
        one.bind(sampleOf(stack));
        other.initialize({ seed: 0 });
        const [x] = stack.inputs;
        other.bind({ x: [x!.shape[0]! + 1, ...x!.shape.slice(1)] });
        expect(other.getWeights()).toEqual(one.getWeights());
        one.bind({ x: [x!.shape[0]! + 1, ...x!.shape.slice(1)] });
        expect(one.getWeights()).toEqual(other.getWeights());
      }),
      runs,
    );
  });

  test("run, and give numbers of the shapes they bind to", () => {
    fc.assert(
      fc.property(stackArbitrary({ layers: 4 }), (stack) => {
        const answer = stack
          .build()
          .predict(Object.fromEntries(stack.inputs.map((one) => [one.name, valuesFor(one)])));
        const tensors = (Array.isArray(answer) ? answer : [answer]) as readonly Tensor[];
        expect(tensors.map(({ shape }) => shape)).toEqual(stack.outputs);
        for (const { data } of tensors) expect([...data].every((n) => Number.isFinite(n))).toBe(true);
      }),
      runs,
    );
  });

  test("reach every layer of the table", () => {
    const seen = new Set<string>();
    for (const stack of fc.sample(stackArbitrary(), { seed: 5, numRuns: 3000 }))
      for (const { name } of rows) if (stack.toString().includes(`${name}(`)) seen.add(name);
    expect(rows.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
  });
});
