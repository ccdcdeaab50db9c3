/**
 * Reads what a user gave a layer against a table of fields, one reader per argument, and reports every
 * problem of one layer at once. A misspelt argument that is silently ignored would be another network, so
 * unknown names are refused with the nearest known one. Types say the same to TypeScript users; this is for
 * JavaScript and for data.
 */
import type { DType } from "../../runtime/dtype.ts";
import { dtypes } from "../../runtime/dtype.ts";
import {
  type InitializerInput,
  type InitializerSpec,
  parseInitializer,
} from "../../runtime/initializers/index.ts";
import { type Code, CompileError, type Diagnostic, type SourceLocation } from "../diagnostics/index.ts";
import { type ActivationName, activationNamed, nearestActivations } from "./activations.ts";
import { isRecord, kindOf, shown, unknownArgument } from "./option-names.ts";
import { isShapeLike, type ShapeLike, shapeOfText } from "./shapes.ts";

/** Why a value cannot be taken: "must be a whole number >= 1". */
export class Refusal extends Error {
  readonly code: Code;
  readonly because: string | undefined;

  constructor(message: string, code: Code = "E1002", because?: string) {
    super(message);
    this.code = code;
    this.because = because;
  }
}

/** Turns a given value into the argument, or throws a Refusal. */
export type Reader<T> = (given: unknown) => T;

export interface Field<T> {
  readonly read: Reader<T>;
  /** Absent: the argument must be given. */
  readonly fallback?: T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Read<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export const required = <T>(read: Reader<T>): Field<T> => ({ read });
export const optional = <T>(read: Reader<T>): Field<T | undefined> => ({ read, fallback: undefined });
export const either = <T>(read: Reader<T>, fallback: T): Field<T> => ({ read, fallback });

/** A whole number of at least `least`. */
export const whole =
  (least = 1): Reader<number> =>
  (given) => {
    if (typeof given === "number" && Number.isSafeInteger(given) && given >= least) return given;
    throw new Refusal(`must be a whole number >= ${least}`);
  };

/** `null`, or what `read` takes. */
export const orNull =
  <T>(read: Reader<T>): Reader<T | null> =>
  (given) =>
    given === null ? null : read(given);

export const anyWhole: Reader<number> = (given) => {
  if (typeof given === "number" && Number.isSafeInteger(given)) return given;
  throw new Refusal("must be a whole number");
};

export const finite =
  (least = -Infinity, most = Infinity): Reader<number> =>
  (given) => {
    if (typeof given === "number" && Number.isFinite(given) && given >= least && given <= most) return given;
    const low = least > -Infinity ? ` >= ${least}` : "";
    const high = most < Infinity ? ` <= ${most}` : "";
    throw new Refusal(`must be a finite number${low}${low && high ? " and" : ""}${high}`);
  };

export const flag: Reader<boolean> = (given) => {
  if (typeof given === "boolean") return given;
  throw new Refusal("must be true or false");
};

export const text: Reader<string> = (given) => {
  if (typeof given === "string" && given !== "") return given;
  throw new Refusal("must be a string that is not empty");
};

/** A dot separates layers in a parameter's path, so a name may not hold one. */
export const layerName: Reader<string> = (given) => {
  const name = text(given);
  if (/^[^\s./?!@%]+$/.test(name)) return name;
  throw new Refusal("must be a name without spaces or any of . / ? ! @ %");
};

/** One of `words`; Keras's spelling with underscores is taken too. */
export const word =
  <W extends string>(...words: readonly W[]): Reader<W> =>
  (given) => {
    const plain = (name: string) => name.replaceAll("_", "").toLowerCase();
    const found =
      typeof given === "string" ? words.find((known) => plain(known) === plain(given)) : undefined;
    if (found !== undefined) return found;
    throw new Refusal(`must be one of ${words.map((known) => JSON.stringify(known)).join(", ")}`);
  };

export const activation: Reader<ActivationName> = (given) => {
  if (given === null) return "linear";
  if (typeof given !== "string") throw new Refusal("must be the name of an activation");
  const found = activationNamed(given);
  if (found) return found;
  throw new Refusal(`is not an activation; did you mean ${nearestActivations(given).join(" or ")}?`, "E2004");
};

export const initializer: Reader<InitializerSpec> = (given) => {
  try {
    return parseInitializer(given as InitializerInput);
  } catch (error) {
    if (!(error instanceof RangeError))
      throw new Refusal("must be the name of an initialiser or { kind, ... }");
    throw new Refusal(
      `is refused: ${error.message}`,
      error.message.startsWith("unknown") ? "E2004" : "E1002",
    );
  }
};

export const dtype: Reader<DType> = (given) => {
  if (typeof given === "string" && Object.hasOwn(dtypes, given)) return given as DType;
  throw new Refusal(`must be one of ${Object.keys(dtypes).join(", ")}`);
};

/** `rank` numbers, or one for all. */
export const tuple =
  (rank: number, element: Reader<number>): Reader<readonly number[]> =>
  (given) => {
    const list = Array.isArray(given) ? given : Array.from({ length: rank }, () => given);
    if (list.length === rank) return list.map(element);
    throw new Refusal(rank === 1 ? "must be one number" : `must be a number or ${rank} of them`);
  };

export const listOf =
  <T>(element: Reader<T>): Reader<readonly T[]> =>
  (given) => {
    if (Array.isArray(given)) return given.map(element);
    throw new Refusal("must be a list");
  };

/** One or several. */
export const some =
  <T>(element: Reader<T>): Reader<readonly T[]> =>
  (given) =>
    Array.isArray(given) ? given.map(element) : [element(given)];

/** A list of sizes, or the whole as one text: "h, 2*w, 3". */
export const shapeLike: Reader<ShapeLike> = (given) => {
  if (isShapeLike(given)) return given;
  if (typeof given === "string") return shapeFrom(given);
  const numbers = Array.isArray(given) && given.some((size) => typeof size === "number");
  throw new Refusal(
    'must be a list of whole sizes >= 0, null, or names such as "time"',
    numbers ? "E2108" : "E1002",
  );
};

function shapeFrom(text: string): ShapeLike {
  try {
    return shapeOfText(text);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    const [{ because }] = error.diagnostics as [Diagnostic];
    throw new Refusal('must be sizes separated by commas, such as "h, 2*w, 3"', "E3001", because);
  }
}

/** Arguments every layer takes. */
export const layerFields = {
  name: optional(layerName),
  trainable: either(flag, true),
  dtype: either(dtype, "float32"),
  inputShape: optional(shapeLike),
  batchInputShape: optional(shapeLike),
} satisfies Fields;

/**
 * The arguments of `layer` with defaults filled in. Throws CompileError with every problem: E1001 unknown
 * name, E1002 value out of range or missing, E2004 unknown activation or initialiser.
 */
export function readArguments<F extends Fields>(
  layer: string,
  given: object | undefined,
  fields: F,
  at: SourceLocation | undefined,
): Read<F> & Read<typeof layerFields> {
  const all: Fields = { ...layerFields, ...fields };
  if (given !== undefined && !isRecord(given)) refuseForm(layer, given, fields, at);
  const entries = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  const values = new Map<string, unknown>(entries);
  const name = values.get("name");
  const place = { layer: typeof name === "string" ? name : layer, ...(at && { at }) };
  const problems: Diagnostic[] = [...values.keys()]
    .filter((name) => !Object.hasOwn(all, name))
    .map((name) => ({ ...unknownArgument(layer, name, Object.keys(all)), ...place }));
  const read: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(all)) {
    try {
      read[name] = values.has(name) ? field.read(values.get(name)) : fallbackOf(field);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problems.push({ ...refused(layer, name, values, error), ...place });
    }
  }
  if (problems.length > 0) throw new CompileError(problems);
  return read as Read<F> & Read<typeof layerFields>;
}

