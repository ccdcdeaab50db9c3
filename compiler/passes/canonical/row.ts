/** One row of the canonical form: nodes that can be written more simply, with the same bits. */
import { decode, uniformOf } from "../../../runtime/elements.ts";
import type { Tensor } from "../../../runtime/tensor.ts";
import { constant, type Dim } from "../../dims/index.ts";
import type { Attributes } from "../../ir/graph.ts";
import {
  type BoundNode,
  type BoundValue,
  type Replacement,
  type Rule,
  type Scope,
  sameType,
} from "../rewrite.ts";

export interface Row {
  readonly ops: readonly string[];
  /** What becomes what. */
  readonly name: string;
  /** Gives nothing where the row does not fit; a node it gives is tried again. */
  readonly apply: Rule;
}

export const zero = constant(0);
export const one = constant(1);

/** The same results computed by another op. */
export function by(
  node: BoundNode,
  op: string,
  operands: readonly BoundValue[],
  attributes: Attributes = {},
): BoundNode {
  return { op, attributes, operands, results: node.results, source: node.source };
}

/**
 * `value` as the node's result, repeated along leading axes and those of size 1 where the result is larger.
 */
export function repeated(node: BoundNode, value: BoundValue): Replacement {
  const { type } = node.results[0]!;
  if (sameType(value.type, type)) return [value];
  const lead = type.shape.length - value.type.shape.length;
  return by(node, "broadcast", [value], {
    shape: type.shape,
    axes: value.type.shape.map((_, i) => lead + i),
  });
}

/** The node's operand in another shape. */
export function reshaped(node: BoundNode, value: BoundValue): Replacement {
  const { type } = node.results[0]!;
  return sameType(value.type, type) ? [value] : by(node, "reshape", [value], { shape: type.shape });
}

const moves = new Set(["broadcast", "reshape", "transpose", "slice", "reverse"]);

/** The one number that all elements are; -0 and 0 differ, NaN is one number. */
export function splat(value: BoundValue, scope: Scope): number | undefined {
  let node = scope.producer(value);
  while (node && moves.has(node.op)) node = scope.producer(node.operands[0]!);
  const tensor = node && scope.constant(node.results[0]!);
  return tensor && uniform(tensor);
}

/** 64-bit integers count where they are numbers too. */
function uniform({ dtype, data }: Tensor): number | undefined {
  const value = uniformOf(decode(dtype, data));
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
}

/** The node that computes an operand, if it is of this op. */
export function from(node: BoundNode, scope: Scope, op: string, operand = 0): BoundNode | undefined {
  const producer = scope.producer(node.operands[operand]!);
  return producer?.op === op ? producer : undefined;
}

export const areAll = (dims: readonly Dim[], what: Dim): boolean => dims.every((d) => d === what);
