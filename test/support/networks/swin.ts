/**
 * Swin-T (Liu et al. 2021): attention inside windows of 7 x 7, which every other block shifts by 3. Rows and
 * columns are padded up to whole windows and cropped again, and patches are merged 2 x 2 after padding to an
 * even number, so an image of any size passes. A shifted window is masked where it wraps around; windows are
 * shifted also where there is only one, which the mask makes attention within its four parts.
 */
import {
  add,
  conv2d,
  dense,
  globalAveragePooling2d,
  input,
  Layer,
  type LayerOps,
  layerNormalization,
  type Model,
  model,
  type Shape,
  type Symbolic,
  tensor,
  type Value,
} from "shapecast";
import { ceilDiv, type Dim, mul, sub } from "shapecast/dims";

const WINDOW = 7;
const AREA = WINDOW * WINDOW;

/** Where in the bias table the pair (query, key) of a window looks: by their distance in rows and columns. */
const distances = (() => {
  const row = (i: number) => Math.floor(i / WINDOW);
  const table = new Int32Array(AREA * AREA);
  for (let q = 0; q < AREA; q++)
    for (let k = 0; k < AREA; k++) {
      const rows = row(q) - row(k) + WINDOW - 1;
      const columns = (q % WINDOW) - (k % WINDOW) + WINDOW - 1;
      table[q * AREA + k] = rows * (2 * WINDOW - 1) + columns;
    }
  return tensor(table, [AREA, AREA]);
})();

/** [batch, rows, columns, C] in windows, [batch, windows, 49, C]; rows and columns are multiples of 7. */
function partition(ops: LayerOps, x: Value, [down, across]: readonly [Dim, Dim]): Value {
  const [batch, , , channels] = ops.shape(x);
  const cut = ops.reshape(x, [batch!, down, WINDOW, across, WINDOW, channels!]);
  return ops.reshape(ops.transpose(cut, [0, 1, 3, 2, 4, 5]), [batch!, mul(down, across), AREA, channels!]);
}

function together(ops: LayerOps, x: Value, [down, across]: readonly [Dim, Dim]): Value {
  const [batch, , , channels] = ops.shape(x);
  const cut = ops.reshape(x, [batch!, down, across, WINDOW, WINDOW, channels!]);
  const rows = ops.transpose(cut, [0, 1, 3, 2, 4, 5]);
  return ops.reshape(rows, [batch!, mul(down, WINDOW), mul(across, WINDOW), channels!]);
}

/** 0, 1 or 2 for each place of an axis of `length`: what was not moved around its end, and what was. */
function regions(ops: LayerOps, length: Dim, shift: number): Value {
  const place = ops.iota("int32", [length]);
  const from = (rest: number) =>
    ops.cast(ops.ge(place, ops.sub(ops.cast(ops.number(length, ops.constant(0)), "int32"), rest)), "int32");
  return ops.add(from(WINDOW), from(shift));
}

class WindowAttention extends Layer {
  readonly #heads: number;
  readonly #shift: number;
  #joint: Value | undefined;
  #back: Value | undefined;
  #bias: Value | undefined;

  constructor(heads: number, shift: number, name: string) {
    super("windowAttention", { name });
    this.#heads = heads;
    this.#shift = shift;
  }

  override build([, , , channels]: Shape): void {
    const size = Number(String(channels)) / this.#heads;
    this.#joint = this.addWeight("kernel", [channels!, 3, this.#heads, size]);
    this.#back = this.addWeight("output_kernel", [this.#heads, size, channels!]);
    this.#bias = this.addWeight("bias_table", [(2 * WINDOW - 1) ** 2, this.#heads]);
  }

  override call(ops: LayerOps, x: Value): Value {
    const [, rows, columns] = ops.shape(x) as [Dim, Dim, Dim];
    const grid = [ceilDiv(rows, WINDOW), ceilDiv(columns, WINDOW)] as const;
    const missing = [rows, columns].map((n, i) => sub(mul(grid[i]!, WINDOW), n));
    const padded = ops.pad(x, [
      [0, 0],
      [0, missing[0]!],
      [0, missing[1]!],
      [0, 0],
    ]);
    const shifted = this.#rolled(ops, padded, -this.#shift);
    const attended = this.#attend(ops, partition(ops, shifted, grid), grid);
    const whole = this.#rolled(ops, together(ops, attended, grid), this.#shift);
    return ops.slice(ops.slice(whole, 1, 0, rows), 2, 0, columns);
  }

