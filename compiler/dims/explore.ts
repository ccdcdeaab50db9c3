/**
 * Where a relation holds, by one search: a case (every symbol start + step*k with k in 0..top, and dims known
 * to be at least 0) is proven by signs and linear elimination, or split, until each part is proven or there
 * is nothing left to split by. It splits by the sign of a max, which joins the context where it is of several
 * symbols; by residues of a prime, after which floors disappear once their period is used up; and by an
 * interval, at the place where a sign of one symbol changes. Without a max, a few values of each class of
 * residues tell at once what a split by their primes would. The parts that are proven are boxes, which say
 * for what values the relation holds. After Omega (Pugh 1991) and Halide's simplifier.
 */
import { type Interval, range } from "./bounds.ts";
import { compare, type Domain, type Relation, startsOf } from "./constraint.ts";
import { type Atom, atomsWithin, type Dim, partsOf, spend, symbol, type Term, zero } from "./dim.ts";
import { evaluate, rewrite, substitute } from "./evaluate.ts";
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
import { gcd, type Int, lcm, negate, plus, quotient, remainder, times } from "./integer.ts";

export type Domains = (name: string) => Domain;

/** The values start + step*k for k in 0..top. */
export interface Box {
  readonly start: number;
  readonly step: number;
  readonly top: number;
}

export type Boxes = ReadonlyMap<string, Box>;

/** For all or none of the cases; "open" when neither is proven, "empty" when there is no case. */
export type Outcome = "all" | "none" | "open" | "empty";

export interface Part {
  readonly boxes: Boxes;
  readonly outcome: Outcome;
  /** Whether every value of the boxes is a case: no context, no other residues. */
  readonly exact: boolean;
}

interface Case {
  readonly d: Dim;
  /** Dims known to be at least 0. */
  readonly context: readonly Dim[];
  readonly boxes: Boxes;
  readonly exact: boolean;
  /** Whether some symbol was split already: elimination before the end is then too costly. */
  readonly divided: boolean;
}

/** The parts of the domains, for d `relation` 0 where the dims of `context` are at least 0. */
export function* explore(
  relation: Relation,
  d: Dim,
  domains: Domains,
  context: readonly Dim[] = [],
): Generator<Part> {
  const names = [...new Set([d, ...context].flatMap((x) => x.symbols))];
  const whole = names.map((name) => [name, { start: 0, step: 1, top: Infinity }] as const);
  let list: Case[] = [{ d, context, boxes: new Map(whole), exact: context.length === 0, divided: false }];
  for (const name of names) {
    const { min, max, ...classes } = domains(name);
    const few = classes.residues.length * list.length <= 64;
    const starts = few ? startsOf({ min, max, ...classes }).filter((start) => start <= max) : [min];
    const step = few ? classes.modulus : 1;
    list = list.flatMap((c) =>
      starts.map((start) => ({
        ...stepped(c, name, step, start, max),
        exact: c.exact && few,
        divided: false,
      })),
    );
  }
  for (const c of list) yield* partsIn(relation, c);
}

/** The case with name = step*name + start, where the name goes up to `top`. */
function stepped(c: Case, name: string, step: number, start: number, top: number): Case {
  const map = new Map([[name, add(mul(step, symbol(name)), start)]]);
  const box = boxIn(c.boxes.get(name)!, step, start, top);
  const context = c.context.map((x) => substitute(x, map));
  return { ...c, d: substitute(c.d, map), context, boxes: new Map([...c.boxes, [name, box]]), divided: true };
}

const boxIn = (old: Box, step: number, start: number, top: number): Box => ({
  start: old.start + old.step * start,
  step: old.step * step,
  top: Math.floor((Math.min(top, old.top) - start) / step),
});

function* partsIn(relation: Relation, c: Case): Generator<Part> {
  spend([c.d, ...c.context].reduce((steps, x) => steps + x.size, 20));
  const classes = c.context.length === 0 ? classesOf(c) : undefined;
  const outcome = classes ? bySigns(relation, c.d, boundsOf(c), 0) : outcomeOf(relation, c);
  if (classes && outcome === "open") return yield* inClasses(relation, c, classes);
  const smaller = outcome === "open" ? splits(c) : undefined;
  if (smaller) for (const part of smaller) yield* partsIn(relation, part());
  else {
    const last = outcome === "open" ? eliminated(relation, c) : outcome;
    if (last !== "empty") yield { boxes: c.boxes, outcome: last, exact: c.exact };
  }
}

