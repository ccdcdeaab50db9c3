/** Linear forms of index Dims: what schedules, the bounds proof and code generators ask of an address. */
import { type Dim, terms } from "../dims/index.ts";

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
  let stride = 0;
  for (const { coefficient, factors } of terms(d)) {
    if (!factors.some((atom) => mentions(atom, symbol))) continue;
    if (factors.length > 1 || factors[0]?.kind !== "symbol") return undefined;
    stride = Number(coefficient);
  }
  return stride;
}

function mentions(atom: ReturnType<typeof terms>[number]["factors"][number], symbol: string): boolean {
  if (atom.kind === "symbol") return atom.name === symbol;
  const parts = atom.kind === "floor" ? [atom.numerator, atom.denominator] : [atom.left, atom.right];
  return parts.some((part) =>
    terms(part).some((term) => term.factors.some((inner) => mentions(inner, symbol))),
  );
}
