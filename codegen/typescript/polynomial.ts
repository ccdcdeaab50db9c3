/**
 * A dim taken apart for printing: coefficients times units, and a constant. A unit is a product of atoms, or
 * a remainder: `P - q*floor(P/q)`, which the normal form spreads over several terms, is found again and
 * printed with `%`.
 */
import {
  type Atom,
  type Dim,
  floorDiv,
  max,
  mod,
  mul,
  sub,
  symbol,
  terms,
} from "../../compiler/dims/index.ts";

export interface Part {
  readonly coefficient: number;
  readonly unit: Dim;
}

interface Modulo {
  readonly dividend: Dim;
  readonly divisor: number;
}

export interface Polynomial {
  readonly parts: readonly Part[];
  readonly offset: number;
  /** Set when the dim is one remainder and nothing else. */
  readonly modulo?: Modulo;
}

const cache = new WeakMap<Dim, Polynomial>();

export function split(dim: Dim): Polynomial {
  const known = cache.get(dim);
  if (known) return known;
  const made = takeRemainder(dim) ?? takeTerms(dim);
  cache.set(dim, made);
  return made;
}

function takeTerms(dim: Dim): Polynomial {
  const parts: Part[] = [];
  let offset = 0;
  for (const { coefficient, factors } of terms(dim)) {
    if (factors.length === 0) offset = Number(coefficient);
    else
      parts.push({
        coefficient: Number(coefficient),
        unit: factors.map(dimOf).reduce((a, b) => mul(a, b)),
      });
  }
  return { parts, offset };
}

/** The first floor(P/q) whose removal takes every term of P with it, as `c * (P mod q)` and the rest. */
function takeRemainder(dim: Dim): Polynomial | undefined {
  for (const { coefficient, factors } of terms(dim)) {
    const floor = factors.length === 1 ? factors[0]! : undefined;
    if (floor?.kind !== "floor") continue;
    const divisor = terms(floor.denominator);
    if (divisor.length !== 1 || divisor[0]!.factors.length > 0) continue;
    const q = Number(divisor[0]!.coefficient);
    const c = -Number(coefficient) / q;
    if (!Number.isInteger(c) || c <= 0) continue;
    const unit = mod(floor.numerator, q);
    const rest = sub(dim, mul(c, unit));
    const gone = terms(floor.numerator).filter((term) => term.factors.length > 0).length + 1;
    const variable = (d: Dim) => terms(d).filter((term) => term.factors.length > 0).length;
    if (variable(rest) !== variable(dim) - gone) continue;
    if (terms(rest).length === 0 && c === 1)
      return {
        parts: [{ coefficient: 1, unit }],
        offset: 0,
        modulo: { dividend: floor.numerator, divisor: q },
      };
    const others = split(rest);
    return { parts: [{ coefficient: c, unit }, ...others.parts], offset: others.offset };
  }
  return undefined;
}

/**
 * A name that says what the polynomial is: `i784_k` for i*784 + k, terms in the order they are written.
 * Undefined where that would be no name or too long to read.
 */
export function indexName(
  dim: Dim,
  nameOf: (symbol: string) => string,
  depthOf: (part: Part) => number = () => 0,
): string | undefined {
  const name = split(dim)
    .parts.toSorted((a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient) || depthOf(a) - depthOf(b))
    .map(({ coefficient, unit }) => `${unitName(unit, nameOf)}${coefficient === 1 ? "" : coefficient}`)
    .join("_");
  return /^[A-Za-z]\w{0,11}$/.test(name) ? name : undefined;
}

function unitName(unit: Dim, nameOf: (symbol: string) => string): string {
  const asModulo = split(unit).modulo;
  if (asModulo) return `${indexName(asModulo.dividend, nameOf)}Mod${asModulo.divisor}`;
  return terms(unit)[0]!
    .factors.map((factor) => atomName(factor, nameOf))
    .join("");
}

function atomName(atom: Atom, nameOf: (symbol: string) => string): string {
  if (atom.kind === "symbol") return nameOf(atom.name);
  if (atom.kind === "max") return "at";
  return `${indexName(atom.numerator, nameOf)}Over${atom.denominator}`;
}

export function dimOf(atom: Atom): Dim {
  if (atom.kind === "symbol") return symbol(atom.name);
  return atom.kind === "max" ? max(atom.left, atom.right) : floorDiv(atom.numerator, atom.denominator);
}
