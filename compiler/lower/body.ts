/**
 * Steps of one graph whose inputs and parameters have memory: the whole model, or the body of a scan.
 *
 * A scan becomes a `repeat`. A step of a sequence is a window into the whole sequence's buffer that moves
 * with the time axis, stacked outputs are written through such windows, and the carried states are buffers of
 * their own, to which the new values are copied at the end of a step, so the body reads old states whatever
 * order it writes in.
 */
import { decode, uniformOf } from "../../runtime/elements.ts";
import { add, constant, constantOf, type Dim, mul, sub, symbol } from "../dims/index.ts";
import type { BoundDim, Graph, Node, Value } from "../ir/graph.ts";
import { nodeWith } from "../ir/graph-dims.ts";
import type { Lowering } from "../ir/op.ts";
import { largest } from "../ir/open-dims.ts";
import type { Step } from "../ir/program.ts";
import { ops } from "../ops/index.ts";
import { knownValues } from "../passes/uses.ts";
import { addConstant, type LowerContext } from "./context.ts";
import { type FusionPlan, type LoweredNode, planFusion } from "./fuse.ts";
import { FusedKernels } from "./fused-kernels.ts";
import { type Hosted, placesIn, planHosts } from "./host.ts";
import { isEmpty, partOf, type Storage, sizeOf } from "./storage.ts";

type Measure = Extract<Lowering, { readonly kind: "measure" }>;

/** A value that must end up in given memory. */
export interface Target {
  readonly value: Value<BoundDim>;
  readonly storage: Storage;
}

/** `times`: how often the steps run in all, for counting multiply-accumulates. */
export function lowerBody(
  context: LowerContext,
  graph: Graph<BoundDim>,
  targets: readonly Target[],
  times: number,
): Step[] {
  return new BodyLowerer(context, graph, times).run(targets);
}

class BodyLowerer {
  readonly #context: LowerContext;
  readonly #graph: Graph<BoundDim>;
  readonly #times: number;
  readonly #kernels: FusedKernels;
  readonly #steps: Step[] = [];
  /** What follows from parameters alone is computed when the weights are there, not in every run. */
  readonly #known: ReadonlySet<Value>;
  readonly #producers: ReadonlyMap<Value, Node<BoundDim>>;
  /** Values that are computed inside others. */
  #hosted: ReadonlyMap<Value, Hosted> = new Map();

  constructor(context: LowerContext, graph: Graph<BoundDim>, times: number) {
    this.#context = context;
    this.#graph = graph;
    this.#known = knownValues(graph);
    this.#producers = new Map(graph.nodes.flatMap((node) => node.results.map((r) => [r, node] as const)));
    this.#times = times;
    this.#kernels = new FusedKernels(context.storage, context.target.numerics, context.open);
  }

