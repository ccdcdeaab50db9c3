/**
 * Convolutions and windows that read outside their input get a padded copy instead, so that the inner loops
 * test no bounds: one copy of the input against a test per multiplication. Exact: a convolution multiplies a
 * padded zero like any other element, and a window's padding is the identity of its combination (a sum starts
 * at 0 and cannot become -0).
 *
 * Left as they are: windows of one element, where the test costs less than the copy; negative padding, which
 * crops; and axes with input dilation, where the padding is counted between the gaps.
 */
import { dtypes } from "../../runtime/dtype.ts";
import { roundedTo } from "../../runtime/elements.ts";
import { add, constant, constantOf, type Dim, product, type Shape } from "../dims/index.ts";
import type { BoundDim } from "../ir/graph.ts";
import { identityOf } from "../ops/accumulate.ts";
import type { ConvAttributes } from "../ops/conv.ts";
import type { PadAttributes } from "../ops/pad.ts";
import type { WindowReduceAttributes } from "../ops/window-reduce.ts";
import { type BoundGraph, type BoundNode, type BoundValue, rewriteGraph, type Scope } from "./rewrite.ts";

const zero = constant(0);
const one = constant(1);

type Pair = readonly [low: Dim, high: Dim];
const none: Pair = [zero, zero];

export function padOnce(graph: BoundGraph): BoundGraph {
  return rewriteGraph(graph, (node, scope) => {
    if (node.op === "conv") return padConv(node, scope);
    return node.op === "windowReduce" ? padWindow(node, scope) : undefined;
  });
}

function padConv(node: BoundNode, scope: Scope): BoundNode | undefined {
  const attributes = node.attributes as ConvAttributes;
  const [x, kernel] = [node.operands[0]!, node.operands[1]!];
  const window = kernel.type.shape.slice(0, -2);
  const { padding, inputDilations, layout } = attributes;
  const padded = padding.map((pair, i) => (inputDilations[i] === one ? pair : none));
  if (!isWorthIt(window, padded)) return undefined;
  const around = layout === "channelsFirst" ? [none, none, ...padded] : [none, ...padded, none];
  const left = padding.map((pair, i) => (inputDilations[i] === one ? none : pair));
  return {
    ...node,
    operands: [pad(node, scope, x, around, 0), kernel],
    attributes: { ...attributes, padding: left },
  };
}

function padWindow(node: BoundNode, scope: Scope): BoundNode | undefined {
  const attributes = node.attributes as WindowReduceAttributes;
  const { window, padding, combine } = attributes;
  const [x] = node.operands;
  if (!isWorthIt(window, padding) || (combine !== "add" && combine !== "max" && combine !== "min"))
    return undefined;
  const value = identityOf(combine, x!.type.dtype);
  // Padding is stored: a float without infinities has no such value; and an attribute is a number.
  if (roundedTo(x!.type.dtype, value) !== value || dtypes[x!.type.dtype].big) return undefined;
  const operands = [pad(node, scope, x!, padding, Number(value))];
  return { ...node, operands, attributes: { ...attributes, padding: padding.map(() => none) } };
}

function isWorthIt(window: Shape, padding: readonly Pair[]): boolean {
  const elements = constantOf(product(window));
  if (elements === undefined || elements <= 1) return false;
  const sizes = padding.flat().map((d) => constantOf(d) ?? -1);
  return sizes.every((n) => n >= 0) && sizes.some((n) => n > 0);
}

function pad(
  node: BoundNode,
  scope: Scope,
  x: BoundValue,
  padding: readonly Pair[],
  value: number,
): BoundValue {
  const attributes: PadAttributes = {
    low: padding.map(([low]) => low),
    high: padding.map(([, high]) => high),
    value,
  };
  const shape = x.type.shape.map((d, axis) => paddedDim(d, padding[axis]!));
  return scope.add("pad", [x], attributes, { dtype: x.type.dtype, shape }, node.source);
}

/** Sums of bound dims are bound. */
const paddedDim = (d: BoundDim, [low, high]: Pair): BoundDim => add(d, low, high) as BoundDim;
