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
 * needs b >= 1, which only bounds say (see simplify in bounds.ts).
 */
import {
  type Atom,
  collect,
  compareAtoms,
  constant,
  type Dim,
  floorAtom,
  intern,
  maxAtom,
  merge,
  productOf,
  scaled,
  type Term,
  zero,
} from "./dim.ts";
import { gcd, type Int, magnitude, negate, plus, quotient, refuse, remainder, times } from "./integer.ts";

export type Operand = Dim | number;

const one = constant(1);
const lift = (x: Operand): Dim => (typeof x === "number" ? constant(x) : x);

export function sum(list: readonly Operand[]): Dim {
  const all: Term[] = [];
  let total: Int = 0;
  for (const x of list) {
    const d = lift(x);
    if (d.value !== undefined) total = plus(total, d.value);
    else for (const t of d.terms) all.push(t);
  }
  return addScaled(intern(collect(all)), 1, constant(total));
}

/** a + k*b in one step. */
export function addScaled(a: Dim, k: Int, b: Dim): Dim {
  if (a.value !== undefined && b.value !== undefined) return constant(plus(a.value, times(k, b.value)));
  return intern(merge(a.terms, k, b.terms));
}

export function add(...list: Operand[]): Dim {
  return list.length === 2 ? addScaled(lift(list[0]!), 1, lift(list[1]!)) : sum(list);
}

export const sub = (a: Operand, b: Operand): Dim => (a === b ? zero : addScaled(lift(a), -1, lift(b)));
export const neg = (a: Operand): Dim => sub(0, a);
export const mul = (...list: Operand[]): Dim => product(list);
export function product(list: readonly Operand[]): Dim {
  let all = one;
  for (const x of list) all = multiply(all, lift(x));
  return all;
}

/** More factors of one term than any shape has, and few enough to sort them at each step. */
const mostFactors = 512;

function multiply(a: Dim, b: Dim): Dim {
  if (a.value !== undefined && b.value !== undefined) return constant(times(a.value, b.value));
  if (a === one) return b;
  if (b === one) return a;
  // Terms are ordered by degree: the first has the most factors.
  const degree = (a.terms[0]?.factors.length ?? 0) + (b.terms[0]?.factors.length ?? 0);
  if (degree > mostFactors) refuse("E2302", `a product of ${degree} factors`, "name its parts as symbols");
  if (a.terms.length * b.terms.length * Math.max(degree, 4) > 8e4)
    refuse("E2302", `a product of ${a.terms.length} by ${b.terms.length} terms`, "name its parts as symbols");
  const all: Term[] = [];
  for (const s of a.terms) for (const t of b.terms) all.push(multiplyTerms(s, t));
  return intern(collect(all));
}

function multiplyTerms(s: Term, t: Term): Term {
  const c = times(s.coefficient, t.coefficient);
  if (s.id === 0 || t.id === 0) return scaled(c, s.id === 0 ? t : s);
  return scaled(c, productOf([...s.factors, ...t.factors].sort(compareAtoms)));
}

/** coefficient * factors; the factors in the order of some term. */
export function monomial(coefficient: Int, factors: readonly Atom[]): Dim {
  return coefficient === 0 ? zero : intern([scaled(coefficient, productOf(factors))]);
}

/** d with each of its own factors replaced. */
export function mapFactors(d: Dim, image: (atom: Atom) => Dim): Dim {
  const all: Term[] = [];
  for (const { coefficient, factors } of d.terms) {
    let by = one;
    for (const f of factors) by = multiply(by, image(f));
    for (const s of by.terms) all.push(scaled(times(coefficient, s.coefficient), s));
  }
  return intern(collect(all));
}

export function constantTerm(d: Dim): Int {
  const last = d.terms.at(-1);
  return last?.id === 0 ? last.coefficient : 0;
}

/** The greatest common divisor of the coefficients, the constant's included. */
export function content(d: Dim): Int {
  return d.terms.reduce<Int>((g, t) => (g === 1 ? g : gcd(g, t.coefficient)), 0);
}

/** The same without the constant's. */
export function variableContent(d: Dim): Int {
  return d.terms.reduce<Int>((g, t) => (g === 1 || t.id === 0 ? g : gcd(g, t.coefficient)), 0);
}

const mapCoefficients = (d: Dim, image: (t: Term) => Int): Dim =>
  intern(d.terms.map((t) => scaled(image(t), t)).filter((t) => t.coefficient !== 0));

