/**
 * What is known of the symbols of one graph: equations, bounds and divisibility collected with their
 * origins, solved as they come. Flex symbols are solved for; two rigid symbols are never merged, their
 * equation stays a residual that decisions may assume. An assertion that cannot be settled yet is parked and
 * taken up again when one of its symbols learns something, so the result does not depend on the order of the
 * assertions.
 *
 * Every change goes through an undo journal: an assertion that contradicts the store leaves no trace but its
 * Conflict, whose core is minimal.
 */
import {
  anything,
  type Clause,
  Constraint,
  type Domain,
  defaultDomain,
  differences,
  intersect,
  isMember,
  type Relation,
  sameDomain,
} from "./constraint.ts";
import { decide, type Facts } from "./decide.ts";
import { compareDims, constant, type Dim, kindOf, nameOf, type Shape, symbol, symbolsOf } from "./dim.ts";
import { range } from "./evaluate.ts";
import { add, floorDiv, mod, sub } from "./expression.ts";
import { refuse } from "./integer.ts";
import {
  type Assertion,
  type Conflict,
  type Failure,
  type Knowledge,
  namesOf,
  type Origin,
  outside,
  type Parked,
  type Residual,
  State,
} from "./knowledge.ts";
import { primitive, simplify } from "./simplify.ts";
import { minimalCore, openness, solveAlone, solveFlex } from "./solving.ts";

/** Bounds of a symbol; a symbol is at least 1 (a free one at least 0) unless its domain says otherwise. */
export interface Declaration {
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
}

type RelationClause = Extract<Clause, { kind: "relation" }>;

export class Store implements Facts {
  #state = new State();
  #log: Assertion[] = [];
  readonly #queue = new Set<Assertion>();

  /** Narrows a symbol's domain. @throws CompileError E1002 for bounds that are not whole numbers */
  declare(name: string, { min, max, multipleOf = 1 }: Declaration, origin: Origin): Conflict | undefined {
    const whole = [min ?? 1, max ?? 1, multipleOf].every((n) => Number.isInteger(n) || n === anything.max);
    if (multipleOf < 1 || !whole)
      refuse("E1002", `${name} within ${min}..${max}, a multiple of ${multipleOf}`, "give whole numbers");
    const bounds = { min: min ?? anything.min, max: max ?? anything.max };
    return this.#declare(name, { ...bounds, modulus: multipleOf, residues: [0] }, origin);
  }

