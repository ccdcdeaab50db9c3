/**
 * Tree ensembles of ai.onnx.ml: TreeEnsembleClassifier and -Regressor name nodes by tree and number and say
 * the votes of leaves in a list of their own; TreeEnsemble (5) has separate lists of branches and leaves. All
 * become a `Forest`.
 */
import { decode } from "../../../../runtime/elements.ts";
import type { Value } from "../../../ir/graph.ts";
import {
  type AttributeSpecs,
  floats,
  int,
  ints,
  required,
  tensor,
  texts,
  type ValuesOf,
  word,
} from "../attributes.ts";
import type { OnnxTensor } from "../model.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { listOf } from "./constants.ts";
import {
  type Aggregate,
  aggregated,
  type Branch,
  branches,
  type Edge,
  type Forest,
  leavesOf,
  type Vote,
} from "./forest.ts";
import {
  asFloats,
  type ClassLabels,
  countOf,
  labelled,
  type Transform,
  transformed,
  transforms,
  twoClasses,
} from "./scores.ts";

const nodeSpecs = {
  nodes_falsenodeids: required(ints()),
  nodes_featureids: required(ints()),
  nodes_hitrates: floats(),
  nodes_hitrates_as_tensor: tensor(),
  nodes_missing_value_tracks_true: ints(),
  nodes_modes: required(texts()),
  nodes_nodeids: required(ints()),
  nodes_treeids: required(ints()),
  nodes_truenodeids: required(ints()),
  nodes_values: floats(),
  nodes_values_as_tensor: tensor(),
  base_values: floats(),
  base_values_as_tensor: tensor(),
  post_transform: word(transforms, "NONE"),
} satisfies AttributeSpecs;
type NodeValues = ValuesOf<typeof nodeSpecs>;

const numbersOf = (c: NodeContext, given: OnnxTensor | undefined): readonly number[] | undefined => {
  if (!given) return undefined;
  const { dtype, data } = c.attribute(given);
  return Array.from(decode(dtype, data) as ArrayLike<number | bigint>, Number);
};

interface NamedForest {
  readonly forest: Forest;
  /** The leaf by tree and number of the node; undefined where there is none. */
  readonly leafAt: (tree: number, node: number) => number | undefined;
}

/** Leaves and branches are counted apart, in the order of the file. */
function namedForest(c: NodeContext, a: NodeValues): NamedForest {
  const modes = a.nodes_modes.map((mode) => modeOf(c, mode));
  const count = modes.length;
  const values = numbersOf(c, a.nodes_values_as_tensor) ?? a.nodes_values ?? [];
  const lists = [
    a.nodes_falsenodeids,
    a.nodes_featureids,
    a.nodes_nodeids,
    a.nodes_treeids,
    a.nodes_truenodeids,
    values,
  ];
  const odd = lists.find((list) => list.length !== count);
  if (odd)
    c.wrong(
      `a list of its nodes has ${odd.length} entries, but nodes_modes ${count}`,
      "give as many in each",
    );
  const key = (tree: number, node: number) => `${tree} ${node}`;
  const edges = new Map<string, Edge>();
  const counts = { leaf: 0, branch: 0 };
  modes.forEach((mode, i) => {
    const to = mode === "LEAF" ? counts.leaf++ : counts.branch++;
    edges.set(key(a.nodes_treeids[i]!, a.nodes_nodeids[i]!), { leaf: mode === "LEAF", to });
  });
  const edge = (i: number, node: number): Edge =>
    edges.get(key(a.nodes_treeids[i]!, node)) ??
    c.wrong(`tree ${a.nodes_treeids[i]} has no node ${node}`, "export the model again");
  const nodes = modes.flatMap((mode, i) => {
    if (mode === "LEAF") return [];
    const [yes, no] = [edge(i, a.nodes_truenodeids[i]!), edge(i, a.nodes_falsenodeids[i]!)];
    const missing = a.nodes_missing_value_tracks_true?.[i] === 1;
    return [{ feature: a.nodes_featureids[i]!, mode, split: values[i]!, members: [], missing, yes, no }];
  });
  const leafAt = (tree: number, node: number) => {
    const found = edges.get(key(tree, node));
    return found?.leaf ? found.to : undefined;
  };
  return { forest: { nodes, leaves: counts.leaf, roots: rootsOf(c, a, edges, key) }, leafAt };
}

function modeOf(c: NodeContext, given: string): Branch | "LEAF" {
  if (given === "LEAF") return "LEAF";
  const known = branches.find((mode) => `BRANCH_${mode}` === given && mode !== "MEMBER");
  return (
    known ??
    c.unsupported(
      `a node of mode ${JSON.stringify(given)}`,
      "use LEAF, BRANCH_LEQ, BRANCH_LT, BRANCH_GTE, BRANCH_GT, BRANCH_EQ or BRANCH_NEQ",
    )
  );
}

