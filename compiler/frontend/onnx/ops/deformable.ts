/**
 * DeformConv (Dai et al. 2017, Zhu et al. 2019): each tap of each window is moved by an offset of its own,
 * sampled between its neighbours (0 outside of the image) and weighed by a mask; then the taps are contracted
 * with the kernel as in any convolution.
 */
import { add, constant, type Dim, floorDiv, mul, product, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import { int, ints } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { sampled } from "./sampling.ts";

interface DeformValues {
  readonly dilations: readonly number[] | undefined;
  readonly group: number;
  readonly offset_group: number;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** x [N, C, ...], w [M, C / group, ...window], offset [N, groups * taps * axes, ...out]. */
function deformConv(c: NodeContext, values: DeformValues): Value {
  const { ops } = c;
  const [x, w, bias] = [c.value(0), c.value(1), c.optional(3)];
  const [batch, channels, ...sizes] = ops.shape(x);
  const window = ops.shape(w).slice(2);
  const outs = sizes.map((d, i) => outputSize(d, window[i]!, i, sizes.length, values));
  const { offset_group: groups, group } = values;
  const grouped = mul(batch!, groups);
  const image = ops.reshape(x, [grouped, floorDiv(channels!, groups), ...sizes]);
  const places = placesOf(c, values, [grouped, ...window, ...outs]);
  const options = { mode: "linear", padding: "zeros", corners: true } as const;
  const taps = sampled(ops, image, places, options);
  const mask = c.optional(4);
  const weighed = mask ? ops.mul(taps, ops.reshape(mask, [grouped, 1, ...window, ...outs])) : taps;
  const [inputs, area] = [mul(floorDiv(channels!, group), product(window)), product(outs)];
  const columns = ops.reshape(weighed, [batch!, group, inputs, area]);
  const outputs = floorDiv(ops.shape(w)[0]!, group);
  const kernel = ops.reshape(w, [group, outputs, inputs]);
  // [group, outputs, N, area]
  const sums = ops.dotGeneral(kernel, columns, { contract: [2, 2], batch: [[0], [1]] });
  const y = ops.reshape(ops.transpose(sums, [2, 0, 1, 3]), [batch!, mul(outputs, group), ...outs]);
  return bias ? ops.addBias(y, bias, 1) : y;
}

function outputSize(size: Dim, window: Dim, i: number, rank: number, values: DeformValues): Dim {
  const spans = add(mul(sub(window, 1), values.dilations?.[i] ?? 1), 1);
  const padded = add(size, (values.pads?.[i] ?? 0) + (values.pads?.[i + rank] ?? 0));
  return add(floorDiv(sub(padded, spans), values.strides?.[i] ?? 1), 1);
}

/** Where each tap is sampled: [N * groups, ...window, ...out] for each spatial axis. */
function placesOf(c: NodeContext, values: DeformValues, shape: readonly Dim[]): readonly Value[] {
  const { ops } = c;
  const rank = (shape.length - 1) / 2;
  const [window, outs] = [shape.slice(1, 1 + rank), shape.slice(1 + rank)];
  const offset = c.value(2);
  const { dtype } = offset.type;
  const apart = ops.reshape(offset, [shape[0]!, ...window, constant(rank), ...outs]);
  return window.map((size, i) => {
    const moved = ops.reshape(ops.slice(apart, 1 + rank, i, 1), shape);
    const tap = ops.mul(ops.iota(dtype, [size]), values.dilations?.[i] ?? 1);
    const start = ops.sub(
      ops.mul(ops.iota(dtype, [outs[i]!]), values.strides?.[i] ?? 1),
      values.pads?.[i] ?? 0,
    );
    const laid = (line: Value, axis: number) => ops.along(line, axis, shape.length);
    return ops.add(ops.add(laid(start, 1 + rank + i), laid(tap, 1 + i)), moved);
  });
}

export const deformable: readonly Operator[] = [
  operator(
    "DeformConv",
    since(
      19,
      {
        dilations: ints(),
        group: int(1),
        kernel_shape: ints(),
        offset_group: int(1),
        pads: ints(),
        strides: ints(),
      },
      deformConv,
    ),
  ),
];
