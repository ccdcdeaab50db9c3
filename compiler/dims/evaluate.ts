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
  const known = new Map<Atom, Int>();
  const visit = (e: Dim): Int => {
    spend(e.terms.length);
    let total: Int = 0;
    for (const t of e.terms) {
      let product = t.coefficient;
      for (const f of t.factors) product = times(product, numberOf(f));
      total = plus(total, product);
    }
    return total;
  };
  const numberOf = (atom: Atom): Int => {
    if (atom.kind === "symbol") return numberFor(atom.name, values.get(atom.name));
    const seen = known.get(atom);
    if (seen !== undefined) return seen;
    const [part, by] = partsOf(atom).map(visit);
    if (by === 0) refuse("E2112", `${partsOf(atom)[0]} is divided by 0`, "give a divisor of 1 or more");
    const value = by !== undefined ? quotient(part!, by) : part! < 0 ? 0 : part!;
    known.set(atom, value);
    return value;
  };
  return visit(d);
}

function numberFor(name: string, value: Int | undefined): Int {
  if (value === undefined) refuse("E2102", `${name} has no value`, "give it one");
  if (typeof value !== "bigint" && !Number.isSafeInteger(value))
    refuse("E2108", `${name} is ${value}`, "give a whole number below 2^53, or a bigint");
  return value;
}
