/**
 * What is known of the symbols of one graph: equations, bounds and divisibility collected with their
 * origins, solved as they come. Flex symbols are solved for; two rigid symbols are never merged, their
 * equation stays a residual that decisions may assume. An assertion that cannot be settled yet is parked and
 * taken up again when one of its symbols learns something. One that contradicts the store leaves no trace but
 * its Conflict, whose core is minimal.
 */
import { range, simplify } from "./bounds.ts";
import {
  anything,
  type Clause,
  type Constraint,
  type Domain,
  defaultDomain,
  intersect,
  isMember,
  isSameClause,
  type Relation,
  type Relational,
  sameDomain,
} from "./constraint.ts";
import { decide, type Facts } from "./decide.ts";
import { compareDims, constant, type Dim, kindOf, nameOf, type Shape, symbol, zero } from "./dim.ts";
import { substitute } from "./evaluate.ts";
import { add, floorDiv, mod, neg, sub } from "./expression.ts";
import {
  type Assertion,
  boundsAs,
  type Conflict,
  type Declaration,
  declaredDomain,
  equation,
  type Failure,
  type Knowledge,
  namesOf,
  type Origin,
  outside,
  point,
  type Residual,
  residualsOf,
  set,
  stretched,
  undeterminedOf,
  unknown,
} from "./knowledge.ts";
import { minimalCore, openness, solveAlone, solveFlex } from "./solving.ts";

/** As many relations between symbols as a decision may assume. */
const mostContext = 12;

export class Store implements Facts {
  #log: Assertion[] = [];
  readonly #known = new Map<string, Knowledge>();
  /** What is still required of several symbols; nothing where for now an assumption makes it hold. */
  readonly #parked = new Map<Assertion, readonly Clause[]>();
  /** What has ever been parked on a symbol, parked still or not. */
  readonly #waiting = new Map<string, Set<Assertion>>();
  readonly #queue = new Set<Assertion>();
  /** What the tables held before the assertion that is being settled. */
  #undo: [table: Map<unknown, unknown>, key: unknown, old: unknown][] = [];

  /** Narrows a symbol's domain. @throws CompileError E1002 for bounds that are not whole numbers */
  declare(name: string, bounds: Declaration, origin: Origin): Conflict | undefined {
    return this.#declare(name, declaredDomain(name, bounds), origin);
  }

  #declare(name: string, domain: Domain, origin: Origin): Conflict | undefined {
    const index = this.#log.length;
    const assertion = { index, goal: "declare", left: symbol(name), right: zero, origin, domain } as const;
    const least = defaultDomain(name).min;
    if (this.#known.get(name)?.declared.min === least && domain.min < least && domain.min > anything.min)
      this.#restart({ ...assertion, domain: { ...anything, min: domain.min }, index: -1 - index });
    return this.#assert(assertion);
  }