  #rolled(ops: LayerOps, x: Value, shift: number): Value {
    return shift === 0 ? x : ops.roll(ops.roll(x, shift, 1), shift, 2);
  }

  /** [batch, windows, 49, C] to the same. */
  #attend(ops: LayerOps, windows: Value, grid: readonly [Dim, Dim]): Value {
    const joint = ops.dense(windows, this.#joint!);
    const [batch, count, , , heads, size] = ops.shape(joint);
    const [query, key, value] = [0, 1, 2].map((i) =>
      ops.reshape(ops.slice(joint, 3, i, 1), [batch!, count!, AREA, heads!, size!]),
    );
    const each = [0, 1, 3] as const;
    const scaled = ops.mul(query!, 1 / Math.sqrt(Number(String(size))));
    const scores = ops.dotGeneral(scaled, key!, { batch: [each, each], contract: [4, 4] });
    const index = ops.constant(distances);
    const biased = ops.add(scores, ops.transpose(ops.gather(this.#bias!, index), [2, 0, 1]));
    const weights = ops.softmax(this.#shift === 0 ? biased : this.#masked(ops, biased, grid));
    const mixed = ops.dotGeneral(weights, value!, { batch: [[0, 1, 2], each], contract: [4, 2] });
    return ops.dotGeneral(mixed, this.#back!, {
      contract: [
        [2, 4],
        [0, 1],
      ],
    });
  }

  /** Scores are [batch, windows, heads, 49, 49]; pairs from different regions do not see each other. */
  #masked(ops: LayerOps, scores: Value, [down, across]: readonly [Dim, Dim]): Value {
    const [rows, columns] = [mul(down, WINDOW), mul(across, WINDOW)];
    const row = ops.reshape(regions(ops, rows, this.#shift), [1, rows, 1, 1]);
    const column = ops.reshape(regions(ops, columns, this.#shift), [1, 1, columns, 1]);
    const region = partition(ops, ops.add(ops.mul(row, 3), column), [down, across]);
    const count = mul(down, across);
    const same = ops.eq(
      ops.reshape(region, [1, count, 1, AREA, 1]),
      ops.reshape(region, [1, count, 1, 1, AREA]),
    );
    return ops.select(same, scores, -1e9);
  }
}

/** Four neighbours beside each other: [batch, h, w, C] to [batch, ceil(h/2), ceil(w/2), 4 C]. */
class PatchMerging extends Layer {
  constructor(name: string) {
    super("patchMerging", { name });
  }

  override call(ops: LayerOps, x: Value): Value {
    const [, rows, columns] = ops.shape(x) as [Dim, Dim, Dim];
    const half = [ceilDiv(rows, 2), ceilDiv(columns, 2)] as const;
    const missing = [rows, columns].map((n, i) => sub(mul(half[i]!, 2), n));
    const even = ops.pad(x, [
      [0, 0],
      [0, missing[0]!],
      [0, missing[1]!],
      [0, 0],
    ]);
    const every = (row: number, column: number) =>
      ops.slice(ops.slice(even, 1, row, half[0], 2), 2, column, half[1], 2);
    return ops.concat([every(0, 0), every(1, 0), every(0, 1), every(1, 1)], 3);
  }
}

function block(x: Symbolic, width: number, shift: number, name: string): Symbolic {
  const normal = layerNormalization({ name: `${name}_norm1` }).apply(x);
  const attended = new WindowAttention(width / 32, shift, `${name}_attention`).apply(normal);
  const y = add({ name: `${name}_add1` }).apply([x, attended]);
  let z = layerNormalization({ name: `${name}_norm2` }).apply(y);
  z = dense({ units: 4 * width, activation: "gelu", name: `${name}_up` }).apply(z);
  z = dense({ units: width, name: `${name}_down` }).apply(z);
  return add({ name: `${name}_add2` }).apply([y, z]);
}

export function swin(depths: readonly number[] = [2, 2, 6, 2], width = 96): Model<unknown> {
  const image = input({ shape: ["batch", "H", "W", 3], name: "image" });
  let x = conv2d({ filters: width, kernelSize: 4, strides: 4, padding: "same", name: "patches" }).apply(
    image,
  );
  depths.forEach((depth, stage) => {
    if (stage > 0) {
      x = layerNormalization({ name: `merge${stage}_norm` }).apply(
        new PatchMerging(`merge${stage}`).apply(x),
      );
      x = dense({ units: width << stage, useBias: false, name: `merge${stage}_reduce` }).apply(x);
    }
    for (let i = 0; i < depth; i++)
      x = block(x, width << stage, i % 2 === 0 ? 0 : Math.floor(WINDOW / 2), `stage${stage}_block${i}`);
  });
  const features = layerNormalization({ name: "norm" }).apply(x);
  const classes = dense({ units: 1000, name: "head" }).apply(globalAveragePooling2d().apply(features));
  return model({ inputs: image, outputs: { features, classes }, name: "swin" });
}
