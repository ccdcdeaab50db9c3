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
  Rewrite,
} from "./assertion.ts";
import {
  type Clause,
  Constraint,
  type Domain,
  differences,
  intersect,
  isMember,
  nearest,
  sameDomain,
} from "./constraint.ts";
import { minimalCore } from "./core.ts";
import { decide, defaultDomain, type Facts } from "./decide.ts";
import { range, substitute } from "./evaluate.ts";
import {
  compareDims,
  constant,
  type Dim,
  floorDiv,
  isConstant,
  kindOf,
  mod,
  neg,
  type Shape,
  sub,
  symbol,
  symbolsOf,
} from "./expression.ts";
import { refuse } from "./integer.ts";
import { primitive, simplify } from "./simplify.ts";
import { openness, solveFlex, solveRigid } from "./solving.ts";

export class Store implements Facts {
  #log: Assertion[] = [];
  #known = new Map<string, Knowledge>();
  #parked = new Map<Assertion, readonly Parked[]>();
  #zeros = new Map<Dim, Assertion>();
  #rewrites = new Map<string, Rewrite>();
  readonly #trail: (() => void)[] = [];
  #queue: Assertion[] = [];

  /** Narrows a symbol's domain. */
  declare(name: string, declaration: Declaration, origin: Origin): Conflict | undefined {
    const { min = 1, max = 1, multipleOf = 1 } = declaration;
    if (
      multipleOf < 1 ||
      ![min, max, multipleOf].every((n) => Number.isInteger(n) || n === Number.POSITIVE_INFINITY)
    )
      refuse("E1002", `${name} within ${min}..${max}, a multiple of ${multipleOf}`, "give whole numbers");
    const known = this.#known.get(name);
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
    this.#known = fresh.#known;
    this.#parked = fresh.#parked;
    this.#zeros = fresh.#zeros;
    this.#rewrites = fresh.#rewrites;
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
    if (d.value !== undefined) return d;
    let current = d;
    for (;;) {
      const map = new Map<string, Dim>();
      for (const name of symbolsOf(current)) {
        const value = this.#known.get(name)?.value;
        if (value) map.set(name, value);
      }
      if (map.size === 0) return simplify(current, this.domainOf);
      current = substitute(current, map);
    }
  }

  solve(shape: Shape): Shape {
    return shape.map((d) => this.resolve(d));
  }

  valueOf(name: string): Dim | undefined {
    const value = this.#known.get(name)?.value;
    return value && this.resolve(value);
  }

  /** The assertions that fixed a symbol, first to last. */
  whyOf(name: string): readonly Origin[] {
    return this.#related([name], false).map((x) => x.origin);
  }

  readonly domainOf = (name: string): Domain => this.#known.get(name)?.domain ?? defaultDomain(name);