const boundsOf =
  ({ boxes }: Case) =>
  (name: string): Interval => ({ min: 0, max: boxes.get(name)!.top });

const maximumIn = (list: readonly Dim[]) =>
  [...atomsWithin(list.filter((x) => x.bounded))].find((f) => f.kind === "max");

/** A symbol with a period, and the degree of the dim in it within a class of residues. */
interface Classes {
  readonly name: string;
  readonly period: number;
  readonly degree: number;
}

/** As many atoms as may be evaluated to look at all classes of residues. */
const mostInClasses = 40_000;

/** The classes of residues within which a dim is a polynomial, where there are some and not too many. */
function classesOf({ d, boxes }: Case): readonly Classes[] | undefined {
  const isStraight = d.symbols.length === 1 && (rises(d) || rises(neg(d)));
  if (d.bounded || d.height === 0 || isStraight) return undefined;
  const all = d.symbols.map((name) => ({ name, period: periodOf(d, name), degree: degreeOf(d, name) }));
  const steps = all.reduce((n, { name, period, degree }) => {
    return n * Math.min(period, boxes.get(name)!.top + 1) * (degree + 1);
  }, d.size);
  return steps <= mostInClasses ? all : undefined;
}

/** The degree in a symbol, where every floor has lost its remainder. */
function degreeOf(d: Dim, name: string): number {
  const inAtom = (f: Atom): number =>
    f.kind === "symbol" ? Number(f.name === name) : degreeOf(partsOf(f)[0]!, name);
  return Math.max(0, ...d.terms.map(({ factors }) => factors.reduce((n, f) => n + inAtom(f), 0)));
}

/**
 * By classes of residues. A polynomial is the sum of its differences, each times a product of binomial
 * coefficients, which are not negative: a few values in a class tell its sign and what divides it.
 */
function* inClasses(
  relation: Relation,
  c: Case,
  classes: readonly Classes[],
  at: ReadonlyMap<string, number> = new Map(),
): Generator<Part> {
  const next = classes[at.size];
  if (next) {
    for (let r = 0; r < next.period && r <= c.boxes.get(next.name)!.top; r++)
      yield* inClasses(relation, c, classes, new Map([...at, [next.name, r]]));
    return;
  }
  const [least, ...more] = differencesOf(c.d, classes, at) as [Int, ...Int[]];
  const min = more.every((n) => n >= 0) ? least : Number.NEGATIVE_INFINITY;
  const max = more.every((n) => n <= 0) ? least : Number.POSITIVE_INFINITY;
  const outcome = told(relation, { min, max }, least, more.reduce(gcd, 0));
  const boxes = new Map(c.boxes);
  for (const { name, period } of classes)
    boxes.set(name, boxIn(c.boxes.get(name)!, period, at.get(name)!, Number.POSITIVE_INFINITY));
  if (outcome !== "open") yield { boxes, outcome, exact: c.exact };
  else {
    const inside = ([...at] as const).reduce((part, [name, r]) => {
      const { period } = classes.find((one) => one.name === name)!;
      return stepped(part, name, period, r, c.boxes.get(name)!.top);
    }, c);
    yield* partsIn(relation, inside);
  }
}

/** The differences of d at a point, mixed ones too, in steps of the periods; the value there first. */
function differencesOf(
  d: Dim,
  [first, ...others]: readonly Classes[],
  point: ReadonlyMap<string, number>,
): readonly Int[] {
  if (!first) return [evaluate(d, point)];
  const { name, period, degree } = first;
  const at = (i: number) => new Map(point).set(name, point.get(name)! + period * i);
  let rows = Array.from({ length: degree + 1 }, (_, i) => differencesOf(d, others, at(i)));
  const all: Int[] = [];
  while (rows.length > 0) {
    all.push(...rows[0]!);
    const [low, high] = [rows, rows.slice(1)];
    rows = high.map((row, i) => row.map((n, j) => plus(n, negate(low[i]![j]!))));
  }
  return all;
}

/** What can be told of a case without splitting it. */
function outcomeOf(relation: Relation, c: Case): Outcome {
  if (c.context.some((x) => range(x, boundsOf(c)).max < 0)) return "empty";
  if (c.context.length > 0 && (c.divided || maximumIn([c.d, ...c.context]))) return "open";
  const signs = bySigns(relation, c.d, boundsOf(c), 0);
  if (c.context.length === 0 && signs !== "open") return signs;
  return c.divided || maximumIn([c.d]) ? "open" : eliminated(relation, c);
}