/** Every coefficient divided by `g`, rounding down (exact where `g` divides it). */
export function shrinkBy(d: Dim, g: Int): Dim {
  return g === 1 ? d : mapCoefficients(d, (t) => quotient(t.coefficient, g));
}

/** floor(a/b), for any sign of b. @throws CompileError E2112 for the constant 0 */
export function floorDiv(a: Operand, b: Operand): Dim {
  const [n, d] = [lift(a), lift(b)];
  if (d.value === 0) refuse("E2112", `${n} is divided by 0`, "give a divisor of 1 or more");
  if (d.value !== undefined) return d.value < 0 ? floorBy(neg(n), negate(d.value)) : floorBy(n, d.value);
  const g = gcd(content(n), content(d));
  const signed = d.terms[0]!.coefficient < 0 ? negate(g) : g;
  return floorAtom(shrinkBy(n, signed), shrinkBy(d, signed));
}

/** floor(n/q) for a constant q >= 1, in normal form. */
function floorBy(n: Dim, q: Int): Dim {
  if (n.value !== undefined) return constant(quotient(n.value, q));
  if (q === 1) return n;
  // What stays inside: coefficients in (-q/2, q/2], a constant in [0, q).
  const inside = mapCoefficients(n, (t) => {
    const r = remainder(t.coefficient, q);
    return t.id !== 0 && times(r, 2) > q ? plus(r, negate(q)) : r;
  });
  const [{ id, coefficient }] = [inside.terms[0] ?? scaled(0, productOf([]))];
  const half = times(coefficient, 2) === q && n.terms.some((t) => t.id === id && t.coefficient < 0);
  if (id !== 0 && (coefficient < 0 || half)) return neg(floorBy(sub(constant(plus(q, -1)), n), q));
  const g = gcd(q, variableContent(inside));
  if (inside === n && g === 1) return floorOfFloors(n, q);
  const outside = shrinkBy(addScaled(n, -1, inside), q);
  return addScaled(outside, 1, floorBy(shrinkBy(inside, g), quotient(q, g)));
}

/** floor((floor(x/m) + y)/q) is floor((x + m*y)/(m*q)). */
function floorOfFloors(n: Dim, q: Int): Dim {
  for (const { coefficient: c, factors } of n.terms) {
    const [atom, other] = factors;
    if (magnitude(c) !== 1 || other || atom?.kind !== "floor") continue;
    const m = atom.denominator.value;
    // Divisors that grow beyond safe integers cost more than a nested floor.
    if (m === undefined || typeof times(q, m) === "bigint") continue;
    const inner = c === 1 ? atom.numerator : sub(constant(plus(m, -1)), atom.numerator);
    return floorBy(addScaled(inner, m, addScaled(n, negate(c), atom.dim)), times(q, m));
  }
  return floorAtom(n, constant(q));
}

export const ceilDiv = (a: Operand, b: Operand): Dim => neg(floorDiv(neg(a), b));

/** a - b*floor(a/b): the sign of b, as in Python and ONNX Mod. */
export const mod = (a: Operand, b: Operand): Dim => sub(a, mul(b, floorDiv(a, b)));

export function max(...list: Operand[]): Dim {
  return list.map(lift).reduce((a, b) => (a === b ? a : add(b, positivePart(sub(a, b)))));
}

export const min = (...list: Operand[]): Dim => neg(max(...list.map(neg)));

/** max(d, 0) in normal form. */
function positivePart(d: Dim): Dim {
  if (d.value !== undefined) return d.value > 0 ? d : zero;
  if (d.terms.every((t) => t.coefficient > 0 && t.factors.every((f) => f.kind === "max"))) return d;
  if (d.terms[0]!.coefficient < 0) return add(d, positivePart(neg(d)));
  const g = content(d);
  return mul(constant(g), maxAtom(shrinkBy(d, g)));
}

export const isConstant = (d: Dim): boolean => d.value !== undefined;

/** The value of a constant dim, undefined when symbolic. @throws CompileError E2302 beyond safe integers */
export function constantOf(d: Dim): number | undefined {
  if (typeof d.value === "bigint") refuse("E2302", `${d.value} is beyond 2^53 - 1`, "use smaller sizes");
  return d.value;
}

export const terms = (d: Dim): readonly Term[] => d.terms;
