/**
 * BitCast: the same bits as another dtype of the same width. Between integers, and of a bool, that is a cast
 * that wraps. Between floats and integers it would take the bits of a number apart, which core ops cannot.
 */
import { type DType, dtypes } from "../../../../runtime/dtype.ts";
import type { Value } from "../../../ir/graph.ts";
import { elementType, required } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

function bitCast(c: NodeContext, to: DType): Value {
  const x = c.value(0);
  const [from, target] = [dtypes[x.type.dtype], dtypes[to]];
  if (from.bytes !== target.bytes || from.packable !== target.packable)
    return c.wrong(`from ${x.type.dtype} to ${to}, which has another width`, "cast to one of as many bits");
  if (x.type.dtype === to) return x;
  if (from.kind === "float" || target.kind === "float")
    return c.unsupported(`the bits of ${x.type.dtype} as ${to}`, "export the model without it");
  return c.ops.cast(x, to);
}

export const bitCasts: readonly Operator[] = [
  operator(
    "BitCast",
    since(26, { to: required(elementType()) }, (c, a) => bitCast(c, a.to)),
  ),
];
