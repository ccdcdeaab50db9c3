/**
 * The text form of dims, lists of dims and constraints. Written: + - * and floor(a/b), a % b, max, min; a
 * constraint as "H % 16 == 0", "8 <= T <= 512", "n % 12 in {0..5}", joined by "and". Read as well: the words
 * of jax.export (floordiv, ceildiv, mod), Python's a // b, ceil(a/b), a^2. Printing undoes what the normal
 * form does to a max and a remainder: 3 - max(3 - n, 0) prints as min(n, 3). parse(print(x)) is x.
 */
import { fail } from "../diagnostics/index.ts";
import { anything, type Clause, Constraint, intersect, listed, type Relation } from "./constraint.ts";
import { type Atom, compareDims, constant, Dim, nameOf, setPrinter, symbol, type Term, zero } from "./dim.ts";
import {
  add,
  addScaled,
  ceilDiv,
  floorDiv,
  max,
  min,
  mod,
  monomial,
  mul,
  neg,
  product,
  sub,
  sum,
} from "./expression.ts";
import { type Int, magnitude, negate, quotient, refuse, remainder } from "./integer.ts";

/** How tightly a text binds: sums and remainders 0, products 1, the rest 2. */
type Level = 0 | 1 | 2;

/** c times what `text` says. */
interface Piece {
  readonly c: Int;
  readonly text: string;
  readonly level: Level;
}

export function print(d: Dim): string {
  return printAs(0, d);
}

/** In parentheses where `level` needs them. */
function printAs(level: Level, d: Dim): string {
  const pieces: Piece[] = [];
  let rest = d;
  for (let short = shortest(rest); short; short = shortest(rest)) {
    pieces.push(short);
    rest = short.rest;
  }
  const all = [...pieces, ...rest.terms.map(pieceOf)];
  const text = all.map(signed).join("") || "0";
  const [{ c, level: own }] = [all[0] ?? { c: 1, level: 2 as const }];
  const bound = all.length > 1 || c < 0 ? 0 : c === 1 || own === 2 ? own : 1;
  return bound < level ? `(${text})` : text;
}

function signed({ c, text, level }: Piece, i: number): string {
  const sign = c < 0 ? (i ? " - " : "-") : i ? " + " : "";
  if (text === "" || magnitude(c) === 1) return sign + (text || `${magnitude(c)}`);
  return `${sign}${magnitude(c)}*${level === 0 ? `(${text})` : text}`;
}

function pieceOf({ coefficient: c, factors }: Term): Piece {
  const isPlain = factors.length === 0 || (factors.length === 1 && factors[0]!.kind === "symbol" && c === 1);
  return { c, text: factors.map(printAtom).join("*"), level: isPlain ? 2 : 1 };
}

function printAtom(atom: Atom): string {
  if (atom.kind === "symbol") return atom.name;
  if (atom.kind === "max") return `max(${print(atom.left)}, 0)`;
  return `floor(${printAs(1, atom.numerator)}/${printAs(2, atom.denominator)})`;
}

/** Something with shorter words than the normal form has: c times `part`, which takes `gone` terms along. */
interface Shorthand {
  readonly c: Int;
  readonly part: Dim;
  readonly gone: number;
  readonly level: Level;
  readonly say: () => string;
}

/** The shorthand after which the fewest terms are left to say, if they are fewer. */
function shortest(d: Dim): (Piece & { readonly rest: Dim }) | undefined {
  const found = (d.terms.length > 100 ? [] : d.terms.flatMap(shorthands)).flatMap((short) => {
    const rest = addScaled(d, negate(short.c), short.part);
    return rest.terms.length + short.gone > d.terms.length ? [] : [{ ...short, rest }];
  });
  const [first] = found.sort((x, y) => x.rest.terms.length - y.rest.terms.length);
  return first && { ...first, text: first.say() };
}

