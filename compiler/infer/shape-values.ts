/**
 * A tensor of the graph as sizes or numbers that decide shapes: the target of a reshape, a number of
 * repetitions, axes. Sizes may be expressions; what decides the form of the graph itself (axes, a rank, a -1)
 * has to be numbers by the time the graph is built.
 */
import { type Diagnostic, fail } from "../diagnostics/index.ts";
import { type Dim, type Shape, symbolsOf } from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import { valuesMissing } from "./bind-values.ts";
import type { GraphBuilder } from "./builder.ts";

/** The elements of `value` as sizes, in row-major order. Throws E2113 where they are not known. */
export function sizesOf(builder: GraphBuilder, value: Value): Shape {
  const found = builder.elementsOf(value);
  return found && !found.shifts ? found.dims : fail(unknownElements(builder, value));
}

/** The elements of `value` as numbers, in row-major order. Throws E2113 where they are not known. */
export function numbersOf(builder: GraphBuilder, value: Value): readonly number[] {
  const found = builder.elementsOf(value);
  if (!found) return fail(unknownElements(builder, value));
  return found.dims.map((d, i) => {
    if (d.value === undefined) return fail(dependsOn(builder, value, d));
    return Number(d.value) / 2 ** (found.shifts?.[i] ?? 0);
  });
}

function unknownElements(builder: GraphBuilder, value: Value): Diagnostic {
  const [input] = builder.inputsBehind(value);
  if (input) return valuesMissing(input, undefined);
  return {
    code: "E2113",
    message: `a shape depends on the values of ${value.name}, which nothing determines`,
    facts: [{ subject: value.name, value: `${value.type.dtype}[${value.type.shape.join(", ")}]` }],
    because: "it is computed from weights, from too many elements, or from a comparison of open sizes",
    fix: "compute it from shapes and constants, or give the sizes it compares",
  };
}

/** A number that has to be known now depends on a size. */
function dependsOn(builder: GraphBuilder, value: Value, d: Dim): Diagnostic {
  const own = new Set(symbolsOf(d));
  const input = builder.inputsBehind(value).find((each) => {
    const elements = builder.elementsOf(each)?.dims ?? [];
    return elements.flatMap(symbolsOf).some((name) => own.has(name));
  });
  if (input) return valuesMissing(input, undefined);
  return {
    code: "E2113",
    message: `the form of the model depends on ${value.name}, which is ${d}`,
    facts: [{ subject: value.name, value: `${d}`, note: "has to be a number when the model is built" }],
    fix: `declare ${symbolsOf(d).join(", ")} as a number`,
  };
}
