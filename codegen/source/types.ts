/**
 * The one difference between the two formats: type annotations. `ts` keeps them, `js` drops them, and
 * everything else is written once, so the formats cannot drift apart.
 */
export type Format = "ts" | "js";

export interface Types {
  readonly format: Format;
  /** `text` in TypeScript, nothing in JavaScript: annotations, assertions, `as const`, whole declarations. */
  readonly only: (text: string) => string;
  /** The non-null mark after an element access: in bounds by proof, which the type checker cannot see. */
  readonly element: string;
}

export function typesFor(format: Format): Types {
  const ts = format === "ts";
  return { format, only: (text) => (ts ? text : ""), element: ts ? "!" : "" };
}
