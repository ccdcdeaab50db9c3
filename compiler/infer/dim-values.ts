/**
 * One core op on small tensors whose elements are dims. Three ways, tried in this order:
 *
 * - all elements are numbers: the reference of the op says what comes out, whatever the op is;
 * - the op moves elements: the reference moves their numbers (1, 2, 3, ...) instead, and each number that
 *   arrives brings its dim, so no op's data movement is written down twice;
 * - the op computes: sums and products of a reduction, and the rules of dim-arithmetic.
 *
 * What none of them can say is `undefined`: the tensor is data like any other.
 */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import { numbersIn, roundedTo } from "../../runtime/elements.ts";
import { size, strides, type Tensor } from "../../runtime/tensor.ts";
import { constant, type Dim } from "../dims/index.ts";
import { isDim, isGraph } from "../ir/attribute.ts";
import type { Attribute, Attributes, Node, TensorType } from "../ir/graph.ts";
import { broadcastShape, broadcastSteps } from "../ops/broadcasting.ts";
import { evaluateNode } from "../ops/evaluate.ts";
import { walk } from "../ops/odometer.ts";
import { type Arithmetic, arithmetic } from "./dim-arithmetic.ts";
import { type DimTensor, type Fraction, fraction, MOST_ELEMENTS, toDims, toTensor } from "./dim-tensor.ts";

/** A tensor whose elements are known: numbers, or dims. */
export type Known = Tensor | DimTensor;

/**
 * Result number `index` of `node`, whose attributes and result types are resolved, for operands that are
 * known. Undefined where the elements, or their number, are not determined.
 */
export function evaluateDims(
  node: Node,
  index: number,
  operands: readonly Known[],
  context: Arithmetic,
): Known | undefined {
  if (node.op === "constant") return node.attributes["value"] as Tensor;
  const result = node.results[index];
  const shape = result && concrete(result.type);
  if (!shape || size(shape) > MOST_ELEMENTS) return undefined;
  if (node.op === "dimension") return sizeOf(node.attributes, result!.type.dtype);
  if (node.op === "measure") return { dtype: "int32", shape: [], dims: [node.attributes["size"] as Dim] };
  const numbers = operands.map(toTensor);
  if (numbers.every((tensor) => tensor !== undefined)) return reference(node, numbers)?.[index];
  const dims = operands.map(toDims);
  if (node.results.length > 1 || !dims.every((tensor) => tensor !== undefined)) return undefined;
  const moved = (node.attributes["combine"] ?? "set") === "set" ? moves.get(node.op) : undefined;
  if (moved) return move(node, dims, moved);
  const { dtype } = result!.type;
  const elements = reductions.has(node.op)
    ? reduce(node, dims[0]!, size(shape), context)
    : compute(node.op, dims, shape, dtype, context);
  return elements && packed(dtype, shape, elements);
}

function concrete({ shape }: TensorType): readonly number[] | undefined {
  const sizes = shape.map((d) => (typeof d.value === "number" ? d.value : undefined));
  return sizes.every((n) => n !== undefined) ? sizes : undefined;
}

function sizeOf({ value }: Attributes, dtype: DType): DimTensor {
  return { dtype, shape: [], dims: [value as Dim] };
}

