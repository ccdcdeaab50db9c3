/**
 * The data of dims and their interning: atoms, monomials, the Dim itself, and one total order of them all.
 *
 * Equal normal forms are the same object. Terms are ordered by degree, then by the structure of their atoms,
 * never by what was made before: a monomial order, which printing and exact division rely on. The tables
 * live as long as the program; a decision works in `scratch`. It refuses expressions beyond 200,000 nodes or
 * 1,200 levels.
 */
import { type Int, plus, refuse, shrink, times } from "./integer.ts";

export type Atom =
  | { readonly kind: "symbol"; readonly name: string; readonly id: number; readonly height: 0 }
  | {
      readonly kind: "floor";
      readonly numerator: Dim;
      readonly denominator: Dim;
      readonly id: number;
      readonly height: number;
    }
  | {
      readonly kind: "max";
      readonly left: Dim;
      readonly right: Dim;
      readonly id: number;
      readonly height: number;
    };

/** A product of atoms, sorted, with repetition. */
export interface Monomial {
  readonly id: number;
  readonly factors: readonly Atom[];
  readonly height: number;
  readonly size: number;
  readonly bounded: boolean;
}

export interface Term {
  readonly coefficient: Int;
  readonly factors: readonly Atom[];
  readonly monomial: Monomial;
}

export type Shape = readonly Dim[];

export class Dim {
  readonly id: number;
  readonly terms: readonly Term[];
  /** The value of a constant. */
  readonly value: Int | undefined;
  readonly height: number;
  readonly size: number;
  /** Whether a max or a symbolic divisor is inside: what bounds on the symbols could simplify. */
  readonly bounded: boolean;
  symbols: readonly string[] | undefined = undefined;
  atoms: readonly Atom[] | undefined = undefined;

  constructor(id: number, terms: readonly Term[], value: Int | undefined) {
    this.id = id;
    this.terms = terms;
    this.value = value;
    let [height, size, bounded] = [0, 1, false];
    for (const { monomial } of terms) {
      if (monomial.height > height) height = monomial.height;
      size += monomial.size;
      bounded ||= monomial.bounded;
    }
    this.height = height;
    this.size = size;
    this.bounded = bounded;
    if (size > 2e5 || height > 1200)
      refuse("E2302", `an expression of ${size} nodes, ${height} deep`, "name its parts as symbols");
  }

  toString(): string {
    return printer(this);
  }
}

let printer: (d: Dim) => string = () => "";
/** text.ts hands its printer over here: a Dim prints itself without this file importing the text form. */
export function setPrinter(print: (d: Dim) => string): void {
  printer = print;
}

/**
 * Interning tables. Within `scratch` new entries go to an overlay that is dropped at the end, so that a
 * decision that looks at thousands of residues leaves nothing behind.
 */
class Table<K, V> {
  private readonly base = new Map<K, V>();
  private overlay: Map<K, V> | undefined;
  get(key: K): V | undefined {
    return this.overlay?.get(key) ?? this.base.get(key);
  }
  set(key: K, value: V): V {
    (this.overlay ?? this.base).set(key, value);
    return value;
  }
  swap(overlay: Map<K, V> | undefined): Map<K, V> | undefined {
    const old = this.overlay;
    this.overlay = overlay;
    return old;
  }
}

const atoms = new Table<string, Atom>();
const symbols = new Table<string, Dim>();
const monomials = new Table<string, Monomial>();
const dims = new Table<number, readonly Dim[]>();
let nextId = 1;

/** Runs `work`; the dims it makes are not kept interned and must not escape (results are plain data). */
export function scratch<T>(work: () => T): T {
  const old = [
    symbols.swap(new Map()),
    atoms.swap(new Map()),
    monomials.swap(new Map()),
    dims.swap(new Map()),
  ] as const;
  try {
    return work();
  } finally {
    symbols.swap(old[0]);
    atoms.swap(old[1]);
    monomials.swap(old[2]);
    dims.swap(old[3]);
  }
}

const unit: Monomial = { id: 0, factors: [], height: 0, size: 1, bounded: false };
const constants = new Map<Int, Dim>();
const cached: Dim[] = [];

