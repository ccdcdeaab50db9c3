/**
 * How many axes operands have where the specification of an operator says it (onnx/docs/Operators.md). The
 * functions that build an operator take these axes by name; a file whose tensors have others is told so
 * before. Not here: operators whose operands may have any number, or follow an attribute or each other.
 */
import type { Diagnostic } from "../../diagnostics/index.ts";
import type { OnnxNode } from "./model.ts";
import { keyOf } from "./operator.ts";

/** The fewest and the most axes. */
type Ranks = readonly [least: number, most: number];

const ANY: Ranks = [0, Number.POSITIVE_INFINITY];
const VECTOR: Ranks = [1, 1];
const exactly = (rank: number): Ranks => [rank, rank];
const atLeast = (rank: number): Ranks => [rank, Number.POSITIVE_INFINITY];
const heads: Ranks = [3, 4];

/** By the name of the operator, for each operand in order. */
const table: Readonly<Record<string, readonly Ranks[]>> = {
  AffineGrid: [exactly(3), VECTOR],
  Attention: [heads, heads, heads, atLeast(1), exactly(4), exactly(4)],
  BatchNormalization: [atLeast(1), VECTOR, VECTOR, VECTOR, VECTOR],
  CausalConvWithState: [exactly(3), exactly(3), VECTOR, exactly(3)],
  Compress: [ANY, VECTOR],
  Conv: [atLeast(2), atLeast(2), VECTOR],
  ConvTranspose: [atLeast(2), atLeast(2), VECTOR],
  DeformConv: [atLeast(3), atLeast(3), atLeast(3), VECTOR, atLeast(3)],
  DepthToSpace: [exactly(4)],
  DFT: [atLeast(2)],
  EyeLike: [exactly(2)],
  FlexAttention: [exactly(4), exactly(4), exactly(4)],
  Gather: [atLeast(1)],
  GridSample: [atLeast(3), atLeast(3)],
  GroupNormalization: [atLeast(2), VECTOR, VECTOR],
  InstanceNormalization: [atLeast(2), VECTOR, VECTOR],
  LinearAttention: [heads, heads, heads, exactly(4)],
  MaxUnpool: [atLeast(3), atLeast(3), VECTOR],
  ReverseSequence: [atLeast(2), VECTOR],
  RoiAlign: [exactly(4), exactly(2), VECTOR],
  Slice: [atLeast(1), VECTOR, VECTOR, VECTOR, VECTOR],
  SpaceToDepth: [exactly(4)],
  Split: [atLeast(1)],
  TensorScatter: [atLeast(2), atLeast(2), VECTOR],
  TfIdfVectorizer: [[1, 2]],
  Trilu: [atLeast(2)],
  "ai.onnx.ml::TreeEnsemble": [exactly(2)],
};

const words = ([least, most]: Ranks): string =>
  least === most
    ? `${least}`
    : most === Number.POSITIVE_INFINITY
      ? `at least ${least}`
      : `${least} or ${most}`;

const axes = (count: number): string => `${count} ${count === 1 ? "axis" : "axes"}`;

/** What is wrong with the first operand that has too few or too many; `rankOf` an operand that is given. */
export function wrongRank(
  node: OnnxNode,
  opset: number,
  rankOf: (i: number) => number,
): Diagnostic | undefined {
  const key = keyOf(node.domain, node.opType);
  const rows = Object.hasOwn(table, key) ? table[key]! : [];
  for (const [i, ranks] of rows.entries()) {
    const name = node.inputs[i] ?? "";
    if (ranks === ANY || name === "") continue;
    const rank = rankOf(i);
    if (rank >= ranks[0] && rank <= ranks[1]) continue;
    return {
      code: "E3103",
      message: `${key}: operand ${i} ("${name}") has ${axes(rank)} where ${words(ranks)} belong (opset ${opset})`,
      fix: "give the node tensors as its operator describes them",
    };
  }
  return undefined;
}

/**
 * The same where the number depends on attributes or on other operands. Importers take the axes that the
 * specification gives; one that is not there is undefined, and reading from that is what engines call a
 * TypeError.
 */
export function unfit(error: TypeError, node: OnnxNode, shapes: readonly string[]): Diagnostic | undefined {
  if (!/undefined/.test(error.message)) return undefined;
  return {
    code: "E3103",
    message: `${keyOf(node.domain, node.opType)} takes axes that its operands do not have: ${shapes.join(", ")}`,
    fix: "give the node tensors as its operator describes them",
  };
}
