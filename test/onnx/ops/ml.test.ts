import { describe, expect, test } from "vitest";
import { floats, type NodeCase, runNode } from "../../support/run-onnx.ts";

const domains = { "ai.onnx.ml": 3 };
const words = (...value: readonly string[]) =>
  ({ kind: "strings", value: value.map((each) => new TextEncoder().encode(each)) }) as const;
const reals = (...value: readonly number[]) => ({ kind: "floats", value }) as const;

const classifier: NodeCase = {
  type: "ai.onnx.ml::LinearClassifier",
  inputs: { x: floats([3, 1], -1, 0, 2) },
  attributes: { coefficients: reals(1), intercepts: reals(0), classlabels_ints: [7, 9] },
  outputs: ["label: int64", "y: float32"],
  domains,
};

describe("classifiers", () => {
  test("give the first of two classes the negative score of the second", () => {
    const [labels, scores] = runNode(classifier);
    expect(labels!.data).toEqual([7n, 7n, 9n]);
    expect(scores!.data).toEqual([1, -1, -0, 0, -2, 2]);
  });

  test("keep scores of 0 with SOFTMAX_ZERO, and give a row of them 0.5 each", () => {
    const attributes = { ...classifier.attributes, post_transform: "SOFTMAX_ZERO" };
    const [, scores] = runNode({ ...classifier, attributes });
    expect(scores!.data.slice(2, 4)).toEqual([0.5, 0.5]);
    expect(Number(scores!.data[0])).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  });

  test("refuse labels of text that somebody reads, and give the scores where nobody does", () => {
    const { classlabels_ints: _, ...rest } = classifier.attributes!;
    const attributes = { ...rest, classlabels_strings: words("no", "yes") };
    expect(() => runNode({ ...classifier, attributes })).toThrow(/labels are strings/);
    const [scores] = runNode({ ...classifier, attributes, outputs: ["", "y: float32"] });
    expect(scores!.data).toEqual([1, -1, -0, 0, -2, 2]);
  });
});

describe("tree ensembles", () => {
  const tree: NodeCase = {
    type: "ai.onnx.ml::TreeEnsembleRegressor",
    inputs: { x: floats([3, 1], 0.25, 0.75, Number.NaN) },
    attributes: {
      nodes_treeids: [0, 0, 0],
      nodes_nodeids: [0, 1, 2],
      nodes_featureids: [0, 0, 0],
      nodes_modes: words("BRANCH_LT", "LEAF", "LEAF"),
      nodes_values: reals(0.5, 0, 0),
      nodes_truenodeids: [1, 0, 0],
      nodes_falsenodeids: [2, 0, 0],
      nodes_missing_value_tracks_true: [1, 0, 0],
      n_targets: 1,
      target_treeids: [0, 0],
      target_nodeids: [1, 2],
      target_ids: [0, 0],
      target_weights: reals(10, 20),
    },
    outputs: ["y: float32"],
    domains,
  };

  test("send a missing value down the branch that the node says", () => {
    expect(runNode(tree)[0]!.data).toEqual([10, 20, 10]);
  });

  test("refuse a node that leads back to its own tree's root, and one that is not there", () => {
    const back = { ...tree.attributes, nodes_truenodeids: [0, 0, 0] };
    expect(() => runNode({ ...tree, attributes: back })).toThrow(/falls apart: nothing leads to node 1/);
    const nowhere = { ...tree.attributes, nodes_truenodeids: [5, 0, 0] };
    expect(() => runNode({ ...tree, attributes: nowhere })).toThrow(/no node 5/);
  });
});
