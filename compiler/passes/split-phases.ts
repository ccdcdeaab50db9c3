/**
 * A transposed convolution is a convolution of an input with zeros between its elements (input dilation d).
 * Of each window only every d-th element meets something else than such a zero, and which ones depends on the
 * place modulo d alone: its phase. So it becomes d plain convolutions of the input itself for each axis, with
 * parts of the kernel, whose results are interleaved: the d-th part of the work for each axis, and no test
 * inside. Where the windows do not overlap (a kernel of d elements) all phases read the same element, and are
 * the output channels of one convolution. Known as sub-pixel convolution (Shi et al. 2016).
 *
 * What is left out are products with zeros of the dilation: nothing changes unless a weight is infinite or
 * NaN, where the zero made a NaN of it, which neither ONNX nor Keras ask for.
 *
 * Left alone: strides, dilated kernels, and kernels smaller than the dilation, some of whose phases are
 * empty.
 */
import { add, constant, constantOf, type Dim, mul, product, sub } from "../dims/index.ts";
import type { BoundDim } from "../ir/graph.ts";
import type { ConvAttributes } from "../ops/conv.ts";
import type { PadAttributes } from "../ops/pad.ts";
import {
  type BoundGraph,
  type BoundNode,
  type BoundValue,
  type Replacement,
  rewriteGraph,
  type Scope,
} from "./rewrite.ts";

const one = constant(1) as BoundDim;
const zero = constant(0) as BoundDim;
const none = [zero, zero] as const;

/** `lanes`: transposed convolutions with the channels first are made ones with the channels last, too. */
export function splitPhases(graph: BoundGraph, lanes: number): BoundGraph {
  return rewriteGraph(graph, (node, scope) => (node.op === "conv" ? split(node, scope, lanes) : undefined));
}

/** The results at places `number`, `number + d`, ... along one axis: result q reads x from q + `from` on. */
interface Phase {
  /** Kernel elements first, first + d, ...; `taps` of them. */
  readonly first: number;
  readonly taps: number;
  readonly from: number;
}

/** One spatial axis of the convolution. */
interface Axis {
  readonly phases: readonly Phase[];
  readonly input: BoundDim;
  readonly output: BoundDim;
  /** Results of each phase, the last of which may be one too many. */
  readonly places: BoundDim;
}

function split(node: BoundNode, scope: Scope, lanes: number): Replacement {
  const { inputDilations, strides, dilations, layout } = node.attributes as ConvAttributes;
  if (inputDilations.every((d) => d === one) || [...strides, ...dilations].some((d) => d !== one))
    return undefined;
  const [x, kernel] = node.operands as [BoundValue, BoundValue];
  const { shape } = node.results[0]!.type;
  const first = layout === "channelsFirst";
  const axes = inputDilations.map((_, i) => axisOf(node, i, first ? i + 2 : i + 1));
  if (!axes.every((axis) => axis !== undefined)) return undefined;
  const turned = first && lanes > 1;
  const turn = (value: BoundValue, order: readonly number[]) => transposed(value, order, node, scope);
  const rank = shape.length;
  const toLast = [0, ...counting(rank - 2).map((i) => i + 2), 1];
  const builder = new Builder(node, scope, first && !turned, axes, kernel);
  const result = builder.build(turned ? turn(x, toLast) : x);
  const toFirst = [0, rank - 1, ...counting(rank - 2).map((i) => i + 1)];
  return [turned ? turn(result, toFirst) : result];
}

const counting = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

function axisOf(node: BoundNode, i: number, at: number): Axis | undefined {
  const { padding, inputDilations } = node.attributes as ConvAttributes;
  const [d, low, size] = [inputDilations[i]!, padding[i]![0], node.operands[1]!.type.shape[i]!].map(
    constantOf,
  );
  if (d === undefined || low === undefined || size === undefined || size < d) return undefined;
  const phases = counting(d).map((number): Phase => {
    const first = (((low - number) % d) + d) % d;
    return { first, taps: Math.ceil((size - first) / d), from: (number + first - low) / d };
  });
  const [input, output] = [node.operands[0]!, node.results[0]!].map((value) => value.type.shape[at]!);
  const high = constantOf(padding[i]![1]);
  if (high === undefined) return undefined;
  // The output is d * input and a constant.
  const places = add(input!, Math.ceil((2 - d + low + high - size) / d)) as BoundDim;
  return { phases, input: input!, output: output!, places };
}

