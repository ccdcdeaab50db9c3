/** Random convolutions and pooling windows that fit their input. */
import { constant, constantOf, type Dim } from "../../../compiler/dims/index.ts";
import type { Value } from "../../../compiler/ir/graph.ts";
import { type Draft, HIGHEST_RANK } from "./draft.ts";
import { NUMBERS } from "./dtypes.ts";

/** One axis of a window; every value at least 1 except the padding. */
interface RandomWindow {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: readonly [number, number];
}

export function addConv(draft: Draft, op: string): void {
  const x = draft.some(NUMBERS, 3, HIGHEST_RANK);
  const { shape, dtype } = x.type;
  const layout = draft.one(["channelsLast", "channelsFirst"]);
  const channel = layout === "channelsLast" ? shape.length - 1 : 1;
  const spatial = shape.filter((_, axis) => axis !== 0 && axis !== channel);
  const spacing = spatial.map(() => draft.between(1, 2));
  const windows = spatial.map((d, i) => randomWindow(draft, (draft.sizeOf(d) - 1) * spacing[i]! + 1));
  const { groups, inputs, outputs } = randomGroups(draft, shape[channel]!);
  const kernel = draft.exact(dtype, [
    ...windows.map(({ size }) => constant(size)),
    inputs,
    constant(outputs),
  ]);
  draft.node(op, [x, kernel], {
    strides: windows.map(({ stride }) => constant(stride)),
    padding: windows.map(({ padding }) => padding.map((n) => constant(n))),
    dilations: windows.map(({ dilation }) => constant(dilation)),
    inputDilations: spacing.map((n) => constant(n)),
    groups: constant(groups),
    layout,
  });
}

/** Groups need a channel count that is a number. */
function randomGroups(draft: Draft, channels: Dim): { groups: number; inputs: Dim; outputs: number } {
  const count = constantOf(channels);
  const perGroup = draft.between(1, 2);
  if (count === undefined || !draft.coin()) return { groups: 1, inputs: channels, outputs: perGroup };
  const groups = draft.one([1, 2, 3, 4, 5, 6].filter((n) => count % n === 0).reverse());
  return { groups, inputs: constant(count / groups), outputs: groups * perGroup };
}

export function addWindowReduce(draft: Draft, op: string): void {
  const x: Value = draft.some(NUMBERS);
  draft.node(op, [x], { ...windowsOver(draft, x), combine: draft.one(["max", "add", "min"]) });
}

export function addWindowArgMax(draft: Draft, op: string): void {
  const x: Value = draft.some(NUMBERS);
  draft.node(op, [x], windowsOver(draft, x));
}

function windowsOver(draft: Draft, x: Value) {
  const windows = x.type.shape.map((d) => randomWindow(draft, draft.sizeOf(d)));
  return {
    window: windows.map(({ size }) => constant(size)),
    strides: windows.map(({ stride }) => constant(stride)),
    padding: windows.map(({ padding }) => padding.map((n) => constant(n))),
    dilations: windows.map(({ dilation }) => constant(dilation)),
  };
}

function randomWindow(draft: Draft, input: number): RandomWindow {
  const padding = [draft.choose(3), draft.choose(3)] as const;
  const dilation = draft.between(1, 2);
  const longest = Math.floor((input + padding[0] + padding[1] - 1) / dilation) + 1;
  return { padding, dilation, size: draft.between(1, Math.min(longest, 3)), stride: draft.between(1, 3) };
}
