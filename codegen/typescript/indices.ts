/**
 * Dims as JavaScript integer expressions. V8 moves nothing out of loops, so each polynomial is split by the
 * deepest loop its terms need: the outer part becomes a constant of the outer loop, named after what it is
 * (`i784` is i * 784), and equal parts share it. A part used only once where it is known is written in place.
 *
 * Kernels are printed twice: the first pass counts uses and settles the names, the second prints. `i -
 * 7*floor(i/7)` reads as `i % 7`; division uses `| 0` or `>>` where that is provably the floor, `Math.floor`
 * otherwise.
 */
import {
  type Atom,
  add,
  constant,
  type Dim,
  mul,
  range,
  sub,
  sum,
  symbolsOf,
  terms,
} from "../../compiler/dims/index.ts";
import {
  binding,
  bitwise,
  type Code,
  call,
  infix,
  numberLiteral,
  primary,
  type Scope,
  toInt32,
  unary,
  within,
} from "../source/index.ts";
import type { Block } from "./block.ts";
import { dimOf, indexName, type Part, split } from "./polynomial.ts";

/** A dim, or the text of a condition: what a constant of the generated code stands for. */
type Key = Dim | string;

const int32Max = 2 ** 31 - 1;

export class Indices {
  private readonly uses = new Map<string, Map<Key, number>>();
  private readonly names = new Map<Key, string>();
  private readonly scope: Scope;
  private counting = true;
  private subject = "at";

  /** `scope` is the function's; the names of shared parts are taken there in the first pass. */
  constructor(scope: Scope) {
    this.scope = scope;
  }

  /** Ends the first pass. */
  settle(): void {
    this.counting = false;
  }

  /** The value of `dim` as seen from `block`; `subject` is what it addresses, for names. */
  print(dim: Dim, block: Block, subject = "at"): Code {
    this.subject = subject;
    return this.offset(dim, block);
  }

  private offset(dim: Dim, block: Block): Code {
    const { parts, offset } = split(dim);
    if (parts.length === 0) return primary(numberLiteral(offset));
    if (parts.every((part) => part.coefficient < 0) && offset > 0)
      return infix(primary(`${offset}`), "-", this.part(sub(offset, dim), block), binding.sum);
    const base = this.part(sub(dim, offset), block);
    if (offset === 0) return base;
    return infix(base, offset < 0 ? "-" : "+", primary(`${Math.abs(offset)}`), binding.sum);
  }

  /**
   * A constant for what depends on `dim`, in a loop further out where `dim` is known; undefined if there is
   * none.
   */
  outside(dim: Dim, stem: string, block: Block, make: (at: Block) => Code): Code | undefined {
    const home = this.homeOf(dim, block);
    if (home.loops === block.loops) return undefined;
    const key = `${stem}[${dim}]`;
    const known = home.sharedName(key);
    if (known !== undefined) return primary(known);
    const name = this.names.get(key) ?? this.scope.takeNumbered(stem);
    this.names.set(key, name);
    home.share(key, name, make(home));
    return primary(name);
  }

  /** Whether every test is >= 0; undefined when that holds always, false when never. */
  inside(tests: readonly Dim[], block: Block): Code | false | undefined {
    const groups = new Map<Block, Dim[]>();
    for (const test of tests) {
      const interval = this.rangeOf(test, block);
      if (interval.max < 0) return false;
      if (interval.min >= 0) continue;
      const home = this.homeOf(test, block);
      groups.set(home, [...(groups.get(home) ?? []), test]);
    }
    const ordered = [...groups].sort(([a], [b]) => a.depth - b.depth);
    if (ordered.length === 0) return undefined;
    return allOf(ordered.map(([home, group]) => this.condition(group, home, block)));
  }

  private condition(tests: readonly Dim[], home: Block, block: Block): Code {
    const key = `inside ${tests.join(" and ")}`;
    const inline = (at: Block) => allOf(tests.map((test) => this.test(test, at)));
    return this.share(key, () => "inside", home, block, inline);
  }