/** Of each tree the node that no other one leads to. */
function rootsOf(
  c: NodeContext,
  a: NodeValues,
  edges: ReadonlyMap<string, Edge>,
  key: (tree: number, node: number) => string,
): readonly Edge[] {
  const children = new Set(
    a.nodes_modes.flatMap((mode, i) =>
      mode === "LEAF"
        ? []
        : [a.nodes_truenodeids[i]!, a.nodes_falsenodeids[i]!].map((node) => key(a.nodes_treeids[i]!, node)),
    ),
  );
  const roots = new Map<number, Edge>();
  a.nodes_treeids.forEach((tree, i) => {
    const own = key(tree, a.nodes_nodeids[i]!);
    if (children.has(own)) return;
    const edge = edges.get(own)!;
    const alone = a.nodes_treeids.indexOf(tree) === a.nodes_treeids.lastIndexOf(tree);
    if (roots.has(tree) || (edge.leaf && !alone))
      c.wrong(`tree ${tree} falls apart: nothing leads to node ${a.nodes_nodeids[i]}`, "export it again");
    roots.set(tree, edge);
  });
  const lost = a.nodes_treeids.find((tree) => !roots.has(tree));
  if (lost !== undefined) c.wrong(`tree ${lost} has no root`, "export the model again");
  return [...roots.values()];
}

