/** Bad input: what each mistake is refused with. */
import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import {
  activation,
  add,
  concatenate,
  conv2d,
  dense,
  embedding,
  gru,
  input,
  lstm,
  model,
  multiHeadAttention,
  reshape,
  sequential,
} from "../../compiler/frontend/index.ts";
import { tensor } from "../../runtime/tensor.ts";
import { codes, only, refusal } from "./reference.ts";

const here = expect.objectContaining({ file: expect.stringMatching(/errors\.test\.ts$/) });

describe("arguments", () => {
  test("an unknown one names the argument, the nearest known one and the layer", () => {
    const error = only(() => dense({ units: 3, unitz: 4 } as never));
    expect(error).toMatchObject({
      code: "E1001",
      message: 'dense has no argument "unitz"; did you mean "units"?',
      layer: "dense",
      at: here,
    });
    expect(error.because).toContain("kernelInitializer");
  });

  test.each([
    [-1, "-1"],
    [0, "0"],
    [2.5, "2.5"],
    [Number.NaN, "NaN"],
    ["8", '"8"'],
  ])("units %s are refused", (units, shown) => {
    expect(only(() => dense({ units: units as number }))).toMatchObject({
      code: "E1002",
      message: `dense.units is ${shown}, but it must be a whole number >= 1`,
      at: here,
    });
  });

  test("all problems of one layer come at once", () => {
    const build = () =>
      lstm({ units: -1, activation: "tahn", recurrentInitializer: "ortogonal", go: 1 } as never);
    expect(codes(build)).toEqual(["E1001", "E1002", "E2004", "E2004"]);
    expect(refusal(build).message).toContain("did you mean tanh");
    expect(refusal(build).message).toContain("did you mean orthogonal");
    expect(refusal(build).message).toContain("4 errors");
  });

  test.each([
    ["a missing one", () => dense({} as never), 'dense needs "units"'],
    ["a wrong list", () => conv2d({ filters: 1, kernelSize: [1, 2, 3] }), "must be a number or 2 of them"],
    [
      "an unknown word",
      () => conv2d({ filters: 1, kernelSize: 1, padding: "sam" as never }),
      '"valid", "same"',
    ],
    [
      "causal padding in two dimensions",
      () => conv2d({ filters: 1, kernelSize: 1, padding: "causal" }),
      "padding",
    ],
    [
      "groups that do not divide",
      () => conv2d({ filters: 3, kernelSize: 1, groups: 2 }),
      "must divide filters",
    ],
    [
      "heads that do not divide",
      () => multiHeadAttention({ numHeads: 3, keyDim: 1, numKeyValueHeads: 2 }),
      "must divide numHeads",
    ],
    ["two open sizes", () => reshape({ targetShape: [-1, -1] }), "-1 at most once"],
    ["a name with a dot", () => dense({ units: 1, name: "a.b" }), "without spaces or any of"],
    ["a flag that is none", () => gru({ units: 1, resetAfter: 1 as never }), "must be true or false"],
  ])("%s is refused", (_, build, text) => {
    expect(only(build).message + only(build).fix).toContain(text);
  });

  test("Keras's spelling of names and words is known", () => {
    activation({ activation: "hard_sigmoid" });
    conv2d({ filters: 1, kernelSize: 1, dataFormat: "channels_last" as never });
    dense({ units: 1, kernelInitializer: "he_normal" });
  });
});