  /** `test >= 0` with each negative term on the other side, so that it reads as a person would write it. */
  private test(test: Dim, block: Block): Code {
    const { parts, offset } = split(test);
    const side = (sign: 1 | -1) =>
      sum(
        parts
          .filter((part) => Math.sign(part.coefficient) === sign)
          .map((part) => mul(sign * part.coefficient, part.unit)),
      );
    const [left, right] = [side(1), side(-1)];
    const compare = (a: Dim, operator: string, b: Dim) =>
      infix(this.offset(a, block), operator, this.offset(b, block), binding.relation);
    if (terms(left).length === 0) return compare(right, "<", constant(offset + 1));
    if (offset > 0) return compare(add(left, offset), ">=", right);
    return compare(left, ">=", sub(right, offset));
  }

  private rangeOf(dim: Dim, block: Block) {
    return range(dim, (name) => block.symbol(name).range);
  }

  private homeOf(dim: Dim, block: Block): Block {
    let deepest = block.root;
    for (const name of symbolsOf(dim)) {
      const home = block.homeOf(name);
      if (home.depth > deepest.depth) deepest = home;
    }
    return deepest;
  }

  /** A polynomial without constant term: a name, a shared constant, or written in place. */
  private part(dim: Dim, block: Block): Code {
    const { parts } = split(dim);
    const { subject } = this;
    const home = this.homeOf(dim, block);
    const only = parts.length === 1 && parts[0]!.coefficient === 1 ? parts[0]!.unit : undefined;
    const name = only && symbolName(only);
    if (name !== undefined) return primary(block.symbol(name).name);
    const suggest = () => this.suggest(dim, home, subject);
    return this.share(dim, suggest, home, block, (at) =>
      only ? this.unit(only, at) : this.inPlace(parts, home, at),
    );
  }

  /** What the value is, if that is short; else what it addresses and the loop it belongs to: `xKw`. */
  private suggest(dim: Dim, home: Block, subject: string): string {
    const { name } = home.symbol(symbolsOf(dim).find((symbol) => home.homeOf(symbol) === home)!);
    const depth = (part: Part) => this.homeOf(part.unit, home).depth;
    return (
      indexName(dim, (symbol) => home.symbol(symbol).name, depth) ??
      `${subject}${name[0]!.toUpperCase()}${name.slice(1)}`
    );
  }

  /**
   * Declares in `home` what a loop or a second use makes worth declaring and returns its name; else the code
   * itself. The first pass looks inside an expression at its first use only: at a second one it is going to
   * be a name.
   */
  private share(key: Key, suggest: () => string, home: Block, block: Block, make: (at: Block) => Code): Code {
    const known = home.sharedName(key);
    if (known !== undefined) return primary(known);
    if (home.loops === block.loops) {
      const uses = this.count(home.id, key);
      if (this.counting && uses > 1) return primary(this.nameFor(key, suggest));
      if (this.counting || uses === 1) return make(block);
    }
    const name = this.nameFor(key, suggest);
    const value = make(home);
    home.share(key, name, value);
    return primary(name);
  }

  private nameFor(key: Key, suggest: () => string): string {
    const name = this.names.get(key) ?? this.scope.take(suggest());
    this.names.set(key, name);
    return name;
  }

  /** Uses of `key` in a block, so far in the first pass and in all after it. */
  private count(home: string, key: Key): number {
    const uses = this.uses.get(home) ?? new Map<Key, number>();
    this.uses.set(home, uses);
    if (this.counting) uses.set(key, (uses.get(key) ?? 0) + 1);
    return uses.get(key) ?? 1;
  }

