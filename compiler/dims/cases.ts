/**
 * Deciding a relation in several symbols by cases. Symbols are shifted to start at 0. A max splits on the
 * sign of its argument, which joins the context; a floor splits one of its symbols by residues of a prime, s
 * = p*s + r, and disappears once its period is used up. What is left is a polynomial under polynomial
 * inequalities: signs of coefficients first, then Fourier-Motzkin elimination with every monomial a variable
 * of its own (sound, not complete). After Omega (Pugh 1991) and Halide's simplifier.
 */
import { type Domain, type Relation, startsOf } from "./constraint.ts";
import { atomsWithin, type Dim, fromAtom, symbol, symbolsOf, type Term, zero } from "./dim.ts";
import { type Bounds, range, rewrite, substitute } from "./evaluate.ts";
import {
  add,
  addScaled,
  constantTerm,
  monomial,
  mul,
  neg,
  shrinkBy,
  sub,
  variableContent,
} from "./expression.ts";
import { negate, remainder } from "./integer.ts";
import { type Budget, periodOf } from "./univariate.ts";

/** "none" and "all" of the cases, "some" when neither is proven, "empty" when there is no case at all. */
export type Outcome = "all" | "none" | "some" | "empty";

interface Case {
  readonly d: Dim;
  /** Dims known to be at least 0. */
  readonly context: readonly Dim[];
  /** The greatest value of each symbol; the least is 0. */
  readonly tops: ReadonlyMap<string, number>;
}

/**
 * Whether d `relation` 0 for all or no values of its symbols; "some" if neither is proven. @throws
 * OutOfBudget
 */
export function decideByCases(
  relation: Relation,
  d: Dim,
  domains: (name: string) => Domain,
  budget: Budget,
): Outcome {
  budget.spend(symbolsOf(d).length * d.size);
  let list: readonly Case[] = [{ d, context: [], tops: new Map() }];
  for (const name of symbolsOf(d)) {
    const domain = domains(name);
    const few = domain.residues.length * list.length <= 64;
    const starts = few ? startsOf(domain) : [domain.min];
    const possible = starts.filter((start) => start <= domain.max);
    const step = few ? domain.modulus : 1;
    list = list.flatMap((c) => possible.map((start) => stepped(c, name, step, start, domain.max)));
  }
  return combine(list.map((c) => () => decideCase(relation, c, budget)));
}

/** The case with name = step*name + start, where the name goes up to `top`. */
function stepped(c: Case, name: string, step: number, start: number, top: number): Case {
  const map = new Map([[name, add(mul(step, symbol(name)), start)]]);
  const tops = new Map([...c.tops, [name, Math.floor((top - start) / step)]]);
  return { d: substitute(c.d, map), context: c.context.map((x) => substitute(x, map)), tops };
}

function combine(list: readonly (() => Outcome)[]): Outcome {
  let total: Outcome = "empty";
  for (const next of list) {
    const outcome = next();
    if (total === "empty") total = outcome;
    else if (outcome !== "empty" && outcome !== total) return "some";
    if (total === "some") return total;
  }
  return total;
}

/**
 * `divided`: some symbol was split by residues already, which makes elimination before the end too costly.
 */
function decideCase(relation: Relation, c: Case, budget: Budget, divided = false): Outcome {
  const whole = [c.d, ...c.context];
  budget.spend(whole.reduce((steps, x) => steps + x.size, 20));
  const bounds = boundsOf(c);
  if (c.context.some((x) => range(x, bounds).max < 0)) return "empty";
  const atom = [...atomsWithin(whole.filter((x) => x.bounded))].find((f) => f.kind === "max");
  if (atom?.kind === "max") {
    const split = (side: Dim, known: Dim) => () => {
      if (range(known, bounds).max < 0) return "empty";
      const change = (x: Dim) =>
        rewrite(
          x,
          (f) => (f === atom ? side : undefined),
          (e) => e.bounded,
        );
      const context = [...c.context.map(change), known];
      return decideCase(relation, { ...c, d: change(c.d), context }, budget, divided);
    };
    return combine([split(atom.left, atom.left), split(zero, sub(-1, atom.left))]);
  }
  const early = divided ? "some" : decideLeaf(relation, c, budget);
  if (early !== "some") return early;
  for (const x of whole)
    for (const name of symbolsOf(x)) {
      const p = smallestFactor(periodOf(x, name));
      if (p === 1) continue;
      const top = c.tops.get(name)!;
      const part = (r: number) => () => decideCase(relation, stepped(c, name, p, r, top), budget, true);
      return combine(Array.from({ length: Math.min(p, top + 1) }, (_, r) => part(r)));
    }
  return divided ? decideLeaf(relation, c, budget) : "some";
}

