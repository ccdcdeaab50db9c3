/**
 * Col2Im: windows laid out as columns are added back at their places in an image. Every element's place in
 * the padded image is known at compile time; the padding is cut off in the end.
 */
import { tensor } from "../../../../runtime/tensor.ts";
import { floorDiv } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import { ints } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

interface Axis {
  readonly size: number;
  readonly window: number;
  readonly low: number;
  readonly padded: number;
  readonly stride: number;
  readonly dilation: number;
  /** How many windows fit. */
  readonly count: number;
}

interface ColumnValues {
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

function axesOf(c: NodeContext, { dilations, pads, strides }: ColumnValues): readonly Axis[] {
  const [image, windows] = [c.ints(1), c.ints(2)];
  return image.map((size, i) => {
    const [window, stride, dilation] = [windows[i]!, strides?.[i] ?? 1, dilations?.[i] ?? 1];
    const low = pads?.[i] ?? 0;
    const padded = size + low + (pads?.[i + image.length] ?? 0);
    const count = Math.floor((padded - dilation * (window - 1) - 1) / stride) + 1;
    if (count < 1)
      c.wrong(
        `a window of ${window} does not fit into axis ${i} of ${size}`,
        "give a smaller block, or padding",
      );
    return { size, window, low, padded, stride, dilation, count };
  });
}

/** Flat places in the padded image: for each position in the window, for each window, row-major both. */
function placesOf(axes: readonly Axis[]): readonly number[] {
  const along = axes.map(({ window, count, stride, dilation }) =>
    Array.from({ length: window }, (_, k) =>
      Array.from({ length: count }, (_, l) => l * stride + k * dilation),
    ),
  );
  const within = (at: readonly number[], bounds: readonly number[]): readonly (readonly number[])[] =>
    at.length === bounds.length
      ? [at]
      : Array.from({ length: bounds[at.length]! }, (_, i) => within([...at, i], bounds)).flat();
  const windows = within(
    [],
    axes.map(({ window }) => window),
  );
  const starts = within(
    [],
    axes.map(({ count }) => count),
  );
  const flat = (k: readonly number[], l: readonly number[]) =>
    axes.reduce((sum, { padded }, i) => sum * padded + along[i]![k[i]!]![l[i]!]!, 0);
  return windows.flatMap((k) => starts.map((l) => flat(k, l)));
}

function columnsToImage(c: NodeContext, values: ColumnValues): Value {
  const { ops } = c;
  const x = c.value(0);
  const axes = axesOf(c, values);
  const [batch, columns] = ops.shape(x);
  const window = axes.reduce((product, axis) => product * axis.window, 1);
  const channels = floorDiv(columns!, window);
  const places = placesOf(axes);
  const updates = ops.reshape(x, [batch!, channels, places.length]);
  const all = ops.shape(updates);
  const indices = ops.broadcast(ops.constant(tensor(places, [places.length], "int32")), all, [2]);
  const area = axes.reduce((product, { padded }) => product * padded, 1);
  const empty = ops.fill(0, [batch!, channels, area], x);
  const flat = ops.scatterElements(empty, indices, updates, 2, "add");
  const image = ops.reshape(flat, [batch!, channels, ...axes.map(({ padded }) => padded)]);
  return axes.reduce<Value>((y, { low, size }, i) => ops.slice(y, i + 2, low, size), image);
}

export const columns: readonly Operator[] = [
  operator("Col2Im", since(18, { dilations: ints(), pads: ints(), strides: ints() }, columnsToImage)),
];
