/**
 * What the store keeps: assertions with their origins, what they taught about each symbol, what still waits.
 */
import type { SourceLocation } from "../diagnostics/index.ts";
import type { Constraint, Domain } from "./constraint.ts";
import type { Dim } from "./expression.ts";

/** Where an assertion comes from. */
export interface Origin {
  /** Who requires it: "dense.kernel", 'input "x"'. */
  readonly subject: string;
  /** What was required, in words. */
  readonly clause: string;
  readonly at?: SourceLocation;
  readonly chain?: readonly string[];
}

export interface Conflict {
  readonly left: Dim;
  readonly right: Dim;
  readonly relation: string;
  /** The origins that cannot hold together, none of them superfluous; the failed assertion last. */
  readonly core: readonly Origin[];
  readonly suggestion?: string;
}

export interface Residual {
  readonly constraint: Constraint;
  readonly origins: readonly Origin[];
  /** What else would do, for a broadcast that was taken to be an equality. */
  readonly alternative?: string;
}

/** Bounds of a symbol; a symbol is at least 1 (a free one at least 0) unless its domain says otherwise. */
export interface Declaration {
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
}

export interface Assertion {
  readonly goal: "==" | ">=" | "divisible" | "broadcast" | "declare";
  readonly left: Dim;
  readonly right: Dim;
  readonly origin: Origin;
  readonly index: number;
  readonly declaration?: Declaration;
  readonly result?: Dim;
  /** The assertion that this one follows from. */
  readonly parent?: Assertion;
}

/** What is known of one symbol; replaced, never changed. */
export interface Knowledge {
  readonly domain: Domain;
  readonly declared: Domain;
  readonly value?: Dim;
  readonly because: readonly Assertion[];
  readonly waiting: readonly Assertion[];
}

export interface Parked {
  /** Missing where a broadcast's assumption makes it hold: it only waits for that to change. */
  readonly constraint?: Constraint;
  /** A dim known to be zero as long as this is parked, and the symbol it is solved for, if any. */
  readonly zero?: Dim;
  readonly rewrite?: string;
}

/** An orientation of a required equation: name is value. */
export interface Rewrite {
  readonly name: string;
  readonly value: Dim;
  readonly from: Assertion;
}

export interface Failure {
  readonly left: Dim;
  readonly right: Dim;
  readonly relation: string;
  readonly suggestion?: string;
}
