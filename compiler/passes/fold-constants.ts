/**
 * Evaluates nodes whose operands are all constants. What it makes is stored in the module, so a large result
 * is worth it only in place of constants at least as large that nothing else reads: folding never makes a
 * module bigger by more than
 * `smallElements` per value. A small result is folded through large ones (the count of a broadcast's
 * elements), which need no memory then.
 */
import { dtypes } from "../../runtime/dtype.ts";
import type { Numerics } from "../ir/target.ts";
import type { DimensionAttributes } from "../ops/dimension.ts";
import { bytesOf, countOf, Evaluation } from "./evaluation.ts";
import { type BoundGraph, type BoundNode, type BoundValue, rewriteGraph, type Scope } from "./rewrite.ts";
import { usesOf } from "./uses.ts";

/** A constant up to this size is about as long as the code that computes it. */
const smallElements = 64;

/** Elements of work that one fold may take. */
const workLimit = 1 << 20;

/**
 * What is folded may have been the last but one reader of a large constant: repeated until nothing changes.
 */
export function foldConstants(graph: BoundGraph, numerics: Numerics): BoundGraph {
  for (let current = graph; ; ) {
    const next = foldOnce(current, numerics);
    if (next === current) return current;
    current = next;
  }
}

function foldOnce(graph: BoundGraph, numerics: Numerics): BoundGraph {
  const uses = usesOf(graph);
  const evaluations = new Map<Scope, Evaluation>();
  const evaluationIn = (scope: Scope): Evaluation => {
    let evaluation = evaluations.get(scope);
    if (!evaluation) {
      evaluation = new Evaluation(numerics, workLimit, (value) => scope.constant(value));
      evaluations.set(scope, evaluation);
    }
    return evaluation;
  };
  const constants = new Set<BoundValue>();
  return rewriteGraph(graph, (node, scope) => {
    const [result] = node.results;
    if (!result || node.op === "scan" || !node.operands.every((operand) => constants.has(operand)))
      return undefined;
    if (!isConstant(node)) return undefined;
    for (const known of node.results) constants.add(known);
    // A node of several results stays, or dies when what reads them is folded.
    if (node.op === "constant" || node.results.length > 1 || !isWorthIt(node, scope, uses)) return undefined;
    const inFront = (value: BoundValue) => (value === result ? node : scope.producer(value));
    const value = evaluationIn(scope).tensorOf(result, inFront);
    return value && { ...node, op: "constant", operands: [], attributes: { value } };
  });
}

/** Of the nodes without operands: those whose elements are numbers by now. */
function isConstant({ op, operands, attributes }: BoundNode): boolean {
  if (op === "measure") return false;
  if (op === "dimension") return (attributes as DimensionAttributes).value.value !== undefined;
  return operands.length > 0 || op === "constant" || op === "iota";
}

function isWorthIt(node: BoundNode, scope: Scope, uses: ReadonlyMap<BoundValue, number>): boolean {
  const { type } = node.results[0]!;
  if (countOf(type) <= smallElements) return true;
  const freed = node.operands.reduce((bytes, operand) => {
    const tensor = uses.get(operand) === 1 ? scope.constant(operand) : undefined;
    return bytes + (tensor ? tensor.data.length * dtypes[tensor.dtype].bytes : 0);
  }, 0);
  return bytesOf(type) <= freed;
}
