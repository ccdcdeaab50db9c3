/**
 * Surrounds the operand by one value: `low` elements before and `high` behind, per axis, none negative
 * (numpy.pad, ONNX Pad, mode constant).
 */
import { dtypes } from "../../runtime/dtype.ts";
import { roundedTo } from "../../runtime/elements.ts";
import { strides as stridesOfShape } from "../../runtime/tensor.ts";
import { add, constant, constantOf, type Dim, sub } from "../dims/index.ts";
import type { Expr } from "../ir/loop.ts";
import { limitsOf } from "./accumulate.ts";
import { checkCount, defineOp, numbersOf, stateAtLeast, typeText } from "./definition.ts";
import { build } from "./odometer.ts";

export type PadAttributes = {
  readonly low: readonly Dim[];
  readonly high: readonly Dim[];
  readonly value: number;
};

export const pad = defineOp<PadAttributes>({
  name: "pad",
  operands: ["x"],
  attributes: { low: "dims", high: "dims", value: "number" },
  relate: (context, [x], { low, high, value }) => {
    const { dtype, shape } = x!;
    checkCount(context, "pad", "entries of low", low.length, shape.length);
    checkCount(context, "pad", "entries of high", high.length, shape.length);
    const [lowest, highest] = limitsOf(dtype);
    if (dtypes[dtype].kind !== "float" && !(Number.isInteger(value) && value >= lowest && value <= highest))
      context.fail("E2107", `pad with ${value}, which ${dtype} cannot hold`, {
        facts: [{ subject: "x", value: typeText(x!) }],
        fix: `pad with a whole number from ${lowest} to ${highest}, or cast x to float32`,
      });
    const padded = shape.map((d, axis) => {
      stateAtLeast(context, low[axis]!, constant(0), () => `pad adds to the start of axis ${axis}`);
      stateAtLeast(context, high[axis]!, constant(0), () => `pad adds to the end of axis ${axis}`);
      return add(d, low[axis]!, high[axis]!);
    });
    return [{ dtype, shape: padded }];
  },
  evaluate: ([x], attributes) => {
    const [low, high] = [numbersOf(attributes.low), numbersOf(attributes.high)];
    const shape = x!.shape.map((dim, axis) => dim + low[axis]! + high[axis]!);
    const steps = stridesOfShape(x!.shape);
    return [
      build(x!.dtype, shape, [], (_, index) => {
        const source = index.map((i, axis) => i - low[axis]!);
        const inside = source.every((i, axis) => i >= 0 && i < x!.shape[axis]!);
        return inside
          ? x!.data[source.reduce((sum, i, axis) => sum + i * steps[axis]!, 0)]!
          : attributes.value;
      }),
    ];
  },
  lower: ([x], { low, high, value }) => ({
    kind: "map",
    moves: true,
    guards: true,
    at: (index) => {
      const source = index.map((i, axis) => sub(i, low[axis]!));
      const tests = source.flatMap((i, axis) => [
        ...(constantOf(low[axis]!) === 0 ? [] : [i]),
        ...(constantOf(high[axis]!) === 0 ? [] : [sub(sub(x!.shape[axis]!, 1), i)]),
      ]);
      const inside = x!.at(source);
      const stored = roundedTo(x!.dtype, value);
      const outside: Expr = { kind: "constant", value: stored, dtype: x!.dtype };
      return tests.length === 0 ? inside : { kind: "guard", tests, inside, outside, dtype: x!.dtype };
    },
  }),
});
