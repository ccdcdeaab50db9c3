/**
 * Dims read with other dims for their atoms (rewrite, substitute), and with numbers (evaluate). Each visits a
 * shared subexpression once, so a dim that is a small graph but a huge tree stays cheap.
 */
import { type Atom, type Dim, partsOf, spend } from "./dim.ts";
import { floorDiv, mapFactors, max } from "./expression.ts";
import { type Int, plus, quotient, refuse, times } from "./integer.ts";

/** d with every symbol in `map` replaced, all at once. */
export function substitute(d: Dim, map: ReadonlyMap<string, Dim>): Dim {
  const touches = (e: Dim) => e.symbols.some((name) => map.has(name));
  return rewrite(d, (atom) => (atom.kind === "symbol" ? map.get(atom.name) : undefined), touches);
}

/** d with every atom, also inside others, replaced by its image if it has one; dims not touched stay. */
export function rewrite(d: Dim, image: (atom: Atom) => Dim | undefined, touches: (d: Dim) => boolean): Dim {
  const known = new Map<Dim, Dim>();
  const visit = (e: Dim): Dim => {
    if (e.value !== undefined || !touches(e)) return e;
    const made = known.get(e) ?? mapFactors(e, replaced);
    known.set(e, made);
    return made;
  };
  const replaced = (atom: Atom): Dim => {
    const direct = image(atom);
    if (direct || atom.kind === "symbol") return direct ?? atom.dim;
    const [part, by] = partsOf(atom).map(visit);
    return by ? floorDiv(part!, by) : max(part!, 0);
  };
  return visit(d);
}

/**
 * The number d is, exactly. @throws CompileError E2102 for a symbol without a value, E2108 for a value that
 * is not whole or was rounded, E2112 for a divisor of 0.
 */
export function evaluate(d: Dim, values: ReadonlyMap<string, Int>): Int {
  return numberFrom(d, values, new Map());
}

function numberFrom(d: Dim, values: ReadonlyMap<string, Int>, known: Map<Atom, Int>): Int {
  // Numbers cost less than dims.
  spend(d.terms.length / 4);
  let total: Int = 0;
  for (const { coefficient, factors } of d.terms) {
    let product = coefficient;
    for (const f of factors) product = times(product, numberOf(f, values, known));
    total = plus(total, product);
  }
  return total;
}

function numberOf(atom: Atom, values: ReadonlyMap<string, Int>, known: Map<Atom, Int>): Int {
  if (atom.kind === "symbol") return numberFor(atom.name, values.get(atom.name));
  const seen = known.get(atom);
  if (seen !== undefined) return seen;
  let value: Int;
  if (atom.kind === "max") {
    const left = numberFrom(atom.left, values, known);
    value = left < 0 ? 0 : left;
  } else {
    const by = numberFrom(atom.denominator, values, known);
    if (by === 0) refuse("E2112", `${atom.numerator} is divided by 0`, "give a divisor of 1 or more");
    value = quotient(numberFrom(atom.numerator, values, known), by);
  }
  known.set(atom, value);
  return value;
}

function numberFor(name: string, value: Int | undefined): Int {
  if (value === undefined) refuse("E2102", `${name} has no value`, "give it one");
  if (typeof value !== "bigint" && !Number.isSafeInteger(value))
    refuse("E2108", `${name} is ${value}`, "give a whole number below 2^53, or a bigint");
  return value;
}
