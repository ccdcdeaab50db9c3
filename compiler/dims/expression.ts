/**
 * Arithmetic on dims: integer polynomials over atoms (a symbol, floor(P/q), max(D, 0)), always in normal
 * form.
 *
 * The normal form does the cheap half of deciding. floor(P/q) gives up multiples of q, common factors and
 * nested floors (floor((floor(x/2)+1)/3) is floor((x+2)/6)), and keeps its leading coefficient positive,
 * which makes ceil(d/q) and -floor(-d/q) one object. max(P,Q) is Q + max(P-Q, 0) with a positive leading
 * coefficient, so max(a,b) + min(a,b) is a + b without any search.
 *
 * It refuses division by the constant zero and products of too many terms. It does not cancel (a*b)//b: that
 * needs b >= 1, which only the store knows (see simplify.ts).
 */
import {
  type Atom,
  compareAtoms,
  constant,
  type Dim,
  floorAtom,
  fromAtom,
  intern,
  maxAtom,
  merge,
  mergeAll,
  monomialOf,
  type Term,
  termOf,
  zero,
} from "./dim.ts";
import { gcd, type Int, negate, plus, quotient, refuse, remainder, times } from "./integer.ts";

export type Operand = Dim | number;

const one = constant(1);
const lift = (x: Operand): Dim => (typeof x === "number" ? constant(x) : x);

export function add(...list: Operand[]): Dim {
  return list.length === 2 ? addScaled(lift(list[0]!), 1, lift(list[1]!)) : sum(list);
}

export function sum(list: readonly Operand[]): Dim {
  return intern(mergeAll(list.map((x) => lift(x).terms)));
}

/** a + k*b in one step. */
export function addScaled(a: Dim, k: Int, b: Dim): Dim {
  if (a.value !== undefined && b.value !== undefined) return constant(plus(a.value, times(k, b.value)));
  return intern(merge(a.terms, k, b.terms));
}

export function sub(a: Operand, b: Operand): Dim {
  return a === b ? zero : addScaled(lift(a), -1, lift(b));
}

export function neg(a: Operand): Dim {
  return sub(0, a);
}

export function mul(...list: Operand[]): Dim {
  return product(list);
}

export function product(list: readonly Operand[]): Dim {
  return list.map(lift).reduce(multiply, one);
}

function multiply(a: Dim, b: Dim): Dim {
  if (a.value !== undefined && b.value !== undefined) return constant(times(a.value, b.value));
  if (a === one) return b;
  if (b === one) return a;
  if (a.terms.length > b.terms.length) return multiply(b, a);
  if (a.terms.length * b.terms.length > 2e4)
    refuse("E2302", `a product of ${a.terms.length} by ${b.terms.length} terms`, "name its parts as symbols");
  return intern(mergeAll(a.terms.map((s) => b.terms.map((t) => multiplyTerms(s, t)))));
}

function multiplyTerms(s: Term, t: Term): Term {
  const c = times(s.coefficient, t.coefficient);
  if (s.factors.length === 0) return termOf(c, t.monomial);
  if (t.factors.length === 0) return termOf(c, s.monomial);
  return termOf(c, monomialOf([...s.factors, ...t.factors].sort(compareAtoms)));
}

export function constantTerm(d: Dim): Int {
  const last = d.terms[d.terms.length - 1];
  return last && last.factors.length === 0 ? last.coefficient : 0;
}

/** coefficient * factors; the factors in the order of some term. */
export function monomial(coefficient: Int, factors: readonly Atom[]): Dim {
  if (coefficient === 0) return zero;
  return factors.length === 0 ? constant(coefficient) : intern([termOf(coefficient, monomialOf(factors))]);
}

/** d with each of its own factors replaced. */
export function mapFactors(d: Dim, image: (atom: Atom) => Dim): Dim {
  return sum(d.terms.map((t) => product([constant(t.coefficient), ...t.factors.map(image)])));
}

/** The greatest common divisor of the coefficients, the constant's included. */
export function content(d: Dim): Int {
  return d.terms.reduce<Int>((g, t) => (g === 1 ? g : gcd(g, t.coefficient)), 0);
}

/** The same without the constant's. */
export function variableContent(d: Dim): Int {
  return d.terms.reduce<Int>((g, t) => (g === 1 || t.factors.length === 0 ? g : gcd(g, t.coefficient)), 0);
}