class Builder {
  readonly #node: BoundNode;
  readonly #scope: Scope;
  readonly #first: boolean;
  readonly #axes: readonly Axis[];
  readonly #kernel: BoundValue;

  constructor(node: BoundNode, scope: Scope, first: boolean, axes: readonly Axis[], kernel: BoundValue) {
    this.#node = node;
    this.#scope = scope;
    this.#first = first;
    this.#axes = axes;
    this.#kernel = kernel;
  }

  build(x: BoundValue): BoundValue {
    const padded = this.#padded(x);
    const whole = this.#readAlike() ? this.#asChannels(padded) : this.#interleaved(padded, []);
    return this.#axes.reduce((value, { output }, i) => this.#cut(value, this.#at(i), zero, output), whole);
  }

  /** All phases read one element, the same. */
  #readAlike(): boolean {
    const alike = ({ phases }: Axis) => phases.every((p) => p.taps === 1 && p.from === phases[0]!.from);
    return constantOf((this.#node.attributes as ConvAttributes).groups) === 1 && this.#axes.every(alike);
  }

  /** One convolution with the phases as output channels. */
  #asChannels(padded: BoundValue): BoundValue {
    const counts = this.#axes.map(({ phases }) => phases.length);
    const kernels = choices(this.#axes.map(({ phases }) => phases)).map((chosen) => this.#part(chosen));
    const outputs = this.#kernel.type.shape.at(-1)!;
    const many = mul(product(counts.map((n) => constant(n))), outputs) as BoundDim;
    const shape = [
      ...this.#kernel.type.shape.map(() => one).slice(0, -2),
      this.#kernel.type.shape.at(-2)!,
      many,
    ];
    const axis = shape.length - 1;
    const kernel = this.#add("concat", kernels, { axis }, shape);
    const y = this.#convolution(
      padded,
      kernel,
      this.#axes.map(({ phases }) => phases[0]!),
    );
    const places = this.#axes.map((each) => each.places);
    const numbers = counts.map((n) => constant(n) as BoundDim);
    const [batch, n] = [y.type.shape[0]!, counts.length];
    const apart = this.#first
      ? [batch, ...numbers, outputs, ...places]
      : [batch, ...places, ...numbers, outputs];
    const place = (i: number) => (this.#first ? n + 2 + i : 1 + i);
    const number = (i: number) => (this.#first ? 1 + i : n + 1 + i);
    const pairs = counting(n).flatMap((i) => [place(i), number(i)]);
    const order = this.#first ? [0, n + 1, ...pairs] : [0, ...pairs, 2 * n + 1];
    const beside = transposed(this.#reshape(y, apart), order, this.#node, this.#scope);
    return this.#reshape(beside, this.#spatial(batch, outputs, this.#axes.map(lengthOf)));
  }

  /** The phases of the axes from `chosen` on, put side by side along one axis after the other. */
  #interleaved(padded: BoundValue, chosen: readonly Phase[]): BoundValue {
    const i = chosen.length;
    const axis = this.#axes[i];
    if (!axis) return this.#convolution(padded, this.#part(chosen), chosen);
    const parts = axis.phases.map((phase) => this.#interleaved(padded, [...chosen, phase]));
    const at = this.#at(i);
    const { shape } = parts[0]!.type;
    const apart = [...shape.slice(0, at + 1), one, ...shape.slice(at + 1)];
    const joined = apart.with(at + 1, constant(parts.length) as BoundDim);
    const lists = parts.map((part) => this.#reshape(part, apart));
    const beside = this.#add("concat", lists, { axis: at + 1 }, joined);
    return this.#reshape(beside, shape.with(at, lengthOf(axis)));
  }

  #convolution(padded: BoundValue, kernel: BoundValue, phases: readonly Phase[]): BoundValue {
    const x = phases.reduce((value, { taps, from }, i) => {
      const { places } = this.#axes[i]!;
      const start = constant(from + this.#low(i)) as BoundDim;
      return this.#cut(value, this.#at(i), start, add(places, taps - 1) as BoundDim);
    }, padded);
    const { groups } = this.#node.attributes as ConvAttributes;
    const ones = phases.map(() => one);
    const attributes: ConvAttributes = {
      strides: ones,
      padding: phases.map(() => none),
      dilations: ones,
      inputDilations: ones,
      groups,
      layout: this.#first ? "channelsFirst" : "channelsLast",
    };
    const places = this.#axes.map((each) => each.places);
    const shape = this.#spatial(padded.type.shape[0]!, kernel.type.shape.at(-1)!, places);
    return this.#add("conv", [x, kernel], attributes, shape);
  }

  /** Every d-th element of the kernel along each axis. */
  #part(chosen: readonly Phase[]): BoundValue {
    return chosen.reduce((kernel, { first, taps }, axis) => {
      const { shape } = kernel.type;
      const stride = constant(this.#axes[axis]!.phases.length);
      const size = constant(taps) as BoundDim;
      const attributes = { axis, start: constant(first), size, stride };
      return this.#add("slice", [kernel], attributes, shape.with(axis, size));
    }, this.#kernel);
  }

  /** The input with as many zeros around it as the phases read. */
  #padded(x: BoundValue): BoundValue {
    const { shape } = x.type;
    const low = shape.map((): Dim => zero);
    const high = shape.map((): Dim => zero);
    this.#axes.forEach(({ phases, places, input }, i) => {
      const beyond = phases.map(({ from, taps }) => constantOf(sub(add(places, from + taps - 1), input))!);
      low[this.#at(i)] = constant(this.#low(i));
      high[this.#at(i)] = constant(Math.max(0, ...beyond));
    });
    if ([...low, ...high].every((d) => d === zero)) return x;
    const attributes: PadAttributes = { low, high, value: 0 };
    const padded = shape.map((d, axis) => add(d, low[axis]!, high[axis]!) as BoundDim);
    return this.#add("pad", [x], attributes, padded);
  }

  #low(i: number): number {
    return Math.max(0, ...this.#axes[i]!.phases.map(({ from }) => -from));
  }

  #cut(value: BoundValue, axis: number, start: BoundDim, size: BoundDim): BoundValue {
    const { shape } = value.type;
    if (start === zero && shape[axis] === size) return value;
    return this.#add("slice", [value], { axis, start, size, stride: one }, shape.with(axis, size));
  }

  #reshape(value: BoundValue, shape: readonly BoundDim[]): BoundValue {
    return this.#add("reshape", [value], { shape }, shape);
  }

  #add(
    op: string,
    operands: readonly BoundValue[],
    attributes: BoundNode["attributes"],
    shape: readonly BoundDim[],
  ): BoundValue {
    const { dtype } = this.#node.results[0]!.type;
    return this.#scope.add(op, operands, attributes, { dtype, shape }, this.#node.source);
  }

  /** Where spatial axis `i` is. */
  #at(i: number): number {
    return this.#first ? i + 2 : i + 1;
  }

  #spatial(batch: BoundDim, channels: BoundDim, sizes: readonly BoundDim[]): readonly BoundDim[] {
    return this.#first ? [batch, channels, ...sizes] : [batch, ...sizes, channels];
  }
}

/** Of all phases of an axis. */
const lengthOf = ({ places, phases }: Axis): BoundDim => mul(places, phases.length) as BoundDim;

/** One of each list, the last list's changing fastest. */
function choices<T>(lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return lists.reduce<readonly (readonly T[])[]>(
    (all, list) => all.flatMap((chosen) => list.map((one) => [...chosen, one])),
    [[]],
  );
}

function transposed(value: BoundValue, order: readonly number[], node: BoundNode, scope: Scope): BoundValue {
  const { dtype, shape } = value.type;
  const type = { dtype, shape: order.map((axis) => shape[axis]!) };
  return scope.add("transpose", [value], { permutation: order }, type, node.source);
}