describe("building a model", () => {
  test("an input of another rank names the layer, its axes and the line", () => {
    const net = sequential([dense({ units: 4, inputShape: [3] }), conv2d({ filters: 1, kernelSize: 1 })]);
    expect(only(() => net.summary())).toMatchObject({
      code: "E2003",
      message: "conv2d needs an input of rank 4, but it gets rank 2",
      chain: ["dense", "conv2d"],
      at: here,
    });
  });

  test.each([
    [
      "by its own name",
      [dense({ units: 1, name: "head" })],
      "head needs an input of rank 2 or more, but it gets rank 1",
    ],
    ["by its kind", [dense({ units: 1 })], "dense needs an input of rank 2 or more, but it gets rank 1"],
  ])("a layer that refuses a rank is named %s", (_, layers, message) => {
    expect(only(() => sequential(layers).bind([5])).message).toBe(message);
  });

  test("the second of two layers that refuses a rank is named by its number", () => {
    const conv = () => conv2d({ filters: 1, kernelSize: 1 });
    const net = sequential([conv(), reshape({ targetShape: [9] }), conv()]);
    expect(only(() => net.bind([1, 3, 3, 1])).message).toBe(
      "conv2d_1 needs an input of rank 4, but it gets rank 2",
    );
  });

  test("a model with two bad layers reports both", () => {
    const net = sequential([
      conv2d({ filters: 2, kernelSize: 9, inputShape: [5, 5, 1] }),
      dense({ units: 3 }),
      lstm({ units: 2 }),
    ]);
    expect(codes(() => net.summary())).toEqual(["E2106", "E2003"]);
  });

  test("independent branches are all looked at", () => {
    const x = input({ shape: [4] });
    const [a, b] = [reshape({ targetShape: [3] }).apply(x), reshape({ targetShape: [5] }).apply(x)];
    expect(codes(() => model({ inputs: x, outputs: [a, b] }).summary())).toEqual(["E2105", "E2105"]);
  });

  test("what only follows from an error is not reported", () => {
    const x = input({ shape: [4] });
    const bad = reshape({ targetShape: [3] }).apply(x);
    const net = model({ inputs: x, outputs: add().apply([bad, dense({ units: 7 }).apply(bad)]) });
    expect(codes(() => net.summary())).toEqual(["E2105"]);
  });

  test("a kernel larger than its input names both sizes", () => {
    const net = sequential([conv2d({ filters: 1, kernelSize: 7, inputShape: [5, 6, 1] })]);
    const error = refusal(() => net.summary());
    expect(error.code).toBe("E2106");
    expect(error.message).toMatch(/7/);
    expect(error.message).toMatch(/5/);
  });

  test("merging incompatible shapes names both", () => {
    const [a, b] = [input({ shape: [3], name: "a" }), input({ shape: [4], name: "b" })];
    const error = only(() => model({ inputs: [a, b], outputs: add().apply([a, b]) }).summary());
    expect(error.code).toBe("E2103");
    expect(error.layer).toBe("add");
    expect(error.message).toMatch(/3.*4/);
    const joined = concatenate({ axis: 1 }).apply([
      reshape({ targetShape: [1, 3] }).apply(a),
      reshape({ targetShape: [2, 2] }).apply(b),
    ]);
    expect(only(() => model({ inputs: [a, b], outputs: joined }).summary()).code).toBe("E2103");
  });

  test("inputs of another rank cannot be concatenated", () => {
    const [a, b] = [input({ shape: [3] }), input({ shape: [3, 1] })];
    expect(codes(() => model({ inputs: [a, b], outputs: concatenate().apply([a, b]) }).graph())).toEqual([
      "E2003",
    ]);
  });

  test("a merge of one input is refused", () => {
    const x = input({ shape: [3] });
    expect(only(() => model({ inputs: x, outputs: add().apply(x) }).graph()).message).toBe(
      "add takes 2 inputs or more, but it was applied to 1 input",
    );
  });

  test("two layers of one name are refused with both places", () => {
    const error = only(() => sequential([dense({ units: 1, name: "a" }), dense({ units: 1, name: "a" })]));
    expect(error.code).toBe("E2005");
    expect(error.facts?.map(({ note }) => note)).toEqual([
      expect.stringContaining("errors.test.ts:"),
      expect.stringContaining("errors.test.ts:"),
    ]);
  });

  test("a model cannot hold itself", () => {
    const outer = sequential([dense({ units: 1 })], { name: "outer" });
    expect(only(() => outer.add(outer)).code).toBe("E2001");
    const inner = sequential([outer], { name: "inner" });
    expect(only(() => outer.add(inner)).message).toContain("outer");
    expect(outer.layers).toHaveLength(1);
  });

  test("a cycle of symbolic tensors is refused", () => {
    const x = input({ shape: [2] });
    const first = dense({ units: 2, name: "first" }).apply(x);
    const second = add({ name: "second" }).apply([first, first]);
    (first.origin as unknown as { inputs: unknown[] }).inputs[0] = second;
    const error = refusal(() => model({ inputs: x, outputs: second }));
    expect(error.code).toBe("E2001");
    expect(error.diagnostics[0]?.chain).toEqual(["second", "first", "second"]);
  });

  test("an input that is missing or that nothing needs is named, all at once", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => input({ shape: [2], name }));
    const error = refusal(() => model({ inputs: [a!, c!], outputs: add().apply([a!, b!]) }));
    expect(error.diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ["E2002", 'input "c" is listed, but no output can be reached from it'],
      ["E2002", 'the outputs need input "b", but it is not among the model\'s inputs'],
    ]);
  });

  test("the output of a layer is not an input", () => {
    const x = input({ shape: [2] });
    const y = dense({ units: 2 }).apply(x);
    expect(codes(() => model({ inputs: y, outputs: y }))).toContain("E2002");
  });

  test.each([[[-1, 2]], [[2.5]], [[Number.NaN]]])("the shape %j is refused", (shape) => {
    expect(only(() => input({ shape })).code).toBe("E2108");
    expect(only(() => dense({ units: 1, inputShape: shape })).code).toBe("E2108");
  });

  test("something that is not a layer is refused", () => {
    expect(only(() => sequential([{} as never])).message).toBe(
      "entry 0 of the layers is object, not a layer",
    );
  });
});

