/**
 * Optional values, whose presence the file decides: an operand that is left out, of a node or of the call of
 * a function around it, is absent, and every other one is there. An optional that is empty as a value of its
 * own is none that is computed with, and neither are sequences in one.
 */

import { anything } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

const element = (c: NodeContext) =>
  c.has(0) ? c.value(0) : c.unsupported("it has no element", "export the model with the value it would hold");

export const optionals: readonly Operator[] = [
  operator("Optional", since(15, { type: anything() }, element)),
  operator("OptionalGetElement", since(15, {}, element)),
  operator(
    "OptionalHasElement",
    since(15, {}, (c) => c.ops.constant(c.has(0) ? 1 : 0, "bool")),
  ),
];
