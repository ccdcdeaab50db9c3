/**
 * Dense, row-major tensors as plain data: a dtype, a shape and a typed array. No class and no views, because
 * compiled programs address flat arrays themselves; a tensor only carries values across the border. Refuses
 * whatever would lose information silently: a length that does not match the shape, ragged nesting, a value
 * its integer dtype cannot hold.
 */
import { type DType, dtypeOf, dtypes, type TypedArray } from "./dtype.ts";
import { allocateNumbers, decode, encode } from "./elements.ts";
import { numbersOf } from "./float-format.ts";

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major, `size(shape)` elements. */
  readonly data: TypedArray;
}

/** A scalar, or arrays of arrays of equal length. */
export type Nested<T extends number | boolean = number | boolean> = T | readonly Nested<T>[];

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
  data: TypedArray | readonly number[],
  shape: readonly number[],
  dtype?: DType,
): Tensor {
  const type = dtype ?? (isTypedArray(data) ? dtypeOf(data) : "float32");
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
  const values: (number | boolean)[] = [];
  flatten(nested, shape, [], values);
  const type = dtype ?? (typeof values[0] === "boolean" ? "bool" : "float32");
  return { dtype: type, shape, data: store(values.map(Number), type) };
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

function isTypedArray(data: TypedArray | readonly number[]): data is TypedArray {
  return ArrayBuffer.isView(data);
}

function store(values: TypedArray | readonly number[], dtype: DType): TypedArray {
  const row = dtypes[dtype];
  if (values instanceof row.array && (row.kind !== "bool" || values.every((value) => value <= 1))) {
    if (row.packable || row.format) refuseExcess(values, dtype);
    return values;
  }
  const numbers = allocateNumbers(dtype, values.length);
  for (let i = 0; i < values.length; i++) numbers[i] = convert(values[i]!, dtype, i);
  const data = encode(dtype, numbers);
  if (row.kind === "integer") refuseLoss(values, data, dtype);
  return data;
}

/** Of an array that could hold more than the dtype. */
function refuseExcess(stored: TypedArray, dtype: DType): void {
  const { format, lowest, highest } = dtypes[dtype];
  const [least, most] = format ? [0, numbersOf(format).length - 1] : [lowest, highest];
  const at = stored.findIndex((element: number) => element < least || element > most);
  if (at >= 0)
    throw new RangeError(`element ${at} is ${stored[at]}, which is no ${format ? "code of " : ""}${dtype}`);
}

function convert(value: number, dtype: DType, index: number): number {
  if (typeof value !== "number") throw new RangeError(`element ${index} is ${String(value)}, not a number`);
  return dtype === "bool" ? Number(value !== 0) : value;
}

function refuseLoss(values: TypedArray | readonly number[], data: TypedArray, dtype: DType): void {
  for (let i = 0; i < data.length; i++)
    if (data[i] !== values[i])
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
  out: (number | boolean)[],
): void {
  const expected = shape[path.length];
  if (!Array.isArray(nested)) {
    if (expected !== undefined) throw ragged(path, "is a scalar", `is an array of length ${expected}`);
    if (typeof nested !== "number" && typeof nested !== "boolean")
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
