/**
 * Every example is compiled, type-checked as its user would, run on random inputs and held to the reference.
 */
import * as fc from "fast-check";
import { type CompiledModel, compile, inspect, load, type Tensor } from "shapecast";
import { checkModule, inputs } from "shapecast/fuzz";
import { beforeAll, describe, expect, test } from "vitest";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { lenet } from "../../examples/lenet.ts";
import { residualCnn } from "../../examples/residual-cnn.ts";
import { tied, twins } from "../../examples/shared-weights.ts";
import { encoder } from "../../examples/transformer-encoder.ts";
import { type Example, examples } from "../support/examples.ts";
import { checkEmitted } from "../support/typecheck.ts";

/** The outputs by name, by the definition of every op. */
function reference(
  { model }: Example,
  { stages }: CompiledModel,
  arrays: Readonly<Record<string, Tensor["data"]>>,
) {
  const { inputs: fed } = stages.bound.graph;
  const tensors = fed.map(({ name, type }): [string, Tensor] => {
    const shape = type.shape.map((d) => Number(String(d)));
    return [name, { dtype: type.dtype, shape, data: arrays[name]! }];
  });
  const results = evaluateGraph(stages.bound.graph, new Map([...tensors, ...model.parameters()]));
  return Object.fromEntries([...results].map(([name, { data }]) => [name, data]));
}

describe.each(examples)("$name", (example) => {
  const { model, sample, ranges, tolerance, runs } = example;
  let emitted: CompiledModel;
  beforeAll(() => {
    emitted = compile(model, { sample, format: "js" });
  });

  test("compiles to a module the strictest consumer accepts", () => {
    expect(checkEmitted(compile(model, { sample, weights: "file" }).code)).toEqual([]);
  });

  test("keeps every promise on random inputs, and gives what the reference gives", () => {
    const module = load(emitted);
    const arbitrary = inputs(module.signature, ranges ? { ranges } : {});
    const property = fc.property(arbitrary, (input) =>
      checkModule(module, input, {
        ...tolerance,
        reference: (arrays) => reference(example, emitted, arrays),
      }),
    );
    fc.assert(property, { numRuns: runs });
  });

  test("is what predict runs", () => {
    const module = load(emitted);
    const [input] = fc.sample(inputs(module.signature, ranges ? { ranges } : {}), { numRuns: 1, seed: 1 });
    const outputs = module.instantiate().run(input!);
    const tensors = Object.entries(module.signature.inputs).map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape, data: input![name]! },
    ]);
    const predicted = model.predict(Object.fromEntries(tensors)) as Tensor | Readonly<Record<string, Tensor>>;
    const byName = "data" in predicted ? { [Object.keys(outputs)[0]!]: predicted as Tensor } : predicted;
    for (const [name, data] of Object.entries(outputs)) expect(byName[name]!.data).toEqual(data);
  });

  test("has an arena within a tenth of the smallest there can be", () => {
    const { arenaBytes, arenaLowerBound } = emitted.report;
    expect(arenaBytes).toBeLessThanOrEqual(1.1 * arenaLowerBound);
  });
});

describe("what the examples are there to show", () => {
  const shapeAt = (model: Parameters<typeof inspect>[0], path: string, sample: Record<string, number[]>) =>
    inspect(model, { sample }).layers.find((layer) => layer.path === path)?.outputs[0]?.sizes;

  test("lenet's flatten follows the picture: 28 x 28 gives 400 features, 32 x 32 gives 576", () => {
    expect(shapeAt(lenet, "flatten", { image: [1, 28, 28, 1] })).toEqual([1, 400]);
    lenet.reset();
    expect(shapeAt(lenet, "flatten", { image: [1, 32, 32, 1] })).toEqual([1, 576]);
    lenet.reset();
  });

  test.each([
    [224, 112, 56],
    [384, 192, 96],
  ])("the residual CNN has the right shape at every layer for %i rows, %i and %i", (full, half, quarter) => {
    const { layers } = inspect(residualCnn, { sample: { image: [1, full, full, 3] } });
    const sizes = new Map(layers.map(({ path, outputs }) => [path, outputs[0]?.sizes]));
    for (const layer of ["conv2d", "conv2d_2", "activation_2"])
      expect(sizes.get(layer)).toEqual([1, full, full, 8]);
    for (const layer of ["conv2d_3", "conv2d_5", "add_1"])
      expect(sizes.get(layer)).toEqual([1, half, half, 16]);
    for (const layer of ["conv2d_6", "conv2d_8", "add_2"])
      expect(sizes.get(layer)).toEqual([1, quarter, quarter, 32]);
    expect(sizes.get("global_average_pooling2d")).toEqual([1, 32]);
    expect(sizes.get("dense")).toEqual([1, 10]);
  });

  test("the encoder keeps a vector for each of its 128 tokens", () => {
    const { outputs } = inspect(encoder, { sample: { tokens: [1, 128] } });
    expect(outputs.map(({ name, sizes }) => [name, sizes])).toEqual([
      ["encoded", [1, 128, 64]],
      ["topic", [1, 5]],
    ]);
  });

  test("the twins have one encoder, and must be of one size", () => {
    expect(twins.weights.map(({ path }) => path)).toEqual([
      "encoder.dense.kernel",
      "encoder.dense.bias",
      "encoder.dense_1.kernel",
      "encoder.dense_1.bias",
    ]);
    expect(inspect(twins).needs.map(({ constraint }) => constraint)).toEqual(["right.1 == left.1"]);
  });

  test("the tied head has no weights of its own", () => {
    expect(tied.weights.filter(({ path }) => path.includes("output"))).toEqual([]);
    expect(compile(tied, { sample: { tokens: [1, 12] } }).report.parameters).toBe(
      300 * 16 + 2 * 16 * 48 + 2 * 48,
    );
  });
});
