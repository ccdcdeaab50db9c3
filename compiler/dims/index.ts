/** Symbolic dims: exact integer expressions over named sizes, what is known of them, and why. */

export type { Conflict, Declaration, Origin, Residual } from "./assertion.ts";
export type { Clause, Constraint, Domain, Relation } from "./constraint.ts";
export { decide, type Facts, type Verdict } from "./decide.ts";
export { evaluate, type Interval, range, substitute } from "./evaluate.ts";
export {
  type Atom,
  add,
  ceilDiv,
  constant,
  constantOf,
  type Dim,
  floorDiv,
  isConstant,
  kindOf,
  max,
  min,
  mod,
  mul,
  neg,
  product,
  type Shape,
  sub,
  sum,
  symbol,
  symbolsOf,
  type Term,
  terms,
} from "./expression.ts";
export { simplify } from "./simplify.ts";
export { Store } from "./store.ts";
export { dim, parse, print } from "./text.ts";
