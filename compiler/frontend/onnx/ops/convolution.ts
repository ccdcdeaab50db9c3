/**
 * Conv and ConvTranspose. The core op keeps kernels as [...window, in / groups, out], ONNX as [out, in /
 * groups, ...window]; the change is computed at compile time.
 */
import { add, constant, constantOf, type Dim, floorDiv, max, mul, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { int, ints } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { placeWindows, type WindowValues, windowSpecs } from "../windows.ts";

const channelsFirst = "channelsFirst" as const;

export interface ConvValues extends WindowValues {
  readonly group: number;
}

/** x [N, C, ...], w [M, C / group, ...window]. */
export function convolve(ops: Ops, x: Value, w: Value, values: ConvValues): Value {
  const places = placeWindows(ops.shape(x).slice(2), ops.shape(w).slice(2), values);
  const spatial = places.map((_, i) => i + 2);
  return ops.conv(x, ops.transpose(w, [...spatial, 1, 0]), {
    strides: places.map(({ stride }) => stride),
    dilations: places.map(({ dilation }) => dilation),
    padding: places.map(({ low, high }) => [low, high]),
    groups: values.group,
    layout: channelsFirst,
  });
}

function conv(c: NodeContext, values: ConvValues): Value {
  const [x, w, bias] = [c.value(0), c.value(1), c.optional(2)];
  const y = convolve(c.ops, x, w, values);
  return bias ? c.ops.addBias(y, bias, 1) : y;
}

interface TransposeValues extends ConvValues {
  readonly output_padding: readonly number[] | undefined;
  readonly output_shape: readonly number[] | undefined;
}

/**
 * The gradient of a convolution: a convolution with the kernel turned round over the input spread out by the
 * strides. w is [C, M / group, ...window].
 */
function convTranspose(c: NodeContext, values: TransposeValues): Value {
  const { ops } = c;
  const [x, w, bias] = [c.value(0), c.value(1), c.optional(2)];
  const window = ops.shape(w).slice(2);
  const inputs = ops.shape(x).slice(2);
  const strides = window.map((_, i) => values.strides?.[i] ?? 1);
  const dilations = window.map((_, i) => values.dilations?.[i] ?? 1);
  const padding = window.map((size, i) => {
    const reach = mul(sub(size, 1), dilations[i]!);
    const outputPadding = values.output_padding?.[i] ?? 0;
    const full = add(mul(sub(inputs[i]!, 1), strides[i]!), reach, 1, outputPadding);
    const [before, after] = cut(values, i, window.length, full, mul(inputs[i]!, strides[i]!));
    return [sub(reach, before), sub(add(reach, outputPadding), after)] as const;
  });
  const y = ops.conv(x, turned(ops, w, values.group), {
    strides: window.map(() => 1),
    dilations,
    inputDilations: strides,
    padding,
    groups: values.group,
    layout: channelsFirst,
  });
  return bias ? ops.addBias(y, bias, 1) : y;
}

/** What is cut from both ends of a result that would have `full` elements. */
function cut(values: TransposeValues, i: number, rank: number, full: Dim, same: Dim): readonly [Dim, Dim] {
  const { auto_pad, pads, output_shape } = values;
  const isSame = auto_pad === "SAME_UPPER" || auto_pad === "SAME_LOWER";
  const wanted = output_shape ? constant(output_shape.at(i - rank)!) : isSame ? same : undefined;
  if (auto_pad === "VALID" && !wanted) return [constant(0), constant(0)];
  if (!wanted) return [constant(pads?.[i] ?? 0), constant(pads?.[i + rank] ?? 0)];
  const total = sub(full, wanted);
  // A result that is longer than what is reached has zeros behind, not before.
  const less = floorDiv(max(total, 0), 2);
  const before = auto_pad === "SAME_UPPER" ? less : sub(max(total, 0), less);
  return [before, sub(total, before)];
}

/** [C, M / g, ...window] to [...window, C / g, M], every spatial axis reversed. */
function turned(ops: Ops, w: Value, groups: number): Value {
  const [channels, perGroup, ...window] = ops.shape(w);
  const spatial = window.map((_, i) => i + 2);
  const reversed = ops.reverse(w, spatial);
  if (groups === 1) return ops.transpose(reversed, [...spatial, 0, 1]);
  const inputs = constantOf(channels!);
  const each = inputs === undefined ? floorDiv(channels!, groups) : constant(inputs / groups);
  const split = ops.reshape(reversed, [groups, each, perGroup!, ...window]);
  const laid = ops.transpose(split, [...spatial.map((axis) => axis + 1), 1, 0, 2]);
  return ops.reshape(laid, [...window, each, mul(perGroup!, groups)]);
}

const specs = { ...windowSpecs, group: int(1) };

export const convolution: readonly Operator[] = [
  operator("Conv", since(1, specs, conv)),
  operator(
    "ConvTranspose",
    since(1, { ...specs, output_padding: ints(), output_shape: ints() }, convTranspose),
  ),
];
