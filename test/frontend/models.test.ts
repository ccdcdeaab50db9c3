/** Models: functional and sequential, nested, with shared and tied weights, at several sizes. */
import { describe, expect, test } from "vitest";
import type { Shape } from "../../compiler/dims/index.ts";
import {
  activation,
  add,
  concatenate,
  conv2d,
  dense,
  embedding,
  flatten,
  globalAveragePooling2d,
  input,
  Layer,
  type LayerOps,
  layerNormalization,
  lstm,
  maxPooling2d,
  model,
  multiHeadAttention,
  reshape,
  sequential,
} from "../../compiler/frontend/index.ts";
import type { Value } from "../../compiler/ir/graph.ts";
import { tensor } from "../../runtime/tensor.ts";
import { expectClose, only } from "./reference.ts";

const shapes = (net: { getWeights(): readonly { readonly shape: readonly number[] }[] }) =>
  net.getWeights().map(({ shape }) => shape);
const bound = (net: { describe(): readonly { readonly path: string; readonly bound: unknown }[] }) =>
  net.describe().map(({ path, bound }) => [path, bound]);

describe("names", () => {
  test("are the layer's in snake case, numbered from the second on, per model", () => {
    const build = () =>
      sequential([
        conv2d({ filters: 2, kernelSize: 3 }),
        conv2d({ filters: 2, kernelSize: 3 }),
        maxPooling2d(),
        flatten(),
        dense({ units: 2 }),
        dense({ units: 2, name: "logits" }),
      ]);
    build();
    expect(
      build()
        .describe()
        .map(({ path }) => path),
    ).toEqual(["conv2d", "conv2d_1", "max_pooling2d", "flatten", "dense", "logits"]);
  });

  test("the user's own are never given to another layer", () => {
    const net = sequential([dense({ units: 1 }), dense({ units: 1, name: "dense" })]);
    expect(net.describe().map(({ path }) => path)).toEqual(["dense_1", "dense"]);
  });
});

describe("a functional model", () => {
  const twoInputs = () => {
    const image = input({ shape: [null, null, 3], name: "image" });
    const facts = input({ shape: [null], name: "facts" });
    const seen = globalAveragePooling2d().apply(conv2d({ filters: 4, kernelSize: 3 }).apply(image));
    const joined = concatenate().apply([seen, dense({ units: 4 }).apply(facts)]);
    const score = dense({ units: 1, name: "score" }).apply(joined);
    const kind = dense({ units: 5, activation: "softmax", name: "kind" }).apply(joined);
    return model({ inputs: [image, facts], outputs: { score, kind } });
  };

  test("has several inputs and outputs, by name", () => {
    const net = twoInputs();
    const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);
    const { score, kind } = net.predict({ image: zeros(2, 8, 9, 3), facts: zeros(2, 6) });
    expect(score.shape).toEqual([2, 1]);
    expect(kind.shape).toEqual([2, 5]);
    expectClose(
      kind,
      Array.from({ length: 2 }, () => Array.from({ length: 5 }, () => 0.2)),
    );
    expect(net.graph().outputs.map(({ name }) => name)).toEqual(["score", "kind"]);
  });

  test("null dims become symbols of their input, the batch one for all", () => {
    const net = twoInputs();
    expect(net.graph().inputs.map(({ name, type }) => `${name} [${type.shape.join(", ")}]`)).toEqual([
      "image [batch, image.1, image.2, 3]",
      "facts [batch, facts.1]",
    ]);
  });

  test("strings name dims, and a shape that begins with batch is the whole shape", () => {
    const x = input({ shape: ["batch", "time", 40], name: "x" });
    const y = dense({ units: 2 }).apply(x);
    const half = reshape({ targetShape: [-1] }).apply(y);
    const net = model({ inputs: x, outputs: [y, half] });
    expect(net.describe().map(({ outputs }) => outputs.map(String))).toEqual([
      ["batch,time,2"],
      ["batch,2*time"],
    ]);
    expect(shapes(net)).toEqual([[40, 2], [2]]);
  });

  test("a list of outputs gives a list of tensors, one output one tensor", () => {
    const x = input({ shape: [2] });
    const y = dense({ units: 1 }).apply(x);
    const sample = tensor([1, 2], [1, 2]);
    expect(model({ inputs: x, outputs: y }).predict(sample).shape).toEqual([1, 1]);
    const [first, second] = model({ inputs: x, outputs: [y, x] as const }).predict(sample);
    expect(first.shape).toEqual([1, 1]);
    expect(second.data).toEqual(sample.data);
  });
});