  run(targets: readonly Target[]): Step[] {
    const lowered = this.#graph.nodes.flatMap((node) => this.#lowerNode(node));
    const plan = planFusion(this.#graph, lowered);
    const late = this.#assignTargets(lowered, plan, targets);
    if (this.#context.target.lanes > 1)
      this.#hosted = planHosts(this.#graph, lowered, plan, (value) => this.#isPlaced(value));
    for (const node of lowered) this.#emit(node, plan);
    for (const { value, storage } of late) this.#copy(value, storage);
    return this.#steps;
  }

  #lowerNode(node: Node<BoundDim>): LoweredNode[] {
    const { op: name, attributes, results } = node;
    const op = ops.get(name);
    if (!op) throw new Error(`internal: unknown op ${name}`);
    const types = results.map((r) => r.type);
    if (op.macs)
      this.#context.macs +=
        this.#times *
        largest(
          op.macs(
            node.operands.map((o) => o.type),
            attributes,
            types,
          ),
          this.#context.open,
        );
    const lowering =
      name === "constant"
        ? this.#constant(node)
        : op.lower(this.#kernels.operandsOf(node), attributes, types);
    if (!lowering) return [];
    const lowered = { node, lowering };
    this.#kernels.register(lowered);
    return [lowered];
  }

  /** A constant of equal elements is part of the code; any other is a weight. */
  #constant({ attributes, results }: Node<BoundDim>): Lowering | undefined {
    const tensor = attributes["value"];
    if (typeof tensor !== "object" || !("data" in tensor))
      throw new Error("internal: constant without a value");
    const { data: stored, dtype } = tensor;
    const value = uniformOf(decode(dtype, stored));
    if (value !== undefined)
      return { kind: "map", moves: true, at: () => ({ kind: "constant", value, dtype }) };
    if (!this.#context.storage.has(results[0]!)) addConstant(this.#context, results[0]!, stored);
    return undefined;
  }

  /**
   * Roots write straight into the memory of the target they are; returns the targets that need a copy
   * instead.
   */
  #assignTargets(lowered: readonly LoweredNode[], plan: FusionPlan, targets: readonly Target[]): Target[] {
    const producers = new Map(lowered.flatMap((l) => l.node.results.map((r) => [r, l] as const)));
    const { storage } = this.#context;
    return targets.filter((target) => {
      let value = target.value;
      while (plan.views.has(value)) value = producers.get(value)!.node.operands[0]!;
      if (!producers.has(value) || plan.inlined.has(value) || storage.has(value)) return true;
      storage.set(value, target.storage);
      return false;
    });
  }

  #emit(lowered: LoweredNode, plan: FusionPlan): void {
    const { node, lowering } = lowered;
    const { storage, buffers } = this.#context;
    const [first] = node.results;
    if (lowering.kind === "measure") {
      this.#measure(node, lowering);
      return;
    }
    if (first && plan.inlined.has(first)) return;
    if (first && plan.views.has(first)) {
      storage.set(first, storage.get(node.operands[0]!)!);
      return;
    }
    if (node.operands.some((operand) => this.#hosted.get(operand)?.host === node)) {
      this.#fillHost(node);
      return;
    }
    const early = node.results.every((r) => !storage.has(r)) && this.#isEarly(node);
    for (const result of node.results)
      if (!storage.has(result) && early) {
        const buffer = this.#context.cache.keep(buffers.create(result.name, result, "packed"));
        storage.set(result, { buffer, offset: zero });
      } else this.#placed(result);
    if (lowering.kind === "scan") this.#scan(node, lowering.body as Graph<BoundDim>);
    else if (!node.results.every(isEmpty))
      this.#call(this.#kernels.kernelOf(lowered, plan.cores.get(node)), early);
  }

  /** Outputs, and what follows from weights alone. */
  #isPlaced(value: Value): boolean {
    return this.#context.storage.has(value) || this.#known.has(value);
  }

  /** The memory of a value: its part of its host's, or its own. */
  #placed(value: Value<BoundDim>): Storage {
    const { storage, buffers } = this.#context;
    const known = storage.get(value);
    if (known) return known;
    const hosted = this.#hosted.get(value);
    const [whole] = hosted?.host.results ?? [];
    const own: Storage =
      hosted && whole
        ? partOf(this.#placed(whole), whole.type.shape, hosted.start)
        : { buffer: buffers.create(value.name, value, "arena"), offset: zero };
    storage.set(value, own);
    return own;
  }

