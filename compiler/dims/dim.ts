/**
 * The data of dims and their interning: atoms, terms, the Dim itself, and one total order of them.
 *
 * Equal normal forms are the same object. Terms are ordered by degree, then by their atoms: height, size,
 * text, never by what was made before. That is a monomial order, which printing and exact division rely on.
 * The tables live as long as the program; a decision works in `scratch`. It refuses expressions beyond
 * 200,000 nodes or 1,200 levels.
 */
import { type Int, plus, refuse, shrink, times } from "./integer.ts";
import { Journal } from "./journal.ts";

/** What is known of a part of a dim without visiting it. */
interface Node {
  readonly height: number;
  readonly size: number;
  /** Whether a max or a symbolic divisor is inside: what bounds on the symbols could simplify. */
  readonly bounded: boolean;
}

interface Named extends Node {
  readonly id: number;
  /** What it prints as, once somebody asks. */
  text?: string;
}

export type Atom =
  | (Named & { readonly kind: "symbol"; readonly name: string })
  | (Named & { readonly kind: "floor"; readonly numerator: Dim; readonly denominator: Dim })
  | (Named & { readonly kind: "max"; readonly left: Dim; readonly right: Dim });

/** A coefficient and a product of atoms, sorted, with repetition; `id` and `factors` are the product's. */
export interface Term {
  readonly coefficient: Int;
  readonly factors: readonly Atom[];
  readonly id: number;
}

export type Shape = readonly Dim[];

let nextId = 1;

export class Dim implements Node {
  readonly id = nextId++;
  readonly terms: readonly Term[];
  /** The value of a constant. */
  readonly value: Int | undefined;
  // Computed when asked for: most dims are steps on the way to others.
  node: Node | undefined = undefined;
  symbols: readonly string[] | undefined = undefined;
  atoms: readonly Atom[] | undefined = undefined;

  constructor(terms: readonly Term[], value?: Int) {
    this.terms = terms;
    this.value = value;
  }

  get height(): number {
    return nodeOf(this).height;
  }
  get size(): number {
    return nodeOf(this).size;
  }
  get bounded(): boolean {
    return nodeOf(this).bounded;
  }
  toString(): string {
    return printer(this);
  }
}

function nodeOf(d: Dim): Node {
  if (d.node) return d.node;
  let [height, size, bounded] = [0, 1 + d.terms.length, false];
  for (const { factors } of d.terms)
    for (const f of factors) {
      if (f.height > height) height = f.height;
      size += f.size;
      bounded ||= f.bounded;
    }
  d.node = { height, size, bounded };
  return d.node;
}

let printer: (d: Dim) => string = () => "";
/** text.ts hands its printer over here: a Dim prints itself without this file importing the text form. */
export function setPrinter(print: (d: Dim) => string): void {
  printer = print;
}

const atoms = new Map<string, Dim>();
/** The products of atoms, each as the term with coefficient 1. */
const products = new Map<string, Term>();
/** By a hash of their terms. */
const dims = new Map<number, readonly Dim[]>();
const constants = new Map<Int, Dim>();
const small: Dim[] = [];
let journal: Journal | undefined;

function interned<V>(table: Map<string, V>, key: string, make: () => V): V {
  const known = table.get(key);
  if (known !== undefined) return known;
  const made = make();
  put(table, key, made);
  return made;
}

