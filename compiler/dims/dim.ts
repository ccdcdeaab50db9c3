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

/** What is known of an atom without visiting it. */
interface Node {
  /** The term 1 * atom, and the dim of it alone. */
  readonly term: Term;
  readonly dim: Dim;
  readonly height: number;
  readonly size: number;
  /** Whether a max or a symbolic divisor is inside: what bounds on the symbols could simplify. */
  readonly bounded: boolean;
}

export type Atom =
  | (Node & { readonly kind: "symbol"; readonly name: string })
  | (Node & { readonly kind: "floor"; readonly numerator: Dim; readonly denominator: Dim })
  | (Node & { readonly kind: "max"; readonly left: Dim; readonly right: Dim });

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
  readonly height: number;
  readonly size: number;
  readonly bounded: boolean;
  /** Another dim of the same hash. */
  readonly next: Dim | undefined;
  // Computed when asked for: most dims are steps on the way to others.
  #symbols: readonly string[] | undefined;
  #atoms: readonly Atom[] | undefined;

  constructor(terms: readonly Term[], value?: Int, next?: Dim) {
    let [height, size, bounded] = [0, 1, false];
    for (const { factors } of terms) {
      size++;
      for (const f of factors) {
        size += f.size;
        if (f.height > height) height = f.height;
        if (f.bounded) bounded = true;
      }
    }
    this.terms = terms;
    this.value = value;
    this.height = height;
    this.size = size;
    this.bounded = bounded;
    this.next = next;
  }

  /** The atoms of the dim itself (not those inside them), each once. */
  get atoms(): readonly Atom[] {
    if (!this.#atoms) {
      const found = new Set<Atom>();
      for (const { factors } of this.terms) for (const f of factors) found.add(f);
      this.#atoms = [...found];
    }
    return this.#atoms;
  }
  /** The names in it, sorted. */
  get symbols(): readonly string[] {
    if (!this.#symbols) {
      const found = new Set<string>();
      for (const f of this.atoms)
        if (f.kind === "symbol") found.add(f.name);
        else for (const part of partsOf(f)) for (const name of part.symbols) found.add(name);
      this.#symbols = [...found].sort();
    }
    return this.#symbols;
  }
  toString(): string {
    return printer(this);
  }
}

export const symbolsOf = (d: Dim): readonly string[] => d.symbols;

let printer: (d: Dim) => string = () => "";
/** text.ts hands its printer over here: a Dim prints itself without this file importing the text form. */
export function setPrinter(print: (d: Dim) => string): void {
  printer = print;
}

/** What was made: dims by hash; atoms, products of atoms and large constants by what they are made of. */
interface Table {
  readonly dims: Map<number, Dim>;
  readonly parts: Map<string, unknown>;
}

const emptyTable = (): Table => ({ dims: new Map(), parts: new Map() });
let layers: readonly Table[] = [emptyTable()];
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
  layers = [emptyTable(), ...outer];
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
    const known = layer.parts.get(key);
    if (known !== undefined) return known as V;
  }
  const made = make();
  layers[0]!.parts.set(key, made);
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
  const terms = value === 0 ? [] : [scaled(value, unit)];
  if (!(value >= 0 && value < 4096)) return found(terms, value);
  small[Number(value)] ??= new Dim(terms, value);
  return small[Number(value)]!;
}

export const zero = constant(0);

/** A symbol by its name: "?x" must become a constant (flex), "!x" is data-dependent (free), else rigid. */
export function symbol(name: string): Dim {
  return interned(name, () => {
    if (!/^([?!]|(?![\p{N}.]))[\p{L}\p{N}_.$]+$/u.test(name))
      refuse("E3001", `${JSON.stringify(name)} does not name a dim`, "use letters, digits, _ . and $");
    return alone({ kind: "symbol", name, height: 0, size: 1, bounded: false });
  });
}

/** The name, if d is a symbol and nothing else. */
export function nameOf(d: Dim): string | undefined {
  const t = d.terms[0];
  if (d.terms.length !== 1 || t!.coefficient !== 1 || t!.factors.length !== 1) return undefined;
  const atom = t!.factors[0]!;
  return atom.kind === "symbol" ? atom.name : undefined;
}

export function kindOf(name: string): "rigid" | "flex" | "free" {
  return name.startsWith("?") ? "flex" : name.startsWith("!") ? "free" : "rigid";
}

export function floorAtom(numerator: Dim, denominator: Dim): Dim {
  return interned(`${numerator.id}/${denominator.id}`, () => {
    const height = 1 + Math.max(numerator.height, denominator.height);
    const size = 1 + numerator.size + denominator.size;
    const bounded = denominator.value === undefined || numerator.bounded;
    return alone({ kind: "floor", numerator, denominator, height, size, bounded });
  });
}

/** max(left, 0) */
export function maxAtom(left: Dim): Dim {
  const [height, size] = [left.height + 1, left.size + 1];
  return interned(`${left.id}>`, () =>
    alone({ kind: "max", left, right: zero, height, size, bounded: true }),
  );
}

type Bare<A> = A extends Atom ? Omit<A, "term" | "dim"> : never;

/** The dim of a new atom and nothing else. */
function alone(bare: Bare<Atom>): Dim {
  if (bare.size > 2e5 || bare.height > 1200)
    refuse("E2302", `an expression of ${bare.size} nodes, ${bare.height} deep`, "name its parts as symbols");
  const atom = bare as Bare<Atom> & { term: Term; dim: Dim };
  atom.term = { coefficient: 1, factors: [atom], id: nextId++ };
  atom.dim = new Dim([atom.term]);
  return atom.dim;
}

