/**
 * Arrays in reports: as JavaScript that makes them, so that a counter-example can be pasted into a test, and
 * short however long the array is, because a shrunk one is zeros but for a few positions.
 */
import { toStringMethod } from "fast-check";
import type { Scalar, TypedArray } from "../dtype.ts";

const mostWritten = 16;

/** `Float32Array.of(1, 2)`, or `Object.assign(new Float32Array(784), { 3: 0.5 })` when it is long. */
export function arrayText(data: TypedArray): string {
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  if (data.length <= mostWritten)
    return `${kind}.of(${Array.from<Scalar, string>(data, numberText).join(", ")})`;
  const live: number[] = [];
  for (let i = 0; i < data.length; i++) if (!Object.is(data[i], 0) && data[i] !== 0n) live.push(i);
  if (live.length === 0) return `new ${kind}(${data.length})`;
  const written = live.slice(0, mostWritten).map((i) => `${i}: ${numberText(data[i]!)}`);
  const rest = live.length > mostWritten ? ` /* and ${live.length - mostWritten} more */` : "";
  return `Object.assign(new ${kind}(${data.length}), { ${written.join(", ")}${rest} })`;
}

export function numberText(x: Scalar): string {
  if (typeof x === "bigint") return `${x}n`;
  return Object.is(x, -0) ? "-0" : String(x);
}

/** Makes fast-check print the array by `arrayText`. The mark is not enumerable: comparisons do not see it. */
export function withShortText<A extends TypedArray>(data: A): A {
  return Object.defineProperty(data, toStringMethod, { value: () => arrayText(data), configurable: true });
}
