/**
 * From what a user writes ("glorotUniform", Keras's "glorot_uniform", { kind: "randomNormal", stddev: 0.1 })
 * to a full InitializerSpec. Refuses unknown names and arguments, values of the wrong type and impossible
 * ranges, always naming what is known, because a misspelt argument that is silently ignored is a model that
 * trains differently.
 */
import { nearest } from "./nearest.ts";
import { argumentWords, type InitializerKind, type InitializerSpec, initializerDefaults } from "./spec.ts";

/** A name, or a kind with some of its arguments; the others take Keras's defaults. */
export type InitializerInput = string | { readonly kind: string; readonly [argument: string]: unknown };

/**
 * The complete spec for a name or a partial spec. Names are matched without regard to case and underscores,
 * so Keras's `he_normal` and `HeNormal` and tfjs's `leCunNormal` are known. Throws RangeError for unknown
 * names or arguments and for values outside their range.
 */
export function parseInitializer(input: InitializerInput): InitializerSpec {
  const { kind: name, ...given } = typeof input === "string" ? { kind: input } : input;
  const kind = knownKind(name);
  const complete: Record<string, unknown> = { kind, ...initializerDefaults[kind] };
  for (const [argument, value] of Object.entries(given)) {
    if (value === undefined) continue;
    checkArgument(kind, argument, value);
    complete[argument] = wordOrValue(argument, value);
  }
  const spec = complete as InitializerSpec;
  checkRanges(spec);
  return spec;
}

const plain = (name: string) => name.replaceAll(/[_\s-]/g, "").toLowerCase();

function knownKind(name: unknown): InitializerKind {
  const kinds = Object.keys(initializerDefaults) as InitializerKind[];
  const found = kinds.find((kind) => plain(kind) === plain(String(name)));
  if (found !== undefined) return found;
  throw new RangeError(
    `unknown initializer ${JSON.stringify(name)}; ` +
      `did you mean ${nearest(String(name), kinds).join(" or ")}? Known: ${kinds.join(", ")}`,
  );
}

function checkArgument(kind: InitializerKind, argument: string, value: unknown): void {
  const known = Object.keys(initializerDefaults[kind]);
  if (!known.includes(argument))
    throw new RangeError(
      `initializer ${kind} has no argument ${JSON.stringify(argument)}; ` +
        `it takes ${known.join(", ") || "none"}`,
    );
  const words = argumentWords[argument];
  if (words !== undefined) {
    if (words.some((word) => plain(word) === plain(String(value)))) return;
    throw new RangeError(`${kind}.${argument} is ${JSON.stringify(value)}, not one of ${words.join(", ")}`);
  }
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new RangeError(`${kind}.${argument} is ${String(value)}, not a finite number`);
}

function wordOrValue(argument: string, value: unknown): unknown {
  return argumentWords[argument]?.find((word) => plain(word) === plain(String(value))) ?? value;
}

function checkRanges(spec: InitializerSpec): void {
  if ("stddev" in spec && spec.stddev < 0)
    throw new RangeError(`${spec.kind}.stddev is ${spec.stddev}, but a standard deviation is not negative`);
  if ("scale" in spec && !(spec.scale > 0))
    throw new RangeError(`${spec.kind}.scale is ${spec.scale}, but must be positive`);
  if ("minval" in spec && spec.minval > spec.maxval)
    throw new RangeError(`${spec.kind} has minval ${spec.minval} above maxval ${spec.maxval}`);
}
