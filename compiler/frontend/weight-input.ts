/**
 * Weights as a user hands them over, checked against the model before anything is taken: a list in the order
 * of `getWeights`, or a record by path. Every misfit is listed with both shapes in one E2109.
 */
import { nearest } from "../../runtime/initializers/nearest.ts";
import { fromNested, type Nested, type Tensor } from "../../runtime/tensor.ts";
import { type Diagnostic, DiagnosticBag, fail, type SourceLocation } from "../diagnostics/index.ts";
import { constantOf, isConstant, type Shape, symbolsOf } from "../dims/index.ts";
import { printShape } from "./shapes.ts";
import { type Fixed, list, place } from "./weights.ts";

type WeightValue = Tensor | readonly Nested[];
export type WeightsInput = readonly WeightValue[] | { readonly [path: string]: WeightValue };

export interface ExpectedWeight {
  readonly path: string;
  readonly shape: Shape;
  readonly dtype: Tensor["dtype"];
}

/**
 * The tensors by path. Throws E2109 with every weight that is missing, unknown or of another shape or dtype.
 */
export function checkedWeights(
  given: WeightsInput,
  expected: readonly ExpectedWeight[],
  fixed: (path: string) => Fixed | undefined,
  at: SourceLocation | undefined,
): ReadonlyMap<string, Tensor> {
  const bag = new DiagnosticBag();
  const add = (problem: Omit<Diagnostic, "code">) =>
    bag.add({ code: "E2109", ...problem, ...(at && { at }) });
  if (typeof given !== "object" || given === null)
    fail({
      code: "E2109",
      message: `weights are a list or a record by path, but ${String(given)} was given`,
      fix: "give what getWeights returns, or { path: tensor }",
      ...(at && { at }),
    });
  const pairs = isList(given) ? inOrder(given, expected, fixed, add) : byPath(given, expected, add);
  const sizes = new Map<string, Agreed>();
  const tensors = new Map<string, Tensor>();
  for (const [weight, value] of pairs) {
    const tensor = read(weight, value, add);
    if (!tensor) continue;
    const problem = misfit(weight, tensor, fixed(weight.path), sizes);
    if (problem) add(problem);
    tensors.set(weight.path, tensor);
  }
  bag.throwIfAny();
  return tensors;
}

/** A tensor, or nested arrays; anything else is reported. */
function read({ path, dtype }: ExpectedWeight, value: unknown, add: Add): Tensor | undefined {
  if (isTensor(value)) return value;
  try {
    return fromNested(value as Nested, dtype);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const why = ArrayBuffer.isView(value) ? "a typed array does not tell its shape" : error.message;
    add({
      message: `the values for ${path} cannot be taken: ${why}`,
      fix: "give a tensor, as in tensor(data, [20, 256]), or nested arrays with rows of one length",
    });
    return undefined;
  }
}

const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" &&
  value !== null &&
  "dtype" in value &&
  "data" in value &&
  "shape" in value &&
  Array.isArray(value.shape);

/** A size that one weight gave to a symbol, which the others must share. */
interface Agreed {
  readonly size: number;
  readonly path: string;
}

type Add = (problem: Omit<Diagnostic, "code">) => void;
type Pair = readonly [ExpectedWeight, WeightValue];

function inOrder(
  given: readonly WeightValue[],
  expected: readonly ExpectedWeight[],
  fixed: (path: string) => Fixed | undefined,
  add: Add,
): readonly Pair[] {
  const shapeOf = ({ path, shape }: ExpectedWeight) => {
    const sizes = fixed(path)?.shape;
    return sizes ? list(sizes) : printShape(shape, { deferred: true });
  };
  if (given.length !== expected.length)
    add({
      message: `the list has ${given.length} weight${given.length === 1 ? "" : "s"}, but the model has ${expected.length}`,
      facts: expected.map((weight) => ({ subject: weight.path, value: shapeOf(weight) })),
      fix: "give one tensor for each, in the order of getWeights",
    });
  return expected.flatMap((weight, i): readonly Pair[] => (i < given.length ? [[weight, given[i]!]] : []));
}

function byPath(
  given: { readonly [path: string]: WeightValue },
  expected: readonly ExpectedWeight[],
  add: Add,
): readonly Pair[] {
  const known = new Set(expected.map(({ path }) => path));
  for (const path of Object.keys(given))
    if (!known.has(path))
      add({
        message: `the model has no weight "${path}"; did you mean "${nearest(path, [...known])[0]}"?`,
        fix: `use one of ${[...known].slice(0, 12).join(", ")}`,
      });
  return expected.flatMap((weight): readonly Pair[] => {
    const value = Object.hasOwn(given, weight.path) ? given[weight.path] : undefined;
    if (value) return [[weight, value]];
    add({ message: `no values for ${weight.path}`, fix: "give every weight of the model" });
    return [];
  });
}

function misfit(
  weight: ExpectedWeight,
  value: Tensor,
  fixed: Fixed | undefined,
  sizes: Map<string, Agreed>,
): Omit<Diagnostic, "code"> | undefined {
  const { path, dtype } = weight;
  if (value.dtype !== dtype)
    return { message: `${path} is ${dtype}, but the values are ${value.dtype}`, fix: `give ${dtype} values` };
  if (fixed ? fits(fixed.shape, value.shape) : agrees(weight, value.shape, sizes)) return undefined;
  const shape = fixed ? list(fixed.shape) : printShape(weight.shape, { deferred: true });
  const partner = fixed ? undefined : disagreement(weight, value.shape, sizes);
  return {
    message: `${path} is ${shape}, but the values are ${list(value.shape)}`,
    facts: [
      { subject: path, value: shape, note: fixed ? `fixed by ${fixed.by}${place(fixed.at)}` : "declared" },
      { subject: "values", value: list(value.shape) },
      ...(partner
        ? [{ subject: partner.path, value: String(partner.size), note: "must be the same size" }]
        : []),
    ],
    fix: "give values of that shape; nothing was changed",
  };
}

const isList = (given: WeightsInput): given is readonly WeightValue[] => Array.isArray(given);

const fits = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** Whether an open shape can be this one, given what the other weights said. */
function agrees(weight: ExpectedWeight, shape: readonly number[], sizes: Map<string, Agreed>): boolean {
  if (weight.shape.length !== shape.length) return false;
  const ok = weight.shape.every((d, i) => !isConstant(d) || constantOf(d) === shape[i]);
  if (!ok || disagreement(weight, shape, sizes)) return false;
  weight.shape.forEach((d, i) => {
    const name = bareSymbol(d);
    if (name !== undefined && !sizes.has(name)) sizes.set(name, { size: shape[i]!, path: weight.path });
  });
  return true;
}

function disagreement(
  weight: ExpectedWeight,
  shape: readonly number[],
  sizes: ReadonlyMap<string, Agreed>,
): Agreed | undefined {
  for (const [i, d] of weight.shape.entries()) {
    const agreed = sizes.get(bareSymbol(d) ?? "");
    if (agreed && agreed.size !== shape[i]) return agreed;
  }
  return undefined;
}

function bareSymbol(d: Shape[number]): string | undefined {
  const [name] = symbolsOf(d);
  return name !== undefined && String(d) === name ? name : undefined;
}
