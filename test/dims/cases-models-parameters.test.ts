/**
 * The numbered cases as whole networks: parameters that the rest of a network decides, conflicts, round
 * trips. A number stands for the question, so a failure names it.
 */
import { describe, expect, test } from "vitest";
import { parse, print } from "../../compiler/dims/index.ts";
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  dense,
  embedding,
  flatten,
  groupNormalization,
  input,
  maxPooling2d,
  model,
  prelu,
  sequential,
  upSampling2d,
} from "../../compiler/frontend/index.ts";
import { bind } from "../../compiler/infer/bind.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { only, refusal } from "../frontend/reference.ts";
import { built, float, ofGraph, ofModel } from "../support/inferred.ts";

const zeros = (...shape: number[]) => ({
  dtype: "float32" as const,
  shape,
  data: new Float32Array(shape.reduce((n, d) => n * d, 1)),
});

describe("70. an embedding and the head that is tied to it", () => {
  const tied = (width: number) => {
    const table = embedding({ inputDim: 100, outputDim: 16, name: "table" });
    const tokens = input({ batchShape: ["batch", "T"], dtype: "int32", name: "tokens" });
    const hidden = dense({ units: width, name: "hidden" }).apply(table.apply(tokens));
    return model({ inputs: tokens, outputs: table.asOutput({ name: "head" }).apply(hidden) });
  };
  const contract = { batch: [[], []], contract: [[2], [1]] };
  const twice = (first: number, second: number) =>
    built((g) => {
      const table = g.parameter("table", float(100, "?D"), { kind: "zeros" });
      const [x, y] = [g.input("x", float("B", "T", first)), g.input("y", float("B", "T", second))];
      const use = (path: string, value: typeof x) =>
        g.within({ path }, () => g.node("dotGeneral", [value, table], contract)[0]!);
      return { logits: use("head", x), again: use("second", y) };
    });

  test("share one table [V, D]", () => {
    const { outputs, parameters } = ofModel(tied(16));
    expect(outputs).toEqual({ head: "[batch, T, 100]" });
    expect(parameters).toMatchObject({ "table.embeddings": "[100, 16]", "hidden.kernel": "[16, 16]" });
  });
  test("contradict each other where the head gets another D, with both places", () => {
    const error = only(() => tied(12).summary());
    expect(error).toMatchObject({ code: "E2110", layer: "head", chain: ["table", "hidden", "head"] });
    expect(error.message).toBe("head gets 12 features, but its embedding has vectors of 16");
    expect(error.facts?.map(({ value }) => value)).toEqual(["[batch, T, 12]", "[100, 16]"]);
  });
  test("an open D is solved by the first use and checked by the second", () => {
    expect(ofGraph(twice(16, 16)).parameters).toEqual({ table: "[100, 16]" });
    const error = only(() => twice(16, 12));
    expect(error.message).toBe("second needs 12 == 16");
    expect(error.because).toContain("head: axis 2 of x is contracted with axis 1 of table");
    expect(error.because).toContain("second: axis 2 of y is contracted with axis 1 of table");
  });
});

describe("71. a loaded weight [784, 256]", () => {
  const loaded = (...layers: ReturnType<typeof dense>[]) => {
    const net = sequential([...layers, dense({ units: 256 })]);
    net.loadWeights({ "dense.kernel": zeros(784, 256), "dense.bias": zeros(256) });
    return net;
  };
  const flat = () => loaded(flatten({ batchInputShape: ["batch", "H", "W"] }));

  test("fixes the last dim of the input, before any sample", () => {
    const { inputs, needs } = ofModel(loaded());
    expect(inputs).toEqual({ x: "[batch, 784]" });
    expect(needs).toEqual(["x.1 == 784"]);
    expect(ofModel(flat()).needs).toEqual(["H*W == 784"]);
  });
  test("agrees with a sample of 28 x 28", () => {
    expect(flat().bind([1, 28, 28]).symbols.get("H")).toBe(28);
  });
  test("refuses 27 x 28, with both origins", () => {
    const error = only(() => flat().bind([1, 27, 28]));
    expect(error.code).toBe("E2104");
    expect(error.message).toBe('input "x" [1, 27, 28] needs dense.kernel [756, 256], not [784, 256]');
    expect(error.facts?.[0]).toEqual({ subject: "x", value: "[1, 27, 28]", note: "this call" });
    expect(error.facts?.[1]?.note).toMatch(/^784 fixed by setWeights at .*parameters\.test\.ts/);
  });
});

