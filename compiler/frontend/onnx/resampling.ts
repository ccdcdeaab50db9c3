/**
 * Where an element of a resized axis comes from: a few taps of the input, each an index and a weight, as the
 * definition of ONNX Resize has it (onnx/reference/ops/op_resize.py). Everything is a number by now, so an
 * axis is resized by gathering its taps and adding them up.
 */

export interface ResizeRules {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubicA: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

export interface ResizedAxis {
  readonly inputs: number;
  readonly outputs: number;
  /** As given: outputs is floor(inputs * scale). */
  readonly scale: number;
  /** Of tf_crop_and_resize: the part of the axis that is resized, from 0 to 1. */
  readonly crop: readonly [start: number, end: number];
}

export interface Taps {
  /** indices[k][o] and weights[k][o] of output o. */
  readonly indices: readonly (readonly number[])[];
  readonly weights: readonly (readonly number[])[];
  /** Outputs that lie outside of the input and are extrapolated. */
  readonly outside: readonly boolean[];
}

export function tapsOf(axis: ResizedAxis, rules: ResizeRules): Taps {
  const { inputs, outputs } = axis;
  const all = Array.from({ length: outputs }, (_, o) => {
    const x = coordinateOf(o, axis, rules.coordinates);
    return { x, taps: rules.mode === "nearest" ? nearestTap(x, axis, rules) : weighted(x, axis, rules) };
  });
  const count = Math.max(1, ...all.map(({ taps }) => taps.length));
  const clamp = (i: number) => Math.min(Math.max(i, 0), inputs - 1);
  const each = <T>(pick: (taps: readonly Tap[], k: number) => T) =>
    Array.from({ length: count }, (_, k) => all.map(({ taps }) => pick(taps, k)));
  return {
    indices: each((taps, k) => clamp(taps[k]?.index ?? 0)),
    weights: each((taps, k) => taps[k]?.weight ?? 0),
    outside: all.map(({ x }) => rules.coordinates === "tf_crop_and_resize" && (x < 0 || x > inputs - 1)),
  };
}

interface Tap {
  readonly index: number;
  readonly weight: number;
}

/**
 * The place in the input of the middle of output `o`. Corners are aligned to where the scale puts the last.
 * Quotients by the scale, a float32, are rounded to one: 6 / 1.2 is 5 then, and not what lies below it.
 */
function coordinateOf(o: number, { inputs, outputs, scale, crop }: ResizedAxis, mode: string): number {
  const length = scale * inputs;
  const middle = Math.fround(Math.fround((o + 0.5) / scale) - 0.5);
  switch (mode) {
    case "align_corners":
      return outputs === 1 ? 0 : (o * (inputs - 1)) / (length - 1);
    case "asymmetric":
      return Math.fround(o / scale);
    case "pytorch_half_pixel":
      return outputs === 1 ? 0 : middle;
    case "tf_half_pixel_for_nn":
      return Math.fround((o + 0.5) / scale);
    case "half_pixel_symmetric":
      return (inputs / 2) * (1 - outputs / length) + middle;
    case "tf_crop_and_resize": {
      const [start, end] = crop;
      if (outputs === 1) return 0.5 * (start + end) * (inputs - 1);
      return start * (inputs - 1) + (o * (end - start) * (inputs - 1)) / (length - 1);
    }
    default:
      return middle;
  }
}

/** The rule of opset 10, "simple", takes the next element where the axis shrinks, else that before. */
function nearestTap(x: number, { scale }: ResizedAxis, { nearest }: ResizeRules): readonly Tap[] {
  const round = {
    simple: scale < 1 ? Math.ceil : Math.floor,
    floor: Math.floor,
    ceil: Math.ceil,
    round_prefer_ceil: (n: number) => Math.floor(n + 0.5),
    round_prefer_floor: (n: number) => Math.ceil(n - 0.5),
  }[nearest];
  return [{ index: (round ?? Math.floor)(x), weight: 1 }];
}

function weighted(x: number, { inputs, scale }: ResizedAxis, rules: ResizeRules): readonly Tap[] {
  const base = Math.floor(x);
  const ratio = x - base;
  // A smaller result averages over as many inputs as fall on one output.
  const stretch = rules.antialias ? Math.min(scale, 1) : 1;
  const reach = rules.mode === "linear" ? 1 : 2;
  const first = Math.floor(-reach / stretch) + 1;
  const weightAt = rules.mode === "linear" ? triangle : (d: number) => cubic(d, rules.cubicA);
  const taps = Array.from({ length: 2 * (1 - first) }, (_, i) => {
    const index = base + first + i;
    const isOut = rules.excludeOutside && (index < 0 || index >= inputs);
    return { index, weight: isOut ? 0 : weightAt((first + i - ratio) * stretch) };
  });
  const total = taps.reduce((sum, { weight }) => sum + weight, 0);
  const normal = rules.antialias || rules.excludeOutside ? total : 1;
  return taps.map(({ index, weight }) => ({ index, weight: weight / normal }));
}

const triangle = (d: number): number => Math.max(0, 1 - Math.abs(d));

/** Keys' cubic convolution. */
function cubic(d: number, a: number): number {
  const x = Math.abs(d);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
