/**
 * How references visit elements: an odometer over a shape, carrying one flat offset per operand. Lowerings
 * never use it (they build index algebra on dims), so that a mistake in one is caught by the other.
 */

import { type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { allocateNumbers, type Elements } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { size, strides } from "../../runtime/tensor.ts";

/**
 * Calls `visit` once for every index of `shape`, in row-major order. `offsets[k]` is `starts[k]` plus the sum
 * over axes of index times `steps[k]`. Both arrays are reused between calls; a dim of 0 means no call, rank 0
 * means one.
 */
export function walk(
  shape: readonly number[],
  steps: readonly (readonly number[])[],
  visit: (offsets: readonly number[], index: readonly number[]) => void,
  starts: readonly number[] = steps.map(() => 0),
): void {
  if (shape.includes(0)) return;
  const index = shape.map(() => 0);
  const offsets = [...starts];
  for (;;) {
    visit(offsets, index);
    let axis = shape.length - 1;
    while (axis >= 0 && index[axis]! + 1 === shape[axis]) {
      for (let k = 0; k < steps.length; k++) offsets[k]! -= index[axis]! * steps[k]![axis]!;
      index[axis] = 0;
      axis--;
    }
    if (axis < 0) return;
    index[axis]!++;
    for (let k = 0; k < steps.length; k++) offsets[k]! += steps[k]![axis]!;
  }
}

/**
 * The offsets of every index of `shape`, in row-major order: what an inner loop adds to its start. Worked out
 * once per op instead of once per result.
 */
export function offsetsOf(shape: readonly number[], steps: readonly number[]): Int32Array {
  const offsets = new Int32Array(size(shape));
  let position = 0;
  walk(shape, [steps], ([at]) => {
    offsets[position++] = at!;
  });
  return offsets;
}

/**
 * A new tensor whose element at each index is `value(offsets, index)`, written in row-major order. A whole
 * number will do for a 64-bit integer.
 */
export function build(
  dtype: DType,
  shape: readonly number[],
  steps: readonly (readonly number[])[],
  value: (offsets: readonly number[], index: readonly number[]) => Scalar,
): Tensor {
  const data = allocateNumbers(dtype, size(shape));
  const elements: Elements = data;
  const { big } = dtypes[dtype];
  let position = 0;
  walk(shape, steps, (offsets, index) => {
    const element = value(offsets, index);
    elements[position++] = big ? BigInt(element) : element;
  });
  return { dtype, shape, data };
}

/** Strides of the axes `axes` of a row-major tensor, in that order. */
export function stridesOf(shape: readonly number[], axes: readonly number[]): readonly number[] {
  const all = strides(shape);
  return axes.map((axis) => all[axis]!);
}

/** The numbers 0 .. count - 1. */
export function counting(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