describe("samples", () => {
  const net = () => sequential([dense({ units: 2 })]);
  const pair = () => {
    const [a, b] = [input({ shape: [2], name: "a" }), input({ shape: [2], name: "b" })];
    return model({ inputs: [a, b], outputs: add().apply([a, b]) });
  };

  test("must be given for every input", () => {
    expect(only(() => pair().bind({ a: [1, 2] })).code).toBe("E2102");
    expect(only(() => pair().bind([1, 2])).message).toContain("names none of them");
  });

  test("must be of the input's dtype", () => {
    expect(only(() => net().bind(new Float64Array(2), [1, 2])).code).toBe("E2107");
    const words = sequential([embedding({ inputDim: 3, outputDim: 2 })]);
    expect(only(() => words.bind(new Float32Array(2), [1, 2])).code).toBe("E2107");
  });

  test.each([[[2, Number.NaN]], [[2, 1.5]], [[2, -3]]])("of shape %j are refused", (shape) => {
    expect(only(() => net().bind(shape))).toMatchObject({ code: "E2108", at: here });
  });

  test("for predict are data", () => {
    expect(only(() => net().predict([1, 2])).message).toContain("was given the shape [1, 2]");
  });

  test("of seeds that are no whole numbers are refused", () => {
    expect(only(() => net().initialize({ seed: 0.5 })).code).toBe("E1002");
  });

  test("must fill their shape", () => {
    expect(only(() => net().bind(new Float32Array(5), [2, 3])).message).toContain("has 6 elements");
    expect(only(() => net().bind(new Float32Array(6))).message).toContain("without a shape");
    expect(only(() => net().bind([[1, 2], [3]])).message).toContain("ragged");
  });

  test("that a reshape cannot divide are refused", () => {
    const folded = sequential([reshape({ targetShape: [-1, 4] })]);
    expect(folded.bind([2, 8]).graph.outputs[0]?.value.type.shape.map(Number)).toBeDefined();
    expect(refusal(() => folded.bind([2, 6]))).toBeInstanceOf(CompileError);
  });
});

describe("weights", () => {
  const bound = () => {
    const net = sequential([dense({ units: 2 }), dense({ units: 1 })]);
    net.bind([1, 3]);
    return net;
  };
  const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);

  test("of a wrong shape are refused whole, each with both shapes, and nothing changes", () => {
    const net = bound();
    const before = net.getWeights();
    const error = refusal(() => net.setWeights([zeros(3, 3), zeros(2), zeros(2, 1), zeros(4)]));
    expect(error.diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ["E2109", "dense.kernel is [3, 2], but the values are [3, 3]"],
      ["E2109", "dense_1.bias is [1], but the values are [4]"],
    ]);
    expect(net.getWeights()).toEqual(before);
    expect(error.message).toMatch(/fixed by the sample \[1, 3\] at .*errors\.test\.ts/);
  });

  test("may be given by path", () => {
    const net = bound();
    net.loadWeights({
      "dense.kernel": zeros(3, 2),
      "dense.bias": [1, 2],
      "dense_1.kernel": [[1], [1]],
      "dense_1.bias": zeros(1),
    });
    expect([...net.predict([[5, 6, 7]]).data]).toEqual([3]);
    expect(net.weights.map(({ initial }) => initial)).toEqual([false, false, false, false]);
  });

  test("that are missing or unknown are all named", () => {
    const error = refusal(() => bound().setWeights({ "dense.kernel": zeros(3, 2), "dense.bios": zeros(2) }));
    expect(error.diagnostics.map(({ message }) => message)).toEqual([
      'the model has no weight "dense.bios"; did you mean "dense.bias"?',
      "no values for dense.bias",
      "no values for dense_1.kernel",
      "no values for dense_1.bias",
    ]);
  });

  test("decide the open sizes of a model that was not bound", () => {
    const net = sequential([dense({ units: 2 })]);
    net.setWeights([zeros(3, 2), zeros(2)]);
    expect(net.getWeights().map(({ shape }) => shape)).toEqual([[3, 2], [2]]);
    expect(only(() => net.bind([1, 4])).facts?.[1]?.note).toMatch(/^3 fixed by setWeights at /);
  });

  test("over the budget are refused before anything is allocated", () => {
    const net = sequential([dense({ units: 1_000_000 })], { maxParameterBytes: 1e9 });
    const error = only(() => net.bind([1, 1_000_000]));
    expect(error).toMatchObject({
      code: "E2301",
      message: "the parameters need 4,000 GB, but the budget is 1 GB",
      at: here,
    });
    expect(error.facts?.[0]).toEqual({
      subject: "dense.kernel",
      value: "[1000000, 1000000]",
      note: "4,000 GB",
    });
    expect(net.getWeights()).toEqual([]);
  });
});
