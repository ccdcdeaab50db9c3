/**
 * The same elements in the same order under another shape. A dim the front end left open (-1) is a flex
 * symbol, and is determined by the one equation there is: both shapes have as many elements.
 */
import { constantOf, type Dim, kindOf, product, type Shape, symbolsOf } from "../dims/index.ts";
import type { RelationContext } from "../ir/op.ts";
import { defineOp, numbersOf, typeText } from "./definition.ts";

export type ReshapeAttributes = { readonly shape: readonly Dim[] };

export const reshape = defineOp<ReshapeAttributes>({
  name: "reshape",
  operands: ["x"],
  attributes: { shape: "dims" },
  relate: (context, [x], { shape }) => {
    const given = x!.shape.map((d) => context.resolve(d));
    const wanted = shape.map((d) => context.resolve(d));
    if (wanted.some(({ value }) => value !== undefined && value < 0))
      context.fail("E2105", `reshape of [${given.join(", ")}] to [${written(wanted)}] has a negative size`, {
        facts: [{ subject: "shape", value: `[${written(wanted)}]` }],
        fix: "give sizes of 0 or more, and -1 for the one that is to be found",
      });
    if (!canDivide(given, wanted))
      context.fail("E2105", `reshape of [${given.join(", ")}] to [${written(wanted)}] cannot divide`, {
        facts: [
          { subject: "x", value: typeText(x!), note: `${product(given)} elements` },
          { subject: "shape", value: `[${written(wanted)}]`, note: `${countOf(wanted)} elements` },
        ],
        because: "a reshape keeps every element",
        fix: `choose a shape of ${product(given)} elements`,
      });
    stateCount(context, given, wanted);
    return [{ dtype: x!.dtype, shape }];
  },
  evaluate: ([x], { shape }) => [{ dtype: x!.dtype, shape: numbersOf(shape), data: x!.data.slice() }],
  lower: () => ({ kind: "view" }),
});

function stateCount(context: RelationContext, given: Shape, wanted: Shape): void {
  const clause = `reshape keeps the elements of [${given.join(", ")}] in [${written(wanted)}]`;
  const kept = [...given, ...wanted].some(isOpen) ? leadingInCommon(given, wanted) : 0;
  context.equal(product(given.slice(kept)), product(wanted.slice(kept)), clause);
}

/**
 * Axes that both shapes begin with, such as the batch. They stay as they are, so that an open dim behind them
 * is determined by the rest even where they are 0.
 */
function leadingInCommon(a: Shape, b: Shape): number {
  const end = a.findIndex((d, axis) => d !== b[axis]);
  return end < 0 ? a.length : end;
}

/** False when numbers alone rule it out; what still has symbols is left to the equation. */
function canDivide(given: Shape, wanted: Shape): boolean {
  const [mine, theirs] = withoutCommon(given, wanted);
  const have = constantOf(product(mine));
  const rest = constantOf(product(theirs.filter((d) => !isOpen(d))));
  if (have === undefined || rest === undefined) return true;
  if (!theirs.some(isOpen)) return have === rest;
  return rest === 0 ? have === 0 : have % rest === 0;
}

/**
 * Both shapes without the symbolic dims they share, a batch say; at least 1, they divide out of the equation.
 */
function withoutCommon(a: Shape, b: Shape): readonly [Shape, Shape] {
  const right = [...b];
  const left = a.filter((d) => {
    const at = constantOf(d) === undefined && !isOpen(d) ? right.indexOf(d) : -1;
    if (at >= 0) right.splice(at, 1);
    return at < 0;
  });
  return [left, right];
}

function isOpen(d: Dim): boolean {
  return symbolsOf(d).some((name) => kindOf(name) === "flex");
}

/** An open dim is what the user wrote as -1. */
function written(shape: Shape): string {
  return shape.map((d) => (isOpen(d) ? "-1" : `${d}`)).join(", ");
}

function countOf(shape: Shape): string {
  const rest = product(shape.filter((d) => !isOpen(d)));
  return shape.some(isOpen) ? `a multiple of ${rest}` : `${rest}`;
}