  /** What is left to do for a value that others were computed into: the rest of its parts, or its border. */
  #fillHost(node: Node<BoundDim>): void {
    const [whole] = node.results;
    const target = this.#placed(whole!);
    if (node.op === "pad") {
      this.#call(this.#kernels.borderKernel(node, target));
      return;
    }
    placesIn(node).forEach((start, i) => {
      const operand = node.operands[i]!;
      const place = this.#hosted.get(operand);
      if (place?.host === node && place.start.every((n, axis) => n === start[axis])) return;
      this.#copy(operand, partOf(target, whole!.type.shape, start));
    });
  }

  /** All that it reads is there before the first run: weights, what was computed of them, no open size. */
  #isEarly(node: Node<BoundDim>): boolean {
    const { results, operands } = node;
    if (!results.every((result) => this.#known.has(result)) || isOpen(node)) return false;
    return operands.every((operand) => {
      const stored = this.#context.storage.get(operand);
      if (stored) return stored.buffer.space === "weight" || stored.buffer.space === "packed";
      const producer = this.#producers.get(operand);
      return producer !== undefined && this.#isEarly(producer);
    });
  }

  #measure({ operands, results, source }: Node<BoundDim>, { size, most }: Measure): void {
    const { storage, sizes } = this.#context;
    const from = this.#stored(operands[0]!);
    const target = storage.get(results[0]!);
    if (target) this.#copy(operands[0]!, target);
    else storage.set(results[0]!, from);
    const { buffer, offset: index } = from;
    this.#steps.push({ kind: "read", buffer, index, subject: source.path, ...sizes.read(size, most) });
  }

  #call({ kernel, buffers }: ReturnType<FusedKernels["kernelOf"]>, early = false): void {
    const { cache } = this.#context;
    const steps = early ? cache.prepare : this.#steps;
    steps.push(...cache.call(kernel, buffers, kernel.parameters.map(symbol), early));
  }

  #copy(value: Value<BoundDim>, target: Storage): void {
    if (!isEmpty(value)) this.#call(this.#kernels.copyKernel(value, target));
  }

  #scan(node: Node<BoundDim>, body: Graph<BoundDim>): void {
    const { states, sequences, reverse, conditional } = scanAttributes(node);
    const length = node.operands[states]?.type.shape[0] ?? node.results[states]!.type.shape[0]!;
    const axis = this.#context.timeAxis();
    const at = reverse ? sub(sub(length, 1), symbol(axis)) : symbol(axis);
    const { storage } = this.#context;
    this.#forget(body);
    const carried = node.results.slice(0, states);
    carried.forEach((result, i) => {
      this.#copy(node.operands[i]!, storage.get(result)!);
    });
    body.inputs.forEach((input, i) => {
      const outer = node.operands[i]!;
      if (i < states) storage.set(input, this.#stored(carried[i]!));
      else if (i >= states + sequences) storage.set(input, this.#stored(outer));
      else storage.set(input, window(this.#stored(outer), at, sizeOf(input)));
    });
    const targets = body.outputs.slice(states).map(({ value }, i) => ({
      value,
      storage: window(storage.get(node.results[states + i]!)!, at, sizeOf(value)),
    }));
    const stop = conditional ? this.#stop(node, states) : [];
    const times = this.#times * largest(length, this.#context.open);
    const inner = lowerBody(this.#context, body, targets, times);
    const copier = new BodyLowerer(this.#context, body, times);
    copier.#carry(body, states, carried);
    this.#steps.push({ kind: "repeat", axis, extent: length, body: [...stop, ...inner, ...copier.#steps] });
  }

  /** What leaves the repeat of a scan; elements that it then does not write are 0 from the start. */
  #stop({ results }: Node<BoundDim>, states: number): Step[] {
    for (const result of results.slice(states))
      if (!isEmpty(result)) this.#call(this.#kernels.zeroKernel(result));
    const { buffer, offset: index } = this.#stored(results[0]!);
    return [{ kind: "stop", buffer, index }];
  }

  /** One graph may be the body of several scans; in each its values have memory of their own. */
  #forget(body: Graph): void {
    for (const { op, results } of body.nodes)
      if (op !== "constant") for (const result of results) this.#context.storage.delete(result);
  }

  /**
   * Copies the new states over the old; one that is another old state goes through memory of its own first.
   */
  #carry(body: Graph<BoundDim>, states: number, carried: readonly Value<BoundDim>[]): void {
    const { storage, buffers } = this.#context;
    const olds = new Set(carried.map((result) => storage.get(result)!.buffer));
    const copies = body.outputs.slice(0, states).flatMap(({ value }, i) => {
      const from = storage.get(value)!;
      const to = storage.get(carried[i]!)!;
      if (from.buffer === to.buffer && from.offset === to.offset) return [];
      if (!olds.has(from.buffer)) return [{ value, to }];
      const aside = { ...value };
      const held = { buffer: buffers.create(`${value.name}.old`, value, "arena"), offset: zero };
      this.#copy(value, held);
      storage.set(aside, held);
      return [{ value: aside, to }];
    });
    for (const { value, to } of copies) this.#copy(value, to);
  }

  #stored(value: Value<BoundDim>): Storage {
    const found = this.#context.storage.get(value);
    if (!found) throw new Error(`internal: ${value.name} has no memory`);
    return found;
  }
}

const zero = constant(0);

function window({ buffer, offset }: Storage, at: Dim, size: Dim): Storage {
  return { buffer, offset: add(offset, mul(at, size)) };
}

function scanAttributes({ attributes }: Node) {
  const { states, sequences, reverse, conditional } = attributes;
  return {
    states: Number(states),
    sequences: Number(sequences),
    reverse: reverse === true,
    conditional: conditional === true,
  };
}

/** Whether an open size stands in its results or attributes. */
function isOpen(node: Node): boolean {
  let open = false;
  nodeWith(node, (d) => {
    open ||= constantOf(d) === undefined;
    return d;
  });
  return open;
}