  /**
   * resolve(d) with the required equations applied too; `firm` leaves out what a broadcast merely assumes.
   */
  canonical(d: Dim, firm: boolean): Dim {
    const usable = (x: Assertion) => !firm || x.goal !== "broadcast";
    let current = this.resolve(d);
    for (let i = 0; i < 20; i++) {
      const found = symbolsOf(current).flatMap((name) => this.#rewrites.get(name) ?? []);
      const map = new Map(found.filter((r) => usable(r.from)).map((r) => [r.name, r.value]));
      if (map.size === 0) break;
      current = this.resolve(substitute(current, map));
    }
    if (this.#zeros.size === 0) return current;
    const core = primitive(current, this.domainOf);
    const from = this.#zeros.get(core) ?? this.#zeros.get(neg(core));
    return from && usable(from) ? constant(0) : current;
  }

  /**
   * What is still required of the symbols, merged: one entry per symbol, then the relations between symbols.
   */
  residuals(): readonly Residual[] {
    const list: Residual[] = [];
    for (const name of [...this.#known.keys()].sort()) {
      const { domain, declared, value, because } = this.#known.get(name)!;
      const clauses = kindOf(name) === "flex" && value ? [] : differences(name, domain, declared);
      const origins = because.filter((x) => x.goal !== "declare").map((x) => x.origin);
      if (clauses.length > 0) list.push({ constraint: new Constraint(clauses), origins });
    }
    const parked = [...this.#parked].flatMap(([x, entries]) => {
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
      () => this.#related(namesOf(assertion), false),
      () => this.#related(namesOf(assertion), true),
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
    this.#trail.length = 0;
    this.#queue = [assertion];
    let failure: Failure | undefined;
    let done = false;
    try {
      for (let x = this.#queue.shift(); x && !failure; x = this.#queue.shift()) failure = this.#settle(x);
      done = failure === undefined;
    } finally {
      if (!done) while (this.#trail.length > 0) this.#trail.pop()!();
    }
    return failure;
  }

  #put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const old = map.get(key);
    this.#trail.push(() => (old === undefined ? map.delete(key) : map.set(key, old)));
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }

  #of(name: string): Knowledge {
    const domain = defaultDomain(name);
    return this.#known.get(name) ?? { domain, declared: domain, because: [], waiting: [] };
  }

  #learn(name: string, news: Partial<Knowledge>, wake: boolean): void {
    const old = this.#of(name);
    this.#put(this.#known, name, { ...old, ...news });
    if (wake)
      for (const x of old.waiting) if (this.#parked.has(x) && !this.#queue.includes(x)) this.#queue.push(x);
  }

  #settle(x: Assertion): Failure | undefined {
    for (const { zero, rewrite } of this.#parked.get(x) ?? []) {
      if (zero) this.#put(this.#zeros, zero, undefined);
      if (rewrite) this.#put(this.#rewrites, rewrite, undefined);
    }
    if (this.#parked.has(x)) this.#put(this.#parked, x, undefined);
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
    const solution = solveFlex(sub(a, b));
    if (!solution) return this.#settleVerdict(x, "==", a, b);
    const { name, numerator, denominator } = solution;
    const mayBeZero = denominator.value === undefined && range(denominator, this.domainOf).min < 1;
    if (mayBeZero) return this.#park(x, { kind: "relation", relation: "==", left: a, right: b });
    if (denominator.value === undefined || denominator.value !== 1) {
      const failure = this.#settleVerdict(x, "==", mod(numerator, denominator), constant(0));
      if (failure) return { left: a, right: b, relation: "==" };
    }
    const { residues } = this.domainOf(name);
    if (residues.length > 1 && symbolsOf(numerator).length > 0) return this.#settleVerdict(x, "==", a, b);
    return this.#bind(x, name, simplify(floorDiv(numerator, denominator), this.domainOf));
  }

  #bind(x: Assertion, name: string, value: Dim): Failure | undefined {
    const { domain, because } = this.#of(name);
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
    const verdict = decide(relation, a, b, this);
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
    const name = symbolsOf(a)[0];
    if (name === undefined || a !== symbol(name) || b.value === undefined || relation !== "==") {
      const flipped = symbolsOf(b).length === 1 && b === symbol(symbolsOf(b)[0]!) && a.value !== undefined;
      return flipped ? this.#refuted(relation, b, a) : { left: a, right: b, relation };
    }
    return outside(name, this.domainOf(name), Number(b.value));
  }

  #narrow(x: Assertion, clause: Exclude<Clause, { kind: "relation" }>): Failure | undefined {
    const { symbol: name } = clause;
    const { domain, because, value } = this.#of(name);
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
    const zero = primitive(this.canonical(d, false), this.domainOf);
    const rewrite = solveRigid(zero);
    if (rewrite) this.#put(this.#rewrites, rewrite.name, { ...rewrite, from: x });
    this.#put(this.#zeros, zero, x);
    return this.#wait(x, { constraint, zero, ...(rewrite ? { rewrite: rewrite.name } : {}) });
  }

  /** Takes x up again when one of its symbols learns something. */
  #wait(x: Assertion, parked: Parked): undefined {
    this.#put(this.#parked, x, [...(this.#parked.get(x) ?? []), parked]);
    const names = [x.left, x.right].flatMap((d) => [...symbolsOf(d), ...symbolsOf(this.resolve(d))]);
    for (const name of new Set(names)) {
      const { waiting } = this.#of(name);
      if (!waiting.includes(x)) this.#learn(name, { waiting: [...waiting, x] }, false);
    }
    return undefined;
  }

  #settleBroadcast(x: Assertion, a: Dim, b: Dim): Failure | undefined {
    const result = this.resolve(x.result!);
    if (a === b || b.value === 1 || a.value === 1) {
      const other = b.value === 1 ? a : b;
      const fits = decide("==", other, result, this).kind;
      if (fits === "always") return undefined;
      if (fits !== "never")
        return this.#park(x, { kind: "relation", relation: "==", left: other, right: result });
      const one = a.value === 1 ? x.left : x.right;
      const suggestion = `${one} is 1 here: declare ${one} = 1 or ${x.left} = ${x.right}`;
      return { left: a, right: b, relation: "broadcasts with", suggestion };
    }
    const verdict = decide("==", a, b, this).kind;
    if (verdict === "always") return this.#settleEqual(x, a, result);
    const canBeOne = (d: Dim) => decide("==", d, constant(1), this).kind !== "never";
    if (verdict === "never" && !canBeOne(a) && !canBeOne(b))
      return { left: a, right: b, relation: "broadcasts with" };
    return this.#park(x, { kind: "relation", relation: "==", left: a, right: b });
  }