describe("72. a declared output", () => {
  const classes = (units: number | null, outputShape: (number | string | null)[]) =>
    sequential([dense({ units: 16 }), dense({ units, name: "last" })], { outputShape });

  test.each([[[10]], [["batch", 10]], [[null, 10]]])(
    "of shape %j decides the last dense's units",
    (shape) => {
      const net = classes(null, shape);
      expect(ofModel(net)).toMatchObject({
        outputs: { last: "[batch, 10]" },
        parameters: { "last.kernel": "[16, 10]", "last.bias": "[10]" },
        needs: [],
      });
      net.bind([2, 7]);
      expect(net.getWeights().map(({ shape }) => shape)).toEqual([[7, 16], [16], [16, 10], [10]]);
    },
  );
  test("is named for a model with several", () => {
    const x = input({ shape: [7], name: "x" });
    const outputs = { a: dense({ units: null }).apply(x), b: dense({ units: null }).apply(x) };
    const net = model({ inputs: x, outputs, outputShape: { b: [3], a: ["batch", 10] } });
    expect(ofModel(net).outputs).toEqual({ a: "[batch, 10]", b: "[batch, 3]" });
    const build = (outputShape: object) => model({ inputs: x, outputs, outputShape } as never).summary();
    expect(only(() => build({ c: [3] })).message).toBe('outputShape names "c", but the outputs are "a", "b"');
    expect(only(() => build([3])).message).toBe("outputShape is one shape, but the model has 2 outputs");
  });
  test("decides the sizes of the input too, and refuses others", () => {
    const x = input({ batchShape: ["batch", "H", "W", 3], name: "image" });
    const same = conv2d({ filters: 2, kernelSize: 3, padding: "same" }).apply(x);
    const net = model({ inputs: x, outputs: same, outputShape: [28, 28, 2] });
    expect(ofModel(net)).toMatchObject({
      inputs: { image: "[batch, 28, 28, 3]" },
      needs: ["H == 28", "W == 28"],
    });
    expect(only(() => net.bind([1, 28, 27, 3]))).toMatchObject({
      code: "E2104",
      message: 'input "image" has 27 at axis 2, but the layers can only take 28',
      because: 'output "conv2d": axis 2 is declared 28',
    });
  });
  test("that the layers contradict is refused with both shapes", () => {
    expect(only(() => classes(12, [10]).summary())).toMatchObject({
      code: "E2103",
      message: 'output "last" is [batch, 12], but it is declared [batch, 10]',
      facts: [
        { subject: "last.add", value: "[batch, 12]", note: "last" },
        { subject: 'output "last"', value: "[batch, 10]", note: "declared" },
      ],
    });
    expect(only(() => classes(12, [3, 4, 5]).summary()).code).toBe("E2111");
  });
  test("holds for a model inside another, for an empty batch as well", () => {
    const inner = sequential([dense({ units: null })], { outputShape: [10], name: "head" });
    const net = sequential([dense({ units: 4 }), inner]);
    net.bind([0, 3]);
    expect(net.weights.map(({ path, sizes }) => `${path} ${sizes}`)).toContain("head.dense.kernel 4,10");
  });
  test("that is missing leaves the units underdetermined", () => {
    const net = sequential([dense({ units: null })]);
    expect(refusal(() => net.bind([2, 7])).message).toContain("?dense.units");
  });
});

