/**
 * Sizes as they are for inputs that can pass. Once H % 4 == 0 is demanded, 4*floor(H/4) is H and 2*floor(H/4)
 * is floor(H/2): H is written as 4k, what remains is linear in k, and k is written as H/4 again. Expressions
 * that do not become shorter stay as they are.
 */
import { add, type Dim, floorDiv, mul, sub, substitute, symbol, symbolsOf } from "../dims/index.ts";
import type { Need } from "../infer/needs.ts";

interface Divisibility {
  readonly name: string;
  readonly modulus: number;
  readonly residue: number;
}

const k = symbol("$k");

/** The shorter form of a size under what is demanded. */
export function underNeeds(needs: readonly Need[]): (d: Dim) => Dim {
  const known = new Map(needs.flatMap(divisibility).map((one) => [one.name, one]));
  if (known.size === 0) return (d) => d;
  return (d) => {
    const ours = symbolsOf(d).flatMap((name) => known.get(name) ?? []);
    return ours.reduce((shorter, one) => shortened(shorter, one), d);
  };
}

function divisibility({ constraint: { clauses } }: Need): readonly Divisibility[] {
  const [clause, ...more] = clauses;
  if (clause?.kind !== "domain" || more.length > 0) return [];
  const { symbol: name, modulus, residues } = clause;
  return modulus > 1 && residues.length === 1 ? [{ name, modulus, residue: residues[0]! }] : [];
}

function shortened(d: Dim, { name, modulus, residue }: Divisibility): Dim {
  const inK = substitute(d, new Map([[name, add(mul(k, modulus), residue)]]));
  const at = (value: Dim) => substitute(inK, new Map([["$k", value]]));
  const [slope, rest] = [sub(at(add(k, 1)), inK), at(sub(k, k))];
  if (symbolsOf(slope).includes("$k")) return d;
  const numerator = add(mul(slope, sub(symbol(name), residue)), mul(rest, modulus));
  const back = floorDiv(numerator, modulus);
  return String(back).length < String(d).length ? back : d;
}