export function constant(n: Int): Dim {
  const fast = typeof n === "number" ? cached[n] : undefined;
  if (fast) return fast;
  const value = shrink(n);
  if (typeof value === "number" && !Number.isSafeInteger(value))
    refuse("E2108", `a dim of ${n}`, "give a whole number below 2^53, or a bigint");
  let made = constants.get(value);
  if (!made) {
    made = new Dim(nextId++, value === 0 ? [] : [{ coefficient: value, factors: [], monomial: unit }], value);
    constants.set(value, made);
    if (value >= 0 && value < 65536) cached[Number(value)] = made;
  }
  return made;
}

export const zero = constant(0);

/**
 * A symbol, interned by name. "?x" must become a constant (flex), "!x" is data-dependent (free), else rigid.
 */
export function symbol(name: string): Dim {
  const known = symbols.get(name);
  if (known) return known;
  if (!/^([?!]|(?!\p{N}))[\p{L}\p{N}_.$]+$/u.test(name))
    refuse("E3001", `${JSON.stringify(name)} does not name a dim`, "use letters, digits, _ . and $");
  return symbols.set(name, fromAtom({ kind: "symbol", name, id: nextId++, height: 0 }));
}

/** The name, if d is a symbol and nothing else. */
export function nameOf(d: Dim): string | undefined {
  const t = d.terms[0];
  const atom =
    d.terms.length === 1 && t?.coefficient === 1 && t.factors.length === 1 ? t.factors[0] : undefined;
  return atom?.kind === "symbol" ? atom.name : undefined;
}

export function kindOf(name: string): "rigid" | "flex" | "free" {
  return name.startsWith("?") ? "flex" : name.startsWith("!") ? "free" : "rigid";
}

export function floorAtom(numerator: Dim, denominator: Dim): Dim {
  const key = `${numerator.id}/${denominator.id}`;
  const height = 1 + Math.max(numerator.height, denominator.height);
  return fromAtom(
    atoms.get(key) ?? atoms.set(key, { kind: "floor", numerator, denominator, id: nextId++, height }),
  );
}

export function maxAtom(left: Dim): Dim {
  const key = `>${left.id}`;
  const made = { kind: "max", left, right: zero, height: 1 + left.height } as const;
  return fromAtom(atoms.get(key) ?? atoms.set(key, { ...made, id: nextId++ }));
}

export function fromAtom(atom: Atom): Dim {
  return intern([termOf(1, monomialOf([atom]))]);
}

export function monomialOf(factors: readonly Atom[]): Monomial {
  const key = factors.map((f) => f.id).join();
  return monomials.get(key) ?? monomials.set(key, describe(factors));
}

function describe(factors: readonly Atom[]): Monomial {
  const height = Math.max(...factors.map((f) => f.height));
  const size = factors.flatMap(childrenOf).reduce((total, child) => total + child.size, 1 + factors.length);
  const bounded = factors.some(
    (f) =>
      f.kind === "max" || (f.kind === "floor" && (f.numerator.bounded || f.denominator.value === undefined)),
  );
  return { id: nextId++, factors, height, size, bounded };
}

export function termOf(coefficient: Int, monomial: Monomial): Term {
  return { coefficient, factors: monomial.factors, monomial };
}

export function intern(terms: readonly Term[]): Dim {
  const head = terms[0];
  if (head === undefined) return zero;
  if (head.factors.length === 0) return constant(head.coefficient);
  let hash = 0;
  for (const { coefficient: c, monomial } of terms) {
    const low = typeof c === "number" ? c % 4294967291 : Number(BigInt.asIntN(32, c));
    hash = (Math.imul(hash, 31) + Math.imul(monomial.id, 0x9e3779b1) + low) | 0;
  }
  const bucket = dims.get(hash);
  const known = bucket?.find((d) => sameTerms(d.terms, terms));
  if (known) return known;
  const made = new Dim(nextId++, terms, undefined);
  dims.set(hash, bucket ? [...bucket, made] : [made]);
  return made;
}

function sameTerms(x: readonly Term[], y: readonly Term[]): boolean {
  return (
    x.length === y.length &&
    x.every((t, i) => t.monomial === y[i]?.monomial && t.coefficient === y[i].coefficient)
  );
}

