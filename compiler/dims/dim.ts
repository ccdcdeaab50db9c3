/**
 * The data of dims and their interning: atoms, terms, the Dim itself, and one total order of them.
 *
 * Equal normal forms are the same object. Terms are ordered by degree, then by their atoms: height, size,
 * text, never by what was made before. That is a monomial order, which printing and exact division rely on.
 * The table lives as long as the program; a decision works on a layer of its own, which is dropped, and
 * within a number of steps: what is counted is terms made and looked at, so the same question gets the same
 * answer on any machine. It refuses expressions beyond 200,000 nodes or 1,200 levels.
 */
import { CompileError } from "../diagnostics/index.ts";
import { type Int, plus, refuse, shrink, times } from "./integer.ts";

/** What is known of a part of a dim without visiting it. */
interface Node {
  readonly height: number;
  readonly size: number;
  /** Whether a max or a symbolic divisor is inside: what bounds on the symbols could simplify. */
  readonly bounded: boolean;
}

/** `dim` is the atom alone, `text` what orders it among its like, once somebody asks. */
type Named = Node & { readonly id: number; dim?: Dim; text?: string };

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

export class Dim {
  readonly id = nextId++;
  readonly terms: readonly Term[];
  /** The value of a constant. */
  readonly value: Int | undefined;
  // Computed when asked for: most dims are steps on the way to others.
  #node: Node | undefined;
  #symbols: readonly string[] | undefined;
  #atoms: readonly Atom[] | undefined;

  constructor(terms: readonly Term[], value?: Int) {
    this.terms = terms;
    this.value = value;
  }

  get node(): Node {
    this.#node ??= nodeOver(this.atoms, this.terms);
    return this.#node;
  }
  get size(): number {
    return this.node.size;
  }
  /** The atoms of the dim itself (not those inside them), each once. */
  get atoms(): readonly Atom[] {
    this.#atoms ??= [...new Set(this.terms.flatMap((t) => t.factors))];
    return this.#atoms;
  }
  /** The names in it, sorted. */
  get symbols(): readonly string[] {
    const names = () =>
      this.atoms.flatMap((f) => (f.kind === "symbol" ? f.name : partsOf(f).flatMap(symbolsOf)));
    this.#symbols ??= [...new Set(names())].sort();
    return this.#symbols;
  }
  toString(): string {
    return printer(this);
  }
}

export const symbolsOf = (d: Dim): readonly string[] => d.symbols;

function nodeOver(atoms: readonly Node[], terms: readonly Term[]): Node {
  let [height, bounded] = [0, false];
  for (const f of atoms) {
    if (f.height > height) height = f.height;
    bounded ||= f.bounded;
  }
  const size = terms.reduce((n, t) => t.factors.reduce((m, f) => m + f.size, n + 1), 1);
  return { height, size, bounded };
}

let printer: (d: Dim) => string = () => "";
/** text.ts hands its printer over here: a Dim prints itself without this file importing the text form. */
export function setPrinter(print: (d: Dim) => string): void {
  printer = print;
}

/** What was made: atoms, products of atoms (with coefficient 1), large constants; by hash, dims. */
type Table = Map<string | number, unknown>;
let layers: readonly Table[] = [new Map()];
let stepsLeft = Number.POSITIVE_INFINITY;

class OutOfSteps extends Error {}

/** @throws OutOfSteps, which `within` takes for its answer */
export function spend(steps: number): void {
  stepsLeft -= steps;
  if (!(stepsLeft >= 0)) throw new OutOfSteps();
}

/**
 * The result of `work`, undefined where it takes more steps or larger dims than there may be. The dims it
 * makes are not kept and must not escape: results are plain data.
 */
export function within<T>(steps: number, work: () => T): T | undefined {
  const [outer, left] = [layers, stepsLeft];
  layers = [new Map(), ...outer];
  stepsLeft = Math.min(steps, left);
  try {
    return work();
  } catch (error) {
    if (error instanceof OutOfSteps || (error instanceof CompileError && error.code === "E2302"))
      return undefined;
    throw error;
  } finally {
    layers = outer;
    stepsLeft = left;
  }
}

function interned<V>(key: string, make: () => V): V {
  for (const layer of layers) {
    const known = layer.get(key);
    if (known !== undefined) return known as V;
  }
  const made = make();
  layers[0]!.set(key, made);
  return made;
}

const unit: Term = { coefficient: 1, factors: [], id: 0 };
const small: Dim[] = [];

export function constant(n: Int): Dim {
  const known = typeof n === "number" ? small[n] : undefined;
  if (known) return known;
  const value = shrink(n);
  if (typeof value !== "bigint" && !Number.isSafeInteger(value))
    refuse("E2108", `a dim of ${n}`, "give a whole number below 2^53, or a bigint");
  const make = () => new Dim(value === 0 ? [] : [scaled(value, unit)], value);
  if (!(value >= 0 && value < 4096)) return interned(`#${value}`, make);
  small[Number(value)] ??= make();
  return small[Number(value)]!;
}

export const zero = constant(0);

