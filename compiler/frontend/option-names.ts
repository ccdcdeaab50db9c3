/**
 * Options are given by name, and a name that nobody knows is refused with the nearest known one: a misspelt
 * option that is silently ignored would be another model than the one that was asked for.
 */
import { nearest } from "../../runtime/initializers/nearest.ts";
import { CompileError, type Diagnostic, fail, type SourceLocation } from "../diagnostics/index.ts";

/** Characters of a value that a message repeats. */
const SHOWN = 60;

/** Throws E1002 for options that are no record, E1001 for every name that is none of `known`. */
export function checkNames(
  caller: string,
  given: unknown,
  known: readonly string[],
  at: SourceLocation | undefined,
): void {
  const place = at ? { at } : {};
  if (!isRecord(given))
    fail({
      code: "E1002",
      message: `${caller} takes its options by name, but it was given ${given === null ? "null" : kindOf(given)}`,
      fix: `give an object, as in { ${known[0]}: ... }`,
      ...place,
    });
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new CompileError(unknown.map((name) => ({ ...unknownArgument(caller, name, known), ...place })));
}

/** Lists and layers are objects too, but their keys are no arguments. */
export const isRecord = (given: unknown): given is object =>
  typeof given === "object" &&
  given !== null &&
  !Array.isArray(given) &&
  !("kind" in given && "call" in given);

/** What was given instead of an object. */
export function kindOf(given: unknown): string {
  if (Array.isArray(given)) return "a list";
  return typeof given === "object" && given !== null ? "a layer" : shown(given);
}

export function unknownArgument(layer: string, name: string, known: readonly string[]): Diagnostic {
  const [suggestion] = nearest(name, known);
  return {
    code: "E1001",
    message: `${layer} has no argument ${JSON.stringify(name)}; did you mean "${suggestion}"?`,
    because: `${layer} takes ${known.join(", ")}`,
    fix: `write ${suggestion}, or leave ${name} out`,
  };
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  const text = JSON.stringify(value) ?? String(value);
  if (text.length <= SHOWN || typeof value !== "object" || value === null) return text.slice(0, SHOWN);
  return Array.isArray(value)
    ? `a list of ${value.length}`
    : `an object with ${Object.keys(value).join(", ")}`;
}
