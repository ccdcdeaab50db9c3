/** Exports reductions, running totals and sliding windows. */
import { type DType, dtypes } from "../../../../runtime/dtype.ts";
import { size, strides, type Tensor } from "../../../../runtime/tensor.ts";
import { add, constant, type Dim, max, mul, sub } from "../../../dims/index.ts";
import type { Node } from "../../../ir/graph.ts";
import { identityOf } from "../../../ops/accumulate.ts";
import { inexpressible, int, type OnnxDraft, sizeOf, sizesOf } from "./draft.ts";
import { pad, slice, within } from "./movement.ts";
import type { ExportRow } from "./row.ts";

/** Nodes that one window or running product may become. */
const MOST_STEPS = 4096;

/** Sums and products of narrow integers are no ONNX operators; 32 bits wrap to the same. */
const wideOf = (dtype: DType): DType =>
  dtypes[dtype].kind === "integer" && dtypes[dtype].bytes < 4 ? "int32" : dtype;

const reduce =
  (opType: string): ExportRow =>
  (draft, node, operands) => {
    const axes = draft.int64(node.attributes["axes"] as readonly number[]);
    const options = {
      keepdims: int(Number(node.attributes["keepDims"] === true)),
      noop_with_empty_axes: int(1),
    };
    const wide = wideOf(node.results[0]!.type.dtype);
    return [within(draft, node, operands, wide, ([x]) => draft.node(opType, [x!, axes], options))];
  };

const argReduce =
  (opType: string): ExportRow =>
  (draft, node, [x]) => {
    const position = draft.node(opType, [x!], {
      axis: int(Number(node.attributes["axis"])),
      keepdims: int(0),
    });
    return [draft.cast(position, "int32")];
  };

export const reductionRows: Readonly<Record<string, ExportRow>> = {
  reduceSum: reduce("ReduceSum"),
  reduceProd: reduce("ReduceProd"),
  reduceMax: reduce("ReduceMax"),
  reduceMin: reduce("ReduceMin"),
  argMax: argReduce("ArgMax"),
  argMin: argReduce("ArgMin"),
  cumsum: (draft, node, operands) => {
    const { axis, reverse, exclusive } = node.attributes;
    const options = { reverse: int(Number(reverse === true)), exclusive: int(Number(exclusive === true)) };
    const along = draft.tensor({ dtype: "int32", shape: [], data: Int32Array.of(Number(axis)) });
    const wide = wideOf(node.results[0]!.type.dtype);
    return [within(draft, node, operands, wide, ([x]) => draft.node("CumSum", [x!, along], options))];
  },
  cumprod: (draft, node, [x]) => [runningProducts(draft, node, x!)],
  windowReduce: (draft, node, [x]) => {
    const combine = String(node.attributes["combine"]) as "add" | "max" | "min";
    const opType = { add: "Add", max: "Max", min: "Min" }[combine];
    const lowest = identityOf(combine, node.results[0]!.type.dtype);
    const elements = new Windows(draft, node, x!, Number(lowest)).elements();
    return [elements.slice(1).reduce((total, next) => draft.node(opType, [total, next]), elements[0]!)];
  },
  windowArgMax: (draft, node, [x]) => [new Windows(draft, node, x!).argMax()],
};

/** One slice per place along the axis. */
function runningProducts(draft: OnnxDraft, node: Node, x: string): string {
  const { axis, reverse, exclusive } = node.attributes;
  const { dtype } = node.results[0]!.type;
  const { shape } = node.results[0]!.type;
  const length = sizeOf(shape[Number(axis)]!, `the axis of a running product`);
  if (length > MOST_STEPS) return inexpressible(node, `a running product over ${length} elements`);
  if (length === 0) return x;
  const slab = shape.with(Number(axis), constant(1));
  let total = draft.node("Expand", [draft.number(dtype, 1), draft.int64(slab)]);
  const places = Array.from({ length }, (_, i) => (reverse === true ? length - 1 - i : i));
  const parts: string[] = [];
  for (const i of places) {
    const next = draft.node("Mul", [total, slice(draft, x, [Number(axis)], [i], [i + 1], [1])]);
    parts[i] = exclusive === true ? total : next;
    total = next;
  }
  return draft.node("Concat", parts, { axis: int(Number(axis)) });
}