interface VoteLists {
  readonly trees: readonly number[];
  readonly nodes: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

function votesOf(
  c: NodeContext,
  { leafAt }: NamedForest,
  lists: VoteLists,
  targets: number,
): readonly Vote[] {
  const { trees, nodes, weights } = lists;
  if ([trees, nodes, weights].some(({ length }) => length !== lists.targets.length))
    c.wrong("the lists of its leaves' votes have different lengths", "give as many entries in each");
  return lists.targets.flatMap((target, i) => {
    if (!(target >= 0 && target < targets))
      c.wrong(`a leaf votes for ${target} of ${targets}`, "export the model again");
    const leaf = leafAt(trees[i]!, nodes[i]!);
    return leaf === undefined ? [] : [{ leaf, target, weight: weights[i]! }];
  });
}

const regressorSpecs = {
  ...nodeSpecs,
  aggregate_function: word(["SUM", "AVERAGE", "MIN", "MAX"], "SUM"),
  n_targets: required(int()),
  target_ids: required(ints()),
  target_nodeids: required(ints()),
  target_treeids: required(ints()),
  target_weights: floats(),
  target_weights_as_tensor: tensor(),
} satisfies AttributeSpecs;

function regressor(c: NodeContext, a: ValuesOf<typeof regressorSpecs>): Value {
  const { ops } = c;
  const named = namedForest(c, a);
  const lists = {
    trees: a.target_treeids,
    nodes: a.target_nodeids,
    targets: a.target_ids,
    weights: numbersOf(c, a.target_weights_as_tensor) ?? a.target_weights ?? [],
  };
  const votes = votesOf(c, named, lists, a.n_targets);
  const at = leavesOf(c, asFloats(c, 0), named.forest);
  const said = aggregated(ops, at, named.forest, votes, a.n_targets, a.aggregate_function);
  return transformed(ops, based(c, said, a), a.post_transform);
}

function based(c: NodeContext, scores: Value, a: Pick<NodeValues, "base_values" | "base_values_as_tensor">) {
  const base = numbersOf(c, a.base_values_as_tensor) ?? a.base_values ?? [];
  return base.length === 0
    ? scores
    : c.ops.add(scores, c.ops.constant(listOf("float32", base, [base.length])));
}

const classifierSpecs = {
  ...nodeSpecs,
  class_ids: required(ints()),
  class_nodeids: required(ints()),
  class_treeids: required(ints()),
  class_weights: floats(),
  class_weights_as_tensor: tensor(),
  classlabels_int64s: ints(),
  classlabels_strings: texts(),
} satisfies AttributeSpecs;

/** Of two classes it may be that all leaves vote for one: then its score alone decides. */
function classifier(c: NodeContext, a: ValuesOf<typeof classifierSpecs>): readonly (Value | undefined)[] {
  const { ops } = c;
  const labels = { integers: a.classlabels_int64s, strings: a.classlabels_strings };
  const weights = numbersOf(c, a.class_weights_as_tensor) ?? a.class_weights ?? [];
  const named = namedForest(c, a);
  const single = countOf(labels) === 2 && new Set(a.class_ids).size === 1;
  const targets = single ? 1 : countOf(labels);
  const lists = {
    trees: a.class_treeids,
    nodes: a.class_nodeids,
    targets: single ? a.class_ids.map(() => 0) : a.class_ids,
    weights,
  };
  const votes = votesOf(c, named, lists, targets);
  const sums = aggregated(
    ops,
    leavesOf(c, asFloats(c, 0), named.forest),
    named.forest,
    votes,
    targets,
    "SUM",
  );
  const positive = weights.every((weight) => weight >= 0);
  if (single) return binary(c, sums, labels, { ...a, positive });
  const scores = based(c, sums, a);
  return [labelled(c, ops.argMax(scores, 1), labels), transformed(ops, scores, a.post_transform)];
}

interface BinaryValues extends Pick<NodeValues, "base_values" | "base_values_as_tensor"> {
  readonly post_transform: Transform;
  /** All votes are positive: scores are probabilities already. */
  readonly positive: boolean;
}

/** `score` [rows, 1] is that of the second class. */
function binary(c: NodeContext, score: Value, labels: ClassLabels, a: BinaryValues) {
  const { ops } = c;
  const bases = numbersOf(c, a.base_values_as_tensor) ?? a.base_values ?? [];
  const sum = bases.length === 0 ? score : ops.add(score, bases.at(-1)!);
  const second = ops.cast(ops.gt(ops.reshape(sum, [ops.shape(sum)[0]!]), a.positive ? 0.5 : 0), "int32");
  const isPlain = a.positive && a.post_transform !== "PROBIT";
  const scores = twoClasses(ops, sum, a.positive);
  return [labelled(c, second, labels), isPlain ? scores : transformed(ops, scores, a.post_transform)];
}

const aggregates: readonly Aggregate[] = ["AVERAGE", "SUM", "MIN", "MAX"];
const ensembleSpecs = {
  aggregate_function: int(1),
  leaf_targetids: required(ints()),
  leaf_weights: required(tensor()),
  membership_values: tensor(),
  n_targets: required(int()),
  nodes_falseleafs: required(ints()),
  nodes_falsenodeids: required(ints()),
  nodes_featureids: required(ints()),
  nodes_hitrates: tensor(),
  nodes_missing_value_tracks_true: ints(),
  nodes_modes: required(tensor()),
  nodes_splits: required(tensor()),
  nodes_trueleafs: required(ints()),
  nodes_truenodeids: required(ints()),
  post_transform: int(0),
  tree_roots: required(ints()),
} satisfies AttributeSpecs;
type EnsembleValues = ValuesOf<typeof ensembleSpecs>;

function ensemble(c: NodeContext, a: EnsembleValues): Value {
  const { ops } = c;
  const [how, transform] = [aggregates[a.aggregate_function], transforms[a.post_transform]];
  if (!how || !transform)
    return c.unsupported(
      `aggregate_function ${a.aggregate_function} or post_transform ${a.post_transform}`,
      "give 0 to 3 and 0 to 4",
    );
  const weights = numbersOf(c, a.leaf_weights)!;
  const forest = {
    nodes: ensembleNodes(c, a),
    leaves: weights.length,
    roots: a.tree_roots.map((to) => ({ leaf: false, to })),
  };
  const votes = weights.map((weight, leaf) => ({ leaf, target: a.leaf_targetids[leaf]!, weight }));
  if (votes.some(({ target }) => !(target >= 0 && target < a.n_targets)))
    c.wrong(`a leaf speaks of none of the ${a.n_targets} targets`, "export the model again");
  const x = asFloats(c, 0);
  const said = aggregated(ops, leavesOf(c, x, forest), forest, votes, a.n_targets, how);
  return transformed(ops, ops.cast(said, x.type.dtype), transform);
}

function ensembleNodes(c: NodeContext, a: EnsembleValues): Forest["nodes"] {
  const [modes, splits] = [numbersOf(c, a.nodes_modes)!, numbersOf(c, a.nodes_splits)!];
  const lists = [
    splits,
    a.nodes_featureids,
    a.nodes_truenodeids,
    a.nodes_falsenodeids,
    a.nodes_trueleafs,
    a.nodes_falseleafs,
  ];
  if (lists.some(({ length }) => length !== modes.length))
    c.wrong("the lists of its nodes have different lengths", "give as many entries in each");
  const sets = memberSets(numbersOf(c, a.membership_values) ?? []);
  let set = 0;
  return modes.map((number, i) => {
    const mode = branches[number] ?? c.unsupported(`a node of mode ${number}`, "give 0 to 6");
    return {
      feature: a.nodes_featureids[i]!,
      mode,
      split: splits[i]!,
      members:
        mode === "MEMBER"
          ? (sets[set++] ?? c.wrong("membership_values has too few sets", "give one for each node of mode 6"))
          : [],
      missing: a.nodes_missing_value_tracks_true?.[i] === 1,
      yes: { leaf: a.nodes_trueleafs[i] === 1, to: a.nodes_truenodeids[i]! },
      no: { leaf: a.nodes_falseleafs[i] === 1, to: a.nodes_falsenodeids[i]! },
    };
  });
}

/** Sets that each end in a NaN. */
function memberSets(values: readonly number[]): readonly (readonly number[])[] {
  const ends = values.flatMap((x, i) => (Number.isNaN(x) ? [i] : []));
  return ends.map((end, i) => values.slice(i === 0 ? 0 : ends[i - 1]! + 1, end));
}

export const trees: readonly Operator[] = inDomain("ai.onnx.ml", [
  operator("TreeEnsembleRegressor", since(1, regressorSpecs, regressor)),
  operator("TreeEnsembleClassifier", since(1, classifierSpecs, classifier)),
  operator("TreeEnsemble", since(5, ensembleSpecs, ensemble)),
]);
