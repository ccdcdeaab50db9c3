/**
 * Decision trees as tables. All nodes of all trees are numbered, leaves first; a leaf is its own successor.
 * A row of the input stands at one node of every tree, and a scan over the depth moves all of them one level
 * down: code does not grow with the trees. What the leaves give is a table [leaves, targets].
 */
import { tensor } from "../../../../runtime/tensor.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import type { NodeContext } from "../operator.ts";
import { listOf } from "./constants.ts";

export const branches = ["LEQ", "LT", "GTE", "GT", "EQ", "NEQ", "MEMBER"] as const;
export type Branch = (typeof branches)[number];

/** Where an edge leads: a branch, or a leaf, by its position in its list. */
export interface Edge {
  readonly leaf: boolean;
  readonly to: number;
}

export interface BranchNode {
  readonly feature: number;
  readonly mode: Branch;
  readonly split: number;
  /** What MEMBER compares with. */
  readonly members: readonly number[];
  /** Where a missing feature (NaN) goes the way of those that fulfil the condition. */
  readonly missing: boolean;
  readonly yes: Edge;
  readonly no: Edge;
}

export interface Forest {
  readonly nodes: readonly BranchNode[];
  readonly leaves: number;
  readonly roots: readonly Edge[];
}

/** The most branches on a way down. A tree that leads back to itself has no end (E3103). */
function depthOf(c: NodeContext, { nodes, leaves, roots }: Forest): number {
  let depth = 0;
  let level = new Set(roots.filter(({ leaf }) => !leaf).map(({ to }) => to));
  const check = ({ leaf, to }: Edge) => {
    if (!(to >= 0 && to < (leaf ? leaves : nodes.length)))
      c.wrong(`a branch leads to ${leaf ? "leaf" : "node"} ${to}, which there is not`, "export it again");
  };
  roots.forEach(check);
  while (level.size > 0) {
    if (depth++ > nodes.length) c.wrong("its trees lead back to themselves", "export the model again");
    const next = new Set<number>();
    for (const at of level)
      for (const edge of [nodes[at]!.yes, nodes[at]!.no]) {
        check(edge);
        if (!edge.leaf) next.add(edge.to);
      }
    level = next;
  }
  return depth;
}

/** The leaf [rows, trees] that each row of x [rows, features] comes to. */
export function leavesOf(c: NodeContext, x: Value, forest: Forest): Value {
  const { ops } = c;
  const { roots, leaves } = forest;
  const depth = depthOf(c, forest);
  const at = (edge: Edge) => (edge.leaf ? edge.to : leaves + edge.to);
  const start = ops.constant(tensor(roots.map(at), [1, roots.length], "int32"));
  const rows = ops.shape(x)[0]!;
  const states = [ops.broadcast(start, [rows, roots.length], [0, 1])];
  if (depth === 0) return states[0]!;
  const tables = tablesOf(ops, forest, x);
  const used = new Set(forest.nodes.map(({ mode }) => mode));
  const anyMissing = forest.nodes.some(({ missing }) => missing);
  const step = (inner: Ops, nodes: Value, given: readonly Value[]): Value => {
    const [all, ...rest] = given;
    const [features, splits, yes, no, modes, missing, members] = rest;
    const of = (table: Value | undefined) => inner.gather(table!, nodes, 0);
    const feature = inner.gatherElements(all!, of(features), 1);
    const split = of(splits);
    const tests = branches
      .filter((mode) => used.has(mode))
      .map((mode) => {
        const holds =
          mode === "MEMBER" ? isMember(inner, feature, of(members)) : compared(inner, mode, feature, split);
        return { mode, holds };
      });
    const [first, ...others] = tests;
    const mode = used.size > 1 ? of(modes) : undefined;
    const holds = others.reduce(
      (sum, test) => inner.select(inner.eq(mode!, branches.indexOf(test.mode)), test.holds, sum),
      first!.holds,
    );
    const isMissing = () => inner.and(inner.ne(feature, feature), of(missing));
    return inner.select(anyMissing ? inner.or(holds, isMissing()) : holds, of(yes), of(no));
  };
  const walked = ops.scan(
    { states, sequences: [ops.iota("int32", [depth])], invariants: [x, ...tables] },
    (inner, [nodes], _, given) => ({ states: [step(inner, nodes!, given)], outputs: [] }),
  );
  return walked.states[0]!;
}