  /** Terms in the order of their strides, what is subtracted last; the part known further out is one term. */
  private inPlace(parts: readonly Part[], home: Block, block: Block): Code {
    const isOuter = (part: Part) => this.homeOf(part.unit, block).loops < home.loops;
    const outer = parts.filter(isOuter);
    const inner = parts.filter((part) => !isOuter(part));
    const terms = inner.map((part) => ({
      sign: part.coefficient,
      stride: stride([part]),
      code: this.scaled(part, block),
    }));
    if (outer.length > 0) {
      const sign = outer.every((part) => part.coefficient < 0) ? -1 : 1;
      const whole = sum(outer.map((part) => mul(sign * part.coefficient, part.unit)));
      terms.unshift({ sign, stride: stride(outer), code: this.part(whole, block) });
    }
    terms.sort((a, b) => Math.sign(b.sign) - Math.sign(a.sign) || b.stride - a.stride);
    const first = terms[0]!;
    const start = first.sign < 0 ? unary("-", first.code) : first.code;
    return terms
      .slice(1)
      .reduce((left, { sign, code }) => infix(left, sign < 0 ? "-" : "+", code, binding.sum), start);
  }

  private scaled({ coefficient, unit }: Part, block: Block): Code {
    const factor = Math.abs(coefficient);
    const code = this.part(unit, block);
    return factor === 1 ? code : infix(code, "*", primary(`${factor}`), binding.product);
  }

  private unit(unit: Dim, block: Block): Code {
    const asModulo = split(unit).modulo;
    if (asModulo) return this.modulo(asModulo.dividend, asModulo.divisor, block);
    const factors = terms(unit)[0]!.factors;
    if (factors.length === 1) return this.atom(factors[0]!, block);
    return factors
      .map((factor) => this.part(dimOf(factor), block))
      .reduce((a, b) => infix(a, "*", b, binding.product));
  }

  private modulo(dividend: Dim, divisor: number, block: Block): Code {
    const code = this.offset(dividend, block);
    if (isPowerOfTwo(divisor) && this.fitsInt32(dividend, block))
      return bitwise(code, "&", primary(`${divisor - 1}`), binding.bitAnd);
    const remainder = infix(code, "%", primary(`${divisor}`), binding.remainder);
    if (this.rangeOf(dividend, block).min >= 0) return remainder;
    const shifted = infix(remainder, "+", primary(`${divisor}`), binding.sum);
    return infix(shifted, "%", primary(`${divisor}`), binding.remainder);
  }

  private atom(atom: Atom, block: Block): Code {
    if (atom.kind === "symbol") return primary(block.symbol(atom.name).name);
    if (atom.kind === "max")
      return call("Math.max", this.offset(atom.left, block), this.offset(atom.right, block));
    const numerator = this.offset(atom.numerator, block);
    const denominator = this.offset(atom.denominator, block);
    const quotient = infix(numerator, "/", denominator, binding.product);
    if (!this.fitsInt32(atom.numerator, block)) return call("Math.floor", quotient);
    const divisor = split(atom.denominator);
    if (divisor.parts.length === 0 && isPowerOfTwo(divisor.offset))
      return bitwise(numerator, ">>", primary(`${Math.log2(divisor.offset)}`), binding.shift);
    if (this.rangeOf(atom.numerator, block).min >= 0) return toInt32(quotient);
    return call("Math.floor", quotient);
  }

  private fitsInt32(dim: Dim, block: Block): boolean {
    const { min, max } = this.rangeOf(dim, block);
    return min >= -int32Max && max <= int32Max;
  }
}

function symbolName(unit: Dim): string | undefined {
  const factors = terms(unit)[0]!.factors;
  const only = factors.length === 1 ? factors[0]! : undefined;
  return terms(unit).length === 1 && only?.kind === "symbol" ? only.name : undefined;
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && Number.isInteger(Math.log2(n));
}

function stride(parts: readonly Part[]): number {
  return Math.max(...parts.map((part) => Math.abs(part.coefficient)));
}

function allOf(conditions: readonly Code[]): Code {
  return {
    text: conditions.map((condition) => within(condition, binding.and)).join(" && "),
    binds: binding.and,
  };
}
