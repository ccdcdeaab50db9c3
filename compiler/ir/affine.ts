/** Linear forms of index Dims: what schedules, the bounds proof and code generators ask of an address. */
import {
  type Atom,
  add,
  constant,
  constantOf,
  type Dim,
  floorDiv,
  max,
  mul,
  symbol as symbolDim,
  type Term,
  terms,
} from "../dims/index.ts";

export interface Affine {
  readonly constant: number;
  /** Coefficient of each symbol that has one. */
  readonly coefficients: ReadonlyMap<string, number>;
}

/** `constant + sum of coefficient * symbol`, or undefined when the Dim is not of that form. */
export function affineOf(d: Dim): Affine | undefined {
  let constant = 0;
  const coefficients = new Map<string, number>();
  for (const { coefficient, factors } of terms(d)) {
    const [atom, ...rest] = factors;
    if (atom === undefined) constant = Number(coefficient);
    else if (rest.length > 0 || atom.kind !== "symbol") return undefined;
    else coefficients.set(atom.name, Number(coefficient));
  }
  return { constant, coefficients };
}

/** How far the address moves when `symbol` grows by one; undefined when that is not a constant. */
export function strideOf(d: Dim, symbol: string): number | undefined {
  const slope = slopeOf(d, symbol);
  return slope && constantOf(slope);
}

/** The same as an expression free of the symbol; undefined when the address is not linear in it. */
export function slopeOf(d: Dim, symbol: string): Dim | undefined {
  let slope = zero;
  for (const { coefficient, factors } of terms(d)) {
    if (!factors.some((atom) => mentions(atom, symbol))) continue;
    const others = factors.filter((atom) => atom.kind !== "symbol" || atom.name !== symbol);
    if (others.length + 1 !== factors.length || others.some((atom) => mentions(atom, symbol)))
      return undefined;
    slope = add(slope, mul(Number(coefficient), ...others.map(dimOfAtom)));
  }
  return slope;
}

const zero = constant(0);

/** One term of a dim. */
export const dimOfTerm = ({ coefficient, factors }: Term): Dim =>
  mul(Number(coefficient), ...factors.map(dimOfAtom));

export function dimOfAtom(atom: Atom): Dim {
  if (atom.kind === "symbol") return symbolDim(atom.name);
  return atom.kind === "max" ? max(atom.left, atom.right) : floorDiv(atom.numerator, atom.denominator);
}

function mentions(atom: Atom, symbol: string): boolean {
  if (atom.kind === "symbol") return atom.name === symbol;
  const parts = atom.kind === "floor" ? [atom.numerator, atom.denominator] : [atom.left, atom.right];
  return parts.some((part) =>
    terms(part).some((term) => term.factors.some((inner) => mentions(inner, symbol))),
  );
}