/** The parts of a case, each made when it is looked at; undefined where there is nothing to split by. */
function splits(c: Case): readonly (() => Case)[] | undefined {
  const whole = [c.d, ...c.context];
  const maximum = maximumIn(whole);
  const argument = maximum?.kind === "max" ? maximum.left : undefined;
  const sides = argument ? sidesOf(c, argument) : [];
  if (sides.length === 1 || (argument && argument.symbols.length > 1)) return sides;
  const goal = argument ? [argument] : whole;
  const straight = rises(goal[0]!) || rises(neg(goal[0]!)) ? bisected(c, goal) : undefined;
  return straight ?? byResidues(c, goal) ?? bisected(c, goal) ?? (argument && sides);
}

/** Whether d goes up with every symbol, as far as the signs of its coefficients tell. */
function rises(d: Dim): boolean {
  const up = (f: Atom) => f.kind === "symbol" || (rises(partsOf(f)[0]!) && !f.bounded);
  return d.terms.every((t) => t.id === 0 || (t.coefficient > 0 && t.factors.every(up)));
}

/** By remainders of a symbol. What is inside comes first: outer periods are used up only after inner ones. */
function byResidues(c: Case, list: readonly Dim[]): readonly (() => Case)[] | undefined {
  for (const f of atomsWithin(list))
    for (const name of f.kind === "floor" && f.denominator.value !== undefined ? f.numerator.symbols : []) {
      const p = smallestFactor(periodOf(f.dim, name));
      const { top } = c.boxes.get(name)!;
      const part = (r: number) => () => stepped(c, name, p, r, top);
      if (p > 1) return Array.from({ length: Math.min(p, top + 1) }, (_, r) => part(r));
    }
  return undefined;
}

/** max(left, 0) is left, or 0: the cases of what it may be. */
function sidesOf(c: Case, left: Dim): readonly (() => Case)[] {
  const { min, max } = range(left, boundsOf(c));
  const replaced = (side: Dim, known: readonly Dim[]) => () => {
    const image = (f: Atom) => (f.kind === "max" && f.left === left ? side : undefined);
    const change = (x: Dim) => rewrite(x, image, (e) => e.bounded);
    const context = [...c.context.map(change), ...known];
    return { ...c, d: change(c.d), context, exact: c.exact && known.length === 0 };
  };
  if (min >= 0 || max <= 0) return [replaced(min >= 0 ? left : zero, [])];
  return [replaced(left, [left]), replaced(zero, [sub(-1, left)])];
}

/** The two parts of a case with one symbol, where the sign of a dim changes. */
function bisected(c: Case, [d, ...others]: readonly Dim[]): readonly (() => Case)[] | undefined {
  const [name, more] = d!.symbols;
  if (name === undefined || more !== undefined || others.length > 0 || d!.bounded) return undefined;
  const { start, step, top } = c.boxes.get(name)!;
  const at = top > 0 ? (turn(d!, name, top) ?? middle(top, start / step)) : 0;
  if (at < 1 || at > top || start + at * step > 2 ** 52) return undefined;
  return [() => stepped(c, name, 1, 0, at - 1), () => stepped(c, name, 1, at, top)];
}

/** Half of what is finite; else as far again from 0 as it begins. */
const middle = (top: number, start: number) =>
  top < Infinity ? Math.ceil(top / 2) : Math.max(1, Math.floor(Math.abs(start)));

/** Whether d `relation` 0 at a point. */
export const holdsAt = (relation: Relation, d: Dim, values: ReadonlyMap<string, number>): boolean =>
  compare(relation, evaluate(d, values), 0);

/** The least k at which d has another sign than at 0, if it moves one way; some such k if any is found. */
function turn(d: Dim, name: string, top: number): number | undefined {
  const first = signAt(d, name, 0);
  let [low, high] = [0, 1];
  for (; high < top && signAt(d, name, high) === first; high = Math.min(2 * high, top)) {
    low = high;
    if (high >= 2 ** 51) return undefined;
  }
  if (signAt(d, name, high) === first) return undefined;
  while (high - low > 1) {
    const between = low + Math.floor((high - low) / 2);
    if (signAt(d, name, between) === first) low = between;
    else high = between;
  }
  return high;
}

