/**
 * What a store knows, with an undo journal: domains and values of symbols, what is parked, and the equations
 * that decisions may assume. It answers what a dim is under all that; how the knowledge comes about is the
 * store's business.
 */
import type { SourceLocation } from "../diagnostics/index.ts";
import {
  type Clause,
  Constraint,
  type Domain,
  defaultDomain,
  differences,
  nearest,
  type Relation,
} from "./constraint.ts";
import type { Facts } from "./decide.ts";
import { constant, type Dim, nameOf, symbol, symbolsOf } from "./dim.ts";
import { substitute } from "./evaluate.ts";
import { neg } from "./expression.ts";
import { Journal } from "./journal.ts";
import { primitive, simplify } from "./simplify.ts";

/** Where an assertion comes from. */
export interface Origin {
  /** Who requires it: "dense.kernel", 'input "x"'. */
  readonly subject: string;
  /** What was required, in words. */
  readonly clause: string;
  readonly at?: SourceLocation;
  readonly chain?: readonly string[];
}

export interface Failure {
  readonly left: Dim;
  readonly right: Dim;
  readonly relation: string;
  readonly suggestion?: string;
}

export interface Conflict extends Failure {
  /** The origins that cannot hold together, none of them superfluous; the failed assertion last. */
  readonly core: readonly Origin[];
}

export interface Residual {
  readonly constraint: Constraint;
  readonly origins: readonly Origin[];
  /** What else would do, for a broadcast that was taken to be an equality. */
  readonly alternative?: string;
}

export interface Assertion {
  readonly goal: Relation | "broadcast" | "declare";
  readonly left: Dim;
  readonly right: Dim;
  readonly origin: Origin;
  readonly index: number;
  /** What a declaration declares. */
  readonly domain?: Domain;
  /** The dim that a broadcast was said to have. */
  readonly result?: Dim;
  /** The assertion that this one follows from. */
  readonly parent?: Assertion;
}

/** What is known of one symbol; replaced, never changed. */
export interface Knowledge {
  readonly domain: Domain;
  readonly declared: Domain;
  readonly value: Dim | undefined;
  readonly because: readonly Assertion[];
}

export interface Parked {
  /** Missing where a broadcast's assumption makes it hold: it only waits for that to change. */
  readonly clause?: Clause;
  /** A dim known to be zero as long as this is parked, and the symbol it is solved for, if any. */
  readonly zero?: Dim;
  readonly rewrite?: string;
}

/** An orientation of a required equation: its symbol is value. */
interface Rewrite {
  readonly value: Dim;
  readonly from: Assertion;
}

export class State implements Facts {
  readonly known = new Map<string, Knowledge>();
  readonly parked = new Map<Assertion, readonly Parked[]>();
  /** Dims that required equations make 0, and the equation. */
  readonly zeros = new Map<Dim, Assertion>();
  readonly rewrites = new Map<string, Rewrite>();
  /** What has ever been parked on a symbol, parked still or not. */
  readonly waiting = new Map<string, Set<Assertion>>();
  readonly journal = new Journal();

  put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    this.journal.put(map, key, value);
  }

  of(name: string): Knowledge {
    const domain = defaultDomain(name);
    return this.known.get(name) ?? { domain, declared: domain, value: undefined, because: [] };
  }

  readonly domainOf = (name: string): Domain => this.known.get(name)?.domain ?? defaultDomain(name);

  /** d with everything known applied. */
  resolve(d: Dim): Dim {
    if (d.value !== undefined) return d;
    const name = nameOf(d);
    if (name !== undefined) return this.#resolveSymbol(d, name);
    const map = new Map<string, Dim>();
    for (const name of symbolsOf(d)) {
      const value = this.known.get(name)?.value;
      if (value) map.set(name, value);
    }
    return map.size === 0 ? simplify(d, this.domainOf) : this.resolve(substitute(d, map));
  }

  /** Follows values that are symbols themselves; each on the way then knows the last one. */
  #resolveSymbol(d: Dim, name: string): Dim {
    let [end, at]: [Dim, string | undefined] = [d, name];
    const passed: string[] = [];
    for (let value: Dim | undefined; at !== undefined; at = nameOf(end)) {
      value = this.known.get(at)?.value;
      if (!value) return this.#shorten(passed, end);
      passed.push(at);
      end = value;
    }
    return this.#shorten(passed, end.value === undefined ? this.resolve(end) : end);
  }

  #shorten(names: readonly string[], value: Dim): Dim {
    for (const name of names) {
      const known = this.known.get(name)!;
      if (known.value !== value) this.put(this.known, name, { ...known, value });
    }
    return value;
  }

  /**
   * resolve(d) with the required equations applied too; `firm` leaves out what a broadcast merely assumes.
   */
  canonical(d: Dim, firm: boolean): Dim {
    const usable = (x: Assertion) => !firm || x.goal !== "broadcast";
    let current = this.resolve(d);
    for (let i = 0; i < 20 && this.rewrites.size > 0; i++) {
      const map = new Map<string, Dim>();
      for (const name of symbolsOf(current)) {
        const found = this.rewrites.get(name);
        if (found && usable(found.from)) map.set(name, found.value);
      }
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
      const waiting = parked ? [...(this.waiting.get(name) ?? [])].filter((x) => this.parked.has(x)) : [];
      for (const x of [...(this.known.get(name)?.because ?? []), ...waiting]) {
        if (!found.has(x)) for (const other of namesOf(x)) seen.add(other);
        found.add(x);
      }
    }
    const roots = new Set([...found].map((x) => x.parent ?? x));
    return [...roots].sort((x, y) => x.index - y.index);
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
    relation: `${new Constraint(clauses)}`,
    ...(near.length > 0 ? { suggestion: `nearest ${near.join(", ")}` } : {}),
  };
}
