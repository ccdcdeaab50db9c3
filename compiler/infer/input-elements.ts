/**
 * The elements of an input that decides shapes. Where the front end was given values they are numbers; else
 * each integer is a size of its own, named after its input ("shape.0"), that a sample's value will bind.
 */
import { dtypes } from "../../runtime/dtype.ts";
import { decode } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { constantOf, product, type Store, symbol, symbolsOf } from "../dims/index.ts";
import type { Guard, Value } from "../ir/graph.ts";
import { dimTensor, MOST_ELEMENTS, toDims } from "./dim-tensor.ts";
import type { Known } from "./dim-values.ts";
import { dimStem } from "./relations.ts";

/** The elements a front end was given for an input, to build the graph for. */
export type InputValues = (input: Value) => Tensor | undefined;

/** An input longer than this holds data. */
const MOST_SIZES = 64;

/** Undefined where nobody gave the elements and they are no sizes. `inputs`: those of the graph. */
export function inputElements(
  input: Value,
  inputs: readonly Value[],
  values: InputValues,
  store: Store,
): Known | undefined {
  const given = values(input);
  if (given) return given.data.length <= MOST_ELEMENTS ? given : undefined;
  const { dtype, shape } = input.type;
  const count = constantOf(product(shape));
  if (dtypes[dtype].kind !== "integer" || count === undefined || count > MOST_SIZES) return undefined;
  const stem = freeStem(input, inputs);
  const names = Array.from({ length: count }, (_, i) => `${stem}.${i}`);
  const origin = { subject: `input "${input.name}"`, clause: "its elements are sizes, and may be 0" };
  for (const name of names) store.declare(name, { min: 0 }, origin);
  return dimTensor(dtype, shape.map(Number), names.map(symbol));
}

/** What the input's sizes are named after: its name, changed until no dim of an input begins like that. */
function freeStem({ name }: Value, inputs: readonly Value[]): string {
  const taken = inputs.flatMap(({ type }) => type.shape.flatMap(symbolsOf));
  let stem = dimStem(name).replace(/^(?=\p{N})/u, "_");
  while (taken.some((dim) => dim.startsWith(`${stem}.`))) stem += "_";
  return stem;
}

export function guardOf(input: Value, known: Known): Guard {
  if (dtypes[input.type.dtype].kind === "float" && "data" in known)
    return { input, elements: Array.from(decode(known.dtype, known.data) as ArrayLike<number>) };
  const tensor = toDims(known);
  if (!tensor) throw new Error(`internal: the elements of ${input.name} are no sizes`);
  return { input, elements: tensor.dims };
}
