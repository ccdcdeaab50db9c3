/**
 * The sliding windows of Conv and the pools: their attributes, and the padding that `auto_pad`, `pads` and
 * `ceil_mode` come to. Sizes may be expressions; the formulas are those of the operator documentation.
 */
import { fail } from "../../diagnostics/index.ts";
import { add, ceilDiv, constant, type Dim, floorDiv, max, min, mul, sub } from "../../dims/index.ts";
import { ints, word } from "./attributes.ts";

export const windowSpecs = {
  auto_pad: word(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"], "NOTSET"),
  dilations: ints(),
  kernel_shape: ints(),
  pads: ints(),
  strides: ints(),
};

export interface WindowValues {
  readonly auto_pad: "NOTSET" | "SAME_UPPER" | "SAME_LOWER" | "VALID";
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** One spatial axis. */
export interface WindowPlace {
  readonly size: Dim;
  readonly stride: number;
  readonly dilation: number;
  readonly low: Dim;
  readonly high: Dim;
  /** Beyond `high`, for windows that `ceil_mode` lets begin inside and end outside. */
  readonly extra: Dim;
}

const zero = constant(0);

/** `inputs` and `sizes`: of the spatial axes and of the window along them. */
export function placeWindows(
  inputs: readonly Dim[],
  sizes: readonly Dim[],
  values: WindowValues,
  ceil = false,
): readonly WindowPlace[] {
  if (sizes.length !== inputs.length)
    fail({
      code: "E3103",
      message: `a window over ${sizes.length} axes, but the operand has ${inputs.length} spatial ones`,
      fix: "give the window one size for each axis behind batch and channels",
    });
  return sizes.map((size, i) => {
    const [stride, dilation] = [values.strides?.[i] ?? 1, values.dilations?.[i] ?? 1];
    const spans = add(mul(dilation, sub(size, 1)), 1);
    const [low, high] = padding(inputs[i]!, spans, stride, values, i, sizes.length);
    const extra = ceil ? overhang(inputs[i]!, spans, stride, low, high) : zero;
    return { size, stride, dilation, low, high, extra };
  });
}

function padding(
  input: Dim,
  spans: Dim,
  stride: number,
  { auto_pad, pads }: WindowValues,
  i: number,
  rank: number,
): readonly [Dim, Dim] {
  if (auto_pad === "VALID") return [zero, zero];
  if (auto_pad === "NOTSET") return [constant(pads?.[i] ?? 0), constant(pads?.[i + rank] ?? 0)];
  const total = max(sub(add(mul(sub(ceilDiv(input, stride), 1), stride), spans), input), 0);
  const less = floorDiv(total, 2);
  return auto_pad === "SAME_UPPER" ? [less, sub(total, less)] : [sub(total, less), less];
}

/** What the last window needs behind the padding; it has to begin before the padding at the end. */
function overhang(input: Dim, spans: Dim, stride: number, low: Dim, high: Dim): Dim {
  const padded = add(input, low, high);
  const rounded = ceilDiv(sub(padded, spans), stride);
  const last = min(rounded, floorDiv(sub(add(input, low), 1), stride));
  return sub(add(mul(last, stride), spans), padded);
}
