/**
 * Writes the kernel of a root value: loops over the root's shape, and at each element whatever the root's
 * lowering asks for. An operand with memory is a load; an inlined one is its own lowering evaluated at the
 * index asked for, once per index and scope. This is the only place where maps and reductions turn into
 * statements.
 */

import { roundedTo } from "../../runtime/elements.ts";
import { add, constant, type Dim } from "../dims/index.ts";
import type { BoundDim, Node, Value } from "../ir/graph.ts";
import type { Expr } from "../ir/loop.ts";
import { dtypeOf } from "../ir/loop-rewrite.ts";
import type { Destination, Lowering, Operand } from "../ir/op.ts";
import type { OpenDims } from "../ir/open-dims.ts";
import type { Numerics } from "../ir/target.ts";
import type { PadAttributes } from "../ops/pad.ts";
import type { LoweredNode } from "./fuse.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import { rounded } from "./round.ts";
import { positionIn, type Storage } from "./storage.ts";

type Reduce = Extract<Lowering, { kind: "reduce" }>;

interface Evaluated {
  readonly index: readonly Dim[];
  readonly expr: Expr;
  /** The block it was evaluated in; the expression is good while that block is open. */
  readonly scope: object;
}

const axisNames = ["i", "j", "k", "l", "m", "n"];
const overNames = ["r", "s", "t", "u"];

export class FusedKernels {
  readonly #numerics: Numerics;
  readonly #open: OpenDims;
  readonly #storage: ReadonlyMap<Value, Storage>;
  readonly #lowered = new Map<Value, LoweredNode>();
  #builder: KernelBuilder;
  #evaluated = new Map<Value, Evaluated[]>();
  #nodes: Node[] = [];

  constructor(storage: ReadonlyMap<Value, Storage>, numerics: Numerics, open: OpenDims) {
    this.#storage = storage;
    this.#numerics = numerics;
    this.#open = open;
    this.#builder = new KernelBuilder(numerics, open);
  }

  register(lowered: LoweredNode): void {
    for (const result of lowered.node.results) this.#lowered.set(result, lowered);
  }

  operandsOf(node: Node<BoundDim>): readonly Operand[] {
    return node.operands.map((value) => ({
      dtype: value.type.dtype,
      shape: value.type.shape,
      at: (index) => this.#read(value, index),
    }));
  }

