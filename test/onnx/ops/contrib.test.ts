/** Operators outside of ONNX's own domain, on random inputs, beside onnxruntime, which defines them. */
import { describe, test } from "vitest";
import { tensor } from "../../../runtime/tensor.ts";
import { expectAsOnnxRuntime, some } from "../../support/beside-onnxruntime.ts";
import type { NodeCase } from "../../support/run-onnx.ts";

const f = (seed: number, ...shape: readonly number[]) => some(seed, shape);
const ms = (name: string) => `com.microsoft::${name}`;
const ml = (name: string) => `ai.onnx.ml::${name}`;
const real = (value: number) => ({ kind: "float", value }) as const;
const reals = (...value: readonly number[]) => ({ kind: "floats", value }) as const;
const words = (...value: readonly string[]) =>
  ({ kind: "strings", value: value.map((each) => new TextEncoder().encode(each)) }) as const;
const y = ["y: float32"];

/** Two trees: one of two levels over features 0 and 1, one of a single leaf's depth over feature 2. */
const nodes = {
  nodes_treeids: [0, 0, 0, 0, 0, 1, 1, 1],
  nodes_nodeids: [0, 1, 2, 3, 4, 0, 1, 2],
  nodes_featureids: [0, 0, 1, 0, 0, 2, 0, 0],
  nodes_modes: words("BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"),
  nodes_values: reals(0.1, 0, -0.2, 0, 0, 0.3, 0, 0),
  nodes_truenodeids: [1, 0, 3, 0, 0, 1, 0, 0],
  nodes_falsenodeids: [2, 0, 4, 0, 0, 2, 0, 0],
};
const leaves = { treeids: [0, 0, 0, 1, 1], nodeids: [1, 3, 4, 1, 2] };
const votes = {
  class_treeids: leaves.treeids,
  class_nodeids: leaves.nodeids,
  classlabels_int64s: [10, 20],
};
const probabilities = reals(0.1, 0.4, 0.2, 0.3, 0.1);
const margins = reals(-0.5, 0.7, 0.2, -0.3, 0.4);
const labelled = ["label: int64", "y: float32"];
const domains = { "com.microsoft": 1, "ai.onnx.ml": 3 };

