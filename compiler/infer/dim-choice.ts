/**
 * What a user may say of a named dim beside the sample: one size, every size of a range (the module keeps the
 * dim open), or a few sizes (the module has one specialisation for each: buckets). One form for the API and
 * the command line, so that what comes after knows no other.
 */

/** As it is written in `dims: { batch: 1, time: { min: 1, max: 512 }, seq: [128, 256, 512] }`. */
export type DimInput = number | { readonly min?: number; readonly max: number } | readonly number[];

export type DimInputs = Readonly<Record<string, DimInput>>;

export type DimChoice =
  | { readonly kind: "value"; readonly value: number }
  /** Both ends belong to it. */
  | { readonly kind: "range"; readonly min: number; readonly max: number }
  /** Ascending, without repetition. */
  | { readonly kind: "values"; readonly values: readonly number[] };

/** The choice, or what is wrong with it, to be put after "must be". */
export function readDimChoice(given: unknown): DimChoice | string {
  if (typeof given === "number") return isSize(given) ? { kind: "value", value: given } : "a whole size >= 0";
  if (Array.isArray(given)) return readValues(given);
  if (typeof given !== "object" || given === null)
    return "a size, { min, max }, or a list of sizes such as [128, 256, 512]";
  return readRange(given);
}

/** All that is said of dims by name; `wrong` is called for what cannot be taken. */
export function readDimChoices(
  given: Readonly<Record<string, unknown>>,
  wrong: (name: string, must: string) => void,
): ReadonlyMap<string, DimChoice> {
  const choices = new Map<string, DimChoice>();
  for (const [name, value] of Object.entries(given)) {
    const choice = readDimChoice(value);
    if (typeof choice === "string") wrong(name, choice);
    else choices.set(name, choice);
  }
  return choices;
}

/** As the command line writes it: "128", "1..64", "128,256,512". */
export function printDimChoice(choice: DimChoice): string {
  if (choice.kind === "value") return String(choice.value);
  return choice.kind === "range" ? `${choice.min}..${choice.max}` : choice.values.join(",");
}

function readValues(given: readonly unknown[]): DimChoice | string {
  const values = given.filter(isSize).sort((a, b) => a - b);
  if (values.length !== given.length || values.length === 0) return "a list of whole sizes >= 0";
  const twice = values.find((value, i) => value === values[i - 1]);
  return twice === undefined ? { kind: "values", values } : `a list that has ${twice} once`;
}

function readRange(given: object): DimChoice | string {
  const { min = 1, max, ...others } = given as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0) return "{ min, max } and nothing else";
  if (max === undefined || max === Number.POSITIVE_INFINITY)
    return "a range with a max: the memory of a run is planned for it";
  if (!isSize(min) || !isSize(max)) return "{ min, max } with whole sizes >= 0";
  return min <= max ? { kind: "range", min, max } : `a range that is not empty: ${min} is above ${max}`;
}

const isSize = (given: unknown): given is number => Number.isSafeInteger(given) && (given as number) >= 0;
