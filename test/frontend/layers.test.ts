/**
 * Small answers worked out by hand from the layers' definitions; keras.test.ts compares the rest with Keras
 * itself.
 */
import { describe, expect, test } from "vitest";
import {
  averagePooling1d,
  batchNormalization,
  conv1d,
  conv2dTranspose,
  gru,
  type Layer,
  lstm,
  multiHeadAttention,
  sequential,
  type WeightsInput,
} from "../../compiler/frontend/index.ts";
import type { Nested } from "../../runtime/tensor.ts";
import { expectClose } from "./reference.ts";

const answer = (layer: Layer, x: readonly Nested[], weights: WeightsInput = []) => {
  const net = sequential([layer]);
  net.bind(x);
  net.setWeights(weights);
  return net.predict(x);
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe("padding", () => {
  test("same at stride 2 on an odd size puts one zero at each end", () => {
    const layer = conv1d({ filters: 1, kernelSize: 3, strides: 2, padding: "same", useBias: false });
    expectClose(answer(layer, [[[1], [2], [3], [4], [5]]], [[[[1]], [[10]], [[100]]]]), [
      [[10 * 1 + 100 * 2], [2 + 10 * 3 + 100 * 4], [4 + 10 * 5]],
    ]);
  });

  test("same at stride 2 on an even size puts its only zero at the end", () => {
    const layer = conv1d({ filters: 1, kernelSize: 3, strides: 2, padding: "same", useBias: false });
    expectClose(answer(layer, [[[1], [2], [3], [4]]], [[[[1]], [[10]], [[100]]]]), [
      [[1 + 10 * 2 + 100 * 3], [3 + 10 * 4]],
    ]);
  });

  test("causal looks back only", () => {
    const layer = conv1d({ filters: 1, kernelSize: 2, padding: "causal", dilationRate: 2, useBias: false });
    expectClose(answer(layer, [[[1], [2], [3]]], [[[[10]], [[1]]]]), [[[1], [2], [3 + 10 * 1]]]);
  });

  test("an average with same padding counts real elements only", () => {
    const layer = averagePooling1d({ poolSize: 3, strides: 1, padding: "same" });
    expectClose(answer(layer, [[[1], [2], [6]]]), [[[1.5], [3], [4]]]);
  });

  test("a transposed convolution writes the kernel scaled by each element, overlapping", () => {
    const layer = conv2dTranspose({ filters: 1, kernelSize: [1, 3], strides: [1, 2], useBias: false });
    expectClose(answer(layer, [[[[1], [5]]]], [[[[[1]], [[10]], [[100]]]]]), [
      [[[1], [10], [100 + 5], [50], [500]]],
    ]);
  });
});

test("batch normalisation uses the moving mean and variance", () => {
  const layer = batchNormalization({ epsilon: 0 });
  expectClose(
    answer(
      layer,
      [[7, 3]],
      [
        [2, 1],
        [10, 20],
        [3, 1],
        [4, 1],
      ],
    ),
    [[(2 * (7 - 3)) / 2 + 10, (3 - 1) / 1 + 20]],
  );
});

test("an LSTM step has its gates in the order input, forget, candidate, output", () => {
  const [x, k, u, b] = [0.5, [1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], [0, 1, -1, 0.5]];
  let [h, c] = [0, 0];
  for (const input of [x, -x]) {
    const [i, f, g, o] = k.map((weight, n) => input * weight + h * u[n]! + b[n]!) as [
      number,
      number,
      number,
      number,
    ];
    c = sigmoid(f) * c + sigmoid(i) * Math.tanh(g);
    h = sigmoid(o) * Math.tanh(c);
  }
  expectClose(answer(lstm({ units: 1 }), [[[x], [-x]]], [[k], [u], b]), [[h]]);
});

test.each([true, false])("a GRU with resetAfter %s mixes the old state by its update gate", (resetAfter) => {
  const [k, u, b, r] = [
    [1, -2, 3],
    [0.5, 0.6, 0.7],
    [0.1, 0.2, 0.3],
    [0.4, 0.5, 0.6],
  ];
  let h = 0;
  for (const x of [0.5, 0.25]) {
    const extra = resetAfter ? r : [0, 0, 0];
    const z = sigmoid(x * k[0]! + b[0]! + h * u[0]! + extra[0]!);
    const reset = sigmoid(x * k[1]! + b[1]! + h * u[1]! + extra[1]!);
    const inner = resetAfter ? reset * (h * u[2]! + extra[2]!) : reset * h * u[2]!;
    h = z * h + (1 - z) * Math.tanh(x * k[2]! + b[2]! + inner);
  }
  const bias = resetAfter ? [b, r] : b;
  expectClose(answer(gru({ units: 1, resetAfter }), [[[0.5], [0.25]]], [[k], [u], bias]), [[h]]);
});

test("causal attention of one head averages the values so far when all keys are alike", () => {
  const layer = multiHeadAttention({ numHeads: 1, keyDim: 1, useCausalMask: true, useBias: false });
  const [zero, one] = [[[[0]]], [[[1]]]];
  const weights = [zero, zero, one, one];
  expectClose(answer(layer, [[[3], [5], [10]]], weights), [[[3], [4], [6]]]);
});

test("grouped heads share a key and value: query heads 0 and 1 read group 0", () => {
  const layer = multiHeadAttention({ numHeads: 4, keyDim: 1, numKeyValueHeads: 2, useBias: false });
  const onto = (...sizes: number[]) => [sizes.map((size) => [size])];
  // Queries are 0, so every head averages its group's values, 2 and 20 times the mean of x.
  const weights = [onto(0, 0, 0, 0), onto(1, 1), onto(2, 20), [[[1]], [[10]], [[100]], [[1000]]]];
  expectClose(answer(layer, [[[1], [3]]], weights), [[[44044], [44044]]], 1);
  expect((1 + 10) * 2 * 2 + (100 + 1000) * 20 * 2).toBe(44044);
});
