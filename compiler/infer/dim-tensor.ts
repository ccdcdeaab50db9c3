/**
 * A small tensor whose elements are dims instead of numbers: what `Shape -> Gather -> Concat -> Reshape`
 * carries, so that the sizes that come out are the expressions that went in and no new symbol. An element is
 * dims[i] / 2^shifts[i]; shifts are 0 but for floats, which are dyadic fractions exactly, so that a size may
 * pass through a float (a scale of 0.5) and come back. Booleans are 0 and 1, and always decided.
 */
import { type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { allocateNumbers, decode, type Elements, encode, roundedTo } from "../../runtime/elements.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import { constant, type Dim } from "../dims/index.ts";

/** The most elements that are followed as dims. */
export const MOST_ELEMENTS = 1024;

export interface DimTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major, `size(shape)` elements. */
  readonly dims: readonly Dim[];
  /** Of a float dtype: element i is dims[i] / 2^shifts[i]. Absent where all elements are whole. */
  readonly shifts?: readonly number[];
}

export const isTensor = (value: Tensor | DimTensor): value is Tensor => "data" in value;

/** Elements that are sizes, in one dtype. */
export function dimTensor(dtype: DType, shape: readonly number[], dims: readonly Dim[]): DimTensor {
  if (dims.length !== size(shape))
    throw new Error(`internal: ${dims.length} dims for the shape [${shape.join(", ")}]`);
  return { dtype, shape, dims };
}

/** The same elements as dims; undefined for too many of them, or one that is infinite or NaN. */
export function toDims(value: Tensor | DimTensor): DimTensor | undefined {
  if (!isTensor(value)) return value;
  const { dtype, shape, data } = value;
  if (data.length > MOST_ELEMENTS) return undefined;
  const elements = Array.from(decode(dtype, data) as ArrayLike<Scalar>, fraction);
  if (!elements.every((element) => element !== undefined)) return undefined;
  const dims = elements.map(({ dim }) => dim);
  const shifts = elements.map(({ shift }) => shift);
  return { dtype, shape, dims, ...(shifts.some((shift) => shift > 0) && { shifts }) };
}

/** The elements as numbers, when every one of them is known and the dtype can hold it. */
export function toTensor(value: Tensor | DimTensor): Tensor | undefined {
  if (isTensor(value)) return value;
  const { dtype, shape, dims, shifts } = value;
  const numbers = allocateNumbers(dtype, dims.length);
  const elements: Elements = numbers;
  for (const [i, { value: known }] of dims.entries()) {
    const shift = shifts?.[i] ?? 0;
    const element = known === undefined ? undefined : elementIn(dtype, known, shift);
    if (element === undefined) return undefined;
    elements[i] = element;
  }
  return { dtype, shape, data: encode(dtype, numbers) };
}

/** known / 2^shift as an element to compute with, where the dtype holds it exactly. */
function elementIn(dtype: DType, known: Scalar, shift: number): Scalar | undefined {
  const { kind, big, lowest, highest } = dtypes[dtype];
  const inside = known >= lowest && known <= highest;
  if (kind !== "float") return shift === 0 && inside ? (big ? BigInt(known) : Number(known)) : undefined;
  const element = Number(known) / 2 ** shift;
  const exact = BigInt(Number(known)) === BigInt(known) && roundedTo(dtype, element) === element;
  return exact ? element : undefined;
}

export interface Fraction {
  readonly dim: Dim;
  readonly shift: number;
}

/** A finite number is a whole one over a power of two. */
export function fraction(x: Scalar): Fraction | undefined {
  if (typeof x === "bigint") return { dim: constant(x), shift: 0 };
  if (!Number.isFinite(x)) return undefined;
  let [whole, shift] = [x, 0];
  for (; !Number.isInteger(whole); shift++) whole *= 2;
  return { dim: constant(Number.isSafeInteger(whole) ? whole : BigInt(whole)), shift };
}
