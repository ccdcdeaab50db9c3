/**
 * The data of dims and their interning: atoms, monomials, the Dim itself, and one total order of them all.
 *
 * Equal normal forms are the same object. Terms are ordered by degree, then by the structure of their atoms,
 * never by what was made before: a monomial order, which printing and exact division rely on. The tables
 * live as long as the program; a decision works in `scratch`. It refuses expressions beyond 200,000 nodes or
 * 1,200 levels.
 */
import { type Int, plus, refuse, shrink, times } from "./integer.ts";
import { Journal } from "./journal.ts";

/** What is known of a part of a dim without visiting it. */
interface Summary {
  readonly id: number;
  readonly height: number;
}

export type Atom =
  | (Summary & { readonly kind: "symbol"; readonly name: string })
  | (Summary & { readonly kind: "floor"; readonly numerator: Dim; readonly denominator: Dim })
  | (Summary & { readonly kind: "max"; readonly left: Dim; readonly right: Dim });

/** A product of atoms, sorted, with repetition. */
export interface Monomial extends Summary {
  readonly factors: readonly Atom[];
  readonly size: number;
  readonly bounded: boolean;
}

export interface Term {
  readonly coefficient: Int;
  readonly factors: readonly Atom[];
  readonly monomial: Monomial;
}

export type Shape = readonly Dim[];

let nextId = 1;

export class Dim implements Summary {
  readonly id = nextId++;
  readonly terms: readonly Term[];
  /** The value of a constant. */
  readonly value: Int | undefined;
  readonly height: number;
  readonly size: number;
  /** Whether a max or a symbolic divisor is inside: what bounds on the symbols could simplify. */
  readonly bounded: boolean;
  /** The next one with the same hash. */
  readonly next: Dim | undefined;
  symbols: readonly string[] | undefined = undefined;
  atoms: readonly Atom[] | undefined = undefined;

