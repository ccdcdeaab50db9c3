/**
 * Random inputs for a module, from its signature. An array is one seed and one style of contents, with a few
 * positions edited to values worth meeting, so an input of 100,000 elements costs about a millisecond;
 * shrinking looks at the values themselves (see shrink.ts) and ends at a few small numbers among zeros.
 *
 * @example
 * test.prop([inputs(mlp.signature)])("mlp keeps its promises", (input) => checkModule(mlp, input));
 */
import * as fc from "fast-check";
import { allocate, type TypedArray } from "../dtype.ts";
import { type Elements, elementOf } from "../elements.ts";
import { defaultRange, edge, fill, mulberry32, type Range, styles } from "../random/noise.ts";
import type { Sizes } from "../size-text.ts";
import { simplerArrays } from "./shrink.ts";
import { type InputsOf, lengthOf, type ModuleSignature, type SizedPort } from "./signature.ts";
import { remember, sized, sizesOf } from "./sizes.ts";
import { withShortText } from "./text.ts";

export interface InputOptions<S extends ModuleSignature = ModuleSignature> {
  /** Adds NaN, both infinities, denormals and the largest finite numbers to float inputs. Default false. */
  readonly specials?: boolean;
  /**
   * Smallest and largest value per input, both included, e.g. `{ tokens: { min: 0, max: 999 } }` for an
   * embedding of 1,000 rows. Defaults: floats within 2^20 of zero, or a sixty-fourth of what they hold, and
   * mostly within 1; integers of 32 bits and more within 1000 of zero, others all they hold.
   */
  readonly ranges?: { readonly [Name in keyof S["inputs"]]?: Range };
}

/**
 * An arbitrary of `{ name: typed array }` with one flat, row-major array for every input of the signature.
 * Of a module with open dims also their sizes are drawn; `checkModule` knows which. Finite unless `specials`
 * is set. Throws RangeError for a range that is empty or names no input.
 */
export function inputs<const S extends ModuleSignature>(
  signature: S,
  options: InputOptions<S> = {},
): fc.Arbitrary<InputsOf<S>> {
  const ranges = new Map(Object.entries((options.ranges ?? {}) as Readonly<Record<string, Range>>));
  for (const [name, range] of ranges) checkRange(signature, name, range);
  const at = (sizes: Sizes) => inputsAt(signature, sizes, { specials: options.specials ?? false, ranges });
  if (!signature.dims) return at({});
  return sizesOf(signature).chain((sizes) => at(sizes).map((drawn) => remember(drawn, sizes)));
}

function inputsAt<const S extends ModuleSignature>(
  signature: S,
  sizes: Sizes,
  { specials, ranges }: { readonly specials: boolean; readonly ranges: ReadonlyMap<string, Range> },
): fc.Arbitrary<InputsOf<S>> {
  const arbitraries = Object.entries(signature.inputs).map(
    ([name, port]) => [name, arrays(sized(port, sizes), { specials, range: ranges.get(name) })] as const,
  );
  const names = arbitraries.map(([name]) => name);
  // Not fc.record: an input may be called __proto__, and fromEntries defines where assignment would not.
  return fc.tuple(...arbitraries.map(([, arbitrary]) => arbitrary)).map(
    (values) => Object.fromEntries(names.map((name, i) => [name, values[i]])) as InputsOf<S>,
    (record: unknown) => names.map((name) => (record as Readonly<Record<string, TypedArray>>)[name]!),
  );
}

function checkRange(signature: ModuleSignature, name: string, { min, max }: Range): void {
  const names = Object.keys(signature.inputs);
  if (!names.includes(name))
    throw new RangeError(
      `ranges names "${name}", but the inputs are ${names.map((n) => `"${n}"`).join(", ")}`,
    );
  if (!(min <= max)) throw new RangeError(`the range of input "${name}" is empty: ${min} to ${max}`);
}

interface ArrayOptions {
  readonly specials: boolean;
  readonly range: Range | undefined;
}

/** An arbitrary of one flat array for a port. */
export function arrays(port: SizedPort, options: ArrayOptions): fc.Arbitrary<TypedArray> {
  if (port.values) return fc.constant(port.values).map((values) => withShortText(holding(port, values)));
  return new ArrayArbitrary(port, options);
}

function holding({ dtype }: SizedPort, values: readonly (number | bigint)[]): TypedArray {
  const data = allocate(dtype, values.length);
  const elements: Elements = data;
  for (const [i, value] of values.entries()) elements[i] = value;
  return data;
}

class ArrayArbitrary extends fc.Arbitrary<TypedArray> {
  readonly #port: SizedPort;
  readonly #specials: boolean;
  readonly #range: Range;

  constructor(port: SizedPort, { specials, range }: ArrayOptions) {
    super();
    this.#port = port;
    this.#specials = specials;
    this.#range = range ?? defaultRange(port.dtype);
  }

  generate(random: fc.Random): fc.Value<TypedArray> {
    const { dtype } = this.#port;
    const data = allocate(dtype, lengthOf(this.#port));
    const style = styles[random.nextInt(0, styles.length - 1)]!;
    const seed = random.nextInt();
    fill(data, dtype, this.#range, style, seed);
    const edits = data.length === 0 ? 0 : random.nextInt(0, 3);
    const next = mulberry32(~seed);
    const elements: Elements = data;
    for (let i = 0; i < edits; i++)
      elements[random.nextInt(0, data.length - 1)] = elementOf(
        dtype,
        edge(dtype, this.#range, this.#specials, next),
      );
    return new fc.Value(withShortText(data), undefined);
  }

  canShrinkWithoutContext(value: unknown): value is TypedArray {
    return value instanceof allocate(this.#port.dtype, 0).constructor;
  }

  shrink(value: TypedArray): fc.Stream<fc.Value<TypedArray>> {
    const candidates = simplerArrays(value, this.#port.dtype, this.#range);
    return new fc.Stream(candidates).map((data) => new fc.Value(withShortText(data), undefined));
  }
}