  /** The kernel that computes `root`'s results into their storage. */
  kernelOf(root: LoweredNode, core?: LoweredNode): ReturnType<KernelBuilder["finish"]> {
    const { node, lowering } = root;
    this.#begin();
    this.#nodes.push(node);
    const [result] = node.results;
    if (core) this.#epilogue(root, core);
    else if (lowering.kind === "kernel")
      lowering.build(
        this.#builder,
        node.results.map((r) => this.#destination(r)),
      );
    else if (lowering.kind === "view") this.#copy(node.operands[0]!, this.#storageOf(result!));
    else
      this.#loops(result!, axisNames, (index) => {
        const value = this.#evaluate(root, index);
        this.#destination(result!).store(index, value);
      });
    return this.#builder.finish(this.#name(root), this.#comment(root));
  }

  /** The statements of `core`, with the root computed of each element that they store. */
  #epilogue(root: LoweredNode, { node, lowering }: LoweredNode): void {
    if (lowering.kind !== "kernel") throw new Error(`internal: ${node.op} writes no statements`);
    const [value, result] = [node.results[0]!, root.node.results[0]!];
    const { dtype, shape } = value.type;
    this.#nodes.push(node);
    const store = (index: readonly Dim[], stored: Expr): void => {
      const expr = this.#builder.let(node.op, rounded(stored, dtype));
      this.#evaluated = new Map([[value, [{ index, expr, scope: this.#builder.scope }]]]);
      this.#destination(result).store(index, this.#evaluate(root, index));
    };
    const load = () => {
      throw new Error(`internal: ${node.op} reads what it has stored`);
    };
    lowering.build(this.#builder, [{ dtype, shape, store, load }]);
  }

  /** A kernel that copies a value's elements, in order, to other storage. */
  copyKernel(value: Value, target: Storage): ReturnType<KernelBuilder["finish"]> {
    this.#begin();
    this.#copy(value, target);
    return this.#builder.finish(
      `copy_${value.type.shape.map(nameFor).join("x")}`,
      `${value.name}: copy of [${value.type.shape.join(", ")}]`,
    );
  }

  /** A kernel that sets a value to zeros. */
  zeroKernel(value: Value<BoundDim>): ReturnType<KernelBuilder["finish"]> {
    const { dtype, shape } = value.type;
    this.#begin();
    this.#loops(value, axisNames, (index) =>
      this.#destination(value).store(index, { kind: "constant", value: roundedTo(dtype, 0), dtype }),
    );
    const sizes = shape.map(nameFor).join("x");
    return this.#builder.finish(`zero_${sizes}`, `${value.name}: zeros of [${shape.join(", ")}]`);
  }

  /** A kernel that fills what lies around the operand of a padding, which has its place inside. */
  borderKernel(node: Node<BoundDim>, target: Storage): ReturnType<KernelBuilder["finish"]> {
    const { low, high, value } = node.attributes as PadAttributes;
    const [x, result] = [node.operands[0]!.type, node.results[0]!.type];
    const filling: Expr = { kind: "constant", value: roundedTo(x.dtype, value), dtype: x.dtype };
    this.#begin();
    this.#nodes.push(node);
    x.shape.forEach((d, axis) => {
      const before = x.shape.slice(0, axis);
      for (const [first, size] of [
        [constant(0), low[axis]!] as const,
        [add(low[axis]!, d), high[axis]!] as const,
      ]) {
        if (size === constant(0)) continue;
        this.#nest([...before, size, ...result.shape.slice(axis + 1)], axisNames, true, (index) => {
          const start = index.map((_, i) => (i < axis ? low[i]! : i === axis ? first : constant(0)));
          const at = index.map((i, other) => add(i, start[other]!));
          this.#builder.store(target.buffer, positionIn(target, result.shape, at), filling);
        });
      }
    });
    const sizes = result.shape.map(nameFor).join("x");
    return this.#builder.finish(
      `border_${sizes}`,
      `${node.results[0]!.name}: what is padded to [${result.shape.join(", ")}]`,
    );
  }

  #begin(): void {
    this.#builder = new KernelBuilder(this.#numerics, this.#open);
    this.#evaluated = new Map();
    this.#nodes = [];
  }

  #copy(value: Value, target: Storage): void {
    this.#loops(value, axisNames, (index) => {
      const at = positionIn(target, value.type.shape, index);
      this.#builder.store(target.buffer, at, this.#read(value, index));
    });
  }

  #loops(value: Value, names: readonly string[], body: (index: readonly Dim[]) => void): void {
    this.#nest(value.type.shape, names, true, body);
  }

  #nest(
    extents: readonly Dim[],
    names: readonly string[],
    parallel: boolean,
    body: (index: readonly Dim[]) => void,
  ): void {
    const open = (axis: number, index: readonly Dim[]): void => {
      const extent = extents[axis];
      if (!extent) body(index);
      else
        this.#builder.for(names[axis] ?? `i${axis}`, extent, { parallel }, (i) =>
          open(axis + 1, [...index, i]),
        );
    };
    open(0, []);
  }

  #destination(value: Value): Destination {
    const storage = this.#storageOf(value);
    const { dtype, shape } = value.type;
    return {
      dtype,
      shape,
      store: (index, expr) => this.#builder.store(storage.buffer, positionIn(storage, shape, index), expr),
      load: (index) => this.#builder.reload(storage.buffer, positionIn(storage, shape, index)),
    };
  }

  #read(value: Value, index: readonly Dim[]): Expr {
    const storage = this.#storage.get(value);
    if (storage) return this.#builder.load(storage.buffer, positionIn(storage, value.type.shape, index));
    const known = (this.#evaluated.get(value) ?? []).find(
      (e) => this.#builder.isOpen(e.scope) && e.index.every((d, axis) => d === index[axis]),
    );
    if (known) return known.expr;
    const lowered = this.#lowered.get(value);
    if (!lowered) throw new Error(`internal: ${value.name} has neither memory nor a lowering`);
    this.#nodes.push(lowered.node);
    const exact = rounded(this.#evaluate(lowered, index), value.type.dtype);
    const expr = isSimple(exact) ? exact : this.#builder.let(lowered.node.op, exact);
    this.#evaluated.set(value, [
      ...(this.#evaluated.get(value) ?? []),
      { index, expr, scope: this.#builder.scope },
    ]);
    return expr;
  }

  #evaluate({ node, lowering }: LoweredNode, index: readonly Dim[]): Expr {
    const outer = this.#builder.subject;
    this.#builder.subject = node.source.path;
    const value = this.#valueAt(lowering, node, index);
    this.#builder.subject = outer;
    return value;
  }

  #valueAt(lowering: Lowering, node: Node, index: readonly Dim[]): Expr {
    if (lowering.kind === "map") return lowering.at(index, this.#builder);
    if (lowering.kind === "reduce") return this.#reduce(lowering, node.results[0]!, index);
    throw new Error(`internal: ${node.op} cannot be inlined`);
  }

  #reduce(reduce: Reduce, result: Value, index: readonly Dim[]): Expr {
    const { dtype } = result.type;
    const first: Expr = { kind: "constant", value: reduce.identity, dtype };
    const total = this.#builder.local("acc", dtype, first, { accumulator: true });
    this.#nest(reduce.over, overNames, false, (over) => {
      const b = reduce.element(index, over, this.#builder);
      const a = total.get();
      total.set({ kind: "binary", fn: reduce.combine, a, b, dtype: dtypeOf(a) });
    });
    return reduce.finish ? reduce.finish(rounded(total.get(), dtype)) : total.get();
  }

  #storageOf(value: Value): Storage {
    const storage = this.#storage.get(value);
    if (!storage) throw new Error(`internal: ${value.name} has no memory`);
    return storage;
  }

  #name({ node }: LoweredNode): string {
    const reduction = this.#nodes.find((n) => this.#lowered.get(n.results[0]!)?.lowering.kind === "reduce");
    const main = reduction ?? node;
    const { lowering } = this.#lowered.get(main.results[0]!)!;
    const over = lowering.kind === "reduce" ? lowering.over : [];
    const sizes = [...main.results[0]!.type.shape, ...over].map(nameFor);
    return `${main.op}_${sizes.join("x") || "scalar"}`;
  }

  #comment({ node }: LoweredNode): string {
    const result = node.results.map((r) => `${r.name} [${r.type.shape.join(", ")}]`).join(", ");
    const computing = [...this.#nodes].reverse().filter((n) => n.op !== "constant");
    const operations = [...new Set(computing.map((n) => n.op))].join(", ");
    const layers = [...new Set([...this.#nodes].reverse().map((n) => n.source.path))].filter((p) => p !== "");
    return `${result} = ${operations}${layers.length > 0 ? `  (${layers.join(", ")})` : ""}`;
  }
}

/** A size as part of a kernel's name: a number, the name of an open dim, or n for any other expression. */
const nameFor = (d: Dim): string => (/^[\w.]+$/.test(`${d}`) ? `${d}` : "n");

/** Not worth a local: it is one already, or costs nothing to repeat. */
const isSimple = (e: Expr): boolean =>
  e.kind === "load" || e.kind === "constant" || e.kind === "register" || e.kind === "index";
