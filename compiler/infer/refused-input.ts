/**
 * Why an input cannot have the size a sample gives it, told from the declarations: the size is declared to be
 * another number, or it is a named dim that another axis of the sample has made another number.
 */
import type { Diagnostic, Fact } from "../diagnostics/index.ts";
import { type Conflict, constant, constantOf, type Dim, isConstant, Store } from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import { diagnose } from "./diagnose.ts";
import type { SampleOrigin } from "./origins.ts";
import { isStated, type StatedOrigin } from "./stated.ts";

/** E2104 for `shape[axis]`, which the declaration or what is known of its symbols refuses. */
export function refusedInput(
  input: Value,
  shape: readonly number[],
  axis: number,
  conflict: Conflict,
  store: Store,
): Diagnostic {
  const base = diagnose(conflict, undefined, store);
  const said = conflict.core.filter(isStated);
  if (said.length > 0) return refusedByStatement(input, shape, axis, said, conflict, base);
  if (conflict.core.length === 1) return refusedByDeclaration(input, shape, axis, base);
  const [first, ...others] = conflict.core.slice(0, -1);
  const known = constantOf(store.resolve(input.type.shape[axis]!));
  if (!first || others.length > 0 || !isSample(first) || known === undefined) return base;
  return twoSizes(input, shape, axis, first, known, base);
}

/** What the user says of the dims beside the sample does not go with the sample. */
function refusedByStatement(
  input: Value,
  shape: readonly number[],
  axis: number,
  said: readonly StatedOrigin[],
  { suggestion }: Conflict,
  { because: _, ...base }: Diagnostic,
): Diagnostic {
  const declared = input.type.shape[axis]!;
  const all = said.map(({ subject, clause }) => `${subject} says ${clause}`).join(" and ");
  return {
    ...base,
    code: "E2201",
    message: `input "${input.name}" has ${shape[axis]} at axis ${axis}, which is ${declared}, but ${all}`,
    facts: [...(base.facts ?? []), declaration(input)],
    fix: `feed another size${suggestion ? `: ${suggestion}` : ""}, or say something else of ${declared}`,
  };
}

const isSample = (origin: Conflict["core"][number]): origin is SampleOrigin =>
  "kind" in origin && origin.kind === "sample";

function refusedByDeclaration(
  input: Value,
  shape: readonly number[],
  axis: number,
  base: Diagnostic,
): Diagnostic {
  const declared = input.type.shape[axis]!;
  return {
    ...base,
    message: `input "${input.name}" has ${shape[axis]} at axis ${axis}, but the model declares ${declared}`,
    facts: [...(base.facts ?? []), declaration(input)],
    fix: `feed ${sizeFor(declared, shape[axis]!)} at axis ${axis}, or change the declared shape`,
  };
}

/** "8 or 10" for 2*h and 9; the declared size itself where that is a number, or no size is near. */
function sizeFor(declared: Dim, size: number): string {
  const isPossible = (n: number) =>
    n >= 0 && !new Store().equal(declared, constant(n), { subject: "sample", clause: "" });
  const nearest = (sign: number) =>
    Array.from({ length: FARTHEST }, (_, i) => size + sign * (i + 1))
      .filter(isPossible)
      .slice(0, 1);
  const near = isConstant(declared) ? [] : [...nearest(-1), ...nearest(1)];
  return near.length > 0 ? `${near.join(" or ")} (${declared})` : `${declared}`;
}

const FARTHEST = 64;

/** One named dim, two numbers in one sample. */
function twoSizes(
  input: Value,
  shape: readonly number[],
  axis: number,
  first: SampleOrigin,
  known: number,
  base: Diagnostic,
): Diagnostic {
  const declared = input.type.shape[axis]!;
  const [here, there] = [`input "${input.name}" (axis ${axis})`, `${first.subject} (axis ${first.axis})`];
  return {
    ...base,
    message: `${declared} is ${known} in ${there}, but ${shape[axis]} in ${here}`,
    facts: [...(base.facts ?? []), declaration(input)],
    because: `${declared} is one size of the model, wherever it stands`,
    fix: `feed one size for ${declared}, or declare another name where it may differ`,
  };
}

function declaration(input: Value): Fact {
  return {
    subject: `${input.name} declared`,
    value: `[${input.type.shape.join(", ")}]`,
    note: input.source.path,
  };
}
