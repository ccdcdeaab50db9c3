/**
 * Batch normalisation after a convolution or a matrix product costs nothing at run time: what multiplies the
 * outputs per channel can multiply the kernel instead, and what is added is one bias.
 *
 *     (conv(x, k) + b - mean) * s + beta   ->   conv(x, k * s) + ((b - mean) * s + beta)
 *
 * This pass rewrites the graph only; `hoistParameters` then computes the new kernel and bias. It looks for
 * chains of add, sub, mul and div by values that follow from parameters, which is all that is left of the
 * layer's name here.
 *
 * Not exact: it changes where results are rounded. Each float32 output differs by at most (n + 4) * 2^-23
 * times the sum of the absolute values of all that is added up in it, factors included (n is the length of
 * the chain); where the target accumulates in float32, n counts the contracted elements too. A factor that
 * overflows or is 0 / 0 alone may also make a NaN or infinity of what was a number.
 *
 * It refuses kernels that something else reads (they would be shipped twice), integers (whose products wrap),
 * and factors that vary along anything but the kernel's own output axes.
 */
import { dtypes } from "../../runtime/dtype.ts";
import { tensor } from "../../runtime/tensor.ts";
import { constant } from "../dims/index.ts";
import type { Attributes, BoundDim } from "../ir/graph.ts";
import type { ConvAttributes } from "../ops/conv.ts";
import type { DotGeneralAttributes } from "../ops/dot-general.ts";
import { eliminateDead } from "./eliminate-dead.ts";
import {
  type BoundGraph,
  type BoundNode,
  type BoundValue,
  rewriteGraph,
  type Scope,
  sameType,
} from "./rewrite.ts";
import { consumersOf, knownValues, usesOf } from "./uses.ts";

const one = constant(1) as BoundDim;

/** A contraction and the affine nodes behind it, each the only reader of the one before. */
interface Chain {
  readonly contraction: BoundNode;
  readonly steps: readonly BoundNode[];
}

export function foldScale(graph: BoundGraph): BoundGraph {
  const chains = chainsOf(graph);
  if (chains.size === 0) return graph;
  const folded = rewriteGraph(graph, (node, scope) => {
    const chain = chains.get(node);
    return chain && new Folding(chain, scope).result();
  });
  return eliminateDead(folded);
}

/** The chains worth folding, by their last node. */
function chainsOf(graph: BoundGraph): ReadonlyMap<BoundNode, Chain> {
  const uses = usesOf(graph);
  const consumers = consumersOf(graph);
  const known = knownValues(graph);
  const chains = new Map<BoundNode, Chain>();
  for (const contraction of graph.nodes) {
    const [x, kernel] = contraction.operands;
    if (contraction.op !== "conv" && contraction.op !== "dotGeneral") continue;
    if (dtypes[contraction.results[0]!.type.dtype].kind !== "float") continue;
    if (known.has(x!) || !known.has(kernel!) || uses.get(kernel!) !== 1) continue;
    const steps: BoundNode[] = [];
    let last = contraction;
    for (;;) {
      const value = last.results[0]!;
      const next = uses.get(value) === 1 ? consumers.get(value)?.[0] : undefined;
      if (!next || !isStep(next, value, contraction, known)) break;
      steps.push(next);
      last = next;
    }
    if (steps.some(isFactor)) chains.set(last, { contraction, steps });
  }
  return chains;
}

const isFactor = ({ op }: BoundNode) => op === "mul" || op === "div";

function isStep(
  node: BoundNode,
  value: BoundValue,
  contraction: BoundNode,
  known: ReadonlySet<BoundValue>,
): boolean {
  const by = otherOperand(node, value);
  if (!by || !known.has(by) || !sameType(node.results[0]!.type, value.type)) return false;
  return !isFactor(node) || kernelShapeOf(by, contraction) !== undefined;
}

/** What a step adds, subtracts, multiplies with or divides by. */
function otherOperand({ op, operands: [a, b] }: BoundNode, value: BoundValue): BoundValue | undefined {
  if (op === "add" || op === "mul") return a === value ? b : a;
  return (op === "sub" || op === "div") && a === value ? b : undefined;
}

/**
 * The shape in which a factor of the result is a factor of the kernel; none if it varies along another axis.
 */