function put<K, V>(table: Map<K, V>, key: K, value: V): void {
  if (journal) journal.put(table, key, value);
  else table.set(key, value);
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

export function constant(n: Int): Dim {
  const known = typeof n === "number" && n >= 0 && n < 4096 ? small[n] : constants.get(n);
  if (known) return known;
  const value = shrink(n);
  if (typeof value !== "bigint" && !Number.isSafeInteger(value))
    refuse("E2108", `a dim of ${n}`, "give a whole number below 2^53, or a bigint");
  const made = constants.get(value) ?? new Dim(value === 0 ? [] : [scaled(value, unit)], value);
  constants.set(value, made);
  if (value >= 0 && value < 4096) small[Number(value)] = made;
  return made;
}

const unit: Term = { coefficient: 1, factors: [], id: 0 };
export const zero = constant(0);

/**
 * A symbol, interned by name. "?x" must become a constant (flex), "!x" is data-dependent (free), else rigid.
 */
export function symbol(name: string): Dim {
  return interned(atoms, name, () => {
    if (!/^([?!]|(?![\p{N}.]))[\p{L}\p{N}_.$]+$/u.test(name))
      refuse("E3001", `${JSON.stringify(name)} does not name a dim`, "use letters, digits, _ . and $");
    return fromAtom({ kind: "symbol", name, text: name, ...nodeAbove([], false) });
  });
}

/** The name, if d is a symbol and nothing else. */
export function nameOf(d: Dim): string | undefined {
  const t = d.terms[0];
  if (d.terms.length !== 1 || t?.coefficient !== 1 || t.factors.length !== 1) return undefined;
  const atom = t.factors[0]!;
  return atom.kind === "symbol" ? atom.name : undefined;
}

export function kindOf(name: string): "rigid" | "flex" | "free" {
  return name.startsWith("?") ? "flex" : name.startsWith("!") ? "free" : "rigid";
}

export function floorAtom(numerator: Dim, denominator: Dim): Dim {
  return interned(atoms, `${numerator.id}/${denominator.id}`, () => {
    const node = nodeAbove([numerator, denominator], denominator.value === undefined);
    return fromAtom({ kind: "floor", numerator, denominator, ...node });
  });
}

/** max(left, 0) */
export function maxAtom(left: Dim): Dim {
  const make = () => fromAtom({ kind: "max", left, right: zero, ...nodeAbove([left], true) });
  return interned(atoms, `${left.id}>`, make);
}

function nodeAbove(children: readonly Dim[], bounded: boolean): Node & { readonly id: number } {
  const size = children.reduce((total, d) => total + d.size, 1);
  const height = children.length && 1 + Math.max(...children.map((d) => d.height));
  if (size > 2e5 || height > 1200)
    refuse("E2302", `an expression of ${size} nodes, ${height} deep`, "name its parts as symbols");
  return { id: nextId++, height, size, bounded: bounded || children.some((d) => d.bounded) };
}

export function fromAtom(atom: Atom): Dim {
  return intern([productOf([atom])]);
}

/** The term 1 * factors; the factors sorted. */
export function productOf(factors: readonly Atom[]): Term {
  let key = "";
  for (const f of factors) key += `${f.id},`;
  return key === "" ? unit : interned(products, key, () => ({ coefficient: 1, factors, id: nextId++ }));
}

export function scaled(coefficient: Int, { factors, id }: Term): Term {
  return { coefficient, factors, id };
}

/** The dim of sorted terms. */
export function intern(terms: readonly Term[]): Dim {
  const head = terms[0];
  if (head === undefined) return zero;
  if (head.id === 0) return constant(head.coefficient);
  let hash = 0;
  for (const { coefficient: c, id } of terms)
    hash =
      (Math.imul(hash, 31) +
        Math.imul(id, 0x9e3779b1) +
        (typeof c === "number" ? c % 0x7fffffff : Number(c % 0x7fffffffn))) |
      0;
  const same = (d: Dim) =>
    d.terms.length === terms.length &&
    d.terms.every((t, i) => t.id === terms[i]!.id && t.coefficient === terms[i]!.coefficient);
  const alike = dims.get(hash) ?? [];
  const known = alike.find(same);
  if (known) return known;
  const made = new Dim(terms);
  put(dims, hash, [...alike, made]);
  return made;
}

/** Structural order of atoms: lower ones first, symbols by name. */
export function compareAtoms(x: Atom, y: Atom): number {
  if (x === y) return 0;
  const order = x.height - y.height || x.size - y.size;
  if (order !== 0) return order;
  const [a, b] = [textOf(x), textOf(y)];
  // Equal parts are one object within one copy of this module.
  if (a === b)
    throw new Error("internal: equal dims are different objects; are two copies of shapecast loaded?");
  return a < b ? -1 : 1;
}

function textOf(atom: Atom): string {
  atom.text ??= printer(fromAtom(atom));
  return atom.text;
}

function compareTerms(x: Term, y: Term): number {
  if (x.factors === y.factors || x.factors.length !== y.factors.length)
    return y.factors.length - x.factors.length;
  let i = 0;
  while (i + 1 < x.factors.length && x.factors[i] === y.factors[i]) i++;
  return compareAtoms(x.factors[i]!, y.factors[i]!);
}

/** A total order by structure alone. */
export function compareDims(x: Dim, y: Dim): number {
  const at = x.terms.findIndex(
    (t, i) => t.id !== y.terms[i]?.id || t.coefficient !== y.terms[i]?.coefficient,
  );
  const [s, t] = [x.terms[at], y.terms[at]];
  if (!s || !t) return x.terms.length - y.terms.length;
  return compareTerms(s, t) || (s.coefficient < t.coefficient ? -1 : 1);
}

/** x + k*y, both sorted: each term of y is sought in x by halving, so a long sum grows at little cost. */
export function merge(x: readonly Term[], k: Int, y: readonly Term[]): readonly Term[] {
  if (k === 1 && x.length < y.length) return merge(y, 1, x);
  const out = new Array<Term>(x.length + y.length);
  let [i, n] = [0, 0];
  for (const t of y) {
    // Nearly always the next term of x comes after t already, or is it.
    let [at, width] = [i, 1];
    while (at + width <= x.length && compareTerms(x[at + width - 1]!, t) < 0) {
      at += width;
      width *= 2;
    }
    for (; width >= 1; width >>= 1)
      if (at + width <= x.length && compareTerms(x[at + width - 1]!, t) < 0) at += width;
    while (i < at) out[n++] = x[i++]!;
    const c = k === 1 ? t.coefficient : times(k, t.coefficient);
    const total = x[i]?.factors === t.factors ? plus(x[i++]!.coefficient, c) : c;
    if (total !== 0) out[n++] = total === t.coefficient ? t : scaled(total, t);
  }
  while (i < x.length) out[n++] = x[i++]!;
  out.length = n;
  return out;
}

export function mergeAll(lists: readonly (readonly Term[])[]): readonly Term[] {
  if (lists.length < 2) return lists[0] ?? [];
  const half = lists.length >> 1;
  return merge(mergeAll(lists.slice(0, half)), 1, mergeAll(lists.slice(half)));
}

/** The names in d, sorted. */
export function symbolsOf(d: Dim): readonly string[] {
  d.symbols ??= [
    ...new Set(
      atomsOf(d).flatMap((f) => (f.kind === "symbol" ? [f.name] : childrenOf(f).flatMap(symbolsOf))),
    ),
  ].sort();
  return d.symbols;
}

/** The atoms of d itself (not those inside them), each once. */
export function atomsOf(d: Dim): readonly Atom[] {
  d.atoms ??= [...new Set(d.terms.flatMap((t) => t.factors))];
  return d.atoms;
}

/** All atoms in the dims of `list`, also those inside others, which come before them. */
export function atomsWithin(list: readonly Dim[], found = new Set<Atom>()): ReadonlySet<Atom> {
  for (const atom of list.flatMap(atomsOf)) {
    if (found.has(atom)) continue;
    atomsWithin(childrenOf(atom), found);
    found.add(atom);
  }
  return found;
}

export function childrenOf(atom: Atom): readonly Dim[] {
  return atom.kind === "floor" ? [atom.numerator, atom.denominator] : atom.kind === "max" ? [atom.left] : [];
}
