/**
 * Deciding a relation in several symbols by cases. Symbols are shifted to start at 0. A max splits on the
 * sign of its argument, which joins the context; a floor splits one of its symbols by residues of a prime, s
 * = p*s + r, and disappears once its period is used up. What is left is a polynomial under polynomial
 * inequalities: signs of coefficients first, then Fourier-Motzkin elimination with every monomial a variable
 * of its own (sound, not complete). After Omega (Pugh 1991) and Halide's simplifier; the budget bounds the
 * number of cases.
 */
import { compare, type Domain, type Relation } from "./constraint.ts";
import { type Interval, range, rewrite, substitute } from "./evaluate.ts";
import {
  type Atom,
  add,
  addScaled,
  atomsOf,
  constant,
  constantTerm,
  content,
  type Dim,
  fromAtom,
  monomial,
  mul,
  neg,
  sub,
  symbol,
  symbolsOf,
} from "./expression.ts";
import { negate, quotient, remainder } from "./integer.ts";
import { type Budget, periodOf } from "./univariate.ts";

/** "none" and "all" of the cases, "some" when neither is proven, "empty" when there is no case at all. */
type Outcome = "all" | "none" | "some" | "empty";

interface Case {
  readonly d: Dim;
  /** Dims known to be at least 0. */
  readonly context: readonly Dim[];
  /** The greatest value of each symbol; the least is 0. */
  readonly tops: ReadonlyMap<string, number>;
}

/**
 * Whether d `relation` 0 for all or no values of its symbols; "some" when neither is proven. @throws
 * OutOfBudget
 */
export function decideByCases(
  relation: Relation,
  d: Dim,
  domains: (name: string) => Domain,
  budget: Budget,
): Outcome {
  budget.spend(symbolsOf(d).length * d.size);
  const cases = startingCases(d, domains);
  return combine(cases.map((c) => () => decideCase(relation, c, budget)));
}

function startingCases(d: Dim, domains: (name: string) => Domain): readonly Case[] {
  let list: Case[] = [{ d, context: [], tops: new Map() }];
  for (const name of symbolsOf(d)) {
    const { min, max, modulus, residues } = domains(name);
    const few = residues.length * list.length <= 64;
    const starts = few ? residues.map((r) => min + Number(remainder(r - min, modulus))) : [min];
    const step = few ? modulus : 1;
    list = list.flatMap((c) =>
      starts.filter((s) => s <= max).map((s) => stepped(c, name, step, s, Math.floor((max - s) / step))),
    );
  }
  return list;
}