function compared(ops: Ops, mode: Exclude<Branch, "MEMBER">, a: Value, b: Value): Value {
  const comparisons = { LEQ: ops.le, LT: ops.lt, GTE: ops.ge, GT: ops.gt, EQ: ops.eq, NEQ: ops.ne };
  return comparisons[mode](a, b);
}

/** `members` [rows, trees, n], filled up with NaN, which equals nothing. */
function isMember(ops: Ops, feature: Value, members: Value): Value {
  const same = ops.cast(ops.eq(ops.expandDims(feature, 2), members), "int32");
  return ops.gt(ops.reduceMax(same, 2), 0);
}

/** Features, splits, successors, modes, missing, members: one element per node, leaves first. */
function tablesOf(ops: Ops, { nodes, leaves }: Forest, x: Value): readonly Value[] {
  const { dtype } = x.type;
  const size = leaves + nodes.length;
  const column = (type: "int32" | "bool" | typeof dtype, of: (node: BranchNode) => number, leaf = 0) => {
    const numbers = [...Array.from({ length: leaves }, () => leaf), ...nodes.map(of)];
    return ops.constant(listOf(type, numbers, [size]));
  };
  const successors = (edge: (node: BranchNode) => Edge) => {
    const own = Array.from({ length: leaves }, (_, leaf) => leaf);
    const next = nodes.map(edge).map(({ leaf, to }) => (leaf ? to : leaves + to));
    return ops.constant(tensor([...own, ...next], [size], "int32"));
  };
  const most = Math.max(1, ...nodes.map(({ members }) => members.length));
  const padded = ({ members }: BranchNode) =>
    Array.from({ length: most }, (_, i) => members[i] ?? Number.NaN);
  const none = Array.from({ length: leaves * most }, () => Number.NaN);
  return [
    column("int32", ({ feature }) => feature),
    column(dtype, ({ split }) => split),
    successors(({ yes }) => yes),
    successors(({ no }) => no),
    column("int32", ({ mode }) => branches.indexOf(mode)),
    column("bool", ({ missing }) => Number(missing)),
    ops.constant(listOf(dtype, [...none, ...nodes.flatMap(padded)], [size, most])),
  ];
}

export interface Vote {
  readonly leaf: number;
  readonly target: number;
  readonly weight: number;
}

export type Aggregate = "AVERAGE" | "SUM" | "MIN" | "MAX";

const reducers = {
  SUM: { start: 0, pair: (a: number, b: number) => a + b },
  AVERAGE: { start: 0, pair: (a: number, b: number) => a + b },
  MIN: { start: Number.POSITIVE_INFINITY, pair: Math.min },
  MAX: { start: Number.NEGATIVE_INFINITY, pair: Math.max },
} as const;

/** [rows, targets]: what the leaves of all trees say together; 0 for a target that none speaks of. */
export function aggregated(
  ops: Ops,
  at: Value,
  forest: Forest,
  votes: readonly Vote[],
  targets: number,
  how: Aggregate,
): Value {
  const { start, pair } = reducers[how];
  const table = Array.from({ length: forest.leaves * targets }, () => start as number);
  for (const { leaf, target, weight } of votes) {
    const cell = leaf * targets + target;
    table[cell] = pair(table[cell]!, weight);
  }
  const dtype = "float32";
  const said = ops.gather(ops.constant(listOf(dtype, table, [forest.leaves, targets])), at, 0);
  if (how === "SUM") return ops.reduceSum(said, 1);
  if (how === "AVERAGE") return ops.div(ops.reduceSum(said, 1), forest.roots.length);
  const extreme = how === "MIN" ? ops.reduceMin(said, 1) : ops.reduceMax(said, 1);
  return ops.select(ops.eq(extreme, start), 0, extreme);
}