const boundsOf =
  ({ tops }: Case): Bounds =>
  (name) => ({ min: 0, max: tops.get(name)! });

function smallestFactor(n: number): number {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return p;
  return n;
}

/** What the range and the divisibility of d say. */
export function bySigns(relation: Relation, d: Dim, bounds: Bounds, splits = 2): "all" | "none" | "some" {
  const { min, max } = range(d, bounds, splits);
  const answer = (always: boolean, never: boolean) => (always ? "all" : never ? "none" : "some");
  if (relation === ">=") return answer(min >= 0, max < 0);
  if (relation === ">") return answer(min > 0, max <= 0);
  const apart = min > 0 || max < 0 || remainder(constantTerm(d), variableContent(d) || 1) !== 0;
  return relation === "==" ? answer(d === zero, apart) : answer(apart, d === zero);
}

function decideLeaf(relation: Relation, c: Case, budget: Budget): Outcome {
  const proves = (goal: Dim) => infeasible([...c.context, sub(-1, goal)], c, budget);
  if (c.context.length > 0 && infeasible(c.context, c, budget)) return "empty";
  const signs = bySigns(relation, c.d, boundsOf(c));
  if (signs !== "some") return signs;
  if (relation === ">=") return proves(c.d) ? "all" : proves(sub(-1, c.d)) ? "none" : "some";
  const [equal, apart]: readonly Outcome[] = relation === "==" ? ["all", "none"] : ["none", "all"];
  if (proves(sub(c.d, 1)) || proves(sub(-1, c.d))) return apart!;
  return c.context.length > 0 && proves(c.d) && proves(neg(c.d)) ? equal! : "some";
}

/** Whether the dims of `list` cannot all be at least 0. */
function infeasible(list: readonly Dim[], c: Case, budget: Budget): boolean {
  const limits = [...c.tops].flatMap(([name, top]) => (top < Infinity ? [sub(top, symbol(name))] : []));
  let rows = [...new Set([...list, ...limits, ...divisions(list)].map(tightened))];
  for (let round = 0; round < 12; round++) {
    budget.spend(rows.length * 8);
    if (rows.some((row) => row.value !== undefined && row.value < 0)) return true;
    const target = cheapestTerm(rows);
    if (!target || rows.length > 80) return false;
    const at = (row: Dim) => row.terms.find((t) => t.id === target.id)?.coefficient ?? 0;
    const above = rows.filter((row) => at(row) > 0);
    const x = monomial(1, target.factors);
    if (range(x, boundsOf(c)).min >= 0) above.push(x);
    const below = rows.filter((row) => at(row) < 0);
    if (below.length * above.length > 200) return false;
    const joined = below.flatMap((low) =>
      above.map((up) => addScaled(addScaled(zero, at(up), low), negate(at(low)), up)),
    );
    rows = [...new Set([...rows.filter((row) => at(row) === 0), ...joined.map(tightened)])];
  }
  return false;
}

/** row >= 0 with the common factor of its coefficients taken out and the constant rounded down. */
function tightened(row: Dim): Dim {
  return row.value === undefined ? shrinkBy(row, variableContent(row)) : row;
}

/** A term of the monomial whose elimination makes the fewest rows. */
function cheapestTerm(rows: readonly Dim[]): Term | undefined {
  const counts = new Map<number, { term: Term; up: number; down: number }>();
  for (const term of rows.flatMap((row) => row.terms)) {
    const count = counts.get(term.id) ?? { term, up: 1, down: 0 };
    if (term.coefficient > 0) count.up++;
    else count.down++;
    if (term.id !== 0) counts.set(term.id, count);
  }
  return [...counts.values()].sort((x, y) => x.up * x.down - y.up * y.down)[0]?.term;
}

/** What floors obey: 0 <= P - Q*floor(P/Q) <= Q - 1 (a symbolic Q is known to be at least 1 here). */
function divisions(list: readonly Dim[]): readonly Dim[] {
  return [...atomsWithin(list)].flatMap((f) => {
    if (f.kind !== "floor") return [];
    const rest = sub(f.numerator, mul(f.denominator, fromAtom(f)));
    return [rest, sub(sub(f.denominator, 1), rest)];
  });
}
