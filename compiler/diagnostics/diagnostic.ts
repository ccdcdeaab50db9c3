import type { Code } from "./catalogue.ts";
import type { SourceLocation } from "./location.ts";

/** A row of the table under the message: what, its shape or value, and where that came from. */
export interface Fact {
  readonly subject: string;
  readonly value: string;
  readonly note?: string;
}

/** One place of a conflict: who, and what is said there. */
export interface CoreEntry {
  readonly layer: string;
  readonly clause: string;
  readonly at?: SourceLocation;
}

/**
 * One thing that is wrong, as data. Strings may hold names taken from a model: rendering makes them harmless,
 * so nothing needs escaping here.
 */
export interface Diagnostic {
  readonly code: Code;
  /** One line; names both values. */
  readonly message: string;
  readonly facts?: readonly Fact[];
  /** Why the two values have to agree; may have several lines. */
  readonly because?: string;
  /** The layers that led there, first to last. */
  readonly chain?: readonly string[];
  /** For two sizes that disagree, the way of each, with what it became where: "pool1 = floor(H/2)". */
  readonly chains?: readonly (readonly string[])[];
  /** The places that make a conflict, none of them superfluous; the one that met it last. */
  readonly core?: readonly CoreEntry[];
  /** What to do about it. */
  readonly fix: string;
  /** The user's line that asked for it. */
  readonly at?: SourceLocation;
  readonly layer?: string;
}
