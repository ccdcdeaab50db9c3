/**
 * Convolutions with the channels first become convolutions with the channels last, so that channels are the
 * lanes of a vector and a window's channels one contiguous run. Each is put between two transposes; the one
 * behind it then sinks through whatever keeps the axes apart (elementwise functions, padding, pooling,
 * concatenation, sums over axes), until it meets the one in front of the next convolution and neither is
 * left. What is broadcast along the way is reshaped, or transposed where it is more than a vector. What
 * remains at the edges of the network is read through, not copied, where its reader can.
 *
 * A flattened image that meets a dense layer is contracted axis by axis instead, in the order of the flat
 * elements. The order of every sum stays what it was, so the pass is exact.
 *
 * Left alone: convolutions of fewer outputs than a vector has lanes, sums over channels and places at once,
 * and whatever joins a transposed sequence (rank 3, where there and back are the same transpose) with one
 * that is not.
 */
import { constant, constantOf } from "../dims/index.ts";
import type { Attributes, BoundDim } from "../ir/graph.ts";
import { binaryOps, compareOps } from "../ops/binary.ts";
import type { ConvAttributes } from "../ops/conv.ts";
import type { DotGeneralAttributes } from "../ops/dot-general.ts";
import type { PadAttributes } from "../ops/pad.ts";
import type { ReduceAttributes } from "../ops/reduce.ts";
import type { TransposeAttributes } from "../ops/transpose.ts";
import { unaryOps } from "../ops/unary.ts";
import type { WindowReduceAttributes } from "../ops/window-reduce.ts";
import {
  type BoundGraph,
  type BoundNode,
  type BoundType,
  type BoundValue,
  type Replacement,
  rewriteGraph,
  type Scope,
} from "./rewrite.ts";

const fewestOutputs = 4;
/** Of integers those that quantised networks add up. */
const laneTypes = new Set<string>(["float32", "int32"]);
const one = constant(1) as BoundDim;

type Rewrite = (node: BoundNode, scope: Scope) => Replacement;

const elementwise = [...unaryOps, ...binaryOps, ...compareOps].map(({ name }) => name);

const rewrites: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ["conv", convolution],
  ...[...elementwise, "select", "cast"].map((name) => [name, map] as const),
  ["pad", pad],
  ["windowReduce", pool],
  ["concat", concat],
  ["slice", along],
  ...["reduceSum", "reduceProd", "reduceMax", "reduceMin"].map((name) => [name, reduction] as const),
  ["dotGeneral", dense],
]);

export function channelsLast(graph: BoundGraph): BoundGraph {
  if (!graph.nodes.some(gains)) return graph;
  return rewriteGraph(graph, (node, scope) => rewrites.get(node.op)?.(node, scope));
}

/** Whether a node is a convolution that runs faster with its channels last. */
function gains({ op, attributes, operands, results }: BoundNode): boolean {
  if (op !== "conv" || (attributes as ConvAttributes).layout !== "channelsFirst") return false;
  return (
    laneTypes.has(results[0]!.type.dtype) &&
    (constantOf(operands[1]!.type.shape.at(-1)!) ?? 0) >= fewestOutputs
  );
}

/** One entry per axis, reordered from channels first to channels last. */
const toLast = <T>([batch, channel, ...spatial]: readonly T[]): readonly T[] => [
  batch!,
  ...spatial,
  channel!,
];

/** Axis `i` of the last form is axis `lastOf(rank)[i]` of the first; and the other way around. */
const axes = (rank: number) => Array.from({ length: rank }, (_, i) => i);
const lastOf = (rank: number) => toLast(axes(rank));
const firstOf = (rank: number) => [0, rank - 1, ...axes(rank).slice(1, -1)];

/** Where an axis of the first form is in the last. */
const moved = (rank: number, axis: number) => lastOf(rank).indexOf(axis);

const lastType = ({ dtype, shape }: BoundType): BoundType => ({ dtype, shape: toLast(shape) });

/** The value of which this is the transpose to channels first. */
function lastForm(value: BoundValue, scope: Scope): BoundValue | undefined {
  const node = scope.producer(value);
  if (node?.op !== "transpose") return undefined;
  const { permutation } = node.attributes as TransposeAttributes;
  const rank = permutation.length;
  return rank >= 3 && firstOf(rank).every((axis, i) => axis === permutation[i])
    ? node.operands[0]
    : undefined;
}

/** The value with its channels last: what it is the transpose of, or its transpose. */
function asLast(value: BoundValue, node: BoundNode, scope: Scope): BoundValue {
  const known = lastForm(value, scope);
  if (known) return known;
  const permutation = lastOf(value.type.shape.length);
  return scope.add("transpose", [value], { permutation }, lastType(value.type), node.source);
}

/** The node's result, computed with the channels last and transposed back. */
function transposed(
  node: BoundNode,
  scope: Scope,
  operands: readonly BoundValue[],
  attributes: Attributes = node.attributes,
): BoundNode {
  const { type } = node.results[0]!;
  const value = scope.add(node.op, operands, attributes, lastType(type), node.source, node.results[0]!.name);
  return {
    ...node,
    op: "transpose",
    operands: [value],
    attributes: { permutation: firstOf(type.shape.length) },
  };
}

function convolution(node: BoundNode, scope: Scope): Replacement {
  if (!gains(node)) return undefined;
  const [x, kernel] = node.operands;
  const attributes = { ...node.attributes, layout: "channelsLast" };
  return transposed(node, scope, [asLast(x!, node, scope), kernel!], attributes);
}