/** Keras takes the first arguments by position; here all of them have names. */
function refuseForm(layer: string, given: unknown, fields: Fields, at: SourceLocation | undefined): never {
  const [first = "name"] = Object.keys(fields).filter((name) => !("fallback" in fields[name]!));
  const value = typeof given === "number" || typeof given === "string" ? JSON.stringify(given) : "...";
  throw new CompileError([
    {
      code: "E1002",
      message: `${layer} takes its arguments by name, but it was given ${kindOf(given)}`,
      fix: `write ${layer}({ ${first}: ${value} })`,
      layer,
      ...(at && { at }),
    },
  ]);
}

function fallbackOf(field: Field<unknown>): unknown {
  if ("fallback" in field) return field.fallback;
  throw new Refusal("must be given");
}

function refused(layer: string, name: string, given: ReadonlyMap<string, unknown>, why: Refusal): Diagnostic {
  if (!given.has(name))
    return { code: why.code, message: `${layer} needs "${name}"`, fix: `give ${layer}({ ${name}: ... })` };
  const value = shown(given.get(name));
  return {
    code: why.code,
    message: `${layer}.${name} is ${value}, but it ${why.message}`,
    facts: [{ subject: `${layer}.${name}`, value }],
    ...(why.because && { because: why.because }),
    fix: `change ${name}: it ${why.message}`,
  };
}
