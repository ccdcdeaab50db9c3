import {
  CompileError,
  compile,
  dense,
  type Executor,
  embedding,
  input,
  inspect,
  load,
  lstm,
  type Model,
  model,
  sequential,
  type Tensor,
} from "shapecast";
import { describe, expect, test } from "vitest";
import { numbersIn } from "../../runtime/elements.ts";

const mlp = () => sequential([dense({ units: 6, activation: "relu" }), dense({ units: 3 })]);
const x4 = Float32Array.of(0.5, -1, 2, 0);

function runOn(net: Model<unknown>, options: Parameters<typeof compile>[1] = {}): Float32Array {
  const module = load(compile(net, { sample: { x: [1, 4] }, ...options, format: "js" }));
  return Object.values(module.instantiate().run({ x: x4 }))[0] as Float32Array;
}

describe("compile", () => {
  test("binds the model as a first sample does, and only once", () => {
    const net = mlp();
    compile(net, { sample: { x: [1, 4] } });
    expect(net.getWeights().map(({ shape }) => shape)).toEqual([[4, 6], [6], [6, 3], [3]]);
    expect(() => compile(net, { sample: { x: [1, 5] } })).toThrow(
      /^E2104 input "x" has 5 features, but dense\.kernel expects 4/,
    );
    expect(compile(net, { sample: { x: [7, 4] } }).report.parameters).toBe(51);
  });

  test("changes nothing when the sample is refused", () => {
    const net = mlp();
    expect(() => compile(net, { sample: { x: [1, Number.NaN] } })).toThrow(CompileError);
    expect(net.getWeights()).toEqual([]);
    compile(net, { sample: { x: [1, 9] } });
  });

  test("takes a shape, a tensor, or nested arrays", () => {
    const tensor: Tensor = { dtype: "float32", shape: [1, 4], data: x4 };
    const codes = [{ x: [1, 4] }, [1, 4], { x: tensor }, [[...x4]]].map(
      (sample) => compile(mlp(), { sample }).code,
    );
    expect(new Set(codes).size).toBe(1);
  });

  test("gives the same bytes for the same model, whenever it was built", () => {
    const [first, second] = [mlp(), mlp()].map((net) => compile(net, { sample: { x: [1, 4] } }));
    expect(second!.code).toBe(first!.code);
    const bound = mlp();
    bound.predict(x4, [1, 4]);
    expect(compile(bound, { sample: { x: [1, 4] } }).code).toBe(first!.code);
  });

  test("ships the weights that were set, whatever the mode", () => {
    const net = mlp();
    net.bind([1, 4]);
    net.setWeights(
      net
        .getWeights()
        .map(({ shape, data }) => ({ dtype: "float32", shape, data: numbersIn(data).map(() => 0.5) })),
    );
    const expected = net.predict(x4, [1, 4]).data;
    for (const weights of ["inline", "file", "init"] as const)
      expect(runOn(net, { weights })).toEqual(expected);
    expect(expected).toEqual(new Float32Array(3).fill(6 * 0.5 * 1.25 + 0.5));
  });

  test("takes another seed without changing the model", () => {
    const net = mlp();
    const before = net.predict(x4, [1, 4]).data;
    const seeded = runOn(net, { seed: 5 });
    expect(seeded).not.toEqual(before);
    expect(runOn(net, { seed: 5, weights: "init" })).toEqual(seeded);
    expect(net.predict(x4, [1, 4]).data).toEqual(before);
    net.initialize({ seed: 5 });
    expect(net.predict(x4, [1, 4]).data).toEqual(seeded);
  });

  test("reports parameters, memory, work and sizes", () => {
    const { code, report, weights } = compile(mlp(), { sample: { x: [2, 4] }, weights: "file" });
    expect(report).toEqual({
      parameters: 51,
      parameterBytes: 204,
      arenaBytes: 48,
      arenaLowerBound: 48,
      macs: 2 * (4 * 6 + 6 * 3),
      codeBytes: new TextEncoder().encode(code).length,
      weightBytes: weights!.length,
      wasmBytes: 0,
    });
  });

  test("calls back for every stage and pass, in order", () => {
    const stages: string[] = [];
    const passes: string[] = [];
    compile(mlp(), {
      sample: [1, 4],
      onStage: (stage) => stages.push(stage),
      onPass: (pass) => passes.push(pass),
    });
    expect(stages).toEqual(["bind", "passes", "lower", "emit"]);
    expect(passes[0]).toBe("fix-guarded");
  });

  test("refuses more parameters than maxParams, also for a model that is bound", () => {
    const net = mlp();
    net.bind([1, 4]);
    expect(() => compile(net, { sample: [1, 4], maxParams: 203 })).toThrow(/^E2301 the parameters need/);
    expect(compile(net, { sample: [1, 4], maxParams: 204 }).report.parameterBytes).toBe(204);
  });
});

