/**
 * The text form of a dim, the grammar jax.export's users know: + - * ^ and floordiv(a, b), ceildiv(a, b),
 * mod(a, b), max(a, ..), min(a, ..). Reading also takes Python's a // b and a % b, and floor(a/b),
 * ceil(a/b). Printing undoes what the normal form does to a max: 3 - max(3 - n, 0) prints as min(n, 3).
 * parse(print(d)) is d.
 */
import { setPrinter } from "./dim.ts";
import * as e from "./expression.ts";
import { type Int, magnitude, negate, refuse, times } from "./integer.ts";

type Dim = e.Dim;

export function print(d: Dim): string {
  const folded = foldMax(d) ?? foldMod(d);
  if (folded) return folded;
  const parts = d.terms.map((t, i) => {
    const sign = t.coefficient < 0 ? (i ? " - " : "-") : i ? " + " : "";
    return sign + printTerm(magnitude(t.coefficient), t.factors);
  });
  return parts.join("") || "0";
}

function printTerm(coefficient: Int, factors: readonly e.Atom[]): string {
  const head = coefficient === 1 && factors.length > 0 ? [] : [`${coefficient}`];
  return [...head, ...factors.map(printAtom)].join("*");
}

function printAtom(atom: e.Atom): string {
  if (atom.kind === "symbol") return atom.name;
  if (atom.kind === "floor") return `floordiv(${print(atom.numerator)}, ${print(atom.denominator)})`;
  return `max(${print(atom.left)}, 0)`;
}

/**
 * c*max(D, 0) + rest is c*max(D + S, S) + (rest - c*S) for any S. If some S that comes from D leaves fewer
 * terms in the rest, say it that way; for a negative c the max is a min of the negated sides.
 */
function foldMax(d: Dim): string | undefined {
  for (const t of d.terms) {
    const atom = t.factors[0];
    if (atom?.kind !== "max" || t.factors.length > 1) continue;
    const rest = e.addScaled(d, negate(t.coefficient), e.fromAtom(atom));
    const c = t.coefficient;
    const side = c < 0 ? e.neg(atom.left) : atom.left;
    for (const shift of [negativePart(side), e.neg(side)]) {
      const left = e.addScaled(rest, negate(magnitude(c)), shift);
      if (shift.terms.length === 0 || left.terms.length >= rest.terms.length) continue;
      const sides = [e.add(side, shift), shift].sort(e.compareDims).map(print);
      const inner = `${c < 0 ? "min" : "max"}(${sides.join(", ")})`;
      const scaled = magnitude(c) === 1 ? inner : `${magnitude(c)}*${inner}`;
      return followedBy(scaled, left);
    }
  }
  return undefined;
}

function followedBy(head: string, rest: Dim): string {
  if (rest.terms.length === 0) return head;
  const text = print(rest);
  return head + (text.startsWith("-") ? ` - ${text.slice(1)}` : ` + ${text}`);
}

/** P - Q*floor(P/Q) is mod(P, Q), also inside a sum. */
function foldMod(d: Dim): string | undefined {
  for (const f of e.atomsOf(d)) {
    if (f.kind !== "floor" || f.numerator.terms.length > d.terms.length) continue;
    const rest = e.sub(d, e.mod(f.numerator, f.denominator));
    if (rest.terms.length + 1 + f.numerator.terms.length !== d.terms.length) continue;
    return followedBy(`mod(${print(f.numerator)}, ${print(f.denominator)})`, rest);
  }
  return undefined;
}

/** What must be added to d so that no coefficient is negative. */
function negativePart(d: Dim): Dim {
  const negative = d.terms.filter((t) => t.coefficient < 0);
  return e.sum(negative.map((t) => e.monomial(times(-1, t.coefficient), t.factors)));
}

setPrinter(print);

