/** What a user says of dims beside the sample, as a constraint, and where that was said. */
import { type Constraint, type Origin, parseConstraint } from "../dims/index.ts";
import type { DimInput } from "./dim-choice.ts";

export interface StatedOrigin extends Origin {
  readonly stated: true;
}

export interface Stated {
  readonly constraint: Constraint;
  readonly origin: StatedOrigin;
}

/** `subject` is where it was said: "--dim". Throws E3001 for a text that is no constraint. */
export function stated(text: string, subject: string): Stated {
  return { constraint: parseConstraint(text), origin: { subject, clause: text.trim(), stated: true } };
}

/** A dim given by name as a statement; of several sizes the ends. */
export function statedOfDim([name, given]: readonly [string, DimInput], subject: string): Stated {
  if (typeof given === "number") return stated(`${name} == ${given}`, subject);
  const sizes = "max" in given ? [given.min ?? 1, given.max] : given;
  return stated(`${Math.min(...sizes)} <= ${name} <= ${Math.max(...sizes)}`, subject);
}

export const isStated = (origin: Origin): origin is StatedOrigin => "stated" in origin;
