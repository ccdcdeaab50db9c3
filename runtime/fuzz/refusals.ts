/** Inputs a module must refuse, made from one it accepts: each has one thing wrong, in one input. */
import { dtypes, type TypedArray } from "../dtype.ts";
import { type Elements, elementOf } from "../elements.ts";
import type { Arrays, ModuleSignature } from "./signature.ts";

export interface Refusal {
  /** The input with the fault, which the error must name. */
  readonly name: string;
  readonly what: string;
  readonly input: Arrays;
}

export function* refusals({ inputs }: ModuleSignature, given: Arrays): Generator<Refusal, void> {
  for (const [name, { dtype, shape, values }] of Object.entries(inputs)) {
    const data = given[name]!;
    const { array } = dtypes[dtype];
    const { [name]: _, ...others } = given;
    const replaced = (value: TypedArray) => ({ ...others, [name]: value });
    const longer = new array(data.length + 1);
    // Of an open size another length may be right as well.
    const isFixed = shape.every((d) => typeof d === "number");
    yield { name, what: `a missing input "${name}"`, input: others };
    if (isFixed)
      yield { name, what: `input "${name}" with ${longer.length} elements`, input: replaced(longer) };
    if (isFixed && data.length > 0)
      yield { name, what: `input "${name}" without elements`, input: replaced(new array(0)) };
    const other = dtype === "float32" ? new Float64Array(data.length) : new Float32Array(data.length);
    const kind = Object.prototype.toString.call(other).slice(8, -1);
    yield { name, what: `input "${name}" as a ${kind}`, input: replaced(other) };
    if (values && data.length > 0) {
      const changed = data.slice();
      const elements: Elements = changed;
      elements[0] = elementOf(dtype, Number(data[0]) === 0 ? 1 : 0);
      yield { name, what: `input "${name}" with other values than the module's`, input: replaced(changed) };
    }
  }
}
