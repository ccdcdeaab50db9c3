/**
 * What is known of the symbols of one graph: equations, bounds and divisibility collected with their
 * origins, solved as they come. Flex symbols are solved for; two rigid symbols are never merged, their
 * equation stays a residual that decisions may assume. An assertion that cannot be settled yet is parked and
 * taken up again when one of its symbols learns something, so the result does not depend on the order of the
 * assertions.
 *
 * Every change goes through an undo trail: an assertion that contradicts the store leaves no trace but its
 * Conflict, whose core is minimal (see core.ts).
 */

import type {
  Assertion,
  Conflict,
  Declaration,
  Failure,
  Knowledge,
  Origin,
  Parked,
  Residual,
} from "./assertion.ts";
import {
  type Clause,
  Constraint,
  type Domain,
  differences,
  intersect,
  isMember,
  sameDomain,
} from "./constraint.ts";
import { minimalCore } from "./core.ts";
import { decide, defaultDomain, type Facts } from "./decide.ts";
import { range } from "./evaluate.ts";
import {
  compareDims,
  constant,
  type Dim,
  floorDiv,
  isConstant,
  kindOf,
  mod,
  nameOf,
  type Shape,
  sub,
  symbol,
  symbolsOf,
} from "./expression.ts";
import { refuse } from "./integer.ts";
import { primitive, simplify } from "./simplify.ts";
import { openness, solveFlex, solveRigid } from "./solving.ts";
import { namesOf, outside, State } from "./state.ts";

export class Store implements Facts {
  #state = new State();
  #log: Assertion[] = [];
  #queue: Assertion[] = [];

  /** Narrows a symbol's domain. */
  declare(name: string, declaration: Declaration, origin: Origin): Conflict | undefined {
    const { min = 1, max = 1, multipleOf = 1 } = declaration;
    if (
      multipleOf < 1 ||
      ![min, max, multipleOf].every((n) => Number.isInteger(n) || n === Number.POSITIVE_INFINITY)
    )
      refuse("E1002", `${name} within ${min}..${max}, a multiple of ${multipleOf}`, "give whole numbers");
    const known = this.#state.known.get(name);
    const least = defaultDomain(name).min;
    const late = known && known.declared.min === least && (declaration.min ?? least) < least;
    if (late) this.#restart(name, declaration, origin);
    return this.#assert("declare", symbol(name), constant(0), origin, { declaration });
  }

  /**
   * A minimum below the default that comes after the symbol was used: everything is settled again under it.
   */
  #restart(name: string, { min }: Declaration, origin: Origin): void {
    const fresh = new Store();
    fresh.#assert("declare", symbol(name), constant(0), origin, { declaration: { min: min! } });
    if (this.#log.some((x) => fresh.#assert(x.goal, x.left, x.right, x.origin, x))) return;
    this.#log = fresh.#log;
    this.#state = fresh.#state;
  }

  /** a == b. Flex symbols are solved for; between rigid ones it becomes a residual. */
  equal(a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    return a === b ? undefined : this.#assert("==", a, b, origin);
  }

  /** a >= b. */
  atLeast(a: Dim, b: Dim, origin: Origin): Conflict | undefined {
    return a === b ? undefined : this.#assert(">=", a, b, origin);
  }

