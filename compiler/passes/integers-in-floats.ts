/**
 * Contracts integers in float32 where every sum is exact: products and partial sums of integers up to 2^24
 * have no rounding, in whatever order they are added, and machines multiply and add floats faster. Quantised
 * convolutions and matrix products have operands of eight bits, less a zero point; with 514 terms or fewer
 * the largest sum of 255 * 128 fits.
 *
 *     conv(x: int32, k: int32)   ->   cast(conv(cast(x), cast(k)), int32)
 *
 * Exact. Behind everything that may round the convolutions of floats differently. It refuses what intervals
 * do not bound, and sums that may be larger.
 */
import { constantOf } from "../dims/index.ts";
import type { BoundDim } from "../ir/graph.ts";
import type { DotGeneralAttributes } from "../ops/dot-general.ts";
import { type Ends, Intervals } from "./intervals.ts";
import { type BoundGraph, type BoundNode, type BoundValue, rewriteGraph, type Scope } from "./rewrite.ts";

/** Up to here every integer is a float32. */
const largest = 2 ** 24;

export function integersInFloats(graph: BoundGraph): BoundGraph {
  const intervals = new Map<Scope, Intervals>();
  return rewriteGraph(graph, (node, scope) => {
    const known = intervals.get(scope) ?? new Intervals();
    intervals.set(scope, known);
    known.learn(node);
    return isExact(node, known) ? [inFloats(node, scope)] : undefined;
  });
}

function isExact(node: BoundNode, known: Intervals): boolean {
  const terms = termsOf(node);
  if (terms === undefined || node.results[0]!.type.dtype !== "int32") return false;
  const [a, b] = node.operands.map((operand) => known.of(operand));
  return a !== undefined && b !== undefined && sizeOf(a) * sizeOf(b) * terms <= largest;
}

const sizeOf = ({ low, high }: Ends) => Math.max(Math.abs(low), Math.abs(high), 1);

/** How many products are added up for an element. */
function termsOf({ op, operands, attributes }: BoundNode): number | undefined {
  const extents = (dims: readonly BoundDim[]) =>
    dims.reduce<number | undefined>((n, d) => {
      const extent = constantOf(d);
      return n === undefined || extent === undefined ? undefined : n * extent;
    }, 1);
  if (op === "conv") return extents(operands[1]!.type.shape.slice(0, -1));
  if (op !== "dotGeneral") return undefined;
  const { contract } = attributes as DotGeneralAttributes;
  return extents(contract[0].map((axis) => operands[0]!.type.shape[axis]!));
}

function inFloats({ op, operands, results, attributes, source }: BoundNode, scope: Scope): BoundValue {
  const cast = (x: BoundValue, dtype: "float32" | "int32") =>
    scope.add("cast", [x], { dtype }, { ...x.type, dtype }, source);
  const { type } = results[0]!;
  const floats = operands.map((x) => cast(x, "float32"));
  return cast(scope.add(op, floats, attributes, { ...type, dtype: "float32" }, source), "int32");
}
