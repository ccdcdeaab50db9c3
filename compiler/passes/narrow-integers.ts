/**
 * Keeps 64-bit integers as int32 where their values are proven to fit: indices, positions, sizes, and what is
 * computed from them. ONNX gives every size and position as int64; bigints take twice the memory, and where
 * they are compared to a maximum, divided, summed or made floats three to twenty times as long (see
 * docs/decisions).
 *
 * Interval analysis in the order of the nodes: constants, iotas, positions of maxima and casts from narrower
 * integers have known ends, and most ops keep or combine them. A node whose result and operands all fit is
 * computed on int32, where nothing wraps because the interval says so; its 64-bit form is a cast of that,
 * which dies when nobody reads it. Comparisons, casts and indices read the narrow form. Inputs, outputs and
 * states keep their dtypes.
 *
 * It refuses what it knows no ends of: sums of unbounded values, casts from floats, contractions, results of
 * a scan.
 */
import { dtypes, type Scalar } from "../../runtime/dtype.ts";
import { tensor } from "../../runtime/tensor.ts";
import { Intervals } from "./intervals.ts";
import {
  type BoundGraph,
  type BoundNode,
  type BoundType,
  type BoundValue,
  type Replacement,
  rewriteGraph,
  type Scope,
} from "./rewrite.ts";

/** The same function on integers of any width, as long as nothing wraps. */
const widthless = new Set(
  `add sub mul div mod neg abs sign max min and select broadcast reshape transpose slice reverse concat pad
  gather gatherElements gatherNd reduceSum reduceMax reduceMin cumsum iota dimension`.split(/\s+/),
);
const comparisons = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);
const indexing = new Set(["gather", "gatherElements", "gatherNd", "scatterElements", "scatterNd"]);

export function narrowIntegers(graph: BoundGraph): BoundGraph {
  const narrowings = new Map<Scope, Narrowing>();
  return rewriteGraph(graph, (node, scope) => {
    const narrowing = narrowings.get(scope) ?? new Narrowing(scope);
    narrowings.set(scope, narrowing);
    return narrowing.rewrite(node);
  });
}

const isBig = ({ type }: BoundValue): boolean => dtypes[type.dtype].big === true;

/** One graph or body. */
class Narrowing {
  readonly #scope: Scope;
  readonly #intervals = new Intervals();
  readonly #narrow = new Map<BoundValue, BoundValue>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  rewrite(node: BoundNode): Replacement {
    this.#intervals.learn(node);
    const [result] = node.results;
    if (!result) return undefined;
    if (node.op === "cast") return this.#cast(node, result);
    const read = valuesRead(node);
    const fits = read.every((i) => this.#fits(node.operands[i]!));
    if (widthless.has(node.op) && isBig(result) && this.#fits(result) && fits)
      return this.#whole(node, result, read);
    if (comparisons.has(node.op) && isBig(node.operands[0]!) && fits) return this.#reading(node, read);
    return this.#hasNarrowIndex(node) ? this.#reading(node, [1]) : undefined;
  }

  #hasNarrowIndex({ op, operands }: BoundNode): boolean {
    return indexing.has(op) && isBig(operands[1]!) && this.#fits(operands[1]!);
  }

  /** The node on int32, and its 64-bit form behind it. */
  #whole(node: BoundNode, result: BoundValue, read: readonly number[]): BoundNode {
    const { operands } = this.#reading(node, this.#hasNarrowIndex(node) ? [...read, 1] : read);
    const attributes = "dtype" in node.attributes ? { ...node.attributes, dtype: "int32" } : node.attributes;
    const narrow = this.#scope.add(
      node.op,
      operands,
      attributes,
      narrowType(result),
      node.source,
      result.name,
    );
    this.#narrow.set(result, narrow);
    return widened(node, narrow, result);
  }

  /** The node with these operands narrow. */
  #reading(node: BoundNode, read: readonly number[]): BoundNode {
    return { ...node, operands: node.operands.map((x, i) => (read.includes(i) ? this.#narrowed(x) : x)) };
  }

  /** Of a wide integer that has a narrow form: from that, or that form itself. */
  #cast(node: BoundNode, result: BoundValue): Replacement {
    const [x] = node.operands;
    if (!isBig(x!) || !this.#fits(x!)) return undefined;
    const narrow = this.#formOf(x!);
    const isNarrow = result.type.dtype === "int32";
    if (!narrow && isNarrow) this.#narrow.set(x!, result);
    if (!narrow) return undefined;
    return isNarrow ? [narrow] : { ...node, operands: [narrow] };
  }

  #fits(value: BoundValue): boolean {
    const ends = this.#intervals.of(value);
    return ends !== undefined && ends.low >= -(2 ** 31) && ends.high < 2 ** 31;
  }

  #narrowed(value: BoundValue): BoundValue {
    if (!isBig(value)) return value;
    const narrow =
      this.#formOf(value) ??
      this.#scope.add("cast", [value], { dtype: "int32" }, narrowType(value), value.source, value.name);
    this.#narrow.set(value, narrow);
    return narrow;
  }

  /** The int32 that a value was made of, or can be written as. */
  #formOf(value: BoundValue): BoundValue | undefined {
    const known = this.#narrow.get(value);
    if (known) return known;
    const producer = this.#scope.producer(value);
    const [from] = producer?.op === "cast" ? producer.operands : [];
    if (from?.type.dtype === "int32") return from;
    const constant = this.#scope.constant(value);
    if (!constant) return undefined;
    const numbers = Array.from<Scalar, number>(constant.data, Number);
    const attributes = { value: tensor(numbers, constant.shape, "int32") };
    const narrow = this.#scope.add("constant", [], attributes, narrowType(value), value.source, value.name);
    this.#narrow.set(value, narrow);
    return narrow;
  }
}

const narrowType = ({ type }: BoundValue): BoundType => ({ ...type, dtype: "int32" });

function widened(node: BoundNode, narrow: BoundValue, { type }: BoundValue): BoundNode {
  return { ...node, op: "cast", operands: [narrow], attributes: { dtype: type.dtype } };
}

/** The operands whose elements are the result's, or are compared; not conditions and indices. */
function valuesRead({ op, operands }: BoundNode): readonly number[] {
  if (op === "select") return [1, 2];
  if (indexing.has(op)) return [0];
  return operands.map((_, i) => i);
}
