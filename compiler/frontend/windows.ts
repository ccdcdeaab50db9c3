/**
 * Where windows lie on an axis: Keras's (TensorFlow's) `valid`, `same` and `causal` padding, for sizes that
 * may still be symbols. `same` keeps ceil(n / stride) windows and puts the odd zero after the data. The
 * formulas are written so that the output's size comes out as ceil(n / stride) itself, not as an expression
 * that merely equals it.
 */
import { add, ceilDiv, constant, type Dim, floorDiv, max, mul, type Shape, sub } from "../dims/index.ts";
import type { DataFormat } from "./ops/core.ts";

export type Padding = "valid" | "same" | "causal";
export type Pair = readonly [Dim, Dim];

const none: Pair = [constant(0), constant(0)];

/** Elements to add before and after an axis of size `n`. */
export function paddingOf(
  padding: Padding,
  n: Dim,
  window: { readonly size: number; readonly stride: number; readonly dilation: number },
): Pair {
  const extent = (window.size - 1) * window.dilation + 1;
  if (padding === "valid") return none;
  if (padding === "causal") return [constant(extent - 1), constant(0)];
  const total = sameTotal(n, extent, window.stride);
  const low = floorDiv(total, 2);
  return [low, sub(total, low)];
}

/**
 * max((ceil(n / s) - 1) s + extent - n, 0). It cannot be negative when the window is at least as long as the
 * stride, and is never positive for a window of 1: leaving the max out there keeps sizes simple.
 */
function sameTotal(n: Dim, extent: number, stride: number): Dim {
  if (extent === 1) return constant(0);
  const needed = sub(add(mul(sub(ceilDiv(n, stride), 1), stride), extent), n);
  return extent >= stride ? needed : max(needed, 0);
}

/**
 * Zeros around the stretched input of a transposed convolution: Keras's rule, which makes `same` give n *
 * stride and `valid` (n - 1) * stride + max(extent, stride), unless `outputPadding` says how many more there
 * are.
 */
export function transposedPadding(
  padding: "valid" | "same",
  window: { readonly size: number; readonly stride: number; readonly dilation: number },
  outputPadding: number | undefined,
): readonly [number, number] {
  const extent = (window.size - 1) * window.dilation + 1;
  if (padding === "valid") {
    const more = outputPadding ?? Math.max(extent, window.stride) - extent;
    return [extent - 1, extent - 1 + more];
  }
  const total =
    outputPadding === undefined ? window.stride + extent - 2 : extent + (extent % 2) - 2 + outputPadding;
  const low = Math.min(Math.ceil(total / 2), extent - 1);
  return [low, total - low];
}

/** The spatial axes of an input of this rank. */
export function spatialAxes(rank: number, format: DataFormat): readonly number[] {
  const first = format === "channelsLast" ? 1 : 2;
  return Array.from({ length: rank - 2 }, (_, i) => first + i);
}

export function channelAxis(rank: number, format: DataFormat): number {
  return format === "channelsLast" ? rank - 1 : 1;
}

/** "[batch, rows, cols, channels]". */
export function axesText(spatial: number, format: DataFormat): string {
  const names = [["steps"], ["rows", "cols"], ["depth", "rows", "cols"]][spatial - 1]!;
  const inner = format === "channelsLast" ? [...names, "channels"] : ["channels", ...names];
  return `[batch, ${inner.join(", ")}]`;
}

/** One entry per axis of an input: `on` for the spatial axes in order, `off` elsewhere. */
export function perAxis<T>(shape: Shape, format: DataFormat, on: readonly T[], off: T): readonly T[] {
  const axes = spatialAxes(shape.length, format);
  return shape.map((_, axis) => (axes.includes(axis) ? on[axes.indexOf(axis)]! : off));
}
