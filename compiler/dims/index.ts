/** Symbolic dims: exact integer expressions over named sizes, what is known of them, and why. */

export { Assumptions, type Expression, type Known } from "./assumptions.ts";
export { type Interval, range } from "./bounds.ts";
export { type Clause, Constraint, type Domain, type Relation } from "./constraint.ts";
export { decide, type Facts, type Verdict } from "./decide.ts";
export { type Atom, constant, type Dim, kindOf, type Shape, symbol, symbolsOf, type Term } from "./dim.ts";
export { evaluate, substitute } from "./evaluate.ts";
export {
  add,
  ceilDiv,
  constantOf,
  floorDiv,
  isConstant,
  max,
  min,
  mod,
  mul,
  neg,
  product,
  sub,
  sum,
  terms,
} from "./expression.ts";

export type { Conflict, Declaration, Origin, Residual } from "./knowledge.ts";
export { Store } from "./store.ts";
export { dim, parse, parseConstraint, parseShape, print } from "./text.ts";