/**
 * Structural order of atoms: lower ones first, then symbols by name. Never depends on what was made before.
 */
export function compareAtoms(x: Atom, y: Atom): number {
  if (x === y) return 0;
  if (x.height !== y.height) return x.height - y.height;
  if (x.kind === "symbol" && y.kind === "symbol") return x.name < y.name ? -1 : 1;
  if (x.kind === "floor" && y.kind === "floor")
    return compareDims(x.numerator, y.numerator) || compareDims(x.denominator, y.denominator);
  if (x.kind === "max" && y.kind === "max") return compareDims(x.left, y.left);
  return x.kind < y.kind ? -1 : 1;
}

function compareMonomials(x: Monomial, y: Monomial): number {
  if (x === y) return 0;
  if (x.factors.length !== y.factors.length) return y.factors.length - x.factors.length;
  for (let i = 0; ; i++) {
    const order = compareAtoms(x.factors[i]!, y.factors[i]!);
    if (order !== 0) return order;
  }
}

/** A total order by structure alone. */
export function compareDims(x: Dim, y: Dim): number {
  if (x === y) return 0;
  for (let i = 0; i < x.terms.length && i < y.terms.length; i++) {
    const [s, t] = [x.terms[i]!, y.terms[i]!];
    const order = compareMonomials(s.monomial, t.monomial);
    if (order !== 0) return order;
    if (s.coefficient !== t.coefficient) return s.coefficient < t.coefficient ? -1 : 1;
  }
  return x.terms.length - y.terms.length;
}

/** x + k*y: a merge of two sorted lists. */
export function merge(x: readonly Term[], k: Int, y: readonly Term[]): readonly Term[] {
  if (y.length === 1 && x.length > 8)
    return mergeOne(x, k === 1 ? y[0]! : termOf(times(k, y[0]!.coefficient), y[0]!.monomial));
  const out: Term[] = [];
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    const [s, t] = [x[i], y[j]];
    const order = s && t ? compareMonomials(s.monomial, t.monomial) : s ? -1 : 1;
    if (order < 0) out.push(s!);
    else {
      const scaled = k === 1 ? t!.coefficient : times(k, t!.coefficient);
      const c = order === 0 ? plus(s!.coefficient, scaled) : scaled;
      if (c !== 0) out.push(c === t!.coefficient ? t! : termOf(c, t!.monomial));
    }
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return out;
}

/** The same for a single term, by bisection: a sum that grows term by term copies but does not compare. */
function mergeOne(x: readonly Term[], t: Term): readonly Term[] {
  let [lo, hi] = [0, x.length];
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (compareMonomials(x[middle]!.monomial, t.monomial) < 0) lo = middle + 1;
    else hi = middle;
  }
  const same = x[lo]?.monomial === t.monomial;
  const c = same ? plus(x[lo]!.coefficient, t.coefficient) : t.coefficient;
  return x.toSpliced(lo, same ? 1 : 0, ...(c === 0 ? [] : [termOf(c, t.monomial)]));
}

export function mergeAll(lists: readonly (readonly Term[])[]): readonly Term[] {
  if (lists.length < 2) return lists[0] ?? [];
  const half = lists.length >> 1;
  return merge(mergeAll(lists.slice(0, half)), 1, mergeAll(lists.slice(half)));
}

/** The names in d, sorted. */
export function symbolsOf(d: Dim): readonly string[] {
  if (d.symbols) return d.symbols;
  const names = new Set<string>();
  for (const atom of atomsOf(d)) {
    if (atom.kind === "symbol") names.add(atom.name);
    else for (const child of childrenOf(atom)) for (const name of symbolsOf(child)) names.add(name);
  }
  d.symbols = [...names].sort();
  return d.symbols;
}

/** The atoms of d itself (not those inside them), each once. */
export function atomsOf(d: Dim): readonly Atom[] {
  if (d.atoms) return d.atoms;
  const found = new Set<Atom>();
  for (const t of d.terms) for (const f of t.factors) found.add(f);
  d.atoms = [...found];
  return d.atoms;
}

export function childrenOf(atom: Atom): readonly Dim[] {
  return atom.kind === "floor" ? [atom.numerator, atom.denominator] : atom.kind === "max" ? [atom.left] : [];
}