const functions: Readonly<Record<string, (args: readonly Dim[]) => Dim>> = {
  floordiv: (x) => e.floorDiv(x[0]!, x[1]!),
  ceildiv: (x) => e.ceilDiv(x[0]!, x[1]!),
  mod: (x) => e.mod(x[0]!, x[1]!),
  floor: (x) => e.floorDiv(x[0]!, x[1]!),
  ceil: (x) => e.ceilDiv(x[0]!, x[1]!),
  max: (x) => e.max(...x),
  min: (x) => e.min(...x),
};

const token = /\s*(?:(\d+)(?![\p{L}\p{N}_.$?!])|([?!]?[\p{L}\p{N}_.$]+)|(\/\/|[-+*%^(),/]))/uy;

/** @throws CompileError E3001, with what was expected and where. */
export function parse(text: string): Dim {
  const tokens = tokenize(text);
  let at = 0;
  let depth = 0;
  const wrong = (expected: string): never => {
    const where = tokens[at] ? `before "${tokens[at]}"` : "at the end";
    const fix = 'write e.g. "2*h + 1", "floordiv(h, 2)" or "max(n, 1)"';
    return refuse("E3001", `"${shorten(text)}" is not a size: ${expected} expected ${where}`, fix);
  };
  const accept = (what: string) => tokens[at] === what && ++at > 0;
  const expect = (what: string) => accept(what) || wrong(`"${what}"`);

  const expression = (): Dim => {
    if (++depth > 1500) refuse("E2302", "a size nested more than 1,500 deep", "name its parts as symbols");
    const parts = [product()];
    for (;;) {
      if (accept("+")) parts.push(product());
      else if (accept("-")) parts.push(e.neg(product()));
      else break;
    }
    depth--;
    return e.sum(parts);
  };
  const product = (): Dim => {
    let left = factor();
    for (;;) {
      if (accept("*")) left = e.mul(left, factor());
      else if (accept("//")) left = e.floorDiv(left, factor());
      else if (accept("%")) left = e.mod(left, factor());
      else return left;
    }
  };
  const factor = (): Dim => {
    let negative = false;
    while (accept("-")) negative = !negative;
    const base = primary();
    const power = accept("^") ? exponent() : 1;
    const value = power === 1 ? base : e.product(Array.from({ length: power }, () => base));
    return negative ? e.neg(value) : value;
  };
  const exponent = (): number => {
    const n = Number(tokens[at++]);
    return n >= 0 && n <= 64 ? n : wrong("an exponent from 0 to 64");
  };
  const primary = (): Dim => {
    if (accept("(")) {
      const inner = expression();
      expect(")");
      return inner;
    }
    const word = tokens[at];
    if (word === undefined || /^[-+*%^(),/]/.test(word)) return wrong("a number or a name");
    at++;
    if (/^\d+$/.test(word)) return e.constant(BigInt(word));
    return accept("(") ? call(word) : e.symbol(word);
  };
  const call = (name: string): Dim => {
    const args = [expression()];
    const separator = name === "floor" || name === "ceil" ? "/" : ",";
    while (accept(separator)) args.push(expression());
    expect(")");
    const apply = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (!apply) return wrong(`one of ${Object.keys(functions).join(", ")} instead of "${name}"`);
    if (name !== "max" && name !== "min" && args.length !== 2) wrong(`${name} with two arguments`);
    return apply(args);
  };

  const result = expression();
  if (at < tokens.length) wrong("the end");
  return result;
}

function tokenize(text: string): readonly string[] {
  const found: string[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (!match)
      refuse(
        "E3001",
        `"${shorten(text)}" is not a size: character ${from + 1} is not part of one`,
        'write e.g. "2*h + 1"',
      );
    found.push(match[1] ?? match[2] ?? match[3]!);
  }
  return found;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A dim from a number, the text form, or a dim. */
export function dim(x: number | bigint | string | Dim): Dim {
  return typeof x === "string" ? parse(x) : x instanceof e.Dim ? x : e.constant(x);
}
