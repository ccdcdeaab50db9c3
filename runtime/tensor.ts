/**
 * Dense, row-major tensors as plain data: a dtype, a shape and a typed array. No class and no views, because
 * compiled programs address flat arrays themselves; a tensor only carries values across the border. Refuses
 * whatever would lose information silently: a length that does not match the shape, ragged nesting, a value
 * its integer dtype cannot hold.
 */
import { type DType, dtypeOf, dtypes, type Scalar, type TypedArray } from "./dtype.ts";
import { allocateNumbers, decode, type Elements, encode, numbersIn, oddNumber } from "./elements.ts";
import { numbersOf } from "./float-format.ts";

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major, `size(shape)` elements. */
  readonly data: TypedArray;
}

/** A scalar, or arrays of arrays of equal length. */
export type Nested<T extends Scalar | boolean = Scalar | boolean> = T | readonly Nested<T>[];

/** Number of elements; 1 for a scalar. Throws RangeError unless every dim is a non-negative integer. */
export function size(shape: readonly number[]): number {
  let product = 1;
  for (const dim of shape) {
    if (!Number.isInteger(dim) || dim < 0)
      throw new RangeError(`shape [${shape.join(", ")}] has the dim ${dim}; dims are non-negative integers`);
    product *= dim;
  }
  return product;
}

/** Row-major strides, counted in elements. */
export function strides(shape: readonly number[]): readonly number[] {
  const result = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    result[axis] = stride;
    stride *= shape[axis]!;
  }
  return result;
}

/**
 * A tensor over `data`. The dtype is that of a typed array, float32 for plain numbers. A typed array that
 * already has the right class is shared (for small floats it holds codes), anything else are numbers and is
 * copied. Throws RangeError when lengths differ or a
 * value does not fit.
 */
export function tensor(
  data: TypedArray | readonly Scalar[],
  shape: readonly number[],
  dtype?: DType,
): Tensor {
  const type = dtype ?? (isTypedArray(data) ? dtypeOf(data) : (defaultDTypes[typeof data[0]] ?? "float32"));
  const count = size(shape);
  if (data.length !== count)
    throw new RangeError(
      `a tensor of shape [${shape.join(", ")}] has ${count} elements, but the data has ${data.length}`,
    );
  return { dtype: type, shape: [...shape], data: store(data, type) };
}

/**
 * A tensor from nested arrays, row by row. The dtype is `bool` when the first element is a boolean, float32
 * otherwise. Throws RangeError that says where, when rows have different lengths or depths.
 */
export function fromNested(nested: Nested, dtype?: DType): Tensor {
  const shape = shapeOfFirstElements(nested);
  const values: (Scalar | boolean)[] = [];
  flatten(nested, shape, [], values);
  const type = dtype ?? defaultDTypes[typeof values[0]] ?? "float32";
  const numbers = values.map((value) => (typeof value === "boolean" ? Number(value) : value));
  return { dtype: type, shape, data: store(numbers, type) };
}

/** The values as nested arrays; a scalar for rank 0; booleans for `bool`, numbers where codes are stored. */
export function toNested(value: Tensor): Nested {
  const { shape } = value;
  const data = decode(value.dtype, value.data);
  const steps = strides(shape);
  const at = (axis: number, offset: number): Nested => {
    if (axis === shape.length) return value.dtype === "bool" ? data[offset] !== 0 : data[offset]!;
    return Array.from({ length: shape[axis]! }, (_, i) => at(axis + 1, offset + i * steps[axis]!));
  };
  return at(0, 0);
}

/** What plain values are without a dtype. */
const defaultDTypes: Readonly<Record<string, DType>> = { boolean: "bool", bigint: "int64" };

function isTypedArray(data: TypedArray | readonly Scalar[]): data is TypedArray {
  return ArrayBuffer.isView(data);
}

function store(values: TypedArray | readonly Scalar[], dtype: DType): TypedArray {
  const row = dtypes[dtype];
  if (
    values instanceof row.array &&
    (row.kind !== "bool" || numbersIn(values).every((value) => value <= 1))
  ) {
    if (row.packable || row.format) refuseExcess(values, dtype);
    return values;
  }
  const numbers = allocateNumbers(dtype, values.length);
  const elements: Elements = numbers;
  for (let i = 0; i < values.length; i++) elements[i] = convert(values[i]!, dtype, i);
  const data = encode(dtype, numbers);
  if (row.kind === "integer") refuseLoss(values, data, dtype);
  return data;
}

/** Of an array that could hold more than the dtype. */
function refuseExcess(stored: TypedArray, dtype: DType): void {
  const { format, lowest, highest } = dtypes[dtype];
  const [least, most] = format ? [0, numbersOf(format).length - 1] : [lowest, highest];
  const at = numbersIn(stored).findIndex((element) => element < least || element > most);
  if (at >= 0)
    throw new RangeError(`element ${at} is ${stored[at]}, which is no ${format ? "code of " : ""}${dtype}`);
}

function convert(value: Scalar, dtype: DType, index: number): Scalar {
  if (typeof value !== "number" && typeof value !== "bigint")
    throw new RangeError(`element ${index} is ${String(value)}, not a number`);
  if (dtype === "bool") return Number(value !== 0 && value !== 0n);
  if (!dtypes[dtype].big) return typeof value === "bigint" ? fromBig(value, dtype) : value;
  if (typeof value === "bigint") return value;
  if (!Number.isInteger(value))
    throw new RangeError(`element ${index} is ${value}, which ${dtype} cannot hold`);
  return BigInt(value);
}

const fromBig = (x: bigint, dtype: DType): number => (dtype === "float64" ? Number(x) : oddNumber(x));

function refuseLoss(values: TypedArray | readonly Scalar[], data: TypedArray, dtype: DType): void {
  for (let i = 0; i < data.length; i++)
    // The only comparison of numbers with bigints that is exact and loose.
    if (!(data[i]! <= values[i]! && data[i]! >= values[i]!))
      throw new RangeError(`element ${i} is ${values[i]}, which ${dtype} cannot hold`);
}

/** The shape a nested array has if it is regular: read off the first element of each level. */
function shapeOfFirstElements(nested: Nested): readonly number[] {
  const shape: number[] = [];
  for (let level: Nested | undefined = nested; Array.isArray(level); level = level[0])
    shape.push(level.length);
  return shape;
}

function flatten(
  nested: Nested,
  shape: readonly number[],
  path: readonly number[],
  out: (Scalar | boolean)[],
): void {
  const expected = shape[path.length];
  if (!Array.isArray(nested)) {
    if (expected !== undefined) throw ragged(path, "is a scalar", `is an array of length ${expected}`);
    if (typeof nested !== "number" && typeof nested !== "boolean" && typeof nested !== "bigint")
      throw new RangeError(`nested${where(path)} is ${String(nested)}, neither a number nor a boolean`);
    out.push(nested);
    return;
  }
  if (expected === undefined) throw ragged(path, `is an array of length ${nested.length}`, "is a scalar");
  if (nested.length !== expected) throw ragged(path, `has length ${nested.length}`, `has length ${expected}`);
  for (let i = 0; i < nested.length; i++) flatten(nested[i], shape, [...path, i], out);
}

function ragged(path: readonly number[], found: string, expected: string): RangeError {
  const first = path.map(() => 0);
  return new RangeError(
    `ragged nested array: nested${where(path)} ${found}, but nested${where(first)} ${expected}`,
  );
}

function where(path: readonly number[]): string {
  return path.map((index) => `[${index}]`).join("");
}