/** Every coefficient divided by `g`, rounding down (exact where `g` divides it). */
export function shrinkBy(d: Dim, g: Int): Dim {
  if (g === 1) return d;
  const terms = d.terms.map((t) => termOf(quotient(t.coefficient, g), t.monomial));
  return intern(terms.filter((t) => t.coefficient !== 0));
}

/** floor(a/b), for any sign of b. @throws CompileError E2112 for the constant 0 */
export function floorDiv(a: Operand, b: Operand): Dim {
  const [n, d] = [lift(a), lift(b)];
  if (d.value === undefined) {
    const g = gcd(content(n), content(d));
    const signed = d.terms[0]!.coefficient < 0 ? negate(g) : g;
    return floorAtom(shrinkBy(n, signed), shrinkBy(d, signed));
  }
  if (d.value === 0) refuse("E2112", `${n} is divided by 0`, "give a divisor of 1 or more");
  return d.value < 0 ? floorBy(neg(n), negate(d.value)) : floorBy(n, d.value);
}

/** floor(n/q) for a constant q >= 1, in normal form. */
function floorBy(n: Dim, q: Int): Dim {
  if (n.value !== undefined) return constant(quotient(n.value, q));
  if (q === 1) return n;
  const [outside, inside]: [Term[], Term[]] = [[], []];
  let g = q;
  for (const t of n.terms) {
    let r = remainder(t.coefficient, q);
    const variable = t.factors.length > 0;
    const twice = times(r, 2);
    if (variable && twice > q) r = plus(r, negate(q));
    if (variable && inside.length === 0 && r !== 0 && (r < 0 || (twice === q && t.coefficient < 0)))
      return neg(floorBy(sub(constant(plus(q, -1)), n), q));
    if (r !== 0) inside.push(termOf(r, t.monomial));
    if (r !== t.coefficient) outside.push(termOf(quotient(plus(t.coefficient, negate(r)), q), t.monomial));
    if (variable) g = gcd(g, r);
  }
  const rest = floorReduced(shrinkBy(intern(inside), g), quotient(q, g));
  return intern(merge(outside, 1, rest.terms));
}

/** The rest of floorBy, for coefficients in (-q/2, q/2] without a common factor: nested floors become one. */
function floorReduced(n: Dim, q: Int): Dim {
  if (q === 1) return n;
  if (n.value !== undefined) return constant(quotient(n.value, q));
  for (const { coefficient: c, factors } of n.terms) {
    const atom = factors[0];
    if ((c !== 1 && c !== -1) || factors.length !== 1 || atom?.kind !== "floor") continue;
    const m = atom.denominator.value;
    // Divisors that grow beyond safe integers cost more than a nested floor.
    if (m === undefined || typeof times(q, m) === "bigint") continue;
    const inner = c === 1 ? atom.numerator : sub(constant(plus(m, -1)), atom.numerator);
    return floorBy(addScaled(inner, m, addScaled(n, -c, fromAtom(atom))), times(q, m));
  }
  return floorAtom(n, constant(q));
}

export function ceilDiv(a: Operand, b: Operand): Dim {
  return neg(floorDiv(neg(a), b));
}

/** a - b*floor(a/b): the sign of b, as in Python and ONNX Mod. */
export function mod(a: Operand, b: Operand): Dim {
  return sub(a, mul(b, floorDiv(a, b)));
}

export function max(...list: Operand[]): Dim {
  return list.map(lift).reduce((a, b) => (a === b ? a : add(b, positivePart(sub(a, b)))));
}

export function min(...list: Operand[]): Dim {
  return neg(max(...list.map(neg)));
}

/** max(d, 0) in normal form. */
function positivePart(d: Dim): Dim {
  if (d.value !== undefined) return d.value > 0 ? d : zero;
  if (d.terms.every((t) => t.coefficient > 0 && t.factors.every((f) => f.kind === "max"))) return d;
  if (d.terms[0]!.coefficient < 0) return add(d, positivePart(neg(d)));
  const g = content(d);
  return mul(constant(g), maxAtom(shrinkBy(d, g)));
}

export function isConstant(d: Dim): boolean {
  return d.value !== undefined;
}

/** The value of a constant dim, undefined when symbolic. @throws CompileError E2302 beyond safe integers */
export function constantOf(d: Dim): number | undefined {
  if (typeof d.value === "bigint") refuse("E2302", `${d.value} is beyond 2^53 - 1`, "use smaller sizes");
  return d.value;
}

export function terms(d: Dim): readonly Term[] {
  return d.terms;
}
