/**
 * Signals: windows, the discrete Fourier transform and what is made of it. Sizes are numbers, so windows and
 * tables of sines are constants, and a transform is a product with such a table: n^2 steps, for the short
 * frames of audio models.
 */
import { tensor } from "../../../../runtime/tensor.ts";
import { constantOf, type Dim } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { elementType, flag, int } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { entries } from "./tables.ts";

/** a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N); N is one less for a window that is symmetric. */
const windowed = (name: string, [a0, a1, a2]: readonly [number, number, number]): Operator =>
  operator(
    name,
    since(17, { output_datatype: elementType("float32"), periodic: flag(true) }, (c, a) => {
      const size = entries(c, c.ints(0)[0]!, "its size");
      const turns = a.periodic ? size : size - 1;
      const values = Array.from({ length: size }, (_, n) => {
        const angle = (2 * Math.PI * n) / turns;
        return a0 - a1 * Math.cos(angle) + a2 * Math.cos(2 * angle);
      });
      return c.ops.cast(c.ops.constant(tensor(values, [size], "float64")), a.output_datatype);
    }),
  );

const sized = (c: NodeContext, d: Dim, what: string): number => {
  const n = constantOf(d);
  if (n !== undefined) return entries(c, Number(n), what);
  return c.open(`${what} has the open size ${d}`, "give a sample with its size");
};

interface Transform {
  /** Points of the transform; the signal is cut or padded with zeros to as many. */
  readonly length: number;
  readonly inverse: boolean;
  /** Half of the spectrum of a real signal: given by a forward transform, taken by an inverse one. */
  readonly onesided: boolean;
}

/** Real and imaginary parts along the last axis of `re` and `im`. */
interface Complex {
  readonly re: Value;
  readonly im: Value | undefined;
}

