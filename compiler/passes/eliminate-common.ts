/**
 * Common subexpressions: of nodes with the same op, attributes and operands only the first stays. Every core
 * op is a function of these, so nothing has to be asked of an op. Operands of commutative ops count in either
 * order (they give the same bits; which of two NaNs wins is not observable).
 *
 * Dims are interned and count as they print; numbers keep the sign of zero. Large tensors and graphs count as
 * themselves only: comparing a model's weights element by element would cost more than it finds.
 */
import type { Scalar } from "../../runtime/dtype.ts";
import { isGraph, isList, isTensor } from "../ir/attribute.ts";
import type { Attribute } from "../ir/graph.ts";
import { type BoundGraph, type BoundNode, rewriteGraph, type Scope } from "./rewrite.ts";

const commutative = new Set(["add", "mul", "max", "min", "and", "or", "xor", "eq", "ne"]);

/** Elements up to which equal constants are found. */
const comparedElements = 64;

export function eliminateCommon(graph: BoundGraph): BoundGraph {
  const seen = new WeakMap<Scope, Map<string, BoundNode>>();
  const keyOf = keys();
  return rewriteGraph(graph, (node, scope) => {
    const known = seen.get(scope) ?? new Map<string, BoundNode>();
    seen.set(scope, known);
    const key = keyOf(node);
    const first = known.get(key);
    if (first) return first.results;
    known.set(key, node);
    return undefined;
  });
}

function keys(): (node: BoundNode) => string {
  const identities = new Map<object, number>();
  const identity = (x: object): string => {
    const known = identities.get(x) ?? identities.size;
    identities.set(x, known);
    return `#${known}`;
  };
  const attribute = (a: Attribute): string => {
    if (typeof a === "number") return Object.is(a, -0) ? "-0" : `${a}`;
    if (typeof a === "string") return JSON.stringify(a);
    if (typeof a !== "object") return String(a);
    if (isList(a)) return `[${a.map(attribute).join()}]`;
    if (isGraph(a)) return identity(a);
    if (!isTensor(a)) return `<${a}>`;
    if (a.data.length > comparedElements) return identity(a);
    return `${a.dtype}[${a.shape}](${Array.from<Scalar, string>(a.data, (x) => (typeof x === "bigint" ? `${x}` : attribute(x))).join()})`;
  };
  return (node) => {
    const ids = node.operands.map((operand) => operand.id);
    if (commutative.has(node.op)) ids.sort((a, b) => a - b);
    const attributes = Object.keys(node.attributes)
      .sort()
      .map((name) => `${name}=${attribute(node.attributes[name])}`);
    return `${node.op}(${ids.join()}){${attributes.join()}}`;
  };
}
