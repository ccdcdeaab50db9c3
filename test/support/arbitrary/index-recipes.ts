/** Recipes of the ops that take or write elements by number. Every index is made to lie inside its axis. */
import { constant, type Dim } from "../../../compiler/dims/index.ts";
import type { Value } from "../../../compiler/ir/graph.ts";
import { type Draft, HIGHEST_RANK } from "./draft.ts";
import { ALL, NUMBERS } from "./dtypes.ts";

type Recipe = (draft: Draft, op: string) => void;

export const indexRecipes: readonly (readonly [string, Recipe])[] = [
  ["gatherElements", addGatherElements],
  ["gatherNd", addGatherNd],
  ["scatterElements", addScatterElements],
  ["scatterNd", addScatterNd],
  ["compress", addCompress],
  ["measure", addMeasure],
];

/** Any integers of this shape, brought within the extent; or one extent lower, counted from the end. */
function indicesWithin(draft: Draft, shape: readonly Dim[], extent: Dim): Value {
  const n = draft.sizeOf(extent);
  const limit = draft.builder.constant({ dtype: "int32", shape: [], data: Int32Array.of(n) });
  const inside = draft.node("mod", [draft.exact("int32", shape), limit])[0]!;
  return draft.coin() ? draft.node("sub", [inside, limit])[0]! : inside;
}

function addGatherElements(draft: Draft, op: string): void {
  const x = draft.some(ALL, 1);
  const axis = draft.choose(x.type.shape.length);
  draft.node(op, [x, elementIndices(draft, x, axis)], { axis });
}

/** As many as x has along the other axes, or just one; any number along `axis`. */
function elementIndices(draft: Draft, x: Value, axis: number): Value {
  const shape = x.type.shape.map((d, i) => {
    if (i === axis) return draft.one(draft.dims);
    return draft.coin() ? d : constant(1);
  });
  return indicesWithin(draft, shape, x.type.shape[axis]!);
}

function addScatterElements(draft: Draft, op: string): void {
  const combine = draft.one(["set", "add", "mul", "max", "min"]);
  const x = draft.some(combine === "set" ? ALL : NUMBERS, 1);
  const axis = draft.choose(x.type.shape.length);
  const indices = elementIndices(draft, x, axis);
  const updates = draft.exact(x.type.dtype, indices.type.shape);
  draft.node(op, [x, indices, updates], { axis, combine });
}

function addGatherNd(draft: Draft, op: string): void {
  const x = draft.some(ALL, 1);
  const rank = x.type.shape.length;
  const batchDims = draft.choose(Math.min(rank, 3));
  const count = draft.between(1, rank - batchDims);
  const rows = [...x.type.shape.slice(0, batchDims), ...(draft.coin() ? [draft.one(draft.dims)] : [])];
  if (rows.length + rank - batchDims - count > HIGHEST_RANK) return;
  draft.node(op, [x, coordinates(draft, x, rows, batchDims, count)], { batchDims });
}

/** One column of indices for each axis of x that is indexed, side by side. */
function coordinates(draft: Draft, x: Value, rows: readonly Dim[], first: number, count: number): Value {
  const columns = x.type.shape
    .slice(first, first + count)
    .map((extent) => indicesWithin(draft, [...rows, constant(1)], extent));
  return draft.node("concat", columns, { axis: rows.length })[0]!;
}

function addScatterNd(draft: Draft, op: string): void {
  const combine = draft.one(["set", "add", "mul", "max", "min"]);
  const x = draft.some(combine === "set" ? ALL : NUMBERS, 1);
  const count = draft.between(1, x.type.shape.length);
  const rows = draft.coin() ? [draft.one(draft.dims)] : [];
  const indices = coordinates(draft, x, rows, 0, count);
  const updates = draft.exact(x.type.dtype, [...rows, ...x.type.shape.slice(count)]);
  draft.node(op, [x, indices, updates], { combine });
}

/** Some of the first rows or of the last; how many is told. */
function addCompress(draft: Draft, op: string): void {
  const x = draft.some(ALL, 1);
  const rows = x.type.shape[0]!;
  const count = draft.between(1, draft.sizeOf(rows));
  if (draft.sizeOf(rows) === 0) return;
  const places = draft.node("iota", [], { dtype: "int32", shape: [rows], axis: 0 })[0]!;
  const ordered = draft.coin() ? places : draft.node("reverse", [places], { axes: [0] })[0]!;
  const mask = draft.node("lt", [ordered, scalar(draft, count)])[0]!;
  draft.node(op, [x, mask], { count: constant(count) });
}

/** A number that is known to be what it is. */
function addMeasure(draft: Draft, op: string): void {
  const size = draft.between(0, 3);
  draft.node(op, [scalar(draft, size)], { size: constant(size), most: constant(size + draft.between(0, 2)) });
}

function scalar(draft: Draft, n: number): Value {
  return draft.builder.constant({ dtype: "int32", shape: [], data: Int32Array.of(n) });
}