const signAt = (d: Dim, name: string, k: number) => {
  const value = evaluate(d, new Map([[name, k]]));
  return value > 0 ? 1 : value < 0 ? -1 : 0;
};

/**
 * A period L of the symbol `name`: with s = L*k + r, the coefficients of k in d are multiples of m and its
 * floors vanish. Divisions by something symbolic count for nothing.
 */
function periodOf(d: Dim, name: string, m: Int = 1): number {
  let period = 1;
  spend(d.terms.length);
  for (const t of d.terms) {
    const wanted = quotient(m, gcd(m, t.coefficient));
    for (const atom of t.factors) {
      const by = atom.kind === "floor" ? atom.denominator.value : 1;
      if (atom.kind === "symbol") period = Number(lcm(period, atom.name === name ? wanted : 1));
      else if (by !== undefined)
        period = Number(lcm(period, periodOf(partsOf(atom)[0]!, name, times(wanted, by))));
    }
    if (period > 1e5) spend(Infinity);
  }
  return period;
}

function smallestFactor(n: number): number {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return p;
  return n;
}

/** What the range and the divisibility of d say. */
export function bySigns(
  relation: Relation,
  d: Dim,
  bounds: (name: string) => Interval,
  sides?: number,
): "all" | "none" | "open" {
  return told(relation, range(d, bounds, sides), constantTerm(d), variableContent(d));
}

/** Of what is between min and max and a multiple of `step` away from `at`. */
function told(relation: Relation, of: { readonly min: Int; readonly max: Int }, at: Int, step: Int) {
  const { min, max } = of;
  const answer = (always: boolean, never: boolean) => (always ? "all" : never ? "none" : "open");
  if (relation === ">=") return answer(min >= 0, max < 0);
  if (relation === ">") return answer(min > 0, max <= 0);
  const apart = min > 0 || max < 0 || remainder(at, step || 1) !== 0;
  const equal = min === 0 && max === 0;
  return relation === "==" ? answer(equal, apart) : answer(apart, equal);
}

/** What signs say, or Fourier-Motzkin elimination, every monomial a variable: sound, not complete. */
function eliminated(relation: Relation, c: Case): Outcome {
  const infeasible = (...list: readonly Dim[]) => cannotHold([...c.context, ...list], c);
  if (c.context.length > 0 && infeasible()) return "empty";
  const signs = bySigns(relation, c.d, boundsOf(c));
  if (signs !== "open") return signs;
  const [below, above] = [sub(-1, c.d), sub(c.d, 1)];
  if (relation === ">=") return infeasible(below) ? "all" : infeasible(c.d) ? "none" : "open";
  const [equal, apart]: readonly Outcome[] = relation === "==" ? ["all", "none"] : ["none", "all"];
  if (infeasible(c.d, neg(c.d))) return apart!;
  return c.context.length > 0 && infeasible(below) && infeasible(above) ? equal! : "open";
}

/** Whether the dims of `list` cannot all be at least 0. */
function cannotHold(list: readonly Dim[], c: Case): boolean {
  const limits = [...c.boxes].flatMap(([name, { top }]) => (top < Infinity ? [sub(top, symbol(name))] : []));
  let rows = [...new Set([...list, ...limits, ...divisions(list)].map(tightened))];
  for (let round = 0; round < 12; round++) {
    spend(rows.length * 8);
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
const tightened = (row: Dim): Dim => (row.value === undefined ? shrinkBy(row, variableContent(row)) : row);

/** A term of the monomial whose elimination makes the fewest rows. */
function cheapestTerm(rows: readonly Dim[]): Term | undefined {
  const counts = new Map<number, { readonly term: Term; up: number; down: number }>();
  for (const term of rows.flatMap((row) => row.terms)) {
    const count = counts.get(term.id) ?? { term, up: 1, down: 0 };
    count[term.coefficient > 0 ? "up" : "down"]++;
    if (term.id !== 0) counts.set(term.id, count);
  }
  return [...counts.values()].sort((x, y) => x.up * x.down - y.up * y.down)[0]?.term;
}

/** What floors obey: 0 <= P - Q*floor(P/Q) <= Q - 1 (a symbolic Q is known to be at least 1 here). */
function divisions(list: readonly Dim[]): readonly Dim[] {
  return [...atomsWithin(list)].flatMap((f) => {
    if (f.kind !== "floor") return [];
    const rest = sub(f.numerator, mul(f.denominator, f.dim));
    return [rest, sub(sub(f.denominator, 1), rest)];
  });
}
