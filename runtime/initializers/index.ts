/**
 * Initialisers of parameters. A parameter's values are a function of the spec, its shape, the seed and its
 * path only: bound in any order, on any engine, they are the same bits.
 */
import { fillNormal, fillTruncatedNormal } from "../random/normal.ts";
import { fillUniform } from "../random/uniform.ts";
import { size } from "../tensor.ts";
import { fillBlock, fillConstant, fillIdentity } from "./fills.ts";
import { fillOrthogonal } from "./orthogonal.ts";
import { type FillName, planFill } from "./plan.ts";
import type { InitializerSpec } from "./spec.ts";

export { type InitializerInput, parseInitializer } from "./parse.ts";
export { type FillCall, type FillName, fans, planFill } from "./plan.ts";
export type { FanMode, InitializerKind, InitializerSpec, ScaledDistribution } from "./spec.ts";

const fills: Readonly<Record<FillName, (out: Float32Array, ...args: readonly number[]) => void>> = {
  fillConstant,
  fillBlock,
  fillIdentity,
  fillUniform,
  fillNormal,
  fillTruncatedNormal,
  fillOrthogonal,
};

/**
 * A new array with the initial values of the parameter `path` of the given shape, row-major. `seed` is any
 * safe integer. Throws RangeError as `planFill` does.
 */
export function initialize(
  spec: InitializerSpec,
  shape: readonly number[],
  seed: number,
  path: string,
): Float32Array {
  const out = new Float32Array(size(shape));
  initializeInto(out, spec, shape, seed, path);
  return out;
}

/** As `initialize`, into memory the caller owns; `out` must have the shape's number of elements. */
export function initializeInto(
  out: Float32Array,
  spec: InitializerSpec,
  shape: readonly number[],
  seed: number,
  path: string,
): void {
  if (out.length !== size(shape))
    throw new RangeError(
      `an array of ${out.length} elements cannot hold the shape [${shape.join(", ")}] of ${size(shape)}`,
    );
  const { fill, args } = planFill(spec, shape, seed, path);
  fills[fill](out, ...args);
}