/** A symbol by its name: "?x" must become a constant (flex), "!x" is data-dependent (free), else rigid. */
export function symbol(name: string): Dim {
  return interned(`=${name}`, () => {
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
  return interned(`${numerator.id}/${denominator.id}`, () => {
    const node = nodeAbove([numerator, denominator], denominator.value === undefined);
    return fromAtom({ kind: "floor", numerator, denominator, ...node });
  });
}

/** max(left, 0) */
export function maxAtom(left: Dim): Dim {
  const make = () => fromAtom({ kind: "max", left, right: zero, ...nodeAbove([left], true) });
  return interned(`${left.id}>`, make);
}

function nodeAbove(parts: readonly Dim[], bounded: boolean): Node & { readonly id: number } {
  const size = parts.reduce((total, d) => total + d.size, 1);
  const height = parts.length && 1 + Math.max(...parts.map((d) => d.node.height));
  if (size > 2e5 || height > 1200)
    refuse("E2302", `an expression of ${size} nodes, ${height} deep`, "name its parts as symbols");
  return { id: nextId++, height, size, bounded: bounded || parts.some((d) => d.node.bounded) };
}

/** The dims an atom is made of. */
export function partsOf(atom: Atom): readonly Dim[] {
  return atom.kind === "floor" ? [atom.numerator, atom.denominator] : atom.kind === "max" ? [atom.left] : [];
}

/** All atoms in the dims of `list`, also those inside others, which come before them. */
export function atomsWithin(list: readonly Dim[], found = new Set<Atom>()): ReadonlySet<Atom> {
  for (const atom of list.flatMap((d) => d.atoms)) {
    if (found.has(atom)) continue;
    atomsWithin(partsOf(atom), found);
    found.add(atom);
  }
  return found;
}

export function fromAtom(atom: Atom): Dim {
  atom.dim ??= intern([productOf([atom])]);
  return atom.dim;
}

/** The term 1 * factors; the factors sorted. */
export function productOf(factors: readonly Atom[]): Term {
  let key = "";
  for (const f of factors) key += `${f.id},`;
  return key === "" ? unit : interned(key, () => ({ coefficient: 1, factors, id: nextId++ }));
}

export function scaled(coefficient: Int, { factors, id }: Term): Term {
  return { coefficient, factors, id };
}

/** The dim of sorted terms. */
export function intern(terms: readonly Term[]): Dim {
  const head = terms[0];
  if (head === undefined) return zero;
  if (head.id === 0) return constant(head.coefficient);
  spend(4 + terms.length);
  let hash = 0;
  for (const { coefficient: c, id } of terms)
    hash =
      (Math.imul(hash, 31) + Math.imul(id, 0x9e3779b1) + Number(typeof c === "number" ? c % 0x7fffffff : 7)) |
      0;
  const same = (d: Dim) =>
    d.terms.length === terms.length &&
    d.terms.every((t, i) => t.id === terms[i]!.id && t.coefficient === terms[i]!.coefficient);
  for (const layer of layers) {
    const known = (layer.get(hash) as readonly Dim[] | undefined)?.find(same);
    if (known) return known;
  }
  const made = new Dim(terms);
  layers[0]!.set(hash, [...((layers[0]!.get(hash) as readonly Dim[] | undefined) ?? []), made]);
  return made;
}

/** Structural order of atoms: lower ones first, symbols by name. */
export function compareAtoms(x: Atom, y: Atom): number {
  if (x === y) return 0;
  const order = x.height - y.height || x.size - y.size;
  if (order !== 0) return order;
  x.text ??= `${x.kind}(${partsOf(x).join("/")})`;
  y.text ??= `${y.kind}(${partsOf(y).join("/")})`;
  // Equal parts are one object within one copy of this module.
  if (x.text === y.text)
    throw new Error("internal: equal dims are different objects; are two copies of shapecast loaded?");
  return x.text < y.text ? -1 : 1;
}

export function compareTerms(x: Term, y: Term): number {
  if (x.factors === y.factors || x.factors.length !== y.factors.length)
    return y.factors.length - x.factors.length;
  let i = 0;
  while (i + 1 < x.factors.length && x.factors[i] === y.factors[i]) i++;
  return compareAtoms(x.factors[i]!, y.factors[i]!);
}

/** A total order by structure alone. */
export function compareDims(x: Dim, y: Dim): number {
  const differs = (t: Term, i: number) =>
    t.id !== y.terms[i]?.id || t.coefficient !== y.terms[i]?.coefficient;
  const at = x.terms.findIndex(differs);
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
    const at = placeOf(t, x, i);
    while (i < at) out[n++] = x[i++]!;
    const c = k === 1 ? t.coefficient : times(k, t.coefficient);
    const total = x[i]?.factors === t.factors ? plus(x[i++]!.coefficient, c) : c;
    if (total !== 0) out[n++] = total === t.coefficient ? t : scaled(total, t);
  }
  while (i < x.length) out[n++] = x[i++]!;
  out.length = n;
  return out;
}

/** Where t belongs in the sorted list, from `at` on: nearly always there. */
function placeOf(t: Term, list: readonly Term[], at: number): number {
  const isBefore = (i: number) => i < list.length && compareTerms(list[i]!, t) < 0;
  let [place, width] = [at, 1];
  for (; isBefore(place + width - 1); width *= 2) place += width;
  for (; width >= 1; width >>= 1) if (isBefore(place + width - 1)) place += width;
  return place;
}

/** The terms of a sum, those of one product made one. */
export function collect(terms: readonly Term[]): readonly Term[] {
  const out: Term[] = [];
  for (const t of [...terms].sort(compareTerms)) {
    const last = out.at(-1);
    if (last?.factors !== t.factors) out.push(t);
    else out[out.length - 1] = scaled(plus(last.coefficient, t.coefficient), t);
  }
  return out.filter((t) => t.coefficient !== 0);
}