describe("dims by name", () => {
  const named = () => {
    const x = input({ shape: ["time", 4], name: "x" });
    const y = input({ batchShape: ["batch", "2*time", 4], name: "y" });
    return model({
      inputs: [x, y],
      outputs: { a: dense({ units: 2 }).apply(x), b: dense({ units: 2 }).apply(y) },
    });
  };
  const shapes = (options: Parameters<typeof inspect>[1]) =>
    Object.fromEntries(inspect(named(), options).inputs.map(({ name, sizes }) => [name, sizes]));

  test("decide every input they reach, through expressions too", () => {
    expect(shapes({ dims: { batch: 1, time: 3 } })).toEqual({ x: [1, 3, 4], y: [1, 6, 4] });
  });

  test("reach an input of any name", () => {
    const x = input({ shape: ["time"], name: "__proto__" });
    const net = model({ inputs: x, outputs: dense({ units: 1 }).apply(x) });
    const [only] = inspect(net, { dims: { batch: 2, time: 3 } }).inputs;
    expect(only).toMatchObject({ name: "__proto__", sizes: [2, 3] });
  });

  test("go together with samples of other inputs", () => {
    expect(shapes({ sample: { x: [1, 3, 4], y: [1, 6, 4] }, dims: { time: 3 } })).toEqual({
      x: [1, 3, 4],
      y: [1, 6, 4],
    });
  });

  test.each([
    [{ dims: { batch: 1, tmie: 3 } }, 'E1002 no input has a dim "tmie"; did you mean "time"?'],
    [{ dims: { batch: 1 } }, 'E2102 no sample for input "x", input "y"'],
    [{ dims: { time: 3 }, sample: { x: [1, 4, 4] } }, 'E2104 input "x" has 4 at axis 1, but time is 3'],
  ])("are refused where they cannot be right: %j", (options, message) => {
    expect(() => shapes(options)).toThrow(message);
  });
});

describe("predict", () => {
  test("names the layer whose table has no such row, the index and the rows", () => {
    const net = sequential([embedding({ inputDim: 10, outputDim: 4, name: "words" }), dense({ units: 2 })]);
    const tokens = (index: number) => ({
      dtype: "int32" as const,
      shape: [1, 2],
      data: Int32Array.of(3, index),
    });
    expect(net.predict(tokens(9)).shape).toEqual([1, 2, 2]);
    expect(() => net.predict(tokens(40))).toThrow(/^words: gather index: index 40 is not in 0\.\.9$/);
  });

  test("compiles once per shape and set of weights", () => {
    const net = mlp();
    const first = net.predict(x4, [1, 4]);
    expect(net.predict(x4, [1, 4])).toEqual(first);
    expect(net.predict(Float32Array.of(...x4, ...x4), [2, 4]).data).toEqual(
      Float32Array.of(...numbersIn(first.data), ...numbersIn(first.data)),
    );
    net.setWeights(
      net
        .getWeights()
        .map(({ shape, data }) => ({ dtype: "float32", shape, data: numbersIn(data).map(() => 0) })),
    );
    expect(net.predict(x4, [1, 4]).data).toEqual(new Float32Array(3));
  });

  test("gives tensors of their own: a later call leaves them as they are", () => {
    const net = mlp();
    const first = net.predict(x4, [1, 4]);
    const copy = first.data.slice();
    net.predict(new Float32Array(4).fill(9), [1, 4]);
    expect(first.data).toEqual(copy);
  });

  test("carries the states of a stateful layer from call to call", () => {
    const net = sequential([lstm({ units: 2, stateful: true, batchInputShape: [1, null, 3] })]);
    const step = new Float32Array(3).fill(1);
    const [first, second] = [net.predict(step, [1, 1, 3]).data, net.predict(step, [1, 1, 3]).data];
    expect(second).not.toEqual(first);
    net.resetStates();
    expect(net.predict(step, [1, 1, 3]).data).toEqual(first);
  });

  test("runs what the caller hands in instead, when there is something", () => {
    const executor: Executor =
      ({ graph }) =>
      () =>
        new Map(
          graph.outputs.map(({ name }) => [
            name,
            { dtype: "float32", shape: [1], data: Float32Array.of(42) },
          ]),
        );
    const net = sequential([dense({ units: 1 })], { executor });
    expect(net.predict(x4, [1, 4]).data[0]).toBe(42);
  });
});
