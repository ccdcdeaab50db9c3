/**
 * The forms a sample may have (a shape, a typed array with its shape, nested arrays, a tensor, or one of
 * these per input name) brought into one. A flat list of numbers is a shape, a nested list is data: every
 * input has a batch axis, so data written as a list is always nested.
 */
import { dtypeOf, type TypedArray } from "../../runtime/dtype.ts";
import { fromNested, type Nested, type Tensor, tensor } from "../../runtime/tensor.ts";
import { fail, type SourceLocation } from "../diagnostics/index.ts";
import type { Sample } from "../infer/bind.ts";
import type { InputSpec } from "./symbolic.ts";

/** A shape, or data. */
export type SampleValue = readonly number[] | readonly Nested[] | Tensor;
/** For a model with one input just that; for any model a record by input name. */
export type SampleInput = SampleValue | TypedArray | { readonly [input: string]: SampleValue };

/** An input as a sample is read against it. */
export interface SampledInput {
  readonly name: string;
  readonly dtype: InputSpec["dtype"];
}

/** The sample by input name. `shape` belongs to a typed array. Throws E2102, E1002. */
export function readSample(
  given: SampleInput,
  shape: readonly number[] | undefined,
  inputs: readonly SampledInput[],
  at: SourceLocation | undefined,
): Sample {
  if (isRecord(given)) {
    const dtypes = new Map(inputs.map((input) => [input.name, input]));
    const entries = Object.entries(given).map(
      ([name, value]) =>
        [name, readValue(value, dtypes.get(name) ?? { name, dtype: "float32" }, at)] as const,
    );
    return Object.fromEntries(entries);
  }
  const [only] = inputs;
  if (!only || inputs.length > 1) return severalInputs(inputs, at);
  if (ArrayBuffer.isView(given)) return { [only.name]: readTyped(given, shape, only, at) };
  return { [only.name]: readValue(given as SampleValue, only, at) };
}

/** Rank of the only input of a sample, when that can be told. */
export function rankOf(sample: Sample): number | undefined {
  const [first] = Object.values(sample);
  return first && ("shape" in first ? first.shape : first).length;
}

export const shapeOfSample = (value: readonly number[] | Tensor): readonly number[] =>
  "shape" in value ? value.shape : value;

/** Refuses a shape where data is needed (E1002). */
export function asData(
  name: string,
  value: readonly number[] | Tensor,
  at: SourceLocation | undefined,
): Tensor {
  if ("data" in value) return value;
  return fail({
    code: "E1002",
    message: `predict needs data for input "${name}", but it was given the shape [${value.join(", ")}]`,
    fix: "pass a typed array and its shape, nested arrays or a tensor; bind takes shapes",
    ...(at && { at }),
  });
}

function isRecord(given: SampleInput): given is { readonly [input: string]: SampleValue } {
  return !Array.isArray(given) && !ArrayBuffer.isView(given) && !isTensor(given);
}

function isTensor(given: object): given is Tensor {
  return "data" in given && "shape" in given && "dtype" in given && ArrayBuffer.isView(given.data);
}

function readValue(
  value: SampleValue,
  input: SampledInput,
  at: SourceLocation | undefined,
): readonly number[] | Tensor {
  if (ArrayBuffer.isView(value)) return noShape(input, at);
  if (!Array.isArray(value)) return value as Tensor;
  if (value.every((size) => typeof size === "number")) return value;
  return orExplain(input, at, () => fromNested(value as Nested, input.dtype));
}

function readTyped(
  data: TypedArray,
  shape: readonly number[] | undefined,
  input: SampledInput,
  at: SourceLocation | undefined,
): Tensor {
  if (!shape) return noShape(input, at);
  const stored = dtypeOf(data);
  const dtype = input.dtype === "bool" && stored === "uint8" ? "bool" : stored;
  return orExplain(input, at, () => tensor(data, shape, dtype));
}

function noShape(input: SampledInput, at: SourceLocation | undefined): never {
  return fail({
    code: "E1002",
    message: `the data for input "${input.name}" is a typed array without a shape`,
    fix: `pass its shape too, as in predict(data, [3, 20]), or a tensor`,
    ...(at && { at }),
  });
}

function severalInputs(inputs: readonly SampledInput[], at: SourceLocation | undefined): never {
  const names = inputs.map(({ name }) => `"${name}"`).join(", ");
  return fail({
    code: "E2102",
    message: `the model has ${inputs.length} inputs (${names}), but the sample names none of them`,
    fix: `pass a record: { ${inputs.map(({ name }) => `${name}: ...`).join(", ")} }`,
    ...(at && { at }),
  });
}

function orExplain(input: SampledInput, at: SourceLocation | undefined, read: () => Tensor): Tensor {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail({
      code: error.message.includes("dims are non-negative integers") ? "E2108" : "E1002",
      message: `the data for input "${input.name}" cannot be taken: ${error.message}`,
      fix: "pass data whose length is the product of its shape, with rows of one length",
      ...(at && { at }),
    });
  }
}