  constructor(terms: readonly Term[], value?: Int, next?: Dim) {
    this.terms = terms;
    this.value = value;
    this.next = next;
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

const symbols = new Map<string, Dim>();
const atoms = new Map<string, Atom>();
const monomials = new Map<string, Monomial>();
const dims = new Map<number, Dim>();
let journal: Journal | undefined;

function remember<K, V>(table: Map<K, V>, key: K, value: V): V {
  if (journal) journal.put(table, key, value);
  else table.set(key, value);
  return value;
}

/** Runs `work`; the dims it makes are not kept interned and must not escape (results are plain data). */
export function scratch<T>(work: () => T): T {
  const outer = journal;
  const inner = new Journal();
  journal = inner;
  try {
    return work();
  } finally {
    journal = outer;
    inner.rollBack();
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
    made = new Dim(value === 0 ? [] : [termOf(value, unit)], value);
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
  return remember(symbols, name, fromAtom({ kind: "symbol", name, id: nextId++, height: 0 }));
}

/** The name, if d is a symbol and nothing else. */
export function nameOf(d: Dim): string | undefined {
  const [t] = d.terms;
  const atom =
    d.terms.length === 1 && t!.coefficient === 1 && t!.factors.length === 1 ? t!.factors[0]! : undefined;
  return atom?.kind === "symbol" ? atom.name : undefined;
}

export function kindOf(name: string): "rigid" | "flex" | "free" {
  return name.startsWith("?") ? "flex" : name.startsWith("!") ? "free" : "rigid";
}

export function floorAtom(numerator: Dim, denominator: Dim): Dim {
  const key = `${numerator.id}/${denominator.id}`;
  const height = 1 + Math.max(numerator.height, denominator.height);
  const known = atoms.get(key);
  return fromAtom(
    known ?? remember(atoms, key, { kind: "floor", numerator, denominator, id: nextId++, height }),
  );
}

export function maxAtom(left: Dim): Dim {
  const key = `>${left.id}`;
  const made = { kind: "max", left, right: zero, height: 1 + left.height } as const;
  return fromAtom(atoms.get(key) ?? remember(atoms, key, { ...made, id: nextId++ }));
}

export function fromAtom(atom: Atom): Dim {
  return intern([termOf(1, monomialOf([atom]))]);
}

export function monomialOf(factors: readonly Atom[]): Monomial {
  const key = factors.length === 1 ? `${factors[0]!.id}` : factors.map((f) => f.id).join();
  return monomials.get(key) ?? remember(monomials, key, describe(factors));
}

function describe(factors: readonly Atom[]): Monomial {
  let [height, size, bounded] = [0, 1 + factors.length, false];
  for (const f of factors) {
    height = Math.max(height, f.height);
    bounded ||= f.kind === "max" || (f.kind === "floor" && f.denominator.value === undefined);
    for (const child of childrenOf(f)) {
      size += child.size;
      bounded ||= child.bounded;
    }
  }
  return { id: nextId++, factors, height, size, bounded };
}

export function termOf(coefficient: Int, monomial: Monomial): Term {
  return { coefficient, factors: monomial.factors, monomial };
}

/** The dim of sorted terms. */
export function intern(terms: readonly Term[]): Dim {
  const head = terms[0];
  if (head === undefined) return zero;
  if (head.factors.length === 0) return constant(head.coefficient);
  let hash = 0;
  for (const { coefficient: c, monomial } of terms) {
    const low = typeof c === "number" ? c % 4294967291 : Number(BigInt.asIntN(32, c));
    hash = (Math.imul(hash, 31) + Math.imul(monomial.id, 0x9e3779b1) + low) | 0;
  }
  const first = dims.get(hash);
  for (let d = first; d; d = d.next) if (sameTerms(d.terms, terms)) return d;
  return remember(dims, hash, new Dim(terms, undefined, first));
}

function sameTerms(x: readonly Term[], y: readonly Term[]): boolean {
  const same = (t: Term, i: number) => t.monomial === y[i]!.monomial && t.coefficient === y[i]!.coefficient;
  return x.length === y.length && x.every(same);
}

/**
 * Structural order of atoms: lower ones first, then symbols by name. Never depends on what was made before.
 */
export function compareAtoms(x: Atom, y: Atom): number {
  if (x === y) return 0;
  if (x.height !== y.height) return x.height - y.height;
  if (x.kind === "symbol" && y.kind === "symbol")
    return x.name === y.name ? twoCopies() : x.name < y.name ? -1 : 1;
  if (x.kind === "floor" && y.kind === "floor")
    return compareDims(x.numerator, y.numerator) || compareDims(x.denominator, y.denominator);
  if (x.kind === "max" && y.kind === "max") return compareDims(x.left, y.left);
  return x.kind < y.kind ? -1 : 1;
}

function compareMonomials(x: Monomial, y: Monomial): number {
  if (x === y) return 0;
  if (x.factors.length !== y.factors.length) return y.factors.length - x.factors.length;
  for (const [i, factor] of x.factors.entries()) {
    const order = compareAtoms(factor, y.factors[i]!);
    if (order !== 0) return order;
  }
  return twoCopies();
}

/** Equal parts are one object within one copy of this module. */
function twoCopies(): never {
  throw new Error("internal: equal dims are different objects; are two copies of shapecast loaded?");
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

/** x + k*y, both sorted: each term of y is sought in x by galloping, so a long sum grows at little cost. */
export function merge(x: readonly Term[], k: Int, y: readonly Term[]): readonly Term[] {
  if (k === 1 && x.length < y.length) return merge(y, 1, x);
  const out = new Array<Term>(x.length + y.length);
  let [i, n] = [0, 0];
  for (const t of y) {
    for (const to = seek(x, t.monomial, i); i < to; ) out[n++] = x[i++]!;
    const scaled = k === 1 ? t.coefficient : times(k, t.coefficient);
    const c = x[i]?.monomial === t.monomial ? plus(x[i++]!.coefficient, scaled) : scaled;
    if (c !== 0) out[n++] = c === t.coefficient ? t : termOf(c, t.monomial);
  }
  while (i < x.length) out[n++] = x[i++]!;
  out.length = n;
  return out;
}

/** The first index from `lo` on whose monomial is not before m. */
function seek(x: readonly Term[], m: Monomial, lo: number): number {
  const before = (i: number) => compareMonomials(x[i]!.monomial, m) < 0;
  let step = 1;
  for (; lo + step <= x.length && before(lo + step - 1); step *= 2) lo += step;
  let hi = Math.min(lo + step - 1, x.length);
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (before(middle)) lo = middle + 1;
    else hi = middle;
  }
  return lo;
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
  d.atoms ??= [...new Set(d.terms.flatMap((t) => t.factors))];
  return d.atoms;
}

export function childrenOf(atom: Atom): readonly Dim[] {
  return atom.kind === "floor" ? [atom.numerator, atom.denominator] : atom.kind === "max" ? [atom.left] : [];
}
