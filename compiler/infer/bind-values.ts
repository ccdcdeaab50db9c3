/**
 * What a sample says of inputs whose elements decide shapes: each element is the size the graph calls it, as
 * a size of a shape is. A sample that gives only the shape of such an input will do where other inputs
 * determine its elements (a `k` that is also an axis of x); else it is refused, for the module could not know
 * what it is for.
 */
import { decode } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { Diagnostic, SourceLocation } from "../diagnostics/index.ts";
import { type Conflict, constant, type Dim, type Store, symbolsOf } from "../dims/index.ts";
import type { Graph, Guard } from "../ir/graph.ts";
import { diagnose } from "./diagnose.ts";
import type { SampleOrigin } from "./origins.ts";

/** States the elements of one guarded input; what is wrong with them (E2104), if anything. */
export function bindValues(
  store: Store,
  guard: Guard,
  { dtype, data }: Tensor,
  at: SourceLocation | undefined,
): readonly Diagnostic[] {
  const { input, elements } = guard;
  if (data.length !== elements.length) return [];
  const found = Array.from(decode(dtype, data) as ArrayLike<number | bigint>);
  const text = `[${found.join(", ")}]`;
  return elements.flatMap((element, i) => {
    const value = found[i]!;
    if (typeof element === "number") return element === value ? [] : [otherValue(guard, text, i, at)];
    const origin: SampleOrigin = {
      kind: "sample",
      subject: `input "${input.name}"`,
      shape: text,
      clause: `element ${i} is ${value}`,
      ...(at && { at }),
    };
    if (Number(value) === 0) for (const name of symbolsOf(element)) store.declare(name, { min: 0 }, origin);
    const conflict = store.equal(element, constant(value), origin);
    if (!conflict) return [];
    return [anotherSize(guard, origin, i, conflict, store) ?? noSize(guard, text, i, element, at)];
  });
}

/** The size was bound to another number before, by the shape of an input say. */
function anotherSize(
  { input, elements }: Guard,
  origin: SampleOrigin,
  i: number,
  conflict: Conflict,
  store: Store,
): Diagnostic | undefined {
  if (conflict.core.length === 1) return undefined;
  const element = elements[i] as Dim;
  const known = store.resolve(element).value;
  return {
    ...diagnose(conflict, undefined, store),
    message: `input "${input.name}" is ${origin.shape}, but its element ${i} is ${element}, which is ${known}`,
    fix: `feed ${known} as element ${i} of "${input.name}", or another size where ${element} is ${known}`,
  };
}

/** The graph was built for other elements of an input that decides its form. */
function otherValue(
  { input, elements }: Guard,
  found: string,
  i: number,
  at: SourceLocation | undefined,
): Diagnostic {
  return {
    code: "E2104",
    message: `input "${input.name}" is ${found}, but the model was built for [${elements.join(", ")}]`,
    facts: [{ subject: input.name, value: found, note: `element ${i} differs` }],
    fix: "build the model for these values, or feed those it was built for",
    ...(at && { at }),
  };
}

function noSize(
  { input }: Guard,
  found: string,
  i: number,
  element: Dim,
  at: SourceLocation | undefined,
): Diagnostic {
  return {
    code: "E2104",
    message: `input "${input.name}" is ${found}, but its element ${i} is the size ${element}`,
    facts: [{ subject: input.name, value: found, note: "the sample" }],
    because: `${element} counts elements, and is what the model says it is`,
    fix: `feed a size for ${element}`,
    ...(at && { at }),
  };
}

/**
 * E2113 for each guarded input whose elements neither its sample nor anything else determines, nor are sizes
 * that are left `open`.
 */
export function undetermined(
  graph: Graph,
  open: ReadonlySet<string>,
  at: SourceLocation | undefined,
): readonly Diagnostic[] {
  return graph.guards.flatMap(({ input, elements }) => {
    const names = elements.flatMap((one) => (typeof one === "number" ? [] : symbolsOf(one)));
    return names.some((name) => !open.has(name)) ? [valuesMissing(input, at)] : [];
  });
}

/** E2113: shapes depend on the elements of an input, and nobody gave them. */
export function valuesMissing({ name, type }: Guard["input"], at: SourceLocation | undefined): Diagnostic {
  const shape = `[${type.shape.join(", ")}]`;
  return {
    code: "E2113",
    message: `shapes depend on the values of input "${name}", which no sample gives`,
    facts: [{ subject: name, value: `${type.dtype}${shape}`, note: "decides shapes" }],
    fix: `give its values in the sample: tensor([...], ${shape}, "${type.dtype}"), or --sample ${name}=${type.dtype}:[...]`,
    ...(at && { at }),
  };
}
