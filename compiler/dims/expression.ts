/**
 * A dim: an integer polynomial over atoms (a symbol, floor(P/q), max(D, 0)), hash-consed so that equal normal forms
 * are the same object. Constants are cached and take a short path everywhere: concrete shapes cost next to nothing.
 *
 * The normal form does the cheap half of deciding. floor(P/q) gives up multiples of q, common factors and nested
 * floors (floor((floor(x/2)+1)/3) is floor((x+2)/6)), and keeps its leading coefficient positive, which makes
 * ceil(d/q) and -floor(-d/q) one object. max(P,Q) is Q + max(P-Q, 0) with a positive leading coefficient, so
 * max(a,b) + min(a,b) is a + b without any search. Terms are ordered by degree, then by the structure of their
 * atoms (never by creation), a monomial order: printing and exact division rely on it.
 *
 * It refuses division by the constant zero and expressions beyond 200,000 nodes or 1,200 levels. It does not cancel (a*b)//b:
 * that needs b >= 1, which only the store knows (see simplify in decide.ts).
 */
import { gcd, type Int, negate, plus, quotient, refuse, remainder, shrink, times } from "./integer.ts";

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
interface Monomial {
  readonly id: number;
  readonly factors: readonly Atom[];
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
    for (const t of terms) {
      size += 1 + t.factors.length;
      for (const atom of t.factors) {
        if (atom.height > height) height = atom.height;
        for (const child of childrenOf(atom)) size += child.size;
        bounded ||=
          atom.kind === "max" ||
          (atom.kind === "floor" && (atom.numerator.bounded || atom.denominator.value === undefined));
      }
    }
    this.height = height;
    this.size = size;
    this.bounded = bounded;
    if (size > 2e5 || height > 1200)
      refuse(
        "E2302",
        `an expression of ${size} nodes, ${height} deep`,
        "split it: name its parts as symbols",
      );
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
 * Interning tables. Within `scratch` new entries go to an overlay that is dropped at the end, so that a decision
 * that looks at thousands of residues leaves nothing behind.
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
const monomials = new Table<string, Monomial>();
const dims = new Table<number, readonly Dim[]>();
let nextId = 1;

/** Runs `work`; the dims it makes are not kept interned and must not escape (results are plain data). */
export function scratch<T>(work: () => T): T {
  const old = [atoms.swap(new Map()), monomials.swap(new Map()), dims.swap(new Map())] as const;
  try {
    return work();
  } finally {
    atoms.swap(old[0]);
    monomials.swap(old[1]);
    dims.swap(old[2]);
  }
}

const unit: Monomial = { id: 0, factors: [] };
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

const zero = constant(0);
const one = constant(1);

/** A symbol, interned by name. "?x" must become a constant (flex), "!x" is data-dependent (free), else rigid. */
export function symbol(name: string): Dim {
  const known = atoms.get(name);
  if (known) return fromAtom(known);
  if (!/^([?!]|(?!\p{N}))[\p{L}\p{N}_.$]+$/u.test(name))
    refuse("E3001", `${JSON.stringify(name)} does not name a dim`, "use letters, digits, _ . and $");
  return fromAtom(atoms.set(name, { kind: "symbol", name, id: nextId++, height: 0 }));
}

export function kindOf(name: string): "rigid" | "flex" | "free" {
  return name.startsWith("?") ? "flex" : name.startsWith("!") ? "free" : "rigid";
}

function floorAtom(numerator: Dim, denominator: Dim): Dim {
  const key = `${numerator.id}/${denominator.id}`;
  const height = 1 + Math.max(numerator.height, denominator.height);
  return fromAtom(
    atoms.get(key) ?? atoms.set(key, { kind: "floor", numerator, denominator, id: nextId++, height }),
  );
}

function maxAtom(left: Dim): Dim {
  const key = `>${left.id}`;
  const made = { kind: "max", left, right: zero, height: 1 + left.height } as const;
  return fromAtom(atoms.get(key) ?? atoms.set(key, { ...made, id: nextId++ }));
}

export function fromAtom(atom: Atom): Dim {
  return intern([termOf(1, monomialOf([atom]))]);
}

function monomialOf(factors: readonly Atom[]): Monomial {
  const key = factors.map((f) => f.id).join();
  return monomials.get(key) ?? monomials.set(key, { id: nextId++, factors });
}

function termOf(coefficient: Int, monomial: Monomial): Term {
  return { coefficient, factors: monomial.factors, monomial };
}

function intern(terms: readonly Term[]): Dim {
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

/** Structural order of atoms: lower ones first, then symbols by name. Never depends on what was made before. */
function compareAtoms(x: Atom, y: Atom): number {
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
function merge(x: readonly Term[], k: Int, y: readonly Term[]): readonly Term[] {
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

function mergeAll(lists: readonly (readonly Term[])[]): readonly Term[] {
  if (lists.length < 2) return lists[0] ?? [];
  const half = lists.length >> 1;
  return merge(mergeAll(lists.slice(0, half)), 1, mergeAll(lists.slice(half)));
}

export type Operand = Dim | number;

export function lift(x: Operand): Dim {
  return typeof x === "number" ? constant(x) : x;
}

export function add(...list: Operand[]): Dim {
  if (list.length !== 2) return sum(list);
  const [a, b] = [lift(list[0]!), lift(list[1]!)];
  if (a.value !== undefined && b.value !== undefined) return constant(plus(a.value, b.value));
  return intern(merge(a.terms, 1, b.terms));
}

export function sum(list: readonly Operand[]): Dim {
  return intern(mergeAll(list.map((x) => lift(x).terms)));
}

/** a + k*b in one step. */
export function addScaled(a: Dim, k: Int, b: Dim): Dim {
  return intern(merge(a.terms, k, b.terms));
}

export function sub(a: Operand, b: Operand): Dim {
  return a === b ? zero : addScaled(lift(a), -1, lift(b));
}

export function neg(a: Operand): Dim {
  return sub(0, a);
}

export function mul(...list: Operand[]): Dim {
  return product(list);
}

export function product(list: readonly Operand[]): Dim {
  return list.map(lift).reduce(multiply, one);
}

function multiply(a: Dim, b: Dim): Dim {
  if (a.value !== undefined && b.value !== undefined) return constant(times(a.value, b.value));
  if (a === one) return b;
  if (b === one) return a;
  if (a.terms.length > b.terms.length) return multiply(b, a);
  if (a.terms.length * b.terms.length > 2e4)
    refuse("E2302", `a product of ${a.terms.length} by ${b.terms.length} terms`, "name its parts as symbols");
  return intern(mergeAll(a.terms.map((s) => b.terms.map((t) => multiplyTerms(s, t)))));
}

function multiplyTerms(s: Term, t: Term): Term {
  const c = times(s.coefficient, t.coefficient);
  if (s.factors.length === 0) return termOf(c, t.monomial);
  if (t.factors.length === 0) return termOf(c, s.monomial);
  return termOf(c, monomialOf([...s.factors, ...t.factors].sort(compareAtoms)));
}

export function constantTerm(d: Dim): Int {
  const last = d.terms[d.terms.length - 1];
  return last && last.factors.length === 0 ? last.coefficient : 0;
}

/** The greatest common divisor of the coefficients, the constant's included. */
export function content(d: Dim): Int {
  return d.terms.reduce<Int>((g, t) => (g === 1 ? g : gcd(g, t.coefficient)), 0);
}

/** Every coefficient divided by `g`, rounding down (exact where `g` divides it). */
function shrinkBy(d: Dim, g: Int): Dim {
  if (g === 1) return d;
  const terms = d.terms.map((t) => termOf(quotient(t.coefficient, g), t.monomial));
  return intern(terms.filter((t) => t.coefficient !== 0));
}

/** floor(a/b), for any sign of b. Division by the constant zero is refused. */
export function floorDiv(a: Operand, b: Operand): Dim {
  const [n, d] = [lift(a), lift(b)];
  if (d.value !== undefined) {
    if (d.value === 0) refuse("E2112", `${n} is divided by 0`, "give a divisor of 1 or more");
    return d.value < 0 ? floorBy(neg(n), negate(d.value)) : floorBy(n, d.value);
  }
  const g = gcd(content(n), content(d));
  const signed = d.terms[0]!.coefficient < 0 ? negate(g) : g;
  return floorAtom(shrinkBy(n, signed), shrinkBy(d, signed));
}

/** floor(n/q) for a constant q >= 1, in normal form. */
function floorBy(n: Dim, q: Int): Dim {
  if (n.value !== undefined) return constant(quotient(n.value, q));
  if (q === 1) return n;
  const [outside, inside]: [Term[], Term[]] = [[], []];
  let g = q;
  for (const t of n.terms) {
    let r = remainder(t.coefficient, q);
    const variable = t.factors.length > 0;
    const twice = times(r, 2);
    if (variable && twice > q) r = plus(r, negate(q));
    if (variable && inside.length === 0 && r !== 0 && (r < 0 || (twice === q && t.coefficient < 0)))
      return neg(floorBy(sub(constant(plus(q, -1)), n), q));
    if (r !== 0) inside.push(termOf(r, t.monomial));
    if (r !== t.coefficient) outside.push(termOf(quotient(plus(t.coefficient, negate(r)), q), t.monomial));
    if (variable) g = gcd(g, r);
  }
  const rest = floorReduced(shrinkBy(intern(inside), g), quotient(q, g));
  return intern(merge(outside, 1, rest.terms));
}

/** The rest of floorBy, for coefficients in (-q/2, q/2] without a common factor: nested floors become one. */
function floorReduced(n: Dim, q: Int): Dim {
  if (q === 1) return n;
  if (n.value !== undefined) return constant(quotient(n.value, q));
  for (const { coefficient: c, factors } of n.terms) {
    const atom = factors[0];
    if ((c !== 1 && c !== -1) || factors.length !== 1 || atom?.kind !== "floor") continue;
    const m = atom.denominator.value;
    if (m === undefined) continue;
    const inner = c === 1 ? atom.numerator : sub(constant(plus(m, -1)), atom.numerator);
    return floorBy(addScaled(inner, m, addScaled(n, -c, fromAtom(atom))), times(q, m));
  }
  return floorAtom(n, constant(q));
}

export function ceilDiv(a: Operand, b: Operand): Dim {
  return neg(floorDiv(neg(a), b));
}

/** a - b*floor(a/b): the sign of b, as in Python and ONNX Mod. */
export function mod(a: Operand, b: Operand): Dim {
  return sub(a, mul(b, floorDiv(a, b)));
}

export function max(...list: Operand[]): Dim {
  return list.map(lift).reduce((a, b) => (a === b ? a : add(b, positivePart(sub(a, b)))));
}

export function min(...list: Operand[]): Dim {
  return neg(max(...list.map(neg)));
}

/** max(d, 0) in normal form. */
function positivePart(d: Dim): Dim {
  if (d.value !== undefined) return d.value > 0 ? d : zero;
  const isPart = (t: Term) => t.coefficient > 0 && t.factors.every((f) => f.kind === "max");
  if (d.terms.every(isPart)) return d;
  if (d.terms[0]!.coefficient < 0) return add(d, positivePart(neg(d)));
  const g = content(d);
  return mul(constant(g), maxAtom(shrinkBy(d, g)));
}

export function isConstant(d: Dim): boolean {
  return d.value !== undefined;
}

/** The value of a constant dim, undefined when symbolic. Beyond safe integers: CompileError E2302. */
export function constantOf(d: Dim): number | undefined {
  if (typeof d.value === "bigint") refuse("E2302", `${d.value} is beyond 2^53 - 1`, "use smaller sizes");
  return d.value;
}

export function terms(d: Dim): readonly Term[] {
  return d.terms;
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