/** A sliding window, one slice of the padded operand for each of its elements. */
class Windows {
  readonly #draft: OnnxDraft;
  readonly #node: Node;
  readonly #padded: string;
  readonly #window: readonly number[];
  readonly #strides: readonly number[];
  readonly #dilations: readonly number[];
  readonly #padding: readonly (readonly [Dim, Dim])[];

  constructor(draft: OnnxDraft, node: Node, x: string, identity?: number) {
    this.#draft = draft;
    this.#node = node;
    const sizes = (name: string) =>
      (node.attributes[name] as readonly Dim[]).map((d) => sizeOf(d, `${name} of ${node.op}`));
    [this.#window, this.#strides, this.#dilations] = [sizes("window"), sizes("strides"), sizes("dilations")];
    this.#padding = node.attributes["padding"] as readonly (readonly [Dim, Dim])[];
    if (size(this.#window) > MOST_STEPS) inexpressible(node, `a window of ${size(this.#window)} elements`);
    const { dtype } = node.operands[0]!.type;
    const filler = draft.number(dtype, identity ?? Number(identityOf("max", dtype)));
    const [low, high] = [this.#padding.map((p) => p[0]), this.#padding.map((p) => p[1])];
    this.#padded = pad(draft, x, low, high, filler);
  }

  /** In row-major order of the window. */
  elements(): readonly string[] {
    return this.#offsets().map((offset) => this.#elementAt(offset));
  }

  #offsets(): readonly (readonly number[])[] {
    const steps = strides(this.#window);
    return Array.from({ length: size(this.#window) }, (_, flat) =>
      this.#window.map((extent, axis) => Math.floor(flat / steps[axis]!) % extent),
    );
  }

  #elementAt(offset: readonly number[]): string {
    const starts = offset.map((r, axis) => r * this.#dilations[axis]!);
    const { shape } = this.#node.results[0]!.type;
    const last = (axis: number) => mul(sub(shape[axis]!, 1), this.#strides[axis]!);
    const ends = starts.map((s, axis) => max(add(last(axis), s + 1), s));
    const axes = starts.map((_, axis) => axis);
    return slice(this.#draft, this.#padded, axes, starts, ends, this.#strides);
  }

  get #places(): readonly number[] {
    return sizesOf(this.#node.results[0]!);
  }

  /** Where each element lies in x is known now; only which one wins is left to run time. */
  argMax(): string {
    const draft = this.#draft;
    const { dtype } = this.#node.operands[0]!.type;
    const lowest = Number(identityOf("max", dtype));
    const shape = this.#places;
    let best = draft.node("Expand", [draft.number(dtype, lowest), draft.int64(shape)]);
    let where = this.#positions(
      (flat) =>
        this.#offsets()
          .map((o) => this.#sourceOf(flat, o))
          .find((at) => at >= 0) ?? 0,
    );
    for (const offset of this.#offsets()) {
      const value = this.#elementAt(offset);
      const wins = this.#beats(value, best);
      const here = this.#positions((flat) => Math.max(this.#sourceOf(flat, offset), 0));
      best = draft.node("Where", [wins, value, best]);
      where = draft.node("Where", [wins, here, where]);
    }
    return where;
  }

  #beats(value: string, best: string): string {
    const draft = this.#draft;
    const larger = draft.node("Greater", [value, best]);
    if (dtypes[this.#node.operands[0]!.type.dtype].kind !== "float") return larger;
    const other = draft.node("Not", [draft.node("IsNaN", [best])]);
    return draft.node("Or", [larger, draft.node("And", [draft.node("IsNaN", [value]), other])]);
  }

  /** Flat position in x of a window's element, -1 in the padding. */
  #sourceOf(place: number, offset: readonly number[]): number {
    const sizes = sizesOf(this.#node.operands[0]!);
    const places = this.#places;
    const [own, steps] = [strides(sizes), strides(places)];
    let flat = 0;
    for (const [axis, extent] of places.entries()) {
      const i = Math.floor(place / steps[axis]!) % extent;
      const before = sizeOf(this.#padding[axis]![0], "padding");
      const at = i * this.#strides[axis]! + offset[axis]! * this.#dilations[axis]! - before;
      if (at < 0 || at >= sizes[axis]!) return -1;
      flat += at * own[axis]!;
    }
    return flat;
  }

  #positions(positionOf: (place: number) => number): string {
    const shape = this.#places;
    const data = Int32Array.from({ length: size(shape) }, (_, place) => positionOf(place));
    const tensor: Tensor = { dtype: "int32", shape, data };
    return this.#draft.tensor(tensor);
  }
}
