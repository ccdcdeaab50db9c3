/** Support vector machines on random tables, beside onnxruntime. */
import { describe, expect, test } from "vitest";
import { tensor } from "../../../runtime/tensor.ts";
import { expectAsOnnxRuntime, some } from "../../support/beside-onnxruntime.ts";
import { floats, type NodeCase, runNode } from "../../support/run-onnx.ts";

const reals = (...value: readonly number[]) => ({ kind: "floats", value }) as const;
const table = (seed: number, length: number, low = -1, high = 1) =>
  reals(...(some(seed, [length], "float32", low, high).data as Float32Array));
const domains = { "ai.onnx.ml": 1 };
const kernels = ["LINEAR", "POLY", "RBF", "SIGMOID"];

const FEATURES = 4;
const x = some(1, [9, FEATURES]);

const regressor: NodeCase = {
  type: "ai.onnx.ml::SVMRegressor",
  inputs: { x },
  attributes: {
    coefficients: table(2, 5),
    kernel_params: reals(0.6, 0.25, 3),
    n_supports: 5,
    rho: reals(0.1),
    support_vectors: table(3, 5 * FEATURES),
  },
  outputs: ["y: float32"],
  domains,
};

describe("SVMRegressor gives what onnxruntime gives", () => {
  test.each(kernels)("with the kernel %s", async (kernel_type) => {
    await expectAsOnnxRuntime({ ...regressor, attributes: { ...regressor.attributes, kernel_type } });
  });

  test("with one class, and without support vectors", async () => {
    await expectAsOnnxRuntime({ ...regressor, attributes: { ...regressor.attributes, one_class: 1 } });
    const plain = { ...regressor.attributes, coefficients: table(2, FEATURES), n_supports: 0 };
    await expectAsOnnxRuntime({ ...regressor, attributes: plain });
  });
});

/** As many support vectors as the class has a number, and one more. */
function machine(classes: number, more: NonNullable<NodeCase["attributes"]> = {}): NodeCase {
  const own = Array.from({ length: classes }, (_, i) => i + 2);
  const vectors = own.reduce((a, b) => a + b);
  const pairs = (classes * (classes - 1)) / 2;
  return {
    type: "ai.onnx.ml::SVMClassifier",
    inputs: { x },
    attributes: {
      classlabels_ints: own.map((n) => 10 * n),
      coefficients: table(4, (classes - 1) * vectors),
      kernel_params: reals(0.6, 0.25, 3),
      kernel_type: "RBF",
      rho: table(5, pairs),
      support_vectors: table(6, vectors * FEATURES),
      vectors_per_class: own,
      ...more,
    },
    outputs: ["label: int64", "y: float32"],
    domains,
  };
}

const fitted = (pairs: number) => ({ prob_a: table(7, pairs, -3, -1), prob_b: table(8, pairs) });
const mixed = { support_vectors: reals(), vectors_per_class: [], rho: reals(0.2) };

describe("SVMClassifier gives what onnxruntime gives", () => {
  test.each(kernels)("of three classes, with the kernel %s", async (kernel_type) => {
    await expectAsOnnxRuntime(machine(3, { kernel_type }));
  });

  test.each(["NONE", "SOFTMAX", "LOGISTIC"])("of two and four classes, with %s", async (post_transform) => {
    await expectAsOnnxRuntime(machine(2, { post_transform }));
    await expectAsOnnxRuntime(machine(4, { post_transform }));
  });

  test.each([2, 3, 5])("with probabilities of %i classes", async (classes) => {
    await expectAsOnnxRuntime(machine(classes, fitted((classes * (classes - 1)) / 2)));
  });

  test("with probabilities that are transformed", async () => {
    await expectAsOnnxRuntime(machine(3, { ...fitted(3), post_transform: "SOFTMAX" }));
  });

  test.each([2, 3])("of %i classes without support vectors", async (classes) => {
    await expectAsOnnxRuntime(machine(classes, { ...mixed, coefficients: table(9, classes * FEATURES) }));
    const positive = table(9, classes * FEATURES, 0, 0.3);
    await expectAsOnnxRuntime(machine(classes, { ...mixed, coefficients: positive }));
  });

  test("of integers", async () => {
    const whole = tensor([1, -2, 0, 3, 2, 1, 0, -1], [2, FEATURES], "int64");
    await expectAsOnnxRuntime({ ...machine(3), inputs: { x: whole } });
  });
});

describe("support vector machines refuse", () => {
  test.each<[string, NodeCase]>([
    [
      "7 numbers for 5 support vectors",
      {
        ...regressor,
        attributes: { ...regressor.attributes, kernel_type: "RBF", support_vectors: table(1, 7) },
      },
    ],
    ["rho has 1 numbers", machine(3, { rho: reals(1) })],
    ["prob_b has 1 numbers", machine(3, { ...fitted(3), prob_b: reals(1) })],
    ["4 coefficients for 3 labels", machine(3, { coefficients: table(1, 4) })],
    ["2 vectors_per_class for 3 labels", machine(3, { vectors_per_class: [1, 2] })],
    ["a single label", machine(3, { classlabels_ints: [1] })],
    ["PROBIT of a single score", machine(2, { post_transform: "PROBIT" })],
    [
      "the transform LOGISTIC, which no runtime applies",
      { ...regressor, attributes: { ...regressor.attributes, post_transform: "LOGISTIC" } },
    ],
  ])("%s", (what, of) => {
    expect(() => runNode(of)).toThrow(what);
  });

  test("nothing for a vector, which is one row", () => {
    const [y] = runNode({ ...regressor, inputs: { x: floats([FEATURES], 1, 2, 3, 4) } });
    expect(y!.shape).toEqual([1, 1]);
  });
});