function shorthands({ coefficient: c, factors }: Term): readonly Shorthand[] {
  const f = factors.find((x) => x.kind !== "symbol");
  if (f?.kind === "max" && factors.length === 1)
    return extremaOf(c, f.left).map((x) => ({
      c: magnitude(c),
      part: x.part,
      gone: 2,
      level: 2,
      say: () => sayExtremum(x),
    }));
  if (f?.kind !== "floor") return [];
  // c*(P - Q*floor(P/Q)) is c*(P % Q); c is 1 for a symbolic Q.
  const { numerator, denominator } = f;
  const by = denominator.value;
  const times = by === undefined ? 1 : factors.length === 1 ? negate(quotient(c, by)) : 0;
  if (!(times > 0) || remainder(c, by ?? 1) !== 0) return [];
  const gone = numerator.terms.length + denominator.terms.length;
  const say = () => `${printAs(1, numerator)} % ${printAs(2, denominator)}`;
  return [{ c: times, part: mod(numerator, denominator), gone, level: 0, say }];
}

interface Extremum {
  readonly word: "max" | "min";
  readonly sides: readonly Dim[];
  readonly part: Dim;
}

/** c*max(D, 0) is c*max(D + S, S) - c*S for any S; for a negative c the max is a min of the negated sides. */
function extremaOf(c: Int, d: Dim): readonly Extremum[] {
  const [side, word, of] = c < 0 ? ([neg(d), "min", min] as const) : ([d, "max", max] as const);
  const alone = side.terms.map((t) => monomial(t.coefficient, t.factors));
  const positive = sum(side.terms.map((t, i) => (t.coefficient < 0 ? neg(alone[i]!) : 0)));
  const shifts = [positive, neg(side), ...alone.map((one) => sub(one, side))];
  return shifts.flatMap((shift) => {
    const sides = [add(side, shift), shift].sort(compareDims);
    return shift === zero ? [] : [{ word, sides, part: of(...sides) }];
  });
}

/** Of extrema within extrema, one is said first: max(max(a, b), c) is max(a, b, c). */
function sayExtremum({ word, sides }: Extremum): string {
  const inner = sides.map((side) =>
    side.terms
      .flatMap(({ coefficient: c, factors: [f, ...more] }) =>
        f?.kind === "max" && more.length === 0 && magnitude(c) === 1 ? extremaOf(c, f.left) : [],
      )
      .find((x) => x.word === word && x.part === side),
  );
  const at = inner.findIndex((x) => x !== undefined);
  if (at < 0) return `${word}(${sides.map(print).join(", ")})`;
  return `${sayExtremum(inner[at]!).slice(0, -1)}, ${print(sides[1 - at]!)})`;
}

setPrinter(print);

const functions: Readonly<Record<string, (...args: Dim[]) => Dim>> = {
  floordiv: floorDiv,
  ceildiv: ceilDiv,
  mod,
  floor: floorDiv,
  ceil: ceilDiv,
  max,
  min,
};
const products: Readonly<Record<string, (a: Dim, b: Dim) => Dim>> = { "*": mul, "//": floorDiv, "%": mod };
const comparisons = ["==", "!=", ">=", ">", "<=", "<"];
const example = 'write e.g. "2*h + 1", "floor(h/2)", "max(n, 1)", "h % 32 == 0" or "1 <= b <= 64"';
const token =
  /\s*(?:(\d+)(?![\p{L}\p{N}_.$?!])|(\/\/|[=!<>]=|[-+*%^(),/<>]|\{[^{}]*\})|([?!]?[\p{L}\p{N}_.$]+))/uy;

/** A dim. @throws CompileError E3001, with what was expected and where */
export function parse(text: string): Dim {
  return new Reader(text, "a size").whole((r) => r.expression());
}

/** Dims separated by commas: "b, 2*h, w". @throws CompileError E3001 */
export function parseShape(text: string): readonly Dim[] {
  return text.trim() === "" ? [] : new Reader(text, "a list of sizes").whole((r) => r.separated(","));
}

/** "h % 32 == 0", "1 <= b <= 64", "n % 12 in {0..5} and b >= 0". @throws CompileError E3001 */
export function parseConstraint(text: string): Constraint {
  return new Constraint(new Reader(text, "a constraint").whole((r) => r.clauses()));
}

