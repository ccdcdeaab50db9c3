/**
 * Contractions of integers on factors of 16 bits where these hold them: quantised convolutions and matrix
 * products multiply bytes less a zero point. Memory holds half as much, and a vector target multiplies and
 * adds pairs of them at once; sums stay int32.
 *
 *     conv(x: int32, k: int32)   ->   conv(cast(cast(x, int16), int32), cast(cast(k, int16), int32))
 *
 * Exact. It refuses what intervals do not bound.
 */
import { type Ends, Intervals } from "./intervals.ts";
import { type BoundGraph, type BoundNode, type BoundValue, rewriteGraph, type Scope } from "./rewrite.ts";

export function narrowFactors(graph: BoundGraph): BoundGraph {
  const intervals = new Map<Scope, Intervals>();
  return rewriteGraph(graph, (node, scope) => {
    const known = intervals.get(scope) ?? new Intervals();
    intervals.set(scope, known);
    known.learn(node);
    const isContraction = node.op === "conv" || node.op === "dotGeneral";
    if (!isContraction || node.results[0]!.type.dtype !== "int32") return undefined;
    if (!node.operands.every((operand) => fits(known.of(operand)))) return undefined;
    return node.operands.every((operand) => isNarrow(operand, scope)) ? undefined : narrowed(node, scope);
  });
}

const fits = (ends: Ends | undefined) => ends !== undefined && ends.low > -(2 ** 15) && ends.high < 2 ** 15;

function isNarrow(x: BoundValue, scope: Scope): boolean {
  const node = scope.producer(x);
  return node?.op === "cast" && node.operands[0]!.type.dtype === "int16";
}

function narrowed(node: BoundNode, scope: Scope): BoundNode {
  const cast = (x: BoundValue, dtype: "int16" | "int32") =>
    scope.add("cast", [x], { dtype }, { ...x.type, dtype }, node.source);
  const narrow = (x: BoundValue) => (isNarrow(x, scope) ? x : cast(cast(x, "int16"), "int32"));
  return { ...node, operands: node.operands.map(narrow) };
}
