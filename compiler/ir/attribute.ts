/**
 * Telling the forms of an attribute apart. They are plain data of different shapes, and only here is that
 * knowledge.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import type { Dim } from "../dims/index.ts";
import type { Attribute, Attributes, Graph } from "./graph.ts";
import type { AttributeKind } from "./op.ts";

export function isList(a: Attribute): a is readonly Attribute[] {
  return Array.isArray(a);
}

export function isTensor(a: Attribute): a is Tensor {
  return typeof a === "object" && "data" in a;
}

export function isGraph(a: Attribute): a is Graph {
  return typeof a === "object" && "nodes" in a;
}

export function isDim(a: Attribute): a is Dim {
  return typeof a === "object" && !isList(a) && !isTensor(a) && !isGraph(a);
}

/** Rebuilds attributes that hold dims or graphs, in lists or by themselves; others come back as they are. */
export function mapAttributes(
  attributes: Attributes,
  onDim: (d: Dim) => Dim,
  onGraph: (graph: Graph) => Graph,
): Attributes {
  if (isPlain(attributes)) return attributes;
  const map = (a: Attribute): Attribute => {
    if (typeof a !== "object") return a;
    if (isList(a)) return a.map(map);
    if (isGraph(a)) return onGraph(a);
    return isDim(a) ? onDim(a) : a;
  };
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, map(value)]));
}

const plain = new WeakMap<Attributes, boolean>();

/**
 * Neither dims nor graphs inside; remembered, because most nodes are like that and are inferred many times.
 */
function isPlain(attributes: Attributes): boolean {
  let known = plain.get(attributes);
  if (known === undefined) {
    known = Object.values(attributes).every(isPlainValue);
    plain.set(attributes, known);
  }
  return known;
}

function isPlainValue(a: Attribute): boolean {
  return typeof a !== "object" || (isList(a) ? a.every(isPlainValue) : isTensor(a));
}

const isInt = (a: Attribute): boolean => typeof a === "number" && Number.isInteger(a);
const listOf =
  (test: (a: Attribute) => boolean, length?: number) =>
  (a: Attribute): boolean =>
    isList(a) && a.every(test) && (length === undefined || a.length === length);

/** Whether an attribute has the form an op declares. */
export const hasKind: Readonly<Record<AttributeKind, (a: Attribute) => boolean>> = {
  int: isInt,
  ints: listOf(isInt),
  axisPairs: listOf(listOf(isInt), 2),
  dim: isDim,
  dims: listOf(isDim),
  dimPairs: listOf(listOf(isDim, 2)),
  number: (a) => typeof a === "number",
  string: (a) => typeof a === "string",
  label: (a) => a === undefined || typeof a === "string",
  boolean: (a) => typeof a === "boolean",
  tensor: isTensor,
  graph: isGraph,
};