type Row = Omit<NodeCase, "outputs"> & { readonly outputs?: readonly string[] };
const cases: Readonly<Record<string, Row>> = {
  Gelu: { type: ms("Gelu"), inputs: { x: f(1, 2, 5) } },
  BiasGelu: { type: ms("BiasGelu"), inputs: { x: f(1, 2, 5), b: f(2, 5) } },
  FastGelu: { type: ms("FastGelu"), inputs: { x: f(1, 2, 5), b: f(2, 5) } },
  QuickGelu: { type: ms("QuickGelu"), inputs: { x: f(1, 2, 5) }, attributes: { alpha: 1.5 } },
  FusedConv: {
    type: ms("FusedConv"),
    inputs: { x: f(1, 1, 2, 5, 5), w: f(2, 3, 2, 3, 3), b: f(3, 3), z: f(4, 1, 3, 3, 3) },
    attributes: { activation: "LeakyRelu", activation_params: reals(0.3) },
  },
  FusedGemm: {
    type: ms("FusedGemm"),
    inputs: { a: f(1, 3, 2), b: f(2, 3, 4), c: f(3, 4) },
    attributes: { activation: "Relu", transA: 1, alpha: 0.5, beta: 1.5 },
  },
  FusedMatMul: {
    type: ms("FusedMatMul"),
    inputs: { a: f(1, 2, 3, 4), b: f(2, 2, 5, 4) },
    attributes: { transB: 1, alpha: 0.25 },
  },
  "FusedMatMul with the batch behind the rows": {
    type: ms("FusedMatMul"),
    inputs: { a: f(1, 3, 2, 4), b: f(2, 2, 4, 5) },
    attributes: { transBatchA: 1 },
  },
  SimplifiedLayerNormalization: {
    type: "SimplifiedLayerNormalization",
    inputs: { x: f(1, 2, 6), g: f(2, 6) },
  },
  SkipLayerNormalization: {
    type: ms("SkipLayerNormalization"),
    inputs: { x: f(1, 1, 2, 6), s: f(2, 1, 2, 6), g: f(3, 6), b: f(4, 6), bias: f(5, 6) },
  },
  SkipSimplifiedLayerNormalization: {
    type: ms("SkipSimplifiedLayerNormalization"),
    inputs: { x: f(1, 1, 2, 6), s: f(2, 1, 2, 6), g: f(3, 6), bias: f(5, 6) },
  },
  EmbedLayerNormalization: {
    type: ms("EmbedLayerNormalization"),
    inputs: {
      ids: tensor([1, 3, 0, 2, 2, 1], [2, 3], "int32"),
      segments: tensor([0, 1, 1, 0, 0, 1], [2, 3], "int32"),
      words: f(1, 4, 4),
      positions: f(2, 3, 4),
      kinds: f(3, 2, 4),
      g: f(4, 4),
      b: f(5, 4),
      mask: tensor([1, 1, 0, 1, 1, 1], [2, 3], "int32"),
    },
    outputs: ["y: float32", "mask_index: int32"],
  },
  Attention: {
    type: ms("Attention"),
    inputs: {
      x: f(1, 2, 3, 4),
      w: f(2, 4, 12),
      b: f(3, 12),
      mask: tensor([1, 1, 0, 1, 1, 1], [2, 3], "int32"),
    },
    attributes: { num_heads: 2 },
  },
  "Attention with a past, one way": {
    type: ms("Attention"),
    inputs: { x: f(1, 2, 3, 4), w: f(2, 4, 12), b: f(3, 12), past: f(4, 2, 2, 2, 2, 2) },
    operands: ["x", "w", "b", "", "past"],
    attributes: { num_heads: 2, unidirectional: 1 },
    outputs: ["y: float32", "present: float32"],
  },
  "Attention with lengths": {
    type: ms("Attention"),
    inputs: { x: f(1, 2, 3, 4), w: f(2, 4, 12), b: f(3, 12), ends: tensor([2, 3], [2], "int32") },
    attributes: { num_heads: 2 },
  },
  "MultiHeadAttention across sequences": {
    type: ms("MultiHeadAttention"),
    inputs: {
      q: f(1, 2, 3, 4),
      k: f(2, 2, 5, 4),
      v: f(3, 2, 5, 6),
      b: f(4, 14),
      mask: tensor([1, 1, 0, 1, 1, 1, 0, 1, 1, 1], [2, 5], "int32"),
      bias: f(5, 1, 2, 3, 5),
    },
    attributes: { num_heads: 2, scale: 0.3 },
  },
  "MultiHeadAttention with a past, one way": {
    type: ms("MultiHeadAttention"),
    inputs: {
      q: f(1, 1, 2, 4),
      k: f(2, 1, 2, 4),
      v: f(3, 1, 2, 4),
      pk: f(4, 1, 2, 3, 2),
      pv: f(5, 1, 2, 3, 2),
    },
    operands: ["q", "k", "v", "", "", "", "pk", "pv"],
    attributes: { num_heads: 2, unidirectional: 1 },
    outputs: ["y: float32", "keys: float32", "values: float32"],
  },
  Binarizer: { type: ml("Binarizer"), inputs: { x: f(1, 2, 3) }, attributes: { threshold: 0.25 } },
  Scaler: {
    type: ml("Scaler"),
    inputs: { x: f(1, 2, 3) },
    attributes: { offset: reals(1, 2, 3), scale: reals(0.5, 2, 4) },
  },
  "Normalizer by L2": { type: ml("Normalizer"), inputs: { x: f(1, 2, 3) }, attributes: { norm: "L2" } },
  "Normalizer by L1": { type: ml("Normalizer"), inputs: { x: f(1, 2, 3) }, attributes: { norm: "L1" } },
  LabelEncoder: {
    type: ml("LabelEncoder"),
    inputs: { x: tensor([1, 2.5, 7, 9], [2, 2], "float32") },
    attributes: {
      keys_floats: reals(2.5, 7, 1),
      values_floats: reals(0.5, 1.5, 2.5),
      default_float: real(-3),
    },
  },
  LinearRegressor: {
    type: ml("LinearRegressor"),
    inputs: { x: f(1, 4, 3) },
    attributes: { coefficients: reals(1, -2, 0.5, 3, 1, 1), intercepts: reals(0.25, -1), targets: 2 },
  },
  LinearClassifier: {
    type: ml("LinearClassifier"),
    inputs: { x: f(1, 4, 2) },
    attributes: {
      coefficients: reals(1, -2, 0.5, 3, 1, 1),
      intercepts: reals(0.25, -1, 0),
      classlabels_ints: [4, 5, 6],
      post_transform: "SOFTMAX",
    },
    outputs: labelled,
  },
  TreeEnsembleRegressor: {
    type: ml("TreeEnsembleRegressor"),
    inputs: { x: f(1, 6, 3) },
    attributes: {
      ...nodes,
      n_targets: 2,
      // Every leaf votes for both: onnxruntime forgets the base value of a target without votes.
      target_treeids: [...leaves.treeids, ...leaves.treeids],
      target_nodeids: [...leaves.nodeids, ...leaves.nodeids],
      target_ids: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
      target_weights: reals(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
      base_values: reals(0.5, -0.5),
    },
  },
  "TreeEnsembleRegressor by the least": {
    type: ml("TreeEnsembleRegressor"),
    inputs: { x: f(1, 6, 3) },
    attributes: {
      ...nodes,
      aggregate_function: "MIN",
      n_targets: 1,
      target_treeids: leaves.treeids,
      target_nodeids: leaves.nodeids,
      target_ids: [0, 0, 0, 0, 0],
      target_weights: reals(1, 2, 3, 4, -5),
    },
  },
  "TreeEnsembleClassifier of three classes": {
    type: ml("TreeEnsembleClassifier"),
    inputs: { x: f(1, 6, 3) },
    attributes: {
      ...nodes,
      ...votes,
      classlabels_int64s: [10, 20, 30],
      class_ids: [0, 1, 2, 1, 0],
      class_weights: probabilities,
      post_transform: "SOFTMAX",
    },
    outputs: labelled,
  },
  "TreeEnsembleClassifier of one probability": {
    type: ml("TreeEnsembleClassifier"),
    inputs: { x: f(1, 6, 3) },
    attributes: { ...nodes, ...votes, class_ids: [0, 0, 0, 0, 0], class_weights: probabilities },
    outputs: labelled,
  },
  "TreeEnsembleClassifier of one margin": {
    type: ml("TreeEnsembleClassifier"),
    inputs: { x: f(1, 6, 3) },
    attributes: {
      ...nodes,
      ...votes,
      class_ids: [0, 0, 0, 0, 0],
      class_weights: margins,
      post_transform: "LOGISTIC",
    },
    outputs: labelled,
  },
  TransposeMatMul: {
    type: ms("TransposeMatMul"),
    inputs: { a: f(1, 2, 4, 3), b: f(2, 2, 4, 5) },
    attributes: { transA: 1, alpha: 0.5 },
  },
  GlobalLpPool: { type: "GlobalLpPool", inputs: { x: f(1, 2, 3, 4, 4) }, attributes: { p: 3 } },
  Imputer: {
    type: ml("Imputer"),
    inputs: { x: tensor([1, -9, 3, -9, 5, 6], [2, 3], "float32") },
    attributes: { imputed_value_floats: reals(0.5, 1.5, 2.5), replaced_value_float: real(-9) },
  },
  FeatureVectorizer: {
    type: ml("FeatureVectorizer"),
    inputs: { a: f(1, 2, 3), b: f(2, 2, 2) },
    attributes: { inputdimensions: [3, 2] },
  },
};

describe("gives what onnxruntime gives:", () => {
  test.each(Object.entries(cases))("%s", async (_, row) => {
    await expectAsOnnxRuntime({ outputs: y, domains, opset: 16, ...row });
  });
});
