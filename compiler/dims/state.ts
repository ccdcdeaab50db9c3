/**
 * What a store knows, with an undo trail: domains and values of symbols, what is parked, and the equations
 * that decisions may assume. It answers what a dim is under all that; how the knowledge comes about is the
 * store's business.
 */
import type { Assertion, Failure, Knowledge, Parked, Rewrite } from "./assertion.ts";
import { Constraint, type Domain, differences, nearest } from "./constraint.ts";
import { defaultDomain, type Facts } from "./decide.ts";
import { substitute } from "./evaluate.ts";
import { constant, type Dim, nameOf, neg, symbol, symbolsOf } from "./expression.ts";
import { primitive, simplify } from "./simplify.ts";

export class State implements Facts {
  readonly known = new Map<string, Knowledge>();
  readonly parked = new Map<Assertion, readonly Parked[]>();
  /** Dims that required equations make 0, and the equation. */
  readonly zeros = new Map<Dim, Assertion>();
  readonly rewrites = new Map<string, Rewrite>();
  readonly #trail: (() => void)[] = [];

  /** From here on, rollBack() undoes. */
  begin(): void {
    this.#trail.length = 0;
  }

  rollBack(): void {
    while (this.#trail.length > 0) this.#trail.pop()!();
  }

  put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const old = map.get(key);
    this.#trail.push(() => (old === undefined ? map.delete(key) : map.set(key, old)));
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }

  of(name: string): Knowledge {
    const domain = defaultDomain(name);
    return this.known.get(name) ?? { domain, declared: domain, because: [], waiting: [] };
  }

  /** d with everything known applied. */
  resolve(d: Dim): Dim {
    if (d.value !== undefined) return d;
    const value = this.known.get(nameOf(d) ?? "")?.value;
    if (value?.value !== undefined) return value;
    let current = d;
    for (;;) {
      const map = new Map<string, Dim>();
      for (const name of symbolsOf(current)) {
        const value = this.known.get(name)?.value;
        if (value) map.set(name, value);
      }
      if (map.size === 0) return simplify(current, this.domainOf);
      current = substitute(current, map);
    }
  }

  readonly domainOf = (name: string): Domain => this.known.get(name)?.domain ?? defaultDomain(name);

  /**
   * resolve(d) with the required equations applied too; `firm` leaves out what a broadcast merely assumes.
   */
  canonical(d: Dim, firm: boolean): Dim {
    const usable = (x: Assertion) => !firm || x.goal !== "broadcast";
    let current = this.resolve(d);
    for (let i = 0; i < 20; i++) {
      const found = symbolsOf(current).flatMap((name) => this.rewrites.get(name) ?? []);
      const map = new Map(found.filter((r) => usable(r.from)).map((r) => [r.name, r.value]));
      if (map.size === 0) break;
      current = this.resolve(substitute(current, map));
    }
    if (this.zeros.size === 0) return current;
    const core = primitive(current, this.domainOf);
    const from = this.zeros.get(core) ?? this.zeros.get(neg(core));
    return from && usable(from) ? constant(0) : current;
  }

  /** The assertions that what is known of `names` rests on, and those parked on them if asked, in order. */
  related(names: readonly string[], parked: boolean): readonly Assertion[] {
    const found = new Set<Assertion>();
    const seen = new Set(names);
    for (const name of seen) {
      const known = this.known.get(name);
      for (const x of [...(known?.because ?? []), ...(parked ? (known?.waiting ?? []) : [])]) {
        found.add(x.parent ?? x);
        for (const other of namesOf(x)) seen.add(other);
      }
    }
    return [...found].sort((x, y) => x.index - y.index);
  }
}

export const namesOf = (x: Assertion): readonly string[] => [...symbolsOf(x.left), ...symbolsOf(x.right)];

/** name is not `value`, as its domain shows; with the nearest members. */
export function outside(name: string, domain: Domain, value: number): Failure {
  const near = Number.isFinite(value) && domain.min <= domain.max ? nearest(domain, value) : [];
  const clauses = differences(name, domain, { ...defaultDomain(name), min: Number.NEGATIVE_INFINITY });
  return {
    left: symbol(name),
    right: Number.isFinite(value) ? constant(value) : symbol(name),
    relation: new Constraint(clauses).toString(),
    ...(near.length > 0 ? { suggestion: `nearest ${near.join(", ")}` } : {}),
  };
}