describe("74. channels that the sample decides", () => {
  const normalised = () => {
    const x = input({ batchShape: ["batch", "H", "W", "C"], name: "image" });
    const shared = prelu({ sharedAxes: [1, 2] }).apply(batchNormalization().apply(x));
    return model({ inputs: x, outputs: groupNormalization({ groups: 8 }).apply(shared) });
  };

  test("are those of BatchNorm, PReLU and GroupNorm, whose groups divide them", () => {
    const { parameters, needs } = ofModel(normalised());
    expect(parameters).toMatchObject({
      "batch_normalization.gamma": "[C]",
      "batch_normalization.moving_variance": "[C]",
      "prelu.alpha": "[1, 1, C]",
      "group_normalization.beta": "[C]",
    });
    expect(needs).toEqual(["C % 8 == 0"]);
    const net = normalised();
    net.bind([1, 4, 4, 16]);
    expect(new Set(net.getWeights().map(({ shape }) => shape.at(-1)))).toEqual(new Set([16]));
  });
  test("are refused where the groups do not divide them, with the nearest that would do", () => {
    const error = only(() => normalised().bind([1, 4, 4, 12]));
    expect(error.code).toBe("E2201");
    expect(error.message).toContain("C % 8 == 0 is required; nearest 8, 16");
    expect(error.because).toContain("group_normalization");
  });
});

describe("73. an add forty layers below what it contradicts", () => {
  test("is told by exactly the two producers and the add", () => {
    const x = input({ batchShape: ["B", 7], name: "x" });
    let [a, b] = [dense({ units: 3, name: "three" }).apply(x), dense({ units: 4, name: "four" }).apply(x)];
    for (let i = 0; i < 40; i++)
      [a, b] = [activation({ activation: "relu" }).apply(a), activation({ activation: "tanh" }).apply(b)];
    const error = only(() => model({ inputs: x, outputs: add({ name: "sum" }).apply([a, b]) }).summary());
    expect(error).toMatchObject({ code: "E2103", layer: "sum" });
    const told = error.facts?.map(({ subject, value }) => `${subject} ${value}`);
    expect(told).toEqual(["activation_39.max [B, 3]", "activation_79.tanh [B, 4]", "three 3", "four 4"]);
    expect(error.because).toMatch(/^sum: add pairs the last axes of \S+ with those of \S+ \(axis -1\)$/);
  });
});

describe("round trips", () => {
  const unet = () => {
    const x = input({ batchShape: ["batch", "H", "W", 3], name: "image" });
    const down = maxPooling2d({ strides: 2, poolSize: 3, padding: "same" }).apply(x);
    return model({ inputs: x, outputs: add().apply([x, upSampling2d().apply(down)]) });
  };

  test("76. every size of a network prints and reparses to itself", () => {
    const { graph } = unet().inferred();
    const dims = graph.nodes.flatMap(({ results }) => results.flatMap(({ type }) => type.shape));
    expect(dims.length).toBeGreaterThan(10);
    for (const d of dims) expect(parse(print(d))).toBe(d);
  });
  test("76. a graph that was printed and parsed infers the same and needs the same", () => {
    const graph = unet().graph();
    const again = parseGraph(printGraph(graph));
    expect(ofGraph(again)).toEqual(ofGraph(graph));
    expect(ofGraph(again)).toEqual(ofModel(unet()));
  });
  test("76. what is declared of an output is part of the text", () => {
    const graph = sequential([dense({ units: null })], { outputShape: [10] }).graph();
    expect(printGraph(graph)).toContain("return dense=%dense.add: [batch, 10]");
    expect(ofGraph(parseGraph(printGraph(graph))).parameters).toEqual({
      "dense.kernel": "[x.1, 10]",
      "dense.bias": "[10]",
    });
  });
  test("78. prime strides past the budget fall to a guard that a sample decides", () => {
    const x = input({ batchShape: ["batch", "H", 1, 1], name: "image" });
    const primes = [7, 11, 13, 17, 19];
    const down = primes.reduce((y, p) => maxPooling2d({ poolSize: [p, 1] }).apply(y), x);
    const up = primes.reduce((y, p) => upSampling2d({ size: [p, 1] }).apply(y), down);
    const graph = model({ inputs: x, outputs: add().apply([x, up]) }).graph();
    const period = primes.reduce((n, p) => n * p, 1);
    expect(ofGraph(graph).needs.join()).toContain("H");
    expect(bind(graph, { image: [1, 3 * period, 1, 1] }).symbols.get("H")).toBe(3 * period);
    expect(refusal(() => bind(graph, { image: [1, period + 1, 1, 1] })).code).toBe("E2201");
  });
});