  #settleDeclaration(x: Assertion): Failure | undefined {
    const name = symbolsOf(x.left)[0]!;
    const { domain: old, declared, because, value } = this.#of(name);
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, multipleOf = 1 } = x.declaration!;
    const wanted: Domain = { min, max, modulus: multipleOf, residues: [0] };
    if (value?.value !== undefined && !isMember(wanted, Number(value.value)))
      return outside(name, wanted, Number(value.value));
    const first = !this.#known.has(name) && min > Number.NEGATIVE_INFINITY;
    const domain = intersect(first ? wanted : old, wanted);
    if (!domain) return this.#wait(x, {});
    if (domain.min > domain.max) return outside(name, old, min);
    const news = { domain, declared: intersect(first ? wanted : declared, wanted) ?? declared };
    this.#learn(name, { ...news, because: because.includes(x) ? because : [...because, x] }, true);
    if (value?.value === undefined && value) this.#queue.push(...this.#inherited(x, x.left, wanted));
    if (domain.min === domain.max && !value) this.#learn(name, { value: constant(domain.min) }, true);
    return undefined;
  }

  /** The assertions that what is known of `names` rests on, and those parked on them if asked, in order. */
  #related(names: readonly string[], parked: boolean): readonly Assertion[] {
    const found = new Set<Assertion>();
    const seen = new Set(names);
    for (const name of seen) {
      const known = this.#known.get(name);
      for (const x of [...(known?.because ?? []), ...(parked ? (known?.waiting ?? []) : [])]) {
        found.add(x.parent ?? x);
        for (const other of namesOf(x)) seen.add(other);
      }
    }
    return [...found].sort((x, y) => x.index - y.index);
  }
}

const namesOf = (x: Assertion): readonly string[] => [...symbolsOf(x.left), ...symbolsOf(x.right)];

function outside(name: string, domain: Domain, value: number): Failure {
  const near = Number.isFinite(value) && domain.min <= domain.max ? nearest(domain, value) : [];
  const clauses = differences(name, domain, { ...defaultDomain(name), min: Number.NEGATIVE_INFINITY });
  return {
    left: symbol(name),
    right: Number.isFinite(value) ? constant(value) : symbol(name),
    relation: new Constraint(clauses).toString(),
    ...(near.length > 0 ? { suggestion: `nearest ${near.join(", ")}` } : {}),
  };
}