/** A dim from a number, the text form, or a dim. */
export function dim(x: number | bigint | string | Dim): Dim {
  return typeof x === "string" ? parse(x) : x instanceof Dim ? x : constant(x);
}

/** The text, of a long one what lies around `at`, over a caret at that place. */
export function pointer(text: string, at: number): string {
  const start = Math.max(0, Math.min(at - 40, text.length - 80));
  const shown = text.slice(start, start + 80).replace(/\p{Cc}/gu, " ");
  return `${shown}\n${" ".repeat(at - start)}^`;
}

/** Recursive descent; one method for each rule of the grammar. */
class Reader {
  readonly #text: string;
  readonly #what: string;
  readonly #tokens: string[] = [];
  /** Where each token ends in the text. */
  readonly #ends: number[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
    token.lastIndex = 0;
    for (const end = text.trimEnd().length; token.lastIndex < end; this.#ends.push(token.lastIndex)) {
      const from = token.lastIndex;
      const match = token.exec(text) ?? this.#refuse(`character ${from + 1} is not part of one`, from);
      this.#tokens.push(match[1] ?? match[2] ?? match[3]!);
    }
  }

  whole<T>(rule: (reader: Reader) => T): T {
    const result = rule(this);
    return this.#at < this.#tokens.length ? this.#wrong("the end") : result;
  }

  #refuse(why: string, at: number): never {
    const shown = this.#text.length > 60 ? `${this.#text.slice(0, 57)}...` : this.#text;
    const message = `"${shown}" is not ${this.#what}: ${why}`;
    return fail({ code: "E3001", message, because: pointer(this.#text, at), fix: example });
  }

  #wrong(expected: string): never {
    const found = this.#tokens[this.#at];
    const at = found === undefined ? this.#text.trimEnd().length : this.#ends[this.#at]! - found.length;
    return this.#refuse(`${expected} expected ${found ? `before "${found}"` : "at the end"}`, at);
  }

  #accept(...what: readonly string[]): string | undefined {
    const next = this.#tokens[this.#at] ?? "";
    return what.includes(next) ? this.#tokens[this.#at++] : undefined;
  }

  /** The next word, if it is of the kind that is expected. */
  #take(kind: RegExp, expected: string): string {
    const word = this.#tokens[this.#at] ?? "";
    if (!kind.test(word)) this.#wrong(expected);
    this.#at++;
    return word;
  }

  clauses(): readonly Clause[] {
    const list: Clause[] = [];
    do {
      let left = this.expression();
      const first = this.#accept(...comparisons, "in") ?? this.#wrong(`one of ${comparisons.join(" ")}`);
      if (first === "in") {
        const values = this.#set();
        list.push(memberOf(left, values) ?? this.#wrong("a name, or a name % a number,"));
        continue;
      }
      for (let operator: string | undefined = first; operator; operator = this.#accept(...comparisons)) {
        const right = this.expression();
        const relation = operator.replace("<", ">") as Relation;
        list.push(operator.startsWith("<") ? related(relation, right, left) : related(relation, left, right));
        left = right;
      }
    } while (this.#accept("and"));
    return list.reduce<readonly Clause[]>(joinedWith, []);
  }

  /** {0..5, 7} */
  #set(): readonly number[] {
    const runs = (this.#tokens[this.#at] ?? "")
      .slice(1, -1)
      .split(",")
      .map((run) => /^\s*(-?\d+)(?:\.\.(-?\d+))?\s*$/.exec(run));
    const values = runs.flatMap((run) => {
      const [from, to] = [Number(run?.[1]), Number(run?.[2] ?? run?.[1])];
      return to - from < 1e5 ? Array.from({ length: to - from + 1 }, (_, i) => from + i) : [];
    });
    if (values.length === 0 || runs.includes(null)) this.#wrong('a set such as "{0..5, 7}"');
    this.#at++;
    return values;
  }

  separated(by: string): readonly Dim[] {
    const list = [this.expression()];
    while (this.#accept(by)) list.push(this.expression());
    return list;
  }

  expression(): Dim {
    if (++this.#depth > 1500)
      refuse("E2302", "a size nested more than 1,500 deep", "name its parts as symbols");
    const parts = [this.#product()];
    for (let sign = this.#accept("+", "-"); sign; sign = this.#accept("+", "-"))
      parts.push(sign === "+" ? this.#product() : neg(this.#product()));
    this.#depth--;
    return sum(parts);
  }

  #product(): Dim {
    let left = this.#factor();
    for (let by = this.#accept("*", "//", "%"); by; by = this.#accept("*", "//", "%"))
      left = products[by]!(left, this.#factor());
    return left;
  }

  #factor(): Dim {
    let negative = false;
    while (this.#accept("-")) negative = !negative;
    const base = this.#primary();
    const exponent = "an exponent from 0 to 64";
    const power = this.#accept("^") ? Number(this.#take(/^(\d|[1-5]\d|6[0-4])$/, exponent)) : 1;
    const value = power === 1 ? base : product(Array.from({ length: power }, () => base));
    return negative ? neg(value) : value;
  }

  #primary(): Dim {
    if (this.#accept("(")) {
      const inner = this.expression();
      return this.#accept(")") ? inner : this.#wrong('")"');
    }
    const word = this.#take(/^[?!]?[\p{L}\p{N}_.$]/u, "a number or a name");
    if (/^\d+$/.test(word)) return constant(BigInt(word));
    return this.#accept("(") ? this.#call(word) : symbol(word);
  }

  #call(name: string): Dim {
    const args = this.separated(name === "floor" || name === "ceil" ? "/" : ",");
    if (!this.#accept(")")) this.#wrong('")"');
    const apply = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (!apply) return this.#wrong(`one of ${Object.keys(functions).join(", ")} instead of "${name}"`);
    if (name !== "max" && name !== "min" && args.length !== 2) this.#wrong(`${name} with two arguments`);
    return apply(...args);
  }
}

/** left `relation` right, as a fact about one symbol where it is one. */
function related(relation: Relation, left: Dim, right: Dim): Clause {
  const strict = relation === ">" ? 1 : 0;
  const member = relation === "==" && typeof right.value === "number" && memberOf(left, [right.value]);
  if (member) return member;
  const [lower, upper] = relation === ">=" || relation === ">" ? [nameOf(left), nameOf(right)] : [];
  if (lower !== undefined && typeof right.value === "number")
    return { kind: "domain", symbol: lower, ...anything, min: right.value + strict };
  if (upper !== undefined && typeof left.value === "number")
    return { kind: "domain", symbol: upper, ...anything, max: left.value - strict };
  return { kind: "relation", relation, left, right };
}

/** That a symbol, or its remainder, is one of `values`; undefined where d is neither. */
function memberOf(d: Dim, values: readonly number[]): Clause | undefined {
  const name = nameOf(d);
  if (name !== undefined) return { kind: "domain", symbol: name, ...listed(values) };
  const f = d.atoms.find((x) => x.kind === "floor");
  const symbol = f?.kind === "floor" ? nameOf(f.numerator) : undefined;
  if (f?.kind !== "floor" || symbol === undefined || d !== mod(f.numerator, f.denominator)) return undefined;
  const modulus = f.denominator.value;
  const fits = typeof modulus === "number" && values.every((v) => v >= 0 && v < modulus);
  return fits ? { kind: "domain", symbol, ...anything, modulus, residues: values } : undefined;
}

/** The list with one clause more; what is said of one symbol in a row becomes one clause. */
function joinedWith(list: readonly Clause[], c: Clause): readonly Clause[] {
  const last = list.at(-1);
  if (c.kind !== "domain" || last?.kind !== "domain" || last.symbol !== c.symbol) return [...list, c];
  const both = intersect(last, c);
  return both && both.min <= both.max ? [...list.slice(0, -1), { ...c, ...both }] : [...list, c];
}
