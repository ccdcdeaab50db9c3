/**
 * What the normal form may not do because it needs bounds: (a*b)//b is a where b >= 1, max(n - 4, 0) is n -
 * 4 where n >= 4. Exact division is polynomial long division in the monomial order of the terms.
 */
import { type Atom, constant, type Dim, fromAtom } from "./dim.ts";
import { type Bounds, range } from "./evaluate.ts";
import {
  add,
  addScaled,
  content,
  floorDiv,
  mapFactors,
  max,
  monomial,
  mul,
  shrinkBy,
  sum,
} from "./expression.ts";
import { quotient, remainder } from "./integer.ts";

/** d, smaller where the bounds allow; d itself when they say nothing. */
export function simplify(d: Dim, bounds: Bounds): Dim {
  if (!d.bounded) return d;
  return mapFactors(d, (atom) => {
    if (!atom.bounded || atom.kind === "symbol") return fromAtom(atom);
    if (atom.kind === "floor")
      return divide(simplify(atom.numerator, bounds), simplify(atom.denominator, bounds), bounds);
    const side = simplify(atom.left, bounds);
    const { min, max: top } = range(side, bounds);
    return min >= 0 ? side : top <= 0 ? constant(0) : max(side, 0);
  });
}

function divide(numerator: Dim, denominator: Dim, bounds: Bounds): Dim {
  if (denominator.value !== undefined || range(denominator, bounds).min < 1)
    return floorDiv(numerator, denominator);
  const [n, by] = withoutShared([numerator, denominator], bounds) as [Dim, Dim];
  const [whole, rest] = divideWithRest(n, by);
  const inside = range(rest, bounds).min >= 0 && range(addScaled(by, -1, rest), bounds).min >= 1;
  return inside ? whole : add(whole, floorDiv(rest, by));
}

/** n = whole*by + rest by long division; rest is what no term of `by`'s lead divides. */
function divideWithRest(n: Dim, by: Dim): readonly [whole: Dim, rest: Dim] {
  const lead = by.terms[0]!;
  let [whole, rest] = [constant(0), n];
  for (let at = 0; at < rest.terms.length && at < 100; ) {
    const t = rest.terms[at]!;
    const factors = without(t.factors, lead.factors);
    if (!factors || remainder(t.coefficient, lead.coefficient) !== 0) at++;
    else {
      const part = monomial(quotient(t.coefficient, lead.coefficient), factors);
      whole = add(whole, part);
      rest = addScaled(rest, -1, mul(part, by));
    }
  }
  return [whole, rest];
}

function without(all: readonly Atom[], remove: readonly Atom[]): readonly Atom[] | undefined {
  const left = [...all];
  for (const f of remove) {
    const at = left.indexOf(f);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

/**
 * d without the factors that cannot be 0 and do not change its sign: its content, and atoms of at least 1.
 */
export function primitive(d: Dim, bounds: Bounds): Dim {
  return d.value === undefined ? withoutShared([shrinkBy(d, content(d))], bounds)[0]! : d;
}

/** The dims with every atom taken out that is at least 1 and a factor of all their terms. */
function withoutShared(list: readonly Dim[], bounds: Bounds): readonly Dim[] {
  const everywhere = (f: Atom) => list.every((d) => d.terms.every((t) => t.factors.includes(f)));
  const shared = list[0]!.terms[0]?.factors.find((f) => everywhere(f) && range(fromAtom(f), bounds).min >= 1);
  if (!shared) return list;
  const divided = (d: Dim) => sum(d.terms.map((t) => monomial(t.coefficient, without(t.factors, [shared])!)));
  return withoutShared(list.map(divided), bounds);
}
