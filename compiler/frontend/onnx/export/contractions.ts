/** Exports contractions: MatMul between matrices that are arranged before and after, and Conv. */
import { type DType, dtypes } from "../../../../runtime/dtype.ts";
import { type Dim, product, type Shape } from "../../../dims/index.ts";
import type { Node } from "../../../ir/graph.ts";
import type { DotGeneralAttributes } from "../../../ops/dot-general.ts";
import { inexpressible, int, ints, type OnnxDraft, sizeOf, sizesOf } from "./draft.ts";
import { pad, within } from "./movement.ts";
import type { ExportRow } from "./row.ts";

export const contractionRows: Readonly<Record<string, ExportRow>> = {
  dotGeneral: (draft, node, operands) => {
    const { dtype } = node.results[0]!.type;
    const wide: DType = dtypes[dtype].kind === "float" || dtypes[dtype].bytes >= 4 ? dtype : "int32";
    return [within(draft, node, operands, wide, ([a, b]) => matMul(draft, node, a!, b!))];
  },
  conv: (draft, node, operands) => {
    const { dtype } = node.results[0]!.type;
    // Conv is for floats; float64 holds sums of narrow integers exactly, and int64 wraps on the way back.
    if (dtypes[dtype].kind === "float") return [convolve(draft, node, operands[0]!, operands[1]!)];
    const [x, kernel] = operands.map((name) => draft.cast(name, "float64"));
    const whole = draft.node("Cast", [convolve(draft, node, x!, kernel!, "float64")], { to: int(7) });
    return [draft.cast(whole, dtype)];
  },
  lu: (_draft, node) => inexpressible(node, "an LU decomposition"),
};

function matMul(draft: OnnxDraft, node: Node, a: string, b: string): string {
  const { batch, contract } = node.attributes as DotGeneralAttributes;
  const [left, right] = node.operands.map(({ type }) => type.shape);
  const free = (sizes: Shape, side: 0 | 1) =>
    sizes
      .map((_, axis) => axis)
      .filter((axis) => !batch[side].includes(axis) && !contract[side].includes(axis));
  const [freeA, freeB] = [free(left!, 0), free(right!, 1)];
  const count = (sizes: Shape, axes: readonly number[]) => product(axes.map((axis) => sizes[axis]!));
  const [beside, over] = [count(left!, batch[0]), count(left!, contract[0])];
  const rows = draft.transpose(a, [...batch[0], ...freeA, ...contract[0]]);
  const columns = draft.transpose(b, [...batch[1], ...contract[1], ...freeB]);
  const result = draft.node("MatMul", [
    draft.reshape(rows, [beside, count(left!, freeA), over]),
    draft.reshape(columns, [beside, over, count(right!, freeB)]),
  ]);
  return draft.reshape(result, node.results[0]!.type.shape);
}

/** Brings x and the kernel into ONNX's [N, C, ...] and [O, C / groups, ...window]. */
function convolve(
  draft: OnnxDraft,
  node: Node,
  x: string,
  kernel: string,
  dtype: DType = node.results[0]!.type.dtype,
): string {
  const sizes = (name: string) =>
    (node.attributes[name] as readonly Dim[]).map((d) => sizeOf(d, `${name} of conv`));
  const axes = node.operands[0]!.type.shape.length - 2;
  const spatial = Array.from({ length: axes }, (_, i) => i);
  const last = node.attributes["layout"] === "channelsLast";
  const image = last ? draft.transpose(x, [0, axes + 1, ...spatial.map((i) => i + 1)]) : x;
  const spread = sizes("inputDilations");
  const zero = draft.number(dtype, 0);
  const dilated = spatial.reduce((name, i) => spaced(draft, name, [node, i, spread[i]!, zero]), image);
  const padding = node.attributes["padding"] as readonly (readonly [Dim, Dim])[];
  const [low, high] = [0, 1].map((side) => [0, 0, ...padding.map((pair) => pair[side]!)]);
  const padded = pad(draft, dilated, low!, high!, zero);
  const weights = draft.transpose(kernel, [axes + 1, axes, ...spatial]);
  const result = draft.node("Conv", [padded, weights], {
    strides: ints(sizes("strides")),
    dilations: ints(sizes("dilations")),
    group: int(sizeOf(node.attributes["groups"] as Dim, "groups of conv")),
  });
  return last ? draft.transpose(result, [0, ...spatial.map((i) => i + 2), 1]) : result;
}

type Spacing = readonly [node: Node, axis: number, by: number, zero: string];

/** Puts `by - 1` zeros between neighbours along one spatial axis. */
function spaced(draft: OnnxDraft, x: string, [node, i, by, zero]: Spacing): string {
  if (by === 1) return x;
  const { layout } = node.attributes;
  const own = sizesOf(node.operands[0]!);
  const extents = layout === "channelsLast" ? own.slice(1, -1) : own.slice(2);
  const channels = layout === "channelsLast" ? own.at(-1)! : own[1]!;
  const spread = (node.attributes["inputDilations"] as readonly Dim[]).map((d) =>
    sizeOf(d, "inputDilations"),
  );
  const now = extents.map((n, axis) => (axis < i ? (n - 1) * spread[axis]! + 1 : n));
  const before = [own[0]!, channels, ...now.slice(0, i)];
  const after = now.slice(i + 1);
  const n = extents[i]!;
  const apart = draft.reshape(x, [...before, n, 1, ...after]);
  const none = [...before, n, 1, ...after].map(() => 0);
  const wide = pad(draft, apart, none, none.with(before.length + 1, by - 1), zero);
  const flat = draft.reshape(wide, [...before, n * by, ...after]);
  const crop = [...before, n, ...after].map((_, axis) => (axis === before.length ? 1 - by : 0));
  return pad(
    draft,
    flat,
    crop.map(() => 0),
    crop,
    zero,
  );
}
