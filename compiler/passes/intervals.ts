/**
 * The ends of integers: for each value of a graph the smallest and largest number its elements can be, learnt
 * node by node. Ends are doubles and only kept where they are exact; a result that may leave its dtype's
 * range wraps, so nothing is known of it.
 */
import { dtypes, type Scalar } from "../../runtime/dtype.ts";
import { constantOf, type Dim } from "../dims/index.ts";
import { isTensor } from "../ir/attribute.ts";
import type { BoundNode, BoundType, BoundValue } from "./rewrite.ts";

/** Both included. */
export interface Ends {
  readonly low: number;
  readonly high: number;
}

type Known = Ends | undefined;

export class Intervals {
  readonly #ends = new Map<BoundValue, Known>();

  /** What is known of the value; at least the range of a dtype of up to 32 bits. */
  of(value: BoundValue): Known {
    return this.#ends.get(value) ?? rangeOf(value.type);
  }

  /** Takes in a node whose operands are known. */
  learn(node: BoundNode): void {
    node.results.forEach((result, i) => {
      if (dtypes[result.type.dtype].kind === "integer")
        this.#ends.set(result, kept(this.#learnt(node, i), result.type));
    });
  }

  #learnt(node: BoundNode, i: number): Known {
    const operands = node.operands.map((operand) => this.of(operand));
    const positions = ofPositions(node, i);
    if (positions) return positions;
    const [a, b] = operands;
    const row = rows[node.op];
    if (row) return row(node, operands);
    const pair = arithmetic[node.op];
    return pair && a && (b || node.operands.length === 1) ? pair(a, b ?? a) : undefined;
  }
}

/** Bools are 0 and 1; floats have no ends. */
function rangeOf({ dtype }: BoundType): Known {
  const { kind, big, lowest, highest } = dtypes[dtype];
  return kind === "float" || big ? undefined : { low: Number(lowest), high: Number(highest) };
}

/** Ends that are exact and within the dtype. */
function kept(ends: Known, type: BoundType): Known {
  const { lowest, highest } = dtypes[type.dtype];
  if (!ends || !Number.isSafeInteger(ends.low) || !Number.isSafeInteger(ends.high)) return undefined;
  return ends.low >= lowest && ends.high <= highest ? ends : undefined;
}

/** Results that are positions along an axis. */
function ofPositions({ op, operands, attributes }: BoundNode, i: number): Known {
  const isPosition = op === "argMax" || op === "argMin" || (op === "topK" && i === 1);
  const extent = isPosition ? constantOf(operands[0]!.type.shape[Number(attributes["axis"])]!) : undefined;
  return extent === undefined ? undefined : { low: 0, high: Math.max(extent - 1, 0) };
}

const union = (all: readonly Known[]): Known =>
  all.reduce((a, b) => a && b && { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }, all[0]);

const hull = (...ends: readonly number[]): Ends => ({ low: Math.min(...ends), high: Math.max(...ends) });

/** Without wrapping; `b` is `a` for functions of one value. */
const arithmetic: Readonly<Record<string, (a: Ends, b: Ends) => Known>> = {
  add: (a, b) => ({ low: a.low + b.low, high: a.high + b.high }),
  sub: (a, b) => ({ low: a.low - b.high, high: a.high - b.low }),
  mul: (a, b) => hull(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high),
  // Truncated: never farther from zero than the dividend; the sign may be either.
  div: (a) => hull(a.low, a.high, -a.low, -a.high, 0),
  max: (a, b) => ({ low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) }),
  min: (a, b) => ({ low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) }),
  and: (a, b) => (a.low >= 0 && b.low >= 0 ? { low: 0, high: Math.min(a.high, b.high) } : undefined),
  neg: (a) => ({ low: -a.high, high: -a.low }),
  abs: (a) => ({ low: a.low > 0 ? a.low : 0, high: Math.max(-a.low, a.high) }),
  sign: (a) => ({ low: Math.sign(a.low), high: Math.sign(a.high) }),
};

type Row = (node: BoundNode, operands: readonly Known[]) => Known;

const first: Row = (_, [x]) => x;

/** As many as are added up at most; every partial sum lies between 0 and all of them. */
const summed =
  (axesOf: (node: BoundNode) => readonly number[]): Row =>
  (node, [x]) => {
    const count = sizeOf(node, axesOf(node));
    return x && count !== undefined ? hull(0, count * x.low, count * x.high) : undefined;
  };

/** An empty maximum is the lowest number there is. */
const selected: Row = (node, [x]) => ((sizeOf(node, axesIn(node)) ?? 0) > 0 ? x : undefined);

const rows: Readonly<Record<string, Row>> = {
  constant: (node) => ofConstant(node),
  iota: ({ attributes }) =>
    below(constantOf((attributes["shape"] as readonly Dim[])[Number(attributes["axis"])]!)),
  dimension: ({ attributes }) => exactly(constantOf(attributes["value"] as Dim)),
  cast: ({ operands }, [x]) => (dtypes[operands[0]!.type.dtype].kind === "float" ? undefined : x),
  select: (_, [, a, b]) => union([a, b]),
  // Whatever the dividend: between 0 and the divisor.
  mod: (_, [, b]) => b && { low: Math.min(b.low + 1, 0), high: Math.max(b.high - 1, 0) },
  concat: (_, operands) => union(operands),
  pad: ({ attributes }, [x]) => union([x, exactly(Number(attributes["value"]))]),
  ...Object.fromEntries(
    "broadcast reshape transpose slice reverse gather gatherElements gatherNd"
      .split(" ")
      .map((op) => [op, first]),
  ),
  reduceMax: selected,
  reduceMin: selected,
  reduceSum: summed(axesIn),
  cumsum: summed(({ attributes }) => [Number(attributes["axis"])]),
};

function axesIn({ attributes }: BoundNode): readonly number[] {
  return attributes["axes"] as readonly number[];
}

function sizeOf({ operands }: BoundNode, axes: readonly number[]): number | undefined {
  const size = axes.reduce((n, axis) => n * (constantOf(operands[0]!.type.shape[axis]!) ?? Number.NaN), 1);
  return Number.isNaN(size) ? undefined : size;
}

const exactly = (n: number | undefined): Known => (n === undefined ? undefined : { low: n, high: n });
const below = (n: number | undefined): Known =>
  n === undefined ? undefined : { low: 0, high: Math.max(n - 1, 0) };

function ofConstant({ attributes: { value } }: BoundNode): Known {
  if (value === undefined || !isTensor(value) || value.data.length === 0) return undefined;
  let [low, high]: [Scalar, Scalar] = [value.data[0]!, value.data[0]!];
  for (const x of value.data) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return { low: Number(low), high: Number(high) };
}