/** cos and sin of 2 pi k n / length, [n, k]. */
function tables(ops: Ops, like: Value, rows: number, columns: number, length: number) {
  const table = (f: (angle: number) => number) => {
    const values = Array.from({ length: rows * columns }, (_, i) => {
      const turn = (Math.floor(i / columns) * (i % columns)) % length;
      return f((2 * Math.PI * turn) / length);
    });
    return ops.constant(tensor(values, [rows, columns], like.type.dtype));
  };
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** The transform of the last axis. */
function transformed(c: NodeContext, { re, im }: Complex, transform: Transform): Complex {
  const { ops } = c;
  const { length, inverse, onesided } = transform;
  const given = sized(c, ops.shape(re).at(-1)!, "the transformed axis");
  if (inverse && onesided) return realInverse(c, { re, im }, length);
  const taken = Math.min(given, length);
  const cut = (x: Value) => ops.slice(x, -1, 0, taken);
  const bins = onesided ? Math.floor(length / 2) + 1 : length;
  entries(c, taken * bins, "its length times that of its result");
  const { cos, sin } = tables(ops, re, taken, bins, length);
  const [a, b] = [cut(re), im && cut(im)];
  const plus = (x: Value, y: Value | undefined) => (y ? ops.add(x, y) : x);
  const turned = b && ops.dense(b, sin);
  const real = plus(ops.dense(a, cos), turned && (inverse ? ops.neg(turned) : turned));
  const across = ops.dense(a, sin);
  const imaginary = plus(inverse ? across : ops.neg(across), b && ops.dense(b, cos));
  if (!inverse) return { re: real, im: imaginary };
  return { re: ops.div(real, length), im: ops.div(imaginary, length) };
}

/**
 * The real signal of half a spectrum: the other half is its mirror, so every bin but the ends counts twice.
 */
function realInverse(c: NodeContext, { re, im }: Complex, length: number): Complex {
  const { ops } = c;
  const given = sized(c, ops.shape(re).at(-1)!, "the transformed axis");
  const bins = Math.min(given, Math.floor(length / 2) + 1);
  entries(c, bins * length, "its length times that of its result");
  const { cos, sin } = tables(ops, re, bins, length, length);
  const weights = Array.from({ length: bins }, (_, k) => (k === 0 || 2 * k === length ? 1 : 2) / length);
  const weight = ops.constant(tensor(weights, [bins], re.type.dtype));
  const scaled = (x: Value) => ops.mul(ops.slice(x, -1, 0, bins), weight);
  const even = ops.dense(scaled(re), cos);
  return { re: im ? ops.sub(even, ops.dense(scaled(im), sin)) : even, im: undefined };
}

/** Takes the parts of [..., 1 or 2] apart, transforms `axis`, and puts them together again. */
function dft(c: NodeContext, axis: number, options: Omit<Transform, "length">): Value {
  const { ops } = c;
  const x = c.value(0);
  const rank = ops.rank(x);
  const at = ops.axis(x, axis);
  const points = sized(c, ops.shape(x)[at]!, `axis ${at}`);
  const wanted = c.has(1) ? c.ints(1)[0]! : options.inverse && options.onesided ? 2 * (points - 1) : points;
  const others = ops.shape(x).map((_, i) => i);
  const order = [...others.slice(0, -1).filter((i) => i !== at), at];
  const part = (i: number) => {
    const plane = ops.reshape(ops.slice(x, -1, i, 1), ops.shape(x).slice(0, -1));
    return ops.transpose(plane, order);
  };
  const isComplex = sized(c, ops.shape(x)[rank - 1]!, "the last axis") === 2;
  const signal = { re: part(0), im: isComplex ? part(1) : undefined };
  const { re, im } = transformed(c, signal, { ...options, length: wanted });
  const back = order.map((_, i) => order.indexOf(i));
  const parts = [re, im].filter((y) => y !== undefined);
  return ops.concat(
    parts.map((y) => ops.expandDims(ops.transpose(y, back), -1)),
    -1,
  );
}

/** Overlapping frames of a signal [B, L, 1 or 2], windowed and transformed: [B, frames, bins, 2]. */
function stft(c: NodeContext, onesided: boolean): Value {
  const { ops } = c;
  const x = c.value(0);
  const step = c.ints(1)[0]!;
  const window = c.optional(2);
  const length = c.has(3)
    ? c.ints(3)[0]!
    : sized(
        c,
        window ? ops.shape(window)[0]! : c.wrong("neither a window nor a length", "give one"),
        "the window",
      );
  const samples = sized(c, ops.shape(x)[1]!, "the signal");
  const frames = Math.floor((samples - length) / step) + 1;
  const places = Array.from(
    { length: entries(c, frames * length, "the length of its frames together") },
    (_, i) => Math.floor(i / length) * step + (i % length),
  );
  const indices = ops.constant(tensor(places, [frames, length], "int32"));
  const cut = ops.gather(x, indices, 1);
  const part = (i: number) => {
    const plane = ops.reshape(ops.slice(cut, -1, i, 1), ops.shape(cut).slice(0, -1));
    return window ? ops.mul(plane, window) : plane;
  };
  const isComplex = sized(c, ops.shape(x)[2]!, "the last axis") === 2;
  const signal = { re: part(0), im: isComplex ? part(1) : undefined };
  const { re, im } = transformed(c, signal, { length, inverse: false, onesided: onesided && !isComplex });
  return ops.concat([ops.expandDims(re, -1), ops.expandDims(im!, -1)], -1);
}

/** [bins of a spectrum, mel bands]: triangles that are even on the mel scale. */
function melWeights(c: NodeContext, dtype: Value["type"]["dtype"]): Value {
  const [bands, length, rate] = [0, 1, 2].map((i) => c.ints(i)[0]!) as [number, number, number];
  const [low, high] = [3, 4].map((i) => 2595 * Math.log10(1 + Number(c.constant(i).data[0]) / 700));
  const bins = Math.floor(length / 2) + 1;
  const count = entries(c, bins * bands, "its number of weights");
  const edges = Array.from({ length: bands + 2 }, (_, i) => {
    const mel = low! + (i * (high! - low!)) / (bands + 2);
    return Math.floor(((length + 1) * 700 * (10 ** (mel / 2595) - 1)) / rate);
  });
  const weights = new Float64Array(count);
  for (let band = 0; band < bands; band++) {
    const [left, middle, right] = edges.slice(band, band + 3) as [number, number, number];
    const set = (bin: number, weight: number) => {
      if (bin < bins) weights[bin * bands + band] = weight;
    };
    if (left === middle) set(middle, 1);
    else for (let bin = left; bin <= middle; bin++) set(bin, (bin - left) / (middle - left));
    for (let bin = middle; bin < right; bin++) set(bin, (right - bin) / (right - middle));
  }
  return c.ops.cast(c.ops.constant(tensor(weights, [bins, bands])), dtype);
}

const sides = { inverse: flag(false), onesided: flag(false) };

export const signals: readonly Operator[] = [
  windowed("HannWindow", [0.5, 0.5, 0]),
  windowed("HammingWindow", [25 / 46, 1 - 25 / 46, 0]),
  windowed("BlackmanWindow", [0.42, 0.5, 0.08]),
  operator(
    "DFT",
    since(17, { ...sides, axis: int(1) }, (c, a) => dft(c, a.axis, a)),
    since(20, sides, (c, a) => dft(c, c.has(2) ? c.ints(2)[0]! : -2, a)),
  ),
  operator(
    "STFT",
    since(17, { onesided: flag(true) }, (c, a) => stft(c, a.onesided)),
  ),
  operator(
    "MelWeightMatrix",
    since(17, { output_datatype: elementType("float32") }, (c, a) => melWeights(c, a.output_datatype)),
  ),
];
