/** Exports the ops that move elements, and those that take or write them by number. */
import type { DType } from "../../../../runtime/dtype.ts";
import { size, strides, type Tensor, tensor } from "../../../../runtime/tensor.ts";
import { add, constantOf, type Dim, mul } from "../../../dims/index.ts";
import type { Node } from "../../../ir/graph.ts";
import { int, type OnnxDraft, type Size, sizeOf, sizesOf, text } from "./draft.ts";
import type { ExportRow } from "./row.ts";

const numbers = (node: Node, name: string): readonly number[] => node.attributes[name] as readonly number[];
const flag = (node: Node, name: string): boolean => node.attributes[name] === true;
const dimsOf = (node: Node, name: string) => node.attributes[name] as readonly Dim[];
const dimOf = (node: Node, name: string) => node.attributes[name] as Dim;
const axisOf = (node: Node) => ({ axis: int(Number(node.attributes["axis"])) });

/** ONNX's name for how a scatter combines. */
const reductionOf = (node: Node) => {
  const { combine } = node.attributes;
  return { reduction: text(combine === "set" ? "none" : String(combine)) };
};

export const movementRows: Readonly<Record<string, ExportRow>> = {
  constant: (draft, node) => [draft.tensor(node.attributes["value"] as Tensor, node.results[0]!.name)],
  iota: (draft, node) => {
    const isFixed = node.results[0]!.type.shape.every((d) => constantOf(d) !== undefined);
    return [isFixed ? draft.tensor(counted(node), node.results[0]!.name) : counting(draft, node)];
  },
  dimension: (draft, node) => {
    const { dtype } = node.results[0]!.type;
    const value = dimOf(node, "value");
    const n = constantOf(value);
    return [
      n === undefined
        ? draft.cast(draft.reshape(draft.int64([value]), []), dtype)
        : draft.number(dtype, Number(n)),
    ];
  },
  broadcast: (draft, node, [x]) => {
    const axes = numbers(node, "axes");
    const { shape } = node.results[0]!.type;
    const own = node.operands[0]!.type.shape;
    const aligned = shape.map((_, axis) => (axes.includes(axis) ? own[axes.indexOf(axis)]! : 1));
    return [draft.node("Expand", [draft.reshape(x!, aligned), draft.int64(shape)])];
  },
  reshape: (draft, node, [x]) => [draft.reshape(x!, node.results[0]!.type.shape)],
  transpose: (draft, node, [x]) => [draft.transpose(x!, numbers(node, "permutation"))],
  slice: (draft, node, [x]) => {
    const [start, count, stride] = [dimOf(node, "start"), dimOf(node, "size"), dimOf(node, "stride")];
    const end = add(start, mul(count, stride));
    return [slice(draft, x!, [Number(node.attributes["axis"])], [start], [end], [stride])];
  },
  reverse: (draft, node, [x]) => {
    const axes = numbers(node, "axes");
    if (axes.length === 0) return [x!];
    const all = (n: number): readonly number[] => axes.map(() => n);
    // Before the first element: what ONNX takes for "to the very beginning" when it goes backwards.
    return [slice(draft, x!, axes, all(-1), all(-(2 ** 31)), all(-1))];
  },
  concat: (draft, node, operands) => [draft.node("Concat", operands, axisOf(node))],
  pad: (draft, node, [x]) => {
    const value = draft.number(node.results[0]!.type.dtype, Number(node.attributes["value"]));
    return [pad(draft, x!, dimsOf(node, "low"), dimsOf(node, "high"), value)];
  },
  // Known sizes only: then what is measured is the number itself.
  measure: (_draft, node, [x]) => {
    sizeOf(dimOf(node, "size"), "what is measured");
    return [x!];
  },
  compress: (draft, _node, operands) => [draft.node("Compress", operands, { axis: int(0) })],
  gather: (draft, node, operands) => [draft.node("Gather", operands, axisOf(node))],
  gatherElements: (draft, node, operands) => [draft.node("GatherElements", operands, axisOf(node))],
  gatherNd: (draft, node, [x, indices]) => {
    const batch = int(Number(node.attributes["batchDims"]));
    return [draft.node("GatherND", [x!, toInt64(draft, indices!)], { batch_dims: batch })];
  },
  scatterElements: (draft, node, operands) => [
    draft.node("ScatterElements", operands, { ...axisOf(node), ...reductionOf(node) }),
  ],
  scatterNd: (draft, node, [x, indices, updates]) => [
    draft.node("ScatterND", [x!, toInt64(draft, indices!), updates!], reductionOf(node)),
  ],
  topK: (draft, node, [x]) => {
    const largest = { largest: int(Number(flag(node, "largest"))), sorted: int(1) };
    const k = draft.int64([dimOf(node, "k")]);
    const [values, positions] = draft.nodes("TopK", [x!, k], 2, { ...axisOf(node), ...largest });
    return [values!, draft.cast(positions!, "int32")];
  },
};

const toInt64 = (draft: OnnxDraft, name: string): string => draft.node("Cast", [name], { to: int(7) });

/** The same where sizes are open. */
function counting(draft: OnnxDraft, node: Node): string {
  const { shape, dtype } = node.results[0]!.type;
  const along = Number(node.attributes["axis"]);
  const scalar = (value: Dim | number) => draft.reshape(draft.int64([value]), []);
  const numbers = draft.node("Range", [scalar(0), scalar(shape[along]!), scalar(1)]);
  const aligned = draft.reshape(
    numbers,
    shape.map((d, axis) => (axis === along ? d : 1)),
  );
  return draft.cast(draft.node("Expand", [aligned, draft.int64(shape)]), dtype);
}

/** Counts from 0 along one axis. */
function counted(node: Node): Tensor {
  const shape = sizesOf(node.results[0]!);
  const axis = Number(node.attributes["axis"]);
  const step = strides(shape)[axis]!;
  const numbers = Array.from({ length: size(shape) }, (_, i) => Math.floor(i / step) % shape[axis]!);
  return tensor(numbers, shape, node.results[0]!.type.dtype);
}

export function slice(
  draft: OnnxDraft,
  x: string,
  axes: readonly number[],
  starts: readonly Size[],
  ends: readonly Size[],
  steps: readonly Size[],
): string {
  return draft.node("Slice", [x, ...[starts, ends, axes, steps].map((list) => draft.int64(list))]);
}

/** Negative amounts crop. */
export function pad(
  draft: OnnxDraft,
  x: string,
  low: readonly Size[],
  high: readonly Size[],
  value: string,
): string {
  const isNothing = (n: Size) => Number(typeof n === "number" ? n : (constantOf(n) ?? 1)) === 0;
  if ([...low, ...high].every(isNothing)) return x;
  return draft.node("Pad", [x, draft.int64([...low, ...high]), value]);
}

/** Runs `body` on operands cast to a dtype that the operator takes, and casts what it gives back. */
export function within(
  draft: OnnxDraft,
  node: Node,
  operands: readonly string[],
  wide: DType,
  body: (operands: readonly string[]) => string,
): string {
  const { dtype } = node.results[0]!.type;
  if (dtype === wide) return body(operands);
  return draft.cast(body(operands.map((name) => draft.cast(name, wide))), dtype);
}