  /** A minimum below the default that comes after the symbol was used: all is settled again under it. */
  #restart(first: Assertion): void {
    const list = [first, ...this.#log];
    if (Store.#conflicts(list)) return;
    for (const table of [this.#known, this.#parked, this.#waiting]) table.clear();
    for (const x of list) this.#run(x);
    this.#log = list;
  }

  /** Declares what a constraint says of single symbols, asserts what it says of several. */
  require(constraint: Constraint, origin: Origin): Conflict | undefined {
    const say = (c: Clause) =>
      c.kind === "domain"
        ? this.#declare(c.symbol, c, origin)
        : this.relate(c.relation, c.left, c.right, origin);
    for (const c of constraint.clauses) {
      const conflict = say(c);
      if (conflict) return conflict;
    }
    return undefined;
  }

  /** a `relation` b. What holds already is not kept. */
  relate(relation: Relation, a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    if (relation === ">") return this.relate(">=", a, add(b, 1), origin);
    const same = a === b || (relation === "==" && this.resolve(a) === this.resolve(b));
    if (same && relation !== "!=") return undefined;
    return this.#assert({ index: this.#log.length, goal: relation, left: a, right: b, origin });
  }

  /** a == b. Flex symbols are solved for; between rigid ones it becomes a residual. */
  equal(a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    return this.relate("==", a, b, origin);
  }

  atLeast(a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    return this.relate(">=", a, b, origin);
  }

  /** a % by == 0. @throws CompileError E2112 for a divisor of 0 */
  divisible(a: Dim, by: Dim, origin: Origin): Conflict | undefined {
    return this.equal(mod(a, by), zero, origin);
  }

  /**
   * The dim of a and b broadcast together, by NumPy's rule. Where both are symbolic they are taken to be
   * equal, a residual that says "or one is 1"; it is decided again when one of them becomes known.
   */
  broadcast(a: Dim, b: Dim, origin: Origin): Dim | Conflict {
    const [x, y] = [this.resolve(a), this.resolve(b)];
    if (x === y || y.value === 1) return x;
    if (x.value === 1) return y;
    const result = [x, y].sort((p, q) => openness(p) - openness(q) || compareDims(p, q))[0]!;
    const index = this.#log.length;
    return this.#assert({ index, goal: "broadcast", left: a, right: b, origin, result }) ?? result;
  }

  readonly domainOf = (name: string): Domain => this.#known.get(name)?.domain ?? defaultDomain(name);

  readonly solve = (shape: Shape): Shape => shape.map((d) => this.resolve(d));

  valueOf(name: string): Dim | undefined {
    return this.#known.get(name)?.value && this.resolve(symbol(name));
  }

  /** The assertions that fixed a symbol, first to last. */
  whyOf(name: string): readonly Origin[] {
    return this.#related([name], false).map((x) => x.origin);
  }

  /** What is still required, merged: one entry per symbol, then the relations between symbols. */
  readonly residuals = (): readonly Residual[] => residualsOf(this.#known, this.#parked);

  /** The flex symbols that nothing determines, with the assertions that leave them open. */
  readonly undetermined = () => undeterminedOf(this.#log, (name) => this.resolve(symbol(name)));

  /** d with everything known applied. Of a chain of symbols, each on the way then knows the last one. */
  resolve(d: Dim): Dim {
    const symbol = d.value === undefined ? nameOf(d) : undefined;
    const known = symbol === undefined ? undefined : this.#known.get(symbol)?.value;
    // Most dims to resolve are numbers, and symbols that are one or that nothing is known of.
    if (d.value !== undefined || (symbol !== undefined && !known) || known?.value !== undefined)
      return known ?? d;
    const passed: string[] = [];
    let end = d;
    for (let name = nameOf(end), value: Dim | undefined; name !== undefined; name = nameOf(end)) {
      value = this.#known.get(name)?.value;
      if (!value) break;
      passed.push(name);
      end = value;
    }
    const map = new Map<string, Dim>();
    for (const name of end.symbols) {
      const value = this.#known.get(name)?.value;
      if (value) map.set(name, this.resolve(value));
    }
    end = map.size > 0 ? this.resolve(substitute(end, map)) : simplify(end, this.domainOf);
    for (const name of passed) {
      const known = this.#known.get(name)!;
      if (known.value !== end) this.#put(this.#known, name, { ...known, value: end });
    }
    return end;
  }

  /**
   * resolve(d) with a symbol of each required equation eliminated, and what else is required as a context;
   * `firm` leaves out what a broadcast merely assumes, and `more` says that there was some.
   */
  under(d: Dim, firm: boolean): ReturnType<Facts["under"]> {
    let current = this.resolve(d);
    let context: readonly Dim[] = [];
    const { relations, more } = this.#relationsOn(current.symbols, firm);
    let open = relations.map(({ relation, left, right }) => ({ relation, zero: sub(left, right) }));
    for (let [c] = open; c; [c] = open) {
      const row = this.resolve(c.zero);
      const solved = c.relation === "==" ? solveAlone(row) : undefined;
      const map = new Map(solved && [[solved.name, solved.numerator]]);
      const eliminated = (x: Dim) => (solved ? this.resolve(substitute(x, map)) : x);
      const rows = solved ? boundsAs(solved.numerator, this.domainOf(solved.name)) : [row];
      open = open.slice(1).map((other) => ({ ...other, zero: eliminated(other.zero) }));
      current = eliminated(current);
      context = [...context.map(eliminated), ...rows, ...(c.relation === "==" && !solved ? [neg(row)] : [])];
      if (current.size > 600) break;
    }
    context = context.filter((row) => row.value === undefined && row.size < 200);
    return { d: current, context, more };
  }

  /** The relations that these symbols are in, and then those that these lead to. */
  #relationsOn(names: readonly string[], firm: boolean) {
    const relations = new Set<Relational>();
    const seen = new Set(names);
    let more = false;
    for (const name of seen)
      for (const x of this.#waiting.get(name) ?? []) {
        const clauses = this.#parked.get(x) ?? [];
        const isLeft = firm && x.goal === "broadcast";
        more ||= isLeft && clauses.length > 0;
        for (const c of isLeft ? [] : clauses) {
          if (c.kind !== "relation" || c.relation === "!=") continue;
          if (relations.has(c) || relations.size >= mostContext) continue;
          relations.add(c);
          for (const other of namesOf(c)) seen.add(other);
        }
      }
    return { relations: [...relations], more };
  }

  /** The assertions that what is known of `names` rests on, and those parked on them if asked, in order. */
  #related(names: readonly string[], parked: boolean): readonly Assertion[] {
    const found = new Set<Assertion>();
    const seen = new Set(names);
    for (const name of seen) {
      const waiting = parked ? [...(this.#waiting.get(name) ?? [])].filter((x) => this.#parked.has(x)) : [];
      for (const x of [...(this.#known.get(name)?.because ?? []), ...waiting]) {
        if (!found.has(x)) for (const other of namesOf(x)) seen.add(other);
        found.add(x);
      }
    }
    const roots = new Set([...found].map((x) => x.parent ?? x));
    return [...roots].sort((x, y) => x.index - y.index);
  }

  #assert(x: Assertion): Conflict | undefined {
    const failure = this.#run(x);
    if (!failure) {
      this.#log.push(x);
      return undefined;
    }
    const names = namesOf(x);
    const pools = [() => this.#related(names, false), () => this.#related(names, true), () => this.#log];
    return { ...failure, core: minimalCore(pools, x, Store.#conflicts).map((one) => one.origin) };
  }

  static #conflicts(list: readonly Assertion[]): boolean {
    const store = new Store();
    return list.some((x) => store.#run(x) !== undefined);
  }

  /** Settles one assertion and all that it wakes; after a failure or an exception the store is as before. */
  #run(assertion: Assertion): Failure | undefined {
    this.#undo = [];
    this.#queue.clear();
    let done = false;
    try {
      let failure = this.#settle(assertion);
      for (const x of this.#queue) {
        this.#queue.delete(x);
        failure ??= this.#settle(x);
      }
      done = failure === undefined;
      return failure;
    } finally {
      if (!done) for (const [table, key, old] of this.#undo.reverse()) set(table, key, old);
    }
  }

  /** Sets, or deletes for undefined, until the assertion fails. */
  #put<K, V>(table: Map<K, V>, key: K, value: V | undefined): void {
    this.#undo.push([table as Map<unknown, unknown>, key, table.get(key)]);
    set(table, key, value);
  }

  #settle(x: Assertion): Failure | undefined {
    if (this.#parked.has(x)) this.#put(this.#parked, x, undefined);
    const a = this.resolve(x.left);
    const b = this.resolve(x.right);
    if (x.domain) return this.#settleMember(x, a, x.domain);
    if (x.goal === "broadcast") return this.#settleBroadcast(x, a, b);
    return x.goal === "==" ? this.#settleEqual(x, a, b) : this.#settleVerdict(x, x.goal as Relation, a, b);
  }

  #settleEqual(x: Assertion, a: Dim, b: Dim): Failure | undefined {
    if (a === b) return undefined;
    const [one, other] = [nameOf(a), nameOf(b)];
    if (one !== undefined && b.value !== undefined) return this.#narrow(x, one, point(b));
    if (other !== undefined && a.value !== undefined) return this.#narrow(x, other, point(a));
    if (one !== undefined && other !== undefined && kindOf(one) === "flex" && kindOf(other) === "flex")
      return one < other ? this.#bind(x, other, a) : this.#bind(x, one, b);
    const solved = solveFlex(sub(a, b));
    if (!solved) return this.#settleVerdict(x, "==", a, b);
    const { name, numerator, denominator } = solved;
    if (range(denominator, this.domainOf).min < 1) return this.#park(x, equation(a, b));
    if (denominator.value !== 1 && this.#settleVerdict(x, "==", mod(numerator, denominator), zero))
      return { left: a, right: b, relation: "==" };
    return this.#bind(x, name, simplify(floorDiv(numerator, denominator), this.domainOf));
  }

  /** What is known of the symbol is from now on required of its value. */
  #bind(x: Assertion, name: string, value: Dim): Failure | undefined {
    if (value.value !== undefined) return this.#narrow(x, name, point(value));
    const domain = this.domainOf(name);
    this.#learn(name, { value }, x);
    const { min, max } = range(value, this.domainOf);
    if (min < domain.min || max > domain.max || domain.modulus > 1)
      this.#queue.add({ ...x, goal: "in", left: symbol(name), domain, parent: x.parent ?? x });
    return undefined;
  }

  #settleMember(x: Assertion, d: Dim, wanted: Domain): Failure | undefined {
    const name = nameOf(d);
    if (name !== undefined) return this.#narrow(x, name, wanted);
    const n = Number(d.value);
    if (d.value !== undefined) return isMember(wanted, n) ? undefined : outside(nameOf(x.left)!, wanted, n);
    const [{ min, max }, { modulus, residues }] = [range(d, this.domainOf), wanted];
    return (
      (min < wanted.min ? this.#settleVerdict(x, ">=", d, constant(wanted.min)) : undefined) ??
      (max > wanted.max ? this.#settleVerdict(x, ">=", constant(wanted.max), d) : undefined) ??
      (residues.length > 1
        ? this.#park(x)
        : this.#settleVerdict(x, "==", mod(d, modulus), constant(residues[0]!)))
    );
  }

  #narrow(x: Assertion, name: string, wanted: Domain): Failure | undefined {
    const known = this.#known.get(name);
    const { domain, declared, value } = known ?? unknown(name);
    const declares = x.goal === "declare" && nameOf(x.left) === name;
    // The first declaration replaces the default minimum.
    const first = declares && !known && wanted.min > anything.min;
    const met = intersect(first ? wanted : domain, wanted);
    if (!met) return this.#park(x, { kind: "domain", symbol: name, ...wanted });
    if (met.min > met.max) return outside(name, domain, wanted.min);
    if (sameDomain(met, domain) && !declares) return undefined;
    const news = declares ? { declared: intersect(first ? wanted : declared, wanted) ?? declared } : {};
    this.#learn(name, { ...news, domain: met, value: met.min === met.max ? constant(met.min) : value }, x);
    return undefined;
  }

  #learn(name: string, news: Partial<Knowledge>, x: Assertion): void {
    const old = this.#known.get(name) ?? unknown(name);
    const because = old.because.includes(x) ? old.because : [...old.because, x];
    const { domain = old.domain, declared = old.declared, value = old.value } = news;
    this.#put(this.#known, name, { domain, declared, value, because });
    for (const one of this.#waiting.get(name) ?? []) if (this.#parked.has(one)) this.#queue.add(one);
  }

  #settleVerdict(x: Assertion, relation: Relation, left: Dim, right: Dim): Failure | undefined {
    const verdict = decide(relation, left, right, this);
    if (verdict.kind === "never") return { left, right, relation };
    const plain = { kind: "relation", relation, left, right } as const;
    // What holds only because a broadcast was taken for an equality is required all the same.
    if (verdict.kind === "always") return verdict.assumed ? this.#parkOnce(x, plain) : undefined;
    for (const c of verdict.kind === "iff" ? verdict.constraint.clauses : [plain]) {
      const failure = c.kind === "relation" ? this.#park(x, c) : this.#narrow(x, c.symbol, c);
      if (failure) return failure;
    }
    return undefined;
  }

  /** Takes x up again when one of its symbols learns something. */
  #park(x: Assertion, ...clauses: readonly Clause[]): undefined {
    this.#put(this.#parked, x, [...(this.#parked.get(x) ?? []), ...clauses]);
    for (const d of new Set([x.left, x.right, this.resolve(x.left), this.resolve(x.right)]))
      for (const name of d.symbols) this.#waiting.set(name, (this.#waiting.get(name) ?? new Set()).add(x));
  }

  /** What one of the same goal and result requires already is not said again. */
  #parkOnce(x: Assertion, c: Relational): undefined {
    const waiting = this.#waiting.get(namesOf(c)[0]!) ?? [];
    const alike = [...waiting].filter(({ goal, result }) => goal === x.goal && result === x.result);
    const said = alike.flatMap((one) => this.#parked.get(one) ?? []);
    return said.some((other) => isSameClause(other, c)) ? this.#park(x) : this.#park(x, c);
  }

  #settleBroadcast(x: Assertion, a: Dim, b: Dim): Failure | undefined {
    const result = this.resolve(x.result!);
    const equals = (p: Dim, q: Dim) => decide("==", p, q, this);
    if (a === b || b.value === 1 || a.value === 1) {
      const other = b.value === 1 ? a : b;
      const fits = equals(other, result).kind;
      if (fits === "always") return undefined;
      if (fits !== "never") return this.#park(x, equation(other, result));
      return stretched(x, a, b);
    }
    const verdict = equals(a, b);
    // What another broadcast only took for granted binds nothing: one of them may still turn out to be 1.
    if (verdict.kind === "always" && verdict.assumed) return this.#parkOnce(x, equation(a, b));
    if (verdict.kind === "always") return this.#settleEqual(x, a, result);
    const apart = [a, b].every((side) => equals(side, constant(1)).kind === "never");
    if (!apart) return this.#park(x, equation(a, b));
    if (verdict.kind === "never") return { left: a, right: b, relation: "broadcasts with" };
    return this.#settleEqual({ ...x, goal: "==", parent: x.parent ?? x }, a, b);
  }
}
