/**
 * The forms a sample may have (a shape, a typed array with its shape, nested arrays, a tensor, or one of
 * these per input name) brought into one. A flat list of numbers is a shape, a nested list is data: every
 * input has a batch axis, so data written as a list is always nested.
 */
import { type DType, dtypeOf, dtypes, type TypedArray } from "../../runtime/dtype.ts";
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

/** The sample by input name. `shape` belongs to a typed array. Throws E2102, E2108, E1002. */
export function readSample(
  given: SampleInput,
  shape: readonly number[] | undefined,
  inputs: readonly SampledInput[],
  at: SourceLocation | undefined,
): Sample {
  const [only] = inputs;
  if (isObject(given) && isRecord(given)) {
    const byName = new Map(inputs.map((input) => [input.name, input]));
    const entries = Object.entries(given).map(
      ([name, value]) =>
        [name, readValue(value, byName.get(name) ?? { name, dtype: "float32" }, at)] as const,
    );
    return Object.fromEntries(entries);
  }
  if (!only || inputs.length > 1) return severalInputs(inputs, at);
  if (ArrayBuffer.isView(given)) return { [only.name]: readTyped(given, shape, only, at) };
  return { [only.name]: readValue(given, only, at) };
}

/** Rank of the only input of a sample, when that can be told. */
export function rankOf(sample: Sample): number | undefined {
  const [first] = Object.values(sample);
  return first && ("shape" in first ? first.shape : first).length;
}

/** The elements a sample gives of an input; undefined for a shape alone. */
export function dataIn(sample: Sample, name: string): Tensor | undefined {
  const value = Object.hasOwn(sample, name) ? sample[name] : undefined;
  return value && "data" in value && value.data.length > 0 ? value : undefined;
}

export const shapeOfSample = (value: readonly number[] | Tensor): readonly number[] =>
  "shape" in value ? value.shape : value;

/** Refuses a shape, or a tensor without its elements, where data is needed (E1002). */
export function asData(
  name: string,
  value: readonly number[] | Tensor,
  at: SourceLocation | undefined,
): Tensor {
  const shape = shapeOfSample(value);
  if ("data" in value && (value.data.length > 0 || shape.includes(0))) return value;
  return fail({
    code: "E1002",
    message: `predict needs data for input "${name}", but it was given the shape [${shape.join(", ")}]`,
    fix: "pass a typed array and its shape, nested arrays or a tensor; bind takes shapes",
    ...(at && { at }),
  });
}

const isObject = (given: unknown): given is object => typeof given === "object" && given !== null;

function isRecord(given: object): given is { readonly [input: string]: unknown } {
  return !Array.isArray(given) && !ArrayBuffer.isView(given) && !isTensor(given);
}

function isTensor(given: object): given is { readonly data: TypedArray; readonly shape: readonly number[] } {
  return "data" in given && ArrayBuffer.isView(given.data) && "shape" in given && Array.isArray(given.shape);
}

/** `value` is what the user wrote, which types alone do not check. */
function readValue(
  value: unknown,
  input: SampledInput,
  at: SourceLocation | undefined,
): readonly number[] | Tensor {
  if (ArrayBuffer.isView(value)) return noShape(input, at);
  if (isObject(value) && isTensor(value)) return readTyped(value.data, value.shape, input, at, saidOf(value));
  if (!Array.isArray(value)) return noSample(value, input, at);
  if (value.every((size) => typeof size === "number")) return value;
  return orExplain(input, at, () => fromNested(value as Nested, input.dtype));
}

const saidOf = (value: object): unknown => ("dtype" in value ? value.dtype : undefined);

/**
 * `said` is the dtype a tensor claims to have. One that has a shape and a dtype but no elements stands for
 * any data of that type: binding looks at no more, and nobody has to make them.
 */
function readTyped(
  data: TypedArray,
  shape: readonly number[] | undefined,
  input: SampledInput,
  at: SourceLocation | undefined,
  said?: unknown,
): Tensor {
  if (!shape) return noShape(input, at);
  return orExplain(input, at, () => {
    const stored = dtypeOf(data);
    const dtype =
      (said as DType | undefined) ?? (input.dtype === "bool" && stored === "uint8" ? "bool" : stored);
    if (!Object.hasOwn(dtypes, dtype) || !(data instanceof dtypes[dtype].array))
      throw new RangeError(`its dtype is ${String(dtype)}, but its data are ${stored}`);
    if (said !== undefined && data.length === 0) return { dtype, shape, data };
    return tensor(data, shape, dtype);
  });
}

function noSample(value: unknown, input: SampledInput, at: SourceLocation | undefined): never {
  return fail({
    code: "E1002",
    message: `the sample of input "${input.name}" is ${shown(value)}, neither a shape nor data`,
    fix: "give a shape such as [2, 20], nested arrays, a tensor, or a typed array followed by its shape",
    ...(at && { at }),
  });
}

function shown(value: unknown): string {
  if (isObject(value)) return `an object with ${Object.keys(value).join(", ") || "nothing in it"}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
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
      fix: fixFor(error.message, input.dtype),
      ...(at && { at }),
    });
  }
}

function fixFor(message: string, dtype: DType): string {
  if (message.startsWith("element")) return `pass values that ${dtype} can hold`;
  if (message.startsWith("no dtype") || message.startsWith("its dtype"))
    return `pass the data as ${dtypes[dtype].array.name}`;
  if (message.includes("neither a number")) return "pass numbers";
  return "pass data whose length is the product of its shape, with rows of one length";
}
