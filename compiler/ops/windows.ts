/**
 * Sliding windows, shared by convolution and pooling: the number of places a window has along one axis
 * (ONNX's formula, floor), the relation that it has one at all, and the tests that keep an access inside.
 */
import { add, constant, constantOf, type Dim, floorDiv, mul, sub } from "../dims/index.ts";
import type { RelationContext } from "../ir/op.ts";
import { stateAtLeast } from "./definition.ts";

/** One axis of a window; sizes in elements. */
export interface WindowAxis<N> {
  readonly input: N;
  readonly size: N;
  readonly stride: N;
  readonly low: N;
  readonly high: N;
  /** Distance between neighbouring elements of the window. */
  readonly dilation: N;
}

const one = constant(1);

/**
 * The number of places. `axis` names the axis in messages.
 * @throws E2106 when the dilated window is larger than the padded input.
 */
export function relateWindow(
  context: RelationContext,
  op: string,
  axis: string,
  window: WindowAxis<Dim>,
): Dim {
  const { size, stride, dilation } = window;
  const padded = context.resolve(add(window.input, window.low, window.high));
  const extent = context.resolve(add(mul(dilation, sub(size, 1)), 1));
  stateAtLeast(context, size, constant(1), () => `${op} needs a window of at least 1 along ${axis}`);
  stateAtLeast(context, stride, constant(1), () => `${op} needs a stride of at least 1 along ${axis}`);
  stateAtLeast(context, dilation, constant(1), () => `${op} needs a dilation of at least 1 along ${axis}`);
  // One place for each element, also where there is none: the batch that pooling leaves alone may be empty.
  const crops = [window.low, window.high].some((d) => (constantOf(d) ?? -1) < 0);
  if (extent === one && stride === one && !crops) return padded;
  const [have, need] = [constantOf(padded), constantOf(extent)];
  if (have !== undefined && need !== undefined && have < need) {
    const [input, low, high] = [window.input, window.low, window.high].map((d) => context.resolve(d));
    context.fail("E2106", `${op} needs ${need} elements along ${axis}, but the padded input has ${have}`, {
      facts: [
        { subject: "input", value: `${input}`, note: `padded by ${low} and ${high}` },
        { subject: "window", value: `${size}`, note: `spans ${need} with dilation ${dilation}` },
      ],
      because: "a window has to fit into its input at least once",
      fix: `use a window of at most ${have} elements, more padding, or a larger input`,
    });
  }
  stateAtLeast(context, padded, extent, () => `the window fits into the padded input along ${axis}`);
  return add(floorDiv(sub(padded, extent), stride), 1);
}

/** The number of places of a concrete window that fits. */
export function placesOf({ input, size, stride, low, high, dilation }: WindowAxis<number>): number {
  return Math.floor((input + low + high - dilation * (size - 1) - 1) / stride) + 1;
}

/** Where window element `r` lies when the window is at place `i`; may be outside. */
export function positionOf(window: WindowAxis<Dim>, i: Dim, r: Dim): Dim {
  return sub(add(mul(i, window.stride), mul(r, window.dilation)), window.low);
}

/**
 * Tests (each >= 0) that hold when `position` is inside 0 .. size - 1; none for an axis that cannot leave it.
 */
export function insideTests(window: WindowAxis<Dim>, position: Dim, size: Dim): readonly Dim[] {
  const tests: Dim[] = [];
  if (constantOf(window.low) !== 0) tests.push(position);
  if (constantOf(window.high) !== 0) tests.push(sub(sub(size, 1), position));
  return tests;
}