function map(node: BoundNode, scope: Scope): Replacement {
  const rank = node.results[0]!.type.shape.length;
  if (!node.operands.some((operand) => lastForm(operand, scope)?.type.shape.length === rank))
    return undefined;
  const operands = node.operands.map((operand) => broadcastLast(operand, rank, node, scope));
  if (!operands.every((operand) => operand !== undefined)) return undefined;
  return transposed(node, scope, operands);
}

/** An operand of an elementwise function, of any rank up to the result's. */
function broadcastLast(
  value: BoundValue,
  rank: number,
  node: BoundNode,
  scope: Scope,
): BoundValue | undefined {
  const { dtype, shape } = value.type;
  if (shape.every((d) => d === one)) return value;
  if (shape.length === rank && lastForm(value, scope)) return lastForm(value, scope);
  const whole = [...axes(rank - shape.length).map(() => one), ...shape];
  const order = lastOf(rank).filter((axis) => whole[axis] !== one);
  if (order.every((axis, i) => i === 0 || axis > order[i - 1]!))
    return reshaped(value, { dtype, shape: toLast(whole) }, node, scope);
  return rank === 3 ? undefined : asLast(reshaped(value, { dtype, shape: whole }, node, scope), node, scope);
}

function reshaped(value: BoundValue, type: BoundType, node: BoundNode, scope: Scope): BoundValue {
  const { shape } = type;
  if (shape.length === value.type.shape.length && shape.every((d, i) => d === value.type.shape[i]))
    return value;
  return scope.add("reshape", [value], { shape }, type, node.source);
}

function pad(node: BoundNode, scope: Scope): Replacement {
  const x = lastForm(node.operands[0]!, scope);
  const { low, high, value } = node.attributes as PadAttributes;
  return x && transposed(node, scope, [x], { low: toLast(low), high: toLast(high), value });
}

function pool(node: BoundNode, scope: Scope): Replacement {
  const x = lastForm(node.operands[0]!, scope);
  if (!x) return undefined;
  const { window, strides, padding, dilations, combine } = node.attributes as WindowReduceAttributes;
  const attributes = {
    window: toLast(window),
    strides: toLast(strides),
    padding: toLast(padding),
    dilations: toLast(dilations),
    combine,
  };
  return transposed(node, scope, [x], attributes);
}

function concat(node: BoundNode, scope: Scope): Replacement {
  const rank = node.results[0]!.type.shape.length;
  const known = node.operands.filter((operand) => lastForm(operand, scope));
  if (known.length === 0 || (rank === 3 && known.length < node.operands.length)) return undefined;
  const operands = node.operands.map((operand) => asLast(operand, node, scope));
  return transposed(node, scope, operands, { axis: moved(rank, Number(node.attributes["axis"])) });
}

function along(node: BoundNode, scope: Scope): Replacement {
  const x = lastForm(node.operands[0]!, scope);
  const axis = x && moved(x.type.shape.length, Number(node.attributes["axis"]));
  return x && transposed(node, scope, [x], { ...node.attributes, axis });
}

/** Sums keep their order only while channels and places are not added up together. */
function reduction(node: BoundNode, scope: Scope): Replacement {
  const x = lastForm(node.operands[0]!, scope);
  if (!x) return undefined;
  const { axes: over, keepDims } = node.attributes as ReduceAttributes;
  const rank = x.type.shape.length;
  const long = over.filter((axis) => node.operands[0]!.type.shape[axis] !== one);
  if (long.includes(1) && long.some((axis) => axis > 1)) return undefined;
  const attributes = { axes: over.map((axis) => moved(rank, axis)).sort((a, b) => a - b), keepDims };
  if (keepDims) return transposed(node, scope, [x], attributes);
  const kept = lastOf(rank).filter((axis) => !over.includes(axis));
  const sorted = [...kept].sort((a, b) => a - b);
  const { dtype, shape } = node.operands[0]!.type;
  const type = { dtype, shape: kept.map((axis) => shape[axis]!) };
  const value = scope.add(node.op, [x], attributes, type, node.source);
  return {
    ...node,
    op: "transpose",
    operands: [value],
    attributes: { permutation: sorted.map((axis) => kept.indexOf(axis)) },
  };
}

/**
 * x[n, f] of a flattened image times w[f, o]: contracted over channels and places one by one, in the order of
 * f.
 */
function dense(node: BoundNode, scope: Scope): Replacement {
  const [flat, weights] = node.operands;
  const { batch, contract } = node.attributes as DotGeneralAttributes;
  const flatten = scope.producer(flat!);
  const image = flatten?.op === "reshape" ? lastForm(flatten.operands[0]!, scope) : undefined;
  if (!image || flat!.type.shape.length !== 2 || batch[0].length > 0 || contract[0].join() !== "1")
    return undefined;
  const [n, channels, ...places] = flatten!.operands[0]!.type.shape;
  if (n !== flat!.type.shape[0]) return undefined;
  const at = contract[1][0]!;
  const { dtype, shape } = weights!.type;
  const split: readonly BoundDim[] = [...shape.slice(0, at), channels!, ...places, ...shape.slice(at + 1)];
  const kernel = reshaped(weights!, { dtype, shape: split }, node, scope);
  const rank = image.type.shape.length;
  const over = [rank - 1, ...axes(rank).slice(1, -1)];
  const attributes: DotGeneralAttributes = {
    batch: [[], []],
    contract: [over, over.map((_, i) => at + i)],
  };
  return { ...node, operands: [image, kernel], attributes };
}
