/**
 * Reduces a sliding window over every axis (XLA ReduceWindow); pooling is this op with windows of 1 along
 * batch and channels. Padding counts as the identity: it never wins a maximum and adds nothing to a sum.
 */
import type { Scalar } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { strides as stridesOfShape } from "../../runtime/tensor.ts";
import type { Dim, Shape } from "../dims/index.ts";
import type { TensorType } from "../ir/graph.ts";
import type { Expr } from "../ir/loop.ts";
import type { Operand, RelationContext } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { combiner, identityOf } from "./accumulate.ts";
import { checkCount, checkDType, defineOp, numberOf } from "./definition.ts";
import { build, walk } from "./odometer.ts";
import { insideTests, placesOf, positionOf, relateWindow, type WindowAxis } from "./windows.ts";

export type WindowAttributes = {
  readonly window: readonly Dim[];
  readonly strides: readonly Dim[];
  readonly padding: readonly (readonly [low: Dim, high: Dim])[];
  readonly dilations: readonly Dim[];
};

export type WindowReduceAttributes = WindowAttributes & { readonly combine: string };

export const windowAttributes = {
  window: "dims",
  strides: "dims",
  padding: "dimPairs",
  dilations: "dims",
} as const;

export const windowReduce = defineOp<WindowReduceAttributes>({
  name: "windowReduce",
  operands: ["x"],
  attributes: { ...windowAttributes, combine: "string" },
  relate: (context, [x], attributes) => {
    if (!["max", "min", "add"].includes(attributes.combine))
      context.fail("E2111", `windowReduce cannot combine by ${attributes.combine}`, {
        fix: "use max, min or add",
      });
    return [{ dtype: x!.dtype, shape: relateWindows(context, "windowReduce", x!, attributes) }];
  },
  evaluate: ([x], attributes, _results, { numerics }) => [slide(x!, attributes, numerics)],
  lower: ([x], attributes) => {
    const combine = combineOf(attributes);
    const identity = identityOf(combine, x!.dtype);
    return {
      kind: "reduce",
      over: attributes.window,
      identity,
      combine,
      element: (index, over) => elementAt(x!, attributes, index, over, identity),
    };
  },
});

/** The places of a window over every axis of x. */
export function relateWindows(
  context: RelationContext,
  op: string,
  x: TensorType,
  attributes: WindowAttributes,
): Shape {
  checkDType(context, op, "x", x, "number");
  for (const name of ["window", "strides", "padding", "dilations"] as const)
    checkCount(context, op, `entries of ${name}`, attributes[name].length, x.shape.length);
  return x.shape.map((d, axis) =>
    relateWindow(
      context,
      op,
      `axis ${axis} of x`,
      windowAt(d, attributes, axis, (n) => n),
    ),
  );
}

function combineOf({ combine }: WindowReduceAttributes): "max" | "min" | "add" {
  if (combine === "max" || combine === "min" || combine === "add") return combine;
  throw new Error(`internal: windowReduce by ${combine}`);
}

export function windowAt<N>(
  input: N,
  attributes: WindowAttributes,
  axis: number,
  convert: (d: Dim) => N,
): WindowAxis<N> {
  const [low, high] = attributes.padding[axis]!;
  return {
    input,
    size: convert(attributes.window[axis]!),
    stride: convert(attributes.strides[axis]!),
    low: convert(low),
    high: convert(high),
    dilation: convert(attributes.dilations[axis]!),
  };
}

/**
 * Where element `over` of the window at place `index` lies in x, and the tests that hold when it is inside.
 */
export function placeIn(
  x: Operand,
  attributes: WindowAttributes,
  index: Shape,
  over: Shape,
): { readonly source: Shape; readonly tests: readonly Dim[] } {
  const tests: Dim[] = [];
  const source = x.shape.map((d, axis) => {
    const window = windowAt(d, attributes, axis, (n) => n);
    const position = positionOf(window, index[axis]!, over[axis]!);
    tests.push(...insideTests(window, position, d));
    return position;
  });
  return { source, tests };
}

function elementAt(
  x: Operand,
  attributes: WindowAttributes,
  index: Shape,
  over: Shape,
  identity: Scalar,
): Expr {
  const { source, tests } = placeIn(x, attributes, index, over);
  const inside = x.at(source);
  if (tests.length === 0) return inside;
  const outside: Expr = { kind: "constant", value: identity, dtype: x.dtype };
  return { kind: "guard", tests, inside, outside, dtype: x.dtype };
}

function slide(x: Tensor, attributes: WindowReduceAttributes, numerics: Numerics): Tensor {
  const combine = combineOf(attributes);
  const windows = x.shape.map((dim, axis) => windowAt(dim, attributes, axis, numberOf));
  const steps = stridesOfShape(x.shape);
  const step = combiner(combine, x.dtype, numerics);
  const lengths = windows.map(({ size }) => size);
  return build(x.dtype, windows.map(placesOf), [], (_, index) => {
    let total = identityOf(combine, x.dtype);
    walk(lengths, [], (_none, over) => {
      let at = 0;
      let inside = true;
      windows.forEach(({ stride, dilation, low, input }, axis) => {
        const position = index[axis]! * stride + over[axis]! * dilation - low;
        inside &&= position >= 0 && position < input;
        at += position * steps[axis]!;
      });
      if (inside) total = step(total, x.data[at]!);
    });
    return total;
  });
}
