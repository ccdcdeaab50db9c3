/**
 * The error a bound model gives to a sample of another size (E2104): which input, which parameter, both
 * numbers, who fixed the first of them, and why they have to agree. One per parameter that the new sample
 * would change.
 */
import { CompileError, type Diagnostic, fail, type SourceLocation } from "../diagnostics/index.ts";
import { type Dim, type Shape, symbolsOf } from "../dims/index.ts";
import type { Sample } from "../infer/bind.ts";
import { type Fixed, list, place, type Sized } from "./weights.ts";

/** A parameter as the symbolic graph knows it. */
export interface Expected {
  readonly path: string;
  readonly shape: Shape;
  readonly because: string | undefined;
  readonly chain: readonly string[];
}

const PARAMETERS_SHOWN = 4;

interface Input {
  readonly name: string;
  readonly shape: Shape;
}

interface Conflict {
  readonly now: Sized;
  readonly before: Fixed;
}

interface Context {
  readonly expected: (path: string) => Expected;
  readonly inputs: readonly Input[];
  /** What was asked for, by input: a sample, or the shape given to build, with names where it is open. */
  readonly sample: Sample | { readonly [input: string]: readonly (number | string)[] };
  readonly at: SourceLocation | undefined;
}

/**
 * Throws E2104, once per size of an input that does not fit; parameters that only repeat it are rows of its
 * table.
 */
export function refuseSample(conflicts: readonly Conflict[], context: Context): never {
  const causes = new Map<string, Diagnostic>();
  for (const conflict of conflicts) {
    const found = diagnose(conflict, context);
    const earlier = causes.get(found.cause);
    const row = found.diagnostic.facts?.[1];
    if (!earlier) causes.set(found.cause, found.diagnostic);
    else if (row && (earlier.facts?.length ?? 0) <= PARAMETERS_SHOWN)
      causes.set(found.cause, { ...earlier, facts: [...(earlier.facts ?? []), row] });
  }
  throw new CompileError([...causes.values()]);
}

function diagnose(
  { now, before }: Conflict,
  { expected: expectedOf, inputs, sample, at }: Context,
): { readonly cause: string; readonly diagnostic: Diagnostic } {
  const expected = expectedOf(now.path);
  const axis = Math.max(
    now.shape.findIndex((n, i) => n !== before.shape[i]),
    0,
  );
  const [given, wanted] = [now.shape[axis]!, before.shape[axis]!];
  const source = origin(expected.shape[axis], inputs);
  const input = source?.input ?? inputs[0]!;
  const asked = sample[input.name] ?? [];
  const shape = "shape" in asked ? asked.shape : asked;
  const features = source?.axis === undefined ? undefined : noun(source.axis, shape);
  const reason = expected.because ?? `${now.path} has one entry for each, so it`;
  const food = features ? `${wanted} ${features}` : "the size it was bound to";
  const fixed = list(before.shape);
  const facts = [
    { subject: input.name, value: list(shape), note: "this call" },
    {
      subject: now.path,
      value: fixed,
      note: `${wanted} fixed by ${before.by}${place(before.at)}`,
    },
  ];
  const diagnostic: Diagnostic = {
    code: "E2104",
    message: features
      ? `input "${input.name}" has ${given} ${features}, but ${now.path} expects ${wanted}`
      : `input "${input.name}" ${list(shape)} needs ${now.path} ${list(now.shape)}, not ${fixed}`,
    facts,
    because: `${reason} must be both ${given} and ${wanted}.`,
    fix: `feed ${food}, or net.reset() to bind another size.`,
    ...(expected.chain.length > 1 && { chain: expected.chain }),
    ...(at && { at }),
  };
  return { cause: `${input.name} ${source?.axis ?? now.path}`, diagnostic };
}

/**
 * The input, and if the dim is one of its axes as it stands also the axis, that a parameter's dim comes from.
 */
function origin(
  dim: Dim | undefined,
  inputs: readonly Input[],
): { readonly input: Input; readonly axis: number | undefined } | undefined {
  if (!dim) return undefined;
  for (const input of inputs) {
    const axis = input.shape.indexOf(dim);
    if (axis >= 0) return { input, axis };
  }
  const names = new Set(symbolsOf(dim));
  const input = inputs.find(({ shape }) => shape.flatMap(symbolsOf).some((name) => names.has(name)));
  return input && { input, axis: undefined };
}

function noun(axis: number, shape: readonly unknown[]): string {
  return axis === shape.length - 1 ? "features" : `at axis ${axis}`;
}

/** A shape for `build` that is none. Throws E1002. */
export function refuseBuild(given: unknown, at: SourceLocation | undefined): never {
  return fail({
    code: "E1002",
    message: `build takes the shape of the input, but it was given ${given === null ? "null" : `a thing of type ${typeof given}`}`,
    fix: "write the shape with its batch axis, as in build([null, 20])",
    ...(at && { at }),
  });
}
