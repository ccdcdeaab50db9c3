/** What a user says of dims beside the sample, as a constraint, and where that was said. */
import { type Constraint, type Origin, parseConstraint } from "../dims/index.ts";

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

export const isStated = (origin: Origin): origin is StatedOrigin => "stated" in origin;
