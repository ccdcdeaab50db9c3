/** BitCast: the same bits as another dtype of the same width. */
import { elementType, required } from "../attributes.ts";
import { type Operator, operator, since } from "../operator.ts";

export const bitCasts: readonly Operator[] = [
  operator(
    "BitCast",
    since(26, { to: required(elementType()) }, (c, a) => c.ops.bitCast(c.value(0), a.to)),
  ),
];