/** Ops that raise at run time, a gather with an index that is not there say, are left to do so. */
function reference(node: Node, operands: readonly Tensor[]): readonly Tensor[] | undefined {
  const known =
    node.results.every(({ type }) => concrete(type)) && Object.values(node.attributes).every(isSettled);
  if (!known) return undefined;
  const run = () => {
    throw new Error("internal: a node without a body runs one");
  };
  try {
    return evaluateNode(node, operands, { numerics: { accumulate: "float64" }, run });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Neither an open size nor a body. */
function isSettled(a: Attribute): boolean {
  if (Array.isArray(a)) return a.every(isSettled);
  return !(isGraph(a) || (isDim(a) && a.value === undefined));
}

/** Ops whose result holds elements of these operands (all of them: "all"), and nothing that is computed. */
const moves: ReadonlyMap<string, readonly number[] | "all"> = new Map<string, readonly number[] | "all">([
  ...["reshape", "transpose", "broadcast", "slice", "reverse", "pad"].map((op) => [op, [0]] as const),
  ["concat", "all"],
  ...["gather", "gatherElements", "gatherNd"].map((op) => [op, [0]] as const),
  ...["scatterElements", "scatterNd"].map((op) => [op, [0, 2]] as const),
  ["select", [1, 2]],
]);

/** Elements are numbered from 1 across the operands that move; 0 is what `pad` brings in. */
function move(
  node: Node,
  operands: readonly DimTensor[],
  moving: readonly number[] | "all",
): DimTensor | undefined {
  const elements: Fraction[] = [];
  const numbered = operands.map((operand, i) => {
    if (moving !== "all" && !moving.includes(i)) return toTensor(operand);
    const data = new Int32Array(operand.dims.length);
    fractions(operand).forEach((element, at) => {
      data[at] = elements.push(element);
    });
    return { dtype: "int32", shape: operand.shape, data } as const;
  });
  if (!numbered.every((tensor) => tensor !== undefined)) return undefined;
  const [result] = node.results;
  const type = { ...result!.type, dtype: "int32" } as const;
  const attributes = "value" in node.attributes ? { ...node.attributes, value: 0 } : node.attributes;
  const numbers = reference({ ...node, attributes, results: [{ ...result!, type }] }, numbered)?.[0];
  const { value } = node.attributes;
  const outside =
    node.op === "pad" ? fraction(Number(roundedTo(result!.type.dtype, Number(value)))) : undefined;
  if (!numbers || (node.op === "pad" && !outside)) return undefined;
  const arrived = Array.from(numbersIn(numbers.data), (number) =>
    number === 0 ? outside! : elements[number - 1]!,
  );
  return packed(result!.type.dtype, numbers.shape, arrived);
}

const reductions: ReadonlyMap<string, { readonly op: string; readonly empty?: number }> = new Map([
  ["reduceSum", { op: "add", empty: 0 }],
  ["reduceProd", { op: "mul", empty: 1 }],
  ["reduceMax", { op: "max" }],
  ["reduceMin", { op: "min" }],
]);

function reduce(
  { op, attributes, results }: Node,
  x: DimTensor,
  count: number,
  context: Arithmetic,
): readonly Fraction[] | undefined {
  const combine = reductions.get(op)!;
  const axes = attributes["axes"] as readonly number[];
  const kept = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
  const into = strides(kept).map((step, axis) => (axes.includes(axis) ? 0 : step));
  const totals = new Array<Fraction | undefined>(count).fill(undefined);
  const elements = fractions(x);
  let [at, decided] = [0, true];
  walk(x.shape, [into], ([to]) => {
    const [total, element] = [totals[to!], elements[at++]!];
    const next = total
      ? arithmetic.get(combine.op)!([total, element], context, results[0]!.type.dtype)
      : element;
    decided &&= next !== undefined;
    totals[to!] = next;
  });
  const { empty } = combine;
  const whole = totals.map((total) => total ?? (empty === undefined ? undefined : constantFraction(empty)));
  return decided ? complete(whole) : undefined;
}

const constantFraction = (n: number): Fraction => ({ dim: constant(n), shift: 0 });

function compute(
  op: string,
  operands: readonly DimTensor[],
  shape: readonly number[],
  dtype: DType,
  context: Arithmetic,
): readonly Fraction[] | undefined {
  const rule = arithmetic.get(op);
  if (!rule || broadcastShape(operands.map((operand) => operand.shape)).join() !== shape.join())
    return undefined;
  const lists = operands.map(fractions);
  const steps = operands.map((operand) => broadcastSteps(operand.shape, shape.length));
  const elements: (Fraction | undefined)[] = [];
  walk(shape, steps, (offsets) => {
    const given = lists.map((list, i) => list[offsets[i]!]!);
    elements.push(rule(given, context, dtype));
  });
  return complete(elements);
}

function complete<T>(list: readonly (T | undefined)[]): readonly T[] | undefined {
  return list.every((one) => one !== undefined) ? (list as readonly T[]) : undefined;
}

function fractions({ dims, shifts }: DimTensor): readonly Fraction[] {
  return dims.map((dim, i) => ({ dim, shift: shifts?.[i] ?? 0 }));
}

/** Undefined where the dtype would wrap: a number it cannot hold, or a size in less than 32 bits. */
function packed(
  dtype: DType,
  shape: readonly number[],
  elements: readonly Fraction[],
): DimTensor | undefined {
  const { kind, bytes, lowest, highest } = dtypes[dtype];
  const fits = ({ dim: { value } }: Fraction) =>
    value === undefined ? bytes >= 4 : value >= lowest && value <= highest;
  if (kind === "integer" && !elements.every(fits)) return undefined;
  const shifts = elements.map(({ shift }) => shift);
  const dims = elements.map(({ dim }) => dim);
  return { dtype, shape, dims, ...(shifts.some((shift) => shift > 0) && { shifts }) };
}
