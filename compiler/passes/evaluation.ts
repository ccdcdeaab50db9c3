/**
 * Evaluates parts of a graph at compile time with the reference of each op, so that what is computed early
 * has the bits it would have had at run time. It refuses what is not worth it: more work than its limit,
 * scans (their reference is slow, and nothing constant is one), and a gather that would raise at run time,
 * which is left to do so.
 */
import { allocate, dtypes } from "../../runtime/dtype.ts";
import { numbersIn } from "../../runtime/elements.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import { constantOf } from "../dims/index.ts";
import type { Numerics } from "../ir/target.ts";
import { numbersOf } from "../ops/definition.ts";
import { evaluateNode } from "../ops/evaluate.ts";
import { ops } from "../ops/index.ts";
import type { WindowReduceAttributes } from "../ops/window-reduce.ts";
import type { BoundNode, BoundType, BoundValue } from "./rewrite.ts";

/** The node that computes a value. */
export type Producer = (value: BoundValue) => BoundNode | undefined;

export class Evaluation {
  readonly #numerics: Numerics;
  /** Elements that one value may cost with all that it is computed from. */
  readonly #limit: number;
  readonly #leaf: (value: BoundValue) => Tensor | undefined;
  readonly #known = new Map<BoundValue, Tensor | undefined>();
  /** Of `#known`: not computed here. Forgotten after each answer, because parameters are large. */
  readonly #leaves = new Set<BoundValue>();

  constructor(numerics: Numerics, limit: number, leaf: (value: BoundValue) => Tensor | undefined) {
    this.#numerics = numerics;
    this.#limit = limit;
    this.#leaf = leaf;
  }

  /**
   * The value's tensor, if it is known and cheap enough. Works off a list: a chain of nodes may be longer
   * than the stack is deep.
   */
  tensorOf(value: BoundValue, producer: Producer): Tensor | undefined {
    const waiting = [value];
    for (let next = waiting.at(-1); next; next = waiting.at(-1)) {
      const node = this.#known.has(next) ? undefined : this.#candidate(next, producer);
      const missing = (node?.operands ?? []).filter((operand) => !this.#known.has(operand));
      waiting.push(...missing);
      if (missing.length > 0) continue;
      if (node) {
        const tensors = this.#evaluate(node);
        node.results.forEach((result, i) => {
          this.#known.set(result, tensors?.[i]);
        });
      }
      waiting.pop();
    }
    const tensor = this.#known.get(value);
    for (const leaf of this.#leaves) this.#known.delete(leaf);
    this.#leaves.clear();
    return tensor;
  }

  /** The node to evaluate for a value; without one its tensor is known now, or known not to be worth it. */
  #candidate(value: BoundValue, producer: Producer): BoundNode | undefined {
    const leaf = this.#leaf(value);
    const node = leaf ? undefined : producer(value);
    if (node && node.op !== "scan" && workOf(node) <= this.#limit) return node;
    this.#known.set(value, leaf);
    if (leaf) this.#leaves.add(value);
    return undefined;
  }

  #evaluate(node: BoundNode): readonly Tensor[] | undefined {
    const operands = node.operands.map((operand) => this.#known.get(operand));
    if (!operands.every((operand) => operand !== undefined)) return undefined;
    const scaled = product(node, operands);
    return scaled ? [scaled] : this.#reference(node, operands);
  }

  #reference(node: BoundNode, operands: readonly Tensor[]): readonly Tensor[] | undefined {
    const run = () => {
      throw new Error("internal: a node with a body is not evaluated at compile time");
    };
    try {
      return evaluateNode(node, operands, { numerics: this.#numerics, run });
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }
}

/** NaN when a dim is not a number. */
export function countOf({ shape }: BoundType): number {
  return shape.reduce((count, d) => count * (constantOf(d) ?? Number.NaN), 1);
}

export function bytesOf(type: BoundType): number {
  return countOf(type) * dtypes[type.dtype].bytes;
}

/** Elements read or written, at least. */
function workOf(node: BoundNode): number {
  const types = node.operands.map((operand) => operand.type);
  const results = node.results.map((result) => result.type);
  const macs = ops.get(node.op)?.macs?.(types, node.attributes, results);
  if (macs) return constantOf(macs) ?? Number.NaN;
  if (node.op === "windowReduce") {
    const { window } = node.attributes as WindowReduceAttributes;
    return countOf(results[0]!) * window.reduce((count, d) => count * (constantOf(d) ?? Number.NaN), 1);
  }
  return [...types, ...results].reduce((total, type) => total + countOf(type), 0);
}

/**
 * A float product with a vector that lies along one axis, which is how whole kernels are scaled: the
 * reference's `mul`, fast enough for tens of millions of elements.
 */
function product({ op, results }: BoundNode, [a, b]: readonly Tensor[]): Tensor | undefined {
  if (op !== "mul" || !a || !b || (a.dtype !== "float32" && a.dtype !== "float64")) return undefined;
  const shape = numbersOf(results[0]!.type.shape);
  const axis = shape.length - b.shape.length + b.shape.findIndex((n) => n !== 1);
  if (a.data.length !== size(shape) || b.data.length !== (shape[axis] ?? 0)) return undefined;
  const data = allocate(a.dtype, a.data.length);
  const [values, factors, run] = [numbersIn(a.data), numbersIn(b.data), size(shape.slice(axis + 1))];
  for (let at = 0; at < data.length; )
    for (let k = 0; k < factors.length; k++)
      for (const end = at + run; at < end; at++) data[at] = values[at]! * factors[k]!;
  return { dtype: a.dtype, shape, data };
}
