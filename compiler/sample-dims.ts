/**
 * Named dims as a part of the sample: `{ batch: 1 }` fills in every input whose sizes they decide, and must
 * agree with the sample where both speak of one dim.
 */
import { nearest } from "../runtime/initializers/nearest.ts";
import { fail } from "./diagnostics/index.ts";
import { evaluate, type Shape, symbolsOf } from "./dims/index.ts";
import type { Network, SampleInput } from "./frontend/index.ts";
import { rankOf, readSample, shapeOfSample } from "./frontend/sample.ts";
import type { Sample } from "./infer/bind.ts";
import type { Value } from "./ir/graph.ts";

type Dims = Readonly<Record<string, number>>;

/** What is said of dims by name. */
export interface SaidOfDims {
  readonly sizes?: Dims;
  /**
   * Dims that the sample does not decide, because the module takes several sizes of them; the sample's own
   * must be one that fits.
   */
  readonly largest?: ReadonlyMap<string, number>;
  /** Dims that are spoken of elsewhere. */
  readonly named?: readonly string[];
}

/**
 * Throws E1002 for a dim no input has, E2104 where dims and sample disagree, E2102 for several inputs without
 * names.
 */
export function completeSample(
  model: Network,
  given: SampleInput = {},
  { sizes: dims = {}, largest = new Map(), named = [] }: SaidOfDims = {},
): Sample {
  const spec = model.plan().inputs;
  const sample = readSample(given, undefined, spec, undefined);
  const names = [...Object.keys(dims), ...named];
  if (names.length === 0) return sample;
  const declared = model.inputs(rankOf(sample), sample);
  const inputs = declared.filter(({ name }) => spec.some((input) => input.name === name));
  checkDims(inputs, names);
  const complete = new Map(Object.entries(sample));
  for (const { name, type } of inputs) {
    const known = complete.get(name);
    const sizes = type.shape.map((d) => sizeUnder(d, dims));
    if (known) complete.set(name, agreed({ name, type }, known, dims, largest));
    else if (sizes.every((n) => n !== undefined)) complete.set(name, sizes);
  }
  return Object.fromEntries(complete);
}

/** The sample of one input, with the sizes that `dims` give in place of those it does not decide. */
function agreed(
  { name, type }: Pick<Value, "name" | "type">,
  given: Sample[string],
  dims: Dims,
  largest: ReadonlyMap<string, number>,
): Sample[string] {
  const shape = shapeOfSample(given);
  const limits = { ...dims, ...Object.fromEntries(largest) };
  const isLoose = (d: Shape[number]) => symbolsOf(d).some((symbol) => largest.has(symbol));
  const wanted = type.shape.map((d, axis) => {
    const [size, limit] = [shape[axis], sizeUnder(d, limits)];
    return isLoose(d) && size !== undefined && limit !== undefined && size <= limit ? size : limit;
  });
  checkAgreement(name, type.shape, wanted, shape, limits);
  if (shape.length !== type.shape.length || !type.shape.some(isLoose)) return given;
  const sizes = shape.map(
    (n, axis) => (isLoose(type.shape[axis]!) ? sizeUnder(type.shape[axis]!, dims) : n) ?? n,
  );
  return "dtype" in given ? { dtype: given.dtype, shape: sizes, data: given.data.subarray(0, 0) } : sizes;
}

/** Throws E1002 for a name that is no dim of these inputs. */
export function checkDims(inputs: readonly Value[], names: readonly string[]): void {
  const known = [...new Set(inputs.flatMap(({ type }) => type.shape.flatMap(symbolsOf)))];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const [suggestion] = nearest(unknown, known);
  fail({
    code: "E1002",
    message: `no input has a dim "${unknown}"${suggestion === undefined ? "" : `; did you mean "${suggestion}"?`}`,
    facts: inputs.map(({ name, type }) => ({ subject: name, value: `[${type.shape.join(", ")}]` })),
    fix: "name a dim of an input, or give that input a sample",
  });
}

function sizeUnder(d: Shape[number], dims: Dims): number | undefined {
  const names = symbolsOf(d);
  if (names.some((name) => !Object.hasOwn(dims, name))) return undefined;
  return Number(evaluate(d, new Map(names.map((name) => [name, dims[name]!]))));
}

function checkAgreement(
  name: string,
  declared: Shape,
  sizes: readonly (number | undefined)[],
  shape: readonly number[],
  dims: Dims,
): void {
  const axis = sizes.findIndex((n, i) => n !== undefined && i < shape.length && n !== shape[i]);
  const dim = declared[axis];
  if (!dim || symbolsOf(dim).length === 0) return;
  fail({
    code: "E2104",
    message: `input "${name}" has ${shape[axis]} at axis ${axis}, but ${dim} is ${sizes[axis]}`,
    facts: [
      { subject: name, value: `[${shape.join(", ")}]`, note: "the sample" },
      { subject: `${name} declared`, value: `[${declared.join(", ")}]` },
      ...symbolsOf(dim).map((each) => ({ subject: each, value: String(dims[each]), note: "given as a dim" })),
    ],
    fix: `leave one of the two out, or give the same size`,
  });
}