  #declare(name: string, domain: Domain, origin: Origin): Conflict | undefined {
    const declared = this.#state.known.get(name)?.declared.min;
    const least = defaultDomain(name).min;
    if (declared === least && domain.min < least && domain.min > anything.min)
      this.#restart(name, { ...anything, min: domain.min }, origin);
    return this.#assert("declare", symbol(name), constant(0), origin, { domain });
  }

  /** A minimum below the default that comes after the symbol was used: all is settled again under it. */
  #restart(name: string, domain: Domain, origin: Origin): void {
    const fresh = new Store();
    fresh.#assert("declare", symbol(name), constant(0), origin, { domain });
    if (this.#log.some((x) => fresh.#assert(x.goal, x.left, x.right, x.origin, x))) return;
    this.#log = fresh.#log;
    this.#state = fresh.#state;
  }

  /** Declares what a constraint says of single symbols, asserts what it says of several. */
  require(constraint: Constraint, origin: Origin): Conflict | undefined {
    for (const c of constraint.clauses) {
      const failed =
        c.kind === "domain"
          ? this.#declare(c.symbol, c, origin)
          : this.relate(c.relation, c.left, c.right, origin);
      if (failed) return failed;
    }
    return undefined;
  }

  relate(relation: Relation, a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    if (relation === ">") return this.atLeast(a, add(b, 1), origin);
    return relation === "==" ? this.equal(a, b, origin) : this.#assert(relation, a, b, origin);
  }

  /** a == b. Flex symbols are solved for; between rigid ones it becomes a residual. */
  equal(a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    return a === b || this.resolve(a) === this.resolve(b) ? undefined : this.#assert("==", a, b, origin);
  }

  /** a >= b. */
  atLeast(a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    return a === b ? undefined : this.#assert(">=", a, b, origin);
  }

  /** a % by == 0. @throws CompileError E2112 for a divisor of 0 */
  divisible(a: Dim, by: Dim, origin: Origin): Conflict | undefined {
    return this.equal(mod(a, by), constant(0), origin);
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
    return this.#assert("broadcast", a, b, origin, { result }) ?? result;
  }

  /** d with everything known applied. */
  resolve(d: Dim): Dim {
    return this.#state.resolve(d);
  }

  canonical(d: Dim, firm: boolean): Dim {
    return this.#state.canonical(d, firm);
  }

  domainOf(name: string): Domain {
    return this.#state.domainOf(name);
  }

  solve(shape: Shape): Shape {
    return shape.map((d) => this.resolve(d));
  }

  valueOf(name: string): Dim | undefined {
    const value = this.#state.known.get(name)?.value;
    return value && this.resolve(value);
  }

  /** The assertions that fixed a symbol, first to last. */
  whyOf(name: string): readonly Origin[] {
    return this.#state.related([name], false).map((x) => x.origin);
  }

  /**
   * What is still required of the symbols, merged: one entry per symbol, then the relations between symbols.
   */
  residuals(): readonly Residual[] {
    const list: Residual[] = [];
    for (const name of [...this.#state.known.keys()].sort()) {
      const { domain, declared, value, because } = this.#state.known.get(name)!;
      const clauses = kindOf(name) === "flex" && value ? [] : differences(name, domain, declared);
      const origins = because.filter((x) => x.goal !== "declare").map((x) => x.origin);
      if (clauses.length > 0) list.push({ constraint: new Constraint(clauses), origins });
    }
    const parked = [...this.#state.parked].flatMap(([x, entries]) => {
      const alternative = x.goal === "broadcast" ? { alternative: "or one is 1" } : {};
      const clauses = entries.flatMap(({ clause }) => clause ?? []);
      return clauses.map((c) => ({ constraint: new Constraint([c]), origins: [x.origin], ...alternative }));
    });
    return [...list, ...parked.sort((x, y) => (`${x.constraint}` < `${y.constraint}` ? -1 : 1))];
  }

  /** The flex symbols that nothing determines, with the assertions that leave them open. */
  undetermined(): readonly { readonly symbol: string; readonly origins: readonly Origin[] }[] {
    const open = new Map<string, Set<Origin>>();
    for (const x of this.#log)
      for (const name of namesOf(x).flatMap((n) => symbolsOf(this.resolve(symbol(n)))))
        if (kindOf(name) === "flex") open.set(name, (open.get(name) ?? new Set()).add(x.origin));
    return [...open].map(([symbol, origins]) => ({ symbol, origins: [...origins] }));
  }

  #assert(
    goal: Assertion["goal"],
    left: Dim,
    right: Dim,
    origin: Origin,
    more: Pick<Assertion, "domain" | "result"> = {},
  ): Conflict | undefined {
    const { domain, result } = more;
    const assertion = { goal, left, right, origin, index: this.#log.length, domain, result } as Assertion;
    const failure = this.#run(assertion);
    if (!failure) {
      this.#log.push(assertion);
      return undefined;
    }
    const pools = [
      () => this.#state.related(namesOf(assertion), false),
      () => this.#state.related(namesOf(assertion), true),
      () => this.#log,
    ];
    const core = minimalCore(pools, assertion, Store.#conflicts);
    return { ...failure, core: core.map((x) => x.origin) };
  }

  static #conflicts(list: readonly Assertion[]): boolean {
    const store = new Store();
    return list.some((x) => store.#run(x) !== undefined);
  }

  /** Settles one assertion and all that it wakes; after a failure or an exception the store is as before. */
  #run(assertion: Assertion): Failure | undefined {
    this.#state.journal.begin();
    this.#queue.clear();
    this.#queue.add(assertion);
    let done = false;
    try {
      for (const x of this.#queue) {
        this.#queue.delete(x);
        const failure = this.#settle(x);
        if (failure) return failure;
      }
      done = true;
      return undefined;
    } finally {
      if (!done) this.#state.journal.rollBack();
    }
  }

  #learn(name: string, news: Partial<Knowledge>, x: Assertion): void {
    const old = this.#state.of(name);
    const because = old.because.includes(x) ? old.because : [...old.because, x];
    this.#state.put(this.#state.known, name, { ...old, ...news, because });
    this.#wake(name, () => true);
  }

  #wake(name: string, which: (x: Assertion) => boolean): void {
    for (const x of this.#state.waiting.get(name) ?? [])
      if (this.#state.parked.has(x) && which(x)) this.#queue.add(x);
  }

  #settle(x: Assertion): Failure | undefined {
    const { parked, zeros, rewrites } = this.#state;
    for (const { zero, rewrite } of parked.get(x) ?? []) {
      if (zero) this.#state.put(zeros, zero, undefined);
      if (rewrite) this.#state.put(rewrites, rewrite, undefined);
    }
    if (parked.has(x)) this.#state.put(parked, x, undefined);
    const [a, b] = [this.resolve(x.left), this.resolve(x.right)];
    if (x.goal === "declare") return this.#settleDeclaration(x);
    if (x.goal === "broadcast") return this.#settleBroadcast(x, a, b);
    return x.goal === "==" ? this.#settleEqual(x, a, b) : this.#settleVerdict(x, x.goal, a, b);
  }

  #settleEqual(x: Assertion, a: Dim, b: Dim): Failure | undefined {
    if (a === b) return undefined;
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const [name, value] = [nameOf(one), nameOf(other)];
      const bindable = name !== undefined && value !== undefined && kindOf(name) === "flex";
      const last = bindable && (kindOf(value) !== "flex" || value < name);
      if (name !== undefined && (other.value !== undefined || last)) return this.#bind(x, name, other);
    }
    const solution = solveFlex(sub(a, b));
    if (!solution) return this.#settleVerdict(x, "==", a, b);
    const { name, numerator, denominator } = solution;
    if (range(denominator, this.#state.domainOf).min < 1)
      return this.#park(x, { kind: "relation", relation: "==", left: a, right: b });
    if (denominator.value !== 1) {
      const failure = this.#settleVerdict(x, "==", mod(numerator, denominator), constant(0));
      if (failure) return { left: a, right: b, relation: "==" };
    }
    const { residues } = this.#state.domainOf(name);
    if (residues.length > 1 && symbolsOf(numerator).length > 0) return this.#settleVerdict(x, "==", a, b);
    return this.#bind(x, name, simplify(floorDiv(numerator, denominator), this.#state.domainOf));
  }

  #bind(x: Assertion, name: string, value: Dim): Failure | undefined {
    const { domain } = this.#state.of(name);
    if (value.value !== undefined) {
      const n = Number(value.value);
      if (!isMember(domain, n)) return outside(name, domain, n);
      const point = kindOf(name) === "flex" ? domain : { ...anything, min: n, max: n };
      this.#learn(name, { value, domain: point }, x);
      return undefined;
    }
    this.#learn(name, { value }, x);
    this.#inherit(x, symbol(name), domain);
    return undefined;
  }

  /** What a symbol's domain requires of the value it was bound to, as assertions of their own. */
  #inherit(parent: Assertion, name: Dim, { min, max, modulus, residues }: Domain): void {
    const made = (goal: "==" | ">=", left: Dim, right: Dim) =>
      this.#queue.add({ ...parent, goal, left, right, parent });
    const value = range(this.resolve(name), this.#state.domainOf);
    if (value.min < min) made(">=", name, constant(min));
    if (value.max > max) made(">=", constant(max), name);
    if (modulus > 1) made("==", mod(name, modulus), constant(residues[0]!));
  }

  #settleVerdict(x: Assertion, relation: Relation, a: Dim, b: Dim): Failure | undefined {
    const verdict = decide(relation, a, b, this.#state);
    if (verdict.kind === "always") return verdict.assumed ? this.#wait(x, {}) : undefined;
    if (verdict.kind === "never") return { left: a, right: b, relation };
    const plain: Clause = { kind: "relation", relation, left: a, right: b };
    for (const clause of verdict.kind === "iff" ? verdict.constraint.clauses : [plain]) {
      const failure = clause.kind === "relation" ? this.#park(x, clause) : this.#narrow(x, clause);
      if (failure) return failure;
    }
    return undefined;
  }

  #narrow(x: Assertion, clause: Exclude<Clause, RelationClause>): Failure | undefined {
    const { symbol: name } = clause;
    const { domain, value } = this.#state.of(name);
    const met = intersect(domain, clause);
    if (!met) return this.#wait(x, { clause });
    if (met.min > met.max) return outside(name, domain, clause.min);
    if (sameDomain(met, domain)) return undefined;
    this.#learn(name, { domain: met, value: value ?? only(met) }, x);
    return undefined;
  }

  #park(x: Assertion, clause: RelationClause): undefined {
    if (clause.relation !== "==") return this.#wait(x, { clause });
    const zero = primitive(
      this.#state.canonical(sub(clause.left, clause.right), false),
      this.#state.domainOf,
    );
    const { name: rewrite, value } = solveAlone(zero) ?? {};
    if (rewrite && value) this.#state.put(this.#state.rewrites, rewrite, { value, from: x });
    this.#state.put(this.#state.zeros, zero, x);
    // An equation may refute a bound. It does not wake other equations: they would wake it in turn.
    for (const name of symbolsOf(zero)) this.#wake(name, ({ goal }) => goal === ">=" || goal === "!=");
    return this.#wait(x, { clause, zero, ...(rewrite ? { rewrite } : {}) });
  }

  /** Takes x up again when one of its symbols learns something. */
  #wait(x: Assertion, parked: Parked): undefined {
    this.#state.put(this.#state.parked, x, [...(this.#state.parked.get(x) ?? []), parked]);
    const { waiting } = this.#state;
    for (const d of new Set([x.left, x.right, this.resolve(x.left), this.resolve(x.right)]))
      for (const name of symbolsOf(d)) waiting.set(name, (waiting.get(name) ?? new Set()).add(x));
  }

  #settleBroadcast(x: Assertion, a: Dim, b: Dim): Failure | undefined {
    const result = this.resolve(x.result!);
    const equals = (p: Dim, q: Dim) => decide("==", p, q, this.#state);
    if (a === b || b.value === 1 || a.value === 1) {
      const other = b.value === 1 ? a : b;
      const fits = equals(other, result).kind;
      if (fits === "always") return undefined;
      if (fits !== "never")
        return this.#park(x, { kind: "relation", relation: "==", left: other, right: result });
      const one = a.value === 1 ? x.left : x.right;
      const suggestion = `${one} is 1 here: declare ${one} = 1 or ${x.left} = ${x.right}`;
      return { left: a, right: b, relation: "broadcasts with", suggestion };
    }
    const verdict = equals(a, b);
    // What another broadcast only took for granted binds nothing: one of them may still turn out to be 1.
    if (verdict.kind === "always")
      return verdict.assumed ? this.#wait(x, {}) : this.#settleEqual(x, a, result);
    const apart = (p: Dim, q: Dim) => equals(p, q).kind === "never";
    if (verdict.kind === "never" && apart(a, constant(1)) && apart(b, constant(1)))
      return { left: a, right: b, relation: "broadcasts with" };
    return this.#park(x, { kind: "relation", relation: "==", left: a, right: b });
  }

  #settleDeclaration(x: Assertion): Failure | undefined {
    const name = nameOf(x.left)!;
    const wanted = x.domain!;
    const { domain: old, declared, value } = this.#state.of(name);
    const fixed = Number(value?.value ?? Number.NaN);
    if (value?.value !== undefined && !isMember(wanted, fixed)) return outside(name, wanted, fixed);
    const first = !this.#state.known.has(name) && wanted.min > anything.min;
    const domain = intersect(first ? wanted : old, wanted);
    if (!domain) return this.#wait(x, {});
    if (domain.min > domain.max) return outside(name, old, wanted.min);
    const news = { domain, declared: intersect(first ? wanted : declared, wanted) ?? declared };
    this.#learn(name, { ...news, value: value ?? only(domain) }, x);
    if (value && value.value === undefined) this.#inherit(x, x.left, wanted);
    return undefined;
  }
}

/** The only member of a domain. */
function only({ min, max }: Domain): Dim | undefined {
  return min === max ? constant(min) : undefined;
}