/** The case with name = step*name + start. */
function stepped(c: Case, name: string, step: number, start: number, top: number): Case {
  const map = new Map([[name, add(mul(step, symbol(name)), start)]]);
  const tops = new Map([...c.tops, [name, top]]);
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

function decideCase(relation: Relation, c: Case, budget: Budget, divided = false): Outcome {
  budget.spend(20 + c.d.size);
  const bounds = boundsOf(c);
  if (c.context.some((x) => range(x, bounds).max < 0)) return "empty";
  const quick = c.context.length === 0 ? bySigns(relation, c.d, bounds, 0) : undefined;
  if (quick) return quick;
  const whole = [c.d, ...c.context];
  const part = lowest(whole, "max");
  if (part?.kind === "max") {
    const split = (by: Dim, known: Dim) => decideCase(relation, withAtom(c, part, by, known), budget);
    const { min, max } = range(part.left, bounds);
    const above = () => (max < 0 ? "empty" : split(part.left, part.left));
    const below = () => (min >= 0 ? "empty" : split(constant(0), sub(-1, part.left)));
    return combine([above, below]);
  }
  const relaxed = divided ? "some" : decideLeaf(relation, c, budget);
  if (relaxed !== "some") return relaxed;
  for (const x of whole)
    for (const name of symbolsOf(x)) {
      const p = smallestFactor(Number(periodOf(x, 1, name)));
      if (p === 1) continue;
      const top = c.tops.get(name)!;
      const residues = Array.from({ length: p }, (_, r) => r).filter((r) => r <= top);
      const part = (r: number) => stepped(c, name, p, r, Math.floor((top - r) / p));
      return combine(residues.map((r) => () => decideCase(relation, part(r), budget, true)));
    }
  return divided ? decideLeaf(relation, c, budget) : "some";
}

const boundsOf =
  (c: Case) =>
  (name: string): Interval => ({ min: 0, max: c.tops.get(name)! });

/** What the range and the divisibility of d say. */
export function bySigns(
  relation: Relation,
  d: Dim,
  bounds: (name: string) => Interval,
  effort = 2,
): "all" | "none" | undefined {
  if (d.value !== undefined) return compare(relation, d.value, 0) ? "all" : "none";
  const { min, max } = range(d, bounds, effort);
  const equality = relation === "==" || relation === "!=";
  const c = constantTerm(d);
  if (equality && (min > 0 || max < 0 || remainder(c, content(sub(d, constant(c)))) !== 0))
    return relation === "==" ? "none" : "all";
  const least = relation === ">" ? 1 : 0;
  return equality ? undefined : min >= least ? "all" : max < least ? "none" : undefined;
}

function lowest(list: readonly Dim[], kind: Atom["kind"]): Atom | undefined {
  let found: Atom | undefined;
  const seen = new Set<Dim>();
  const visit = (d: Dim): void => {
    if (seen.has(d)) return;
    seen.add(d);
    for (const atom of atomsOf(d)) {
      if (atom.kind === kind && (!found || atom.height < found.height)) found = atom;
      if (atom.kind === "floor") [atom.numerator, atom.denominator].forEach(visit);
      if (atom.kind === "max") visit(atom.left);
    }
  };
  list.forEach(visit);
  return found;
}

function withAtom(c: Case, atom: Atom, by: Dim, known: Dim): Case {
  const change = (x: Dim) => rewrite(x, (f) => (f === atom ? by : undefined));
  return { ...c, d: change(c.d), context: [...c.context.map(change), known] };
}

function smallestFactor(n: number): number {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return p;
  return n;
}

function decideLeaf(relation: Relation, c: Case, budget: Budget): Outcome {
  const proves = (goal: Dim) => infeasible([...c.context, sub(-1, goal)], c, budget);
  if (c.context.length > 0 && infeasible(c.context, c, budget)) return "empty";
  const signs = bySigns(relation, c.d, boundsOf(c));
  if (signs) return signs;
  const equality = relation === "==" || relation === "!=";
  const [yes, no]: readonly Outcome[] = relation === "!=" ? ["none", "all"] : ["all", "none"];
  if (!equality) {
    const goal = relation === ">" ? sub(c.d, 1) : c.d;
    return proves(goal) ? "all" : proves(sub(-1, goal)) ? "none" : "some";
  }
  if (proves(sub(c.d, 1)) || proves(sub(-1, c.d))) return no!;
  return c.context.length > 0 && proves(c.d) && proves(neg(c.d)) ? yes! : "some";
}

/** Whether the dims of `list` cannot all be at least 0. */
function infeasible(list: readonly Dim[], c: Case, budget: Budget): boolean {
  const bounds = boundsOf(c);
  const limits = [...c.tops]
    .filter(([, top]) => Number.isFinite(top))
    .map(([name, top]) => sub(top, symbol(name)));
  let rows = [...new Set([...list, ...limits, ...divisions(list)].map(tightened))];
  for (let round = 0; round < 12; round++) {
    budget.spend(rows.length * 8);
    if (rows.some((row) => row.value !== undefined && row.value < 0)) return true;
    const target = cheapestMonomial(rows);
    if (!target || rows.length > 80) return false;
    const { key, atoms } = target;
    const at = (row: Dim) => row.terms.find((t) => t.monomial.id === key)?.coefficient ?? 0;
    const free = rows.filter((row) => at(row) === 0);
    const above = rows.filter((row) => at(row) > 0);
    const x = monomial(1, atoms);
    if (range(x, bounds).min >= 0) above.push(x);
    const below = rows.filter((row) => at(row) < 0);
    const joined = below.flatMap((lo) =>
      above.map((hi) => tightened(addScaled(mul(constant(at(hi)), lo), negate(at(lo)), hi))),
    );
    rows = [...new Set([...free, ...joined])];
  }
  return false;
}

/** row >= 0 with the common factor of its coefficients taken out and the constant rounded down. */
function tightened(row: Dim): Dim {
  const k = constantTerm(row);
  const rest = sub(row, constant(k));
  const g = content(rest);
  if (rest.value !== undefined || g === 1) return row;
  const scaled = rest.terms.map((t) => monomial(quotient(t.coefficient, g), t.factors));
  return add(...scaled, constant(quotient(k, g)));
}

/** The monomial whose elimination makes the fewest rows. */
function cheapestMonomial(rows: readonly Dim[]) {
  const counts = new Map<number, { key: number; atoms: readonly Atom[]; up: number; down: number }>();
  for (const row of rows)
    for (const t of row.terms) {
      if (t.factors.length === 0) continue;
      const entry = counts.get(t.monomial.id) ?? { key: t.monomial.id, atoms: t.factors, up: 1, down: 0 };
      counts.set(t.monomial.id, {
        ...entry,
        up: entry.up + (t.coefficient > 0 ? 1 : 0),
        down: entry.down + (t.coefficient < 0 ? 1 : 0),
      });
    }
  return [...counts.values()].sort((x, y) => x.up * x.down - y.up * y.down)[0];
}

/** What floors obey: 0 <= P - Q*floor(P/Q) <= Q - 1 (a symbolic Q is known to be at least 1 here). */
function divisions(list: readonly Dim[]): readonly Dim[] {
  const floors = new Set(list.flatMap(atomsOf));
  const rows: Dim[] = [];
  for (const f of floors) {
    if (f.kind !== "floor") continue;
    for (const inner of atomsOf(f.numerator)) floors.add(inner);
    const rest = sub(f.numerator, mul(f.denominator, fromAtom(f)));
    rows.push(rest, sub(sub(f.denominator, 1), rest));
  }
  return rows;
}