  /** a % by == 0. */
  divisible(a: Dim, by: Dim, origin: Origin): Conflict | undefined {
    return a === by && isConstant(a) && a.value !== 0 ? undefined : this.#assert("divisible", a, by, origin);
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
      return entries.flatMap(({ constraint }): Residual[] =>
        constraint ? [{ constraint, origins: [x.origin], ...alternative }] : [],
      );
    });
    return [...list, ...parked.sort((x, y) => (`${x.constraint}` < `${y.constraint}` ? -1 : 1))];
  }

  /** The flex symbols that nothing determines, with the assertions that leave them open. */
  undetermined(): readonly { readonly symbol: string; readonly origins: readonly Origin[] }[] {
    const open = new Map<string, Origin[]>();
    for (const x of this.#log)
      for (const name of namesOf(x).flatMap((n) => symbolsOf(this.resolve(symbol(n)))))
        if (kindOf(name) === "flex") open.set(name, [...new Set([...(open.get(name) ?? []), x.origin])]);
    return [...open].map(([name, origins]) => ({ symbol: name, origins }));
  }

  #assert(
    goal: Assertion["goal"],
    left: Dim,
    right: Dim,
    origin: Origin,
    more: Pick<Assertion, "declaration" | "result"> = {},
  ): Conflict | undefined {
    const assertion: Assertion = { goal, left, right, origin, ...more, index: this.#log.length };
    const failure = this.#run(assertion);
    if (!failure) {
      this.#log.push(assertion);
      return undefined;
    }
    const conflicts = (list: readonly Assertion[]) => Store.#conflicts(list);
    const pools = [
      () => this.#state.related(namesOf(assertion), false),
      () => this.#state.related(namesOf(assertion), true),
      () => this.#log,
    ];
    const core = minimalCore(pools, assertion, conflicts);
    return { ...failure, core: core.map((x) => x.origin) };
  }

  static #conflicts(list: readonly Assertion[]): boolean {
    const store = new Store();
    return list.some((x) => {
      if (store.#run(x)) return true;
      store.#log.push(x);
      return false;
    });
  }

  /** Settles one assertion and all that it wakes; after a failure or an exception the store is as before. */
  #run(assertion: Assertion): Failure | undefined {
    this.#state.begin();
    this.#queue = [assertion];
    let failure: Failure | undefined;
    let done = false;
    try {
      for (let x = this.#queue.shift(); x && !failure; x = this.#queue.shift()) failure = this.#settle(x);
      done = failure === undefined;
    } finally {
      if (!done) this.#state.rollBack();
    }
    return failure;
  }

  #learn(name: string, news: Partial<Knowledge>, wake: boolean): void {
    const old = this.#state.of(name);
    this.#state.put(this.#state.known, name, { ...old, ...news });
    if (wake)
      for (const x of old.waiting)
        if (this.#state.parked.has(x) && !this.#queue.includes(x)) this.#queue.push(x);
  }

  #settle(x: Assertion): Failure | undefined {
    for (const { zero, rewrite } of this.#state.parked.get(x) ?? []) {
      if (zero) this.#state.put(this.#state.zeros, zero, undefined);
      if (rewrite) this.#state.put(this.#state.rewrites, rewrite, undefined);
    }
    if (this.#state.parked.has(x)) this.#state.put(this.#state.parked, x, undefined);
    const [a, b] = [this.resolve(x.left), this.resolve(x.right)];
    if (x.goal === "declare") return this.#settleDeclaration(x);
    if (x.goal === "broadcast") return this.#settleBroadcast(x, a, b);
    if (x.goal === "==") return this.#settleEqual(x, a, b);
    if (x.goal === ">=") return this.#settleVerdict(x, ">=", a, b);
    if (b.value === 0) return { left: a, right: b, relation: "divisible by" };
    return this.#settleVerdict(x, "==", mod(a, b), constant(0));
  }

  #settleEqual(x: Assertion, a: Dim, b: Dim): Failure | undefined {
    if (a === b) return undefined;
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const name = other.value === undefined ? undefined : nameOf(one);
      if (name && kindOf(name) === "flex") return this.#bind(x, name, other);
    }
    const solution = solveFlex(sub(a, b));
    if (!solution) return this.#settleVerdict(x, "==", a, b);
    const { name, numerator, denominator } = solution;
    const mayBeZero = denominator.value === undefined && range(denominator, this.#state.domainOf).min < 1;
    if (mayBeZero) return this.#park(x, { kind: "relation", relation: "==", left: a, right: b });
    if (denominator.value === undefined || denominator.value !== 1) {
      const failure = this.#settleVerdict(x, "==", mod(numerator, denominator), constant(0));
      if (failure) return { left: a, right: b, relation: "==" };
    }
    const { residues } = this.#state.domainOf(name);
    if (residues.length > 1 && symbolsOf(numerator).length > 0) return this.#settleVerdict(x, "==", a, b);
    return this.#bind(x, name, simplify(floorDiv(numerator, denominator), this.#state.domainOf));
  }

  #bind(x: Assertion, name: string, value: Dim): Failure | undefined {
    const { domain, because } = this.#state.of(name);
    if (value.value !== undefined && !isMember(domain, Number(value.value)))
      return outside(name, domain, Number(value.value));
    this.#learn(name, { value, because: [...because, x] }, true);
    if (value.value === undefined) this.#queue.push(...this.#inherited(x, symbol(name), domain));
    return undefined;
  }

  /** What a symbol's domain requires of the value it was bound to, as assertions of their own. */
  #inherited(parent: Assertion, name: Dim, { min, max, modulus, residues }: Domain): readonly Assertion[] {
    const made = (goal: "==" | ">=", left: Dim, right: Dim) => ({ ...parent, goal, left, right, parent });
    return [
      ...(Number.isFinite(min) ? [made(">=", name, constant(min))] : []),
      ...(Number.isFinite(max) ? [made(">=", constant(max), name)] : []),
      ...(modulus > 1 ? [made("==", mod(name, modulus), constant(residues[0]!))] : []),
    ];
  }

  #settleVerdict(x: Assertion, relation: "==" | ">=", a: Dim, b: Dim): Failure | undefined {
    const verdict = decide(relation, a, b, this.#state);
    if (verdict.kind === "always") return verdict.assumed ? this.#wait(x, {}) : undefined;
    if (verdict.kind === "never") return this.#refuted(relation, a, b);
    const plain: Clause = { kind: "relation", relation, left: a, right: b };
    for (const clause of verdict.kind === "iff" ? verdict.constraint.clauses : [plain]) {
      const failure = clause.kind === "relation" ? this.#park(x, clause) : this.#narrow(x, clause);
      if (failure) return failure;
    }
    return undefined;
  }

  /**
   * A failure, with the nearest sizes that would do when one side is a lone symbol and the other a number.
   */
  #refuted(relation: string, a: Dim, b: Dim): Failure {
    if (relation === "==")
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const name = nameOf(one);
        if (name && other.value !== undefined)
          return outside(name, this.#state.domainOf(name), Number(other.value));
      }
    return { left: a, right: b, relation };
  }

  #narrow(x: Assertion, clause: Exclude<Clause, { kind: "relation" }>): Failure | undefined {
    const { symbol: name } = clause;
    const { domain, because, value } = this.#state.of(name);
    const met = intersect(domain, clause);
    if (!met) return this.#wait(x, { constraint: new Constraint([clause]) });
    if (met.min > met.max) return outside(name, domain, clause.min);
    if (sameDomain(met, domain)) return undefined;
    this.#learn(name, { domain: met, because: because.includes(x) ? because : [...because, x] }, true);
    if (met.min === met.max && !value) this.#learn(name, { value: constant(met.min) }, true);
    return undefined;
  }

  #park(x: Assertion, clause: Extract<Clause, { kind: "relation" }>): undefined {
    const d = sub(clause.left, clause.right);
    const constraint = new Constraint([clause]);
    if (clause.relation !== "==") return this.#wait(x, { constraint });
    const zero = primitive(this.#state.canonical(d, false), this.#state.domainOf);
    const rewrite = solveRigid(zero);
    if (rewrite) this.#state.put(this.#state.rewrites, rewrite.name, { ...rewrite, from: x });
    this.#state.put(this.#state.zeros, zero, x);
    return this.#wait(x, { constraint, zero, ...(rewrite ? { rewrite: rewrite.name } : {}) });
  }

  /** Takes x up again when one of its symbols learns something. */
  #wait(x: Assertion, parked: Parked): undefined {
    this.#state.put(this.#state.parked, x, [...(this.#state.parked.get(x) ?? []), parked]);
    const names = [x.left, x.right].flatMap((d) => [...symbolsOf(d), ...symbolsOf(this.resolve(d))]);
    for (const name of new Set(names)) {
      const { waiting } = this.#state.of(name);
      if (!waiting.includes(x)) this.#learn(name, { waiting: [...waiting, x] }, false);
    }
    return undefined;
  }

  #settleBroadcast(x: Assertion, a: Dim, b: Dim): Failure | undefined {
    const result = this.resolve(x.result!);
    if (a === b || b.value === 1 || a.value === 1) {
      const other = b.value === 1 ? a : b;
      const fits = decide("==", other, result, this.#state).kind;
      if (fits === "always") return undefined;
      if (fits !== "never")
        return this.#park(x, { kind: "relation", relation: "==", left: other, right: result });
      const one = a.value === 1 ? x.left : x.right;
      const suggestion = `${one} is 1 here: declare ${one} = 1 or ${x.left} = ${x.right}`;
      return { left: a, right: b, relation: "broadcasts with", suggestion };
    }
    const verdict = decide("==", a, b, this.#state);
    // What another broadcast only took for granted binds nothing: one of them may still turn out to be 1.
    if (verdict.kind === "always")
      return verdict.assumed ? this.#wait(x, {}) : this.#settleEqual(x, a, result);
    const canBeOne = (d: Dim) => decide("==", d, constant(1), this.#state).kind !== "never";
    if (verdict.kind === "never" && !canBeOne(a) && !canBeOne(b))
      return { left: a, right: b, relation: "broadcasts with" };
    return this.#park(x, { kind: "relation", relation: "==", left: a, right: b });
  }

  #settleDeclaration(x: Assertion): Failure | undefined {
    const name = symbolsOf(x.left)[0]!;
    const { domain: old, declared, because, value } = this.#state.of(name);
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, multipleOf = 1 } = x.declaration!;
    const wanted: Domain = { min, max, modulus: multipleOf, residues: [0] };
    if (value?.value !== undefined && !isMember(wanted, Number(value.value)))
      return outside(name, wanted, Number(value.value));
    const first = !this.#state.known.has(name) && min > Number.NEGATIVE_INFINITY;
    const domain = intersect(first ? wanted : old, wanted);
    if (!domain) return this.#wait(x, {});
    if (domain.min > domain.max) return outside(name, old, min);
    const news = { domain, declared: intersect(first ? wanted : declared, wanted) ?? declared };
    this.#learn(name, { ...news, because: because.includes(x) ? because : [...because, x] }, true);
    if (value?.value === undefined && value) this.#queue.push(...this.#inherited(x, x.left, wanted));
    if (domain.min === domain.max && !value) this.#learn(name, { value: constant(domain.min) }, true);
    return undefined;
  }
}