describe("shared weights", () => {
  test("of a layer applied to its own output refuse any size but its own, naming input and layer", () => {
    const again = dense({ units: 3, name: "again" });
    const net = sequential([again, again]);
    expect(only(() => net.bind([1, 4]))).toMatchObject({
      code: "E2104",
      message: 'input "x" has 4 at axis 1, but the layers can only take 3',
      because: "again: axis 1 of again.add is contracted with axis 0 of again.kernel",
      fix: "feed 3 at axis 1, or change one of these layers",
    });
    net.bind([1, 3]);
  });

  test("of two inputs of different sizes refuse the sample that has them, naming both inputs", () => {
    const [y, z] = [input({ shape: [null], name: "y" }), input({ shape: [null], name: "z" })];
    const shared = dense({ units: 2 });
    const net = model({ inputs: [y, z], outputs: [shared.apply(y), shared.apply(z)] });
    const error = only(() => net.bind({ y: [1, 3], z: [1, 4] }));
    expect(error.message).toBe(
      "y.1 = 3 and z.1 = 4 cannot pass this network: z.1 == y.1 is required; nearest y.1 = 4, or z.1 = 3",
    );
    expect(error.because).toContain("axis 1 of y is contracted");
  });

  test("one layer applied twice has one set of weights", () => {
    const [a, b] = [input({ shape: [3], name: "a" }), input({ shape: [3], name: "b" })];
    const shared = dense({ units: 2 });
    const net = model({ inputs: [a, b], outputs: add().apply([shared.apply(a), shared.apply(b)]) });
    expect(shapes(net)).toEqual([[3, 2], [2]]);
    net.setWeights([tensor([1, 2, 3, 4, 5, 6], [3, 2]), tensor([10, 20], [2])]);
    const one = (values: number[]) => tensor(values, [1, 3]);
    expectClose(net.predict({ a: one([1, 0, 0]), b: one([0, 0, 1]) }), [[1 + 5 + 20, 2 + 6 + 40]]);
    expect(net.summary()).toContain("(shared)");
  });

  test("a second use that does not fit names both places", () => {
    const [a, b] = [input({ shape: [3], name: "a" }), input({ shape: [4], name: "b" })];
    const shared = dense({ units: 2, name: "tower" });
    const net = model({ inputs: [a, b], outputs: add().apply([shared.apply(a), shared.apply(b)]) });
    const error = only(() => net.summary());
    expect(error.code).toBe("E2110");
    expect(error.message).toBe(
      "tower is used for [batch, 3] and for [batch, 4], but both uses share its weights",
    );
    expect(error.facts?.map(({ note }) => note)).toEqual([
      expect.stringMatching(/^first used at .*models\.test\.ts:\d+$/),
      expect.stringMatching(/^used again at .*models\.test\.ts:\d+$/),
    ]);
  });

  test("an embedding table is reused transposed as the output head", () => {
    const tokens = embedding({ inputDim: 3, outputDim: 2 });
    const net = sequential([tokens, tokens.asOutput()]);
    expect(shapes(net)).toEqual([[3, 2]]);
    net.setWeights({
      "embedding.embeddings": [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    });
    const logits = net.predict(new Int32Array([2]), [1, 1]);
    expectClose(logits, [[[5 * 1 + 6 * 2, 5 * 3 + 6 * 4, 5 * 5 + 6 * 6]]]);
  });

  test("a head whose input contradicts the table names both places", () => {
    const tokens = embedding({ inputDim: 3, outputDim: 2 });
    const net = sequential([tokens, dense({ units: 5 }), tokens.asOutput()]);
    const error = only(() => net.summary());
    expect(error.code).toBe("E2110");
    expect(error.message).toContain("gets 5 features, but its embedding has vectors of 2");
    expect(error.facts?.[0]?.note).toMatch(/^the head is made at .*models\.test\.ts:\d+$/);
    expect(error.facts?.[1]?.note).toMatch(/^the embedding is made at .*models\.test\.ts:\d+$/);
  });

  test("a head without its embedding is refused", () => {
    const head = embedding({ inputDim: 3, outputDim: 2 }).asOutput();
    expect(only(() => sequential([head]).summary()).code).toBe("E2110");
  });
});

describe("nested models", () => {
  test("are layers: their parameters have the path of both", () => {
    const encoder = sequential([dense({ units: 4 }), dense({ units: 2 })], { name: "encoder" });
    const net = sequential([encoder, dense({ units: 3 })]);
    expect(net.weights.map(({ path }) => path)).toEqual([
      "encoder.dense.kernel",
      "encoder.dense.bias",
      "encoder.dense_1.kernel",
      "encoder.dense_1.bias",
      "dense.kernel",
      "dense.bias",
    ]);
    expect(net.predict([[1, 2, 3]]).shape).toEqual([1, 3]);
    expect(net.describe().map(({ path }) => path)).toEqual(["encoder.dense", "encoder.dense_1", "dense"]);
  });

  test("a functional model is used by name, and twice with the same weights", () => {
    const x = input({ shape: [2] });
    const both = model({
      inputs: x,
      outputs: { left: dense({ units: 1 }).apply(x), right: x },
      name: "both",
    });
    const y = input({ shape: [2] });
    const { left } = both.apply(y);
    const { right } = both.apply(y);
    const net = model({ inputs: y, outputs: [left, right] });
    expect(net.weights.map(({ path }) => path)).toEqual(["both.dense.kernel", "both.dense.bias"]);
  });
});

describe("a custom layer", () => {
  class Scale extends Layer {
    #scale: Value | undefined;
    constructor() {
      super("scale");
    }
    override build(shape: Shape): void {
      this.#scale = this.addWeight("scale", [shape.at(-1)!], { initializer: "ones" });
    }
    override call(ops: LayerOps, x: Value): Value {
      return ops.add(ops.mul(x, this.#scale!), 1);
    }
  }

  test("is written in core ops, and its weights are deferred like any other", () => {
    const net = sequential([new Scale(), new Scale()]);
    expect(net.summary()).toContain("scale_1  [batch, x.1]  scale [?]");
    expectClose(net.predict([[1, 2]]), [[3, 4]]);
    expect(shapes(net)).toEqual([[2], [2]]);
    const error = only(() => net.predict([[1, 2, 3]]));
    expect(error.message).toBe('input "x" has 3 features, but scale.scale expects 2');
    expect(error.facts?.map(({ subject }) => subject)).toEqual(["x", "scale.scale", "scale_1.scale"]);
  });

  class Residual extends Layer {
    readonly #inner = dense({ units: 2, kernelInitializer: "zeros" });
    constructor() {
      super("residual");
    }
    override call(ops: LayerOps, x: Value): Value {
      return ops.add(x, ops.apply(this.#inner, x));
    }
  }

  test("may hold other layers, whose weights stand under its name", () => {
    const net = sequential([new Residual()]);
    expectClose(net.predict([[1, 2]]), [[1, 2]]);
    expect(net.weights.map(({ path }) => path)).toEqual(["residual.dense.kernel", "residual.dense.bias"]);
    expect(net.describe().map(({ path }) => path)).toEqual(["residual"]);
  });

  test("whose weights do not fit the second use is refused by name", () => {
    const scale = new Scale();
    const [a, b] = [input({ shape: [2] }), input({ shape: [3] })];
    const net = model({ inputs: [a, b], outputs: [scale.apply(a), scale.apply(b)] });
    expect(only(() => net.graph()).code).toBe("E2110");
  });
});

describe("another size is no edit", () => {
  const classifier = () =>
    sequential([flatten(), dense({ units: 8, activation: "relu" }), dense({ units: 2 })]);

  test.each([
    [28, 784],
    [32, 1024],
  ])("a %i x %i image flattens to %i", (side, features) => {
    const net = classifier();
    net.bind([1, side, side]);
    expect(shapes(net)[0]).toEqual([features, 8]);
  });

  const cnn = () =>
    sequential([
      conv2d({ filters: 8, kernelSize: 3, strides: 2, padding: "same", activation: "relu" }),
      maxPooling2d(),
      conv2d({ filters: 16, kernelSize: 3 }),
      globalAveragePooling2d(),
      dense({ units: 10 }),
    ]);

  test.each([
    [224, 112, 56, 54],
    [384, 192, 96, 94],
  ])("a CNN at %i has the right shape at every layer", (side, half, quarter, inner) => {
    const net = cnn();
    net.bind([2, side, side, 3]);
    expect(bound(net)).toEqual([
      ["conv2d", [[2, half, half, 8]]],
      ["max_pooling2d", [[2, quarter, quarter, 8]]],
      ["conv2d_1", [[2, inner, inner, 16]]],
      ["global_average_pooling2d", [[2, 16]]],
      ["dense", [[2, 10]]],
    ]);
    expect(net.summary({ bound: true })).toContain(`conv2d                    [2, ${half}, ${half}, 8]`);
  });

  test("before data the rows and columns are symbols", () => {
    expect(
      cnn()
        .describe()
        .map(({ outputs }) => outputs.map(String)),
    ).toEqual([
      ["batch,floor((x.1 + 1)/2),floor((x.2 + 1)/2),8"],
      ["batch,floor((x.1 + 1)/4),floor((x.2 + 1)/4),8"],
      ["batch,floor((x.1 + 1)/4) - 2,floor((x.2 + 1)/4) - 2,16"],
      ["batch,16"],
      ["batch,10"],
    ]);
  });

  test("one bound CNN takes both resolutions", () => {
    const net = cnn();
    net.bind([1, 224, 224, 3]);
    net.bind([1, 384, 384, 3]);
    expect(bound(net)[0]).toEqual(["conv2d", [[1, 192, 192, 8]]]);
  });

  test("a Transformer encoder of sequence 128", () => {
    const x = input({ shape: [null, 32], name: "x" });
    const attended = multiHeadAttention({ numHeads: 4, keyDim: 8 }).apply([x, x]);
    const first = layerNormalization().apply(add().apply([x, attended]));
    const wide = dense({ units: 64, activation: "gelu" }).apply(first);
    const second = add().apply([first, dense({ units: 32 }).apply(wide)]);
    const net = model({ inputs: x, outputs: layerNormalization().apply(second) });
    net.bind([2, 128, 32]);
    expect(bound(net).at(-1)).toEqual(["layer_normalization_1", [[2, 128, 32]]]);
    expect(net.weights.map(({ path, sizes }) => `${path} ${sizes}`).slice(0, 2)).toEqual([
      "multi_head_attention.query.kernel 32,4,8",
      "multi_head_attention.query.bias 4,8",
    ]);
  });
});

describe("the input of a sequential model", () => {
  test.each([
    ["dense", () => dense({ units: 1 }), 2, "float32"],
    ["conv2d", () => conv2d({ filters: 1, kernelSize: 1 }), 4, "float32"],
    ["lstm", () => lstm({ units: 1 }), 3, "float32"],
    ["embedding", () => embedding({ inputDim: 2, outputDim: 1 }), 2, "int32"],
  ])("before a %s layer has the rank and dtype that it takes", (_, layer, rank, dtype) => {
    const [x] = sequential([layer()]).graph().inputs;
    expect(x).toMatchObject({ name: "x", type: { dtype } });
    expect(x?.type.shape).toHaveLength(rank);
  });

  test("has the lowest rank that every layer accepts", () => {
    const net = sequential([dense({ units: 3 }), lstm({ units: 2 })]);
    expect(net.graph().inputs[0]?.type.shape.map(String)).toEqual(["batch", "x.1", "x.2"]);
  });

  test("may have another rank than the lowest", () => {
    const net = sequential([dense({ units: 3 }), activation({ activation: "relu" })]);
    net.bind([2, 5, 4]);
    expect(shapes(net)[0]).toEqual([4, 3]);
    expect(bound(net)).toEqual([
      ["dense", [[2, 5, 3]]],
      ["activation", [[2, 5, 3]]],
    ]);
  });
});