/** The dims an atom is made of. */
export function partsOf(atom: Atom): readonly Dim[] {
  return atom.kind === "floor" ? [atom.numerator, atom.denominator] : atom.kind === "max" ? [atom.left] : [];
}

/** All atoms in the dims of `list`, also those inside others, which come before them. */
export function atomsWithin(list: readonly Dim[], found = new Set<Atom>()): ReadonlySet<Atom> {
  for (const { atoms } of list)
    for (const atom of atoms)
      if (!found.has(atom)) {
        if (atom.kind !== "symbol") atomsWithin(partsOf(atom), found);
        found.add(atom);
      }
  return found;
}

/** The term 1 * factors; the factors sorted. */
export function productOf(factors: readonly Atom[]): Term {
  if (factors.length < 2) return factors[0]?.term ?? unit;
  let key = "";
  for (const f of factors) key += `${f.term.id},`;
  return interned(key, () => ({ coefficient: 1, factors, id: nextId++ }));
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
  if (terms.length === 1 && head.coefficient === 1 && head.factors.length === 1) return head.factors[0]!.dim;
  return found(terms);
}

/** The one dim of these terms. */
function found(terms: readonly Term[], value?: Int): Dim {
  let hash = 0;
  for (const { coefficient: c, id } of terms)
    hash = (Math.imul(hash, 31) + Math.imul(id, 0x9e3779b1) + (typeof c === "number" ? c | 0 : 7)) | 0;
  for (const layer of layers)
    for (let known = layer.dims.get(hash); known; known = known.next)
      if (sameTerms(known.terms, terms)) return known;
  const { dims } = layers[0]!;
  const made = new Dim(terms, value, dims.get(hash));
  dims.set(hash, made);
  return made;
}

function sameTerms(x: readonly Term[], y: readonly Term[]): boolean {
  if (x.length !== y.length) return false;
  for (let i = 0; i < x.length; i++)
    if (x[i]!.id !== y[i]!.id || x[i]!.coefficient !== y[i]!.coefficient) return false;
  return true;
}

/** Structural order of atoms: lower ones first, symbols by name. */
export function compareAtoms(x: Atom, y: Atom): number {
  if (x === y) return 0;
  const order = x.height - y.height || x.size - y.size;
  if (order !== 0) return order;
  if (x.kind === "symbol" && y.kind === "symbol" && x.name !== y.name) return x.name < y.name ? -1 : 1;
  if (x.kind !== y.kind) return x.kind < y.kind ? -1 : 1;
  const [of, by] = [partsOf(x), partsOf(y)];
  for (let i = 0; i < of.length; i++) if (of[i] !== by[i]) return compareDims(of[i]!, by[i]!);
  // Equal parts are one object within one copy of this module.
  throw new Error("internal: equal dims are different objects; are two copies of shapecast loaded?");
}

export function compareTerms(x: Term, y: Term): number {
  const [of, by] = [x.factors, y.factors];
  if (of === by || of.length !== by.length) return by.length - of.length;
  let i = 0;
  while (i + 1 < of.length && of[i] === by[i]) i++;
  return compareAtoms(of[i]!, by[i]!);
}

/** A total order by structure alone. */
export function compareDims(x: Dim, y: Dim): number {
  for (let i = 0; i < x.terms.length && i < y.terms.length; i++) {
    const [s, t] = [x.terms[i]!, y.terms[i]!];
    if (s.id !== t.id) return compareTerms(s, t);
    if (s.coefficient !== t.coefficient) return s.coefficient < t.coefficient ? -1 : 1;
  }
  return x.terms.length - y.terms.length;
}

/** x + k*y, both sorted. */
export function merge(x: readonly Term[], k: Int, y: readonly Term[]): readonly Term[] {
  if (k === 1 && x.length < y.length) return merge(y, 1, x);
  const out = new Array<Term>(x.length + y.length);
  let [i, n] = [0, 0];
  for (const t of y) {
    const at = placeOf(t, x, i);
    while (i < at) out[n++] = x[i++]!;
    const c = k === 1 ? t.coefficient : times(k, t.coefficient);
    const total = x[i]?.id === t.id ? plus(x[i++]!.coefficient, c) : c;
    if (total !== 0) out[n++] = total === t.coefficient ? t : scaled(total, t);
  }
  while (i < x.length) out[n++] = x[i++]!;
  return n < out.length ? out.slice(0, n) : out;
}

/** Where t belongs in the sorted list, from `at` on: by doubling and halving, as it may be a long one. */
function placeOf(t: Term, list: readonly Term[], at: number): number {
  const isBefore = (i: number) => i < list.length && compareTerms(list[i]!, t) < 0;
  let [place, width] = [at, 1];
  for (; isBefore(place + width - 1); width *= 2) place += width;
  for (; width >= 1; width >>= 1) if (isBefore(place + width - 1)) place += width;
  return place;
}

/** The terms of a sum sorted, those of one product made one. */
export function collect(terms: readonly Term[]): readonly Term[] {
  return gathered(terms) ?? gathered([...terms].sort(compareTerms))!;
}

/** The same for terms in order; undefined where they are not. */
function gathered(terms: readonly Term[]): readonly Term[] | undefined {
  const out: Term[] = [];
  for (const t of terms) {
    const last = out.at(-1);
    if (last?.id === t.id) out[out.length - 1] = scaled(plus(last.coefficient, t.coefficient), t);
    else if (last && compareTerms(last, t) > 0) return undefined;
    else out.push(t);
  }
  return out.filter((t) => t.coefficient !== 0);
}