function kernelShapeOf(
  factor: BoundValue,
  { op, operands, results, attributes }: BoundNode,
): readonly BoundDim[] | undefined {
  const kernel = operands[1]!.type.shape;
  const rank = results[0]!.type.shape.length;
  const shape = kernel.map(() => one);
  const axes =
    op === "conv" ? convAxes(kernel.length, attributes) : productAxes(rank, kernel.length, attributes);
  for (const [i, d] of factor.type.shape.entries()) {
    if (d === one) continue;
    const axis = axes.get(i + rank - factor.type.shape.length);
    if (axis === undefined) return undefined;
    shape[axis] = d;
  }
  return shape;
}

/** For each axis of the result that is an axis of the kernel alone, which one. */
function convAxes(rank: number, attributes: Attributes): ReadonlyMap<number, number> {
  const { layout } = attributes as ConvAttributes;
  return new Map([[layout === "channelsFirst" ? 1 : rank - 1, rank - 1]]);
}

function productAxes(rank: number, kernelRank: number, attributes: Attributes): ReadonlyMap<number, number> {
  const { batch, contract } = attributes as DotGeneralAttributes;
  const free = Array.from({ length: kernelRank }, (_, axis) => axis).filter(
    (axis) => !batch[1].includes(axis) && !contract[1].includes(axis),
  );
  return new Map(free.map((axis, i) => [rank - free.length + i, axis]));
}

/** Builds the folded form of one chain: result = contraction * factor + offset, gathered step by step. */
class Folding {
  readonly #chain: Chain;
  readonly #scope: Scope;
  #factor: BoundValue | undefined;
  #offset: BoundValue | undefined;

  constructor(chain: Chain, scope: Scope) {
    this.#chain = chain;
    this.#scope = scope;
  }

  /** The node that takes the place of the chain's last. */
  result(): BoundNode {
    const { contraction, steps } = this.#chain;
    let value = contraction.results[0]!;
    for (const step of steps) {
      this.#take(step, otherOperand(step, value)!);
      value = step.results[0]!;
    }
    const [x, kernel] = [contraction.operands[0]!, contraction.operands[1]!];
    const factor = this.#reshaped(this.#factor!);
    const { type } = kernel;
    const scaled = this.#scope.add("mul", [kernel, factor], {}, type, kernel.source, `${kernel.name}.scaled`);
    const { op, attributes, source } = contraction;
    const last = steps.at(-1)!;
    if (!this.#offset) return { ...contraction, operands: [x, scaled], results: last.results };
    const product = this.#scope.add(op, [x, scaled], attributes, value.type, source);
    return { ...last, op: "add", attributes: {}, operands: [product, this.#offset] };
  }

  #take({ op }: BoundNode, by: BoundValue): void {
    const { type, source } = by;
    if (op === "add" || op === "sub") {
      if (this.#offset) this.#offset = this.#binary(op, this.#offset, by);
      else this.#offset = op === "add" ? by : this.#scope.add("neg", [by], {}, type, source);
      return;
    }
    if (this.#offset) this.#offset = this.#binary(op, this.#offset, by);
    if (this.#factor) this.#factor = this.#binary(op, this.#factor, by);
    else this.#factor = op === "mul" ? by : this.#binary("div", this.#one(by), by);
  }

  #one({ type: { dtype }, source }: BoundValue): BoundValue {
    const value = tensor([1], [], dtype);
    return this.#scope.add("constant", [], { value }, { dtype, shape: [] }, source);
  }

  #reshaped(factor: BoundValue): BoundValue {
    const shape = kernelShapeOf(factor, this.#chain.contraction)!;
    const { dtype } = factor.type;
    const type = { dtype, shape };
    return sameType(factor.type, type)
      ? factor
      : this.#scope.add("reshape", [factor], { shape }, type, factor.source);
  }

  #binary(op: string, a: BoundValue, b: BoundValue): BoundValue {
    const type = { dtype: a.type.dtype, shape: broadcastShape(a, b) };
    return this.#scope.add(op, [a, b], {}, type, this.#chain.steps.at(-1)!.source);
  }
}

function broadcastShape(a: BoundValue, b: BoundValue): readonly BoundDim[] {
  const [long, short] =
    a.type.shape.length >= b.type.shape.length ? [a.type.shape, b.type.shape] : [b.type.shape, a.type.shape];
  const lead = long.length - short.length;
  return long.map((d, axis) => (d === one && axis >= lead ? short[axis - lead]! : d));
}
