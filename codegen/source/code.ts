/**
 * Expressions as text that knows how tightly it binds, so that parentheses appear only where they are needed.
 * Sums and products are never re-associated: in floating point `a + (b + c)` is not `(a + b) + c`.
 */

/** How tightly the outermost operator binds, as in the grammar of JavaScript. */
export const binding = {
  conditional: 3,
  or: 4,
  and: 5,
  bitOr: 6,
  bitXor: 7,
  bitAnd: 8,
  equality: 9,
  relation: 10,
  shift: 11,
  sum: 12,
  /** A remainder binds like a product, but reads better in parentheses beside one. */
  remainder: 12.5,
  product: 13,
  unary: 15,
  primary: 20,
} as const;

export interface Code {
  readonly text: string;
  readonly binds: number;
}

/** A name, literal, call or element access. A negative literal binds like the minus it is. */
export function primary(text: string): Code {
  return { text, binds: text.startsWith("-") ? binding.unary : binding.primary };
}

export function call(callee: string, ...args: readonly Code[]): Code {
  return primary(`${callee}(${args.map((arg) => arg.text).join(", ")})`);
}

export function unary(operator: "-" | "!" | "~", x: Code): Code {
  const operand = x.text.startsWith("-") ? `(${x.text})` : within(x, binding.unary);
  return { text: operator + operand, binds: binding.unary };
}

/** `a operator b`, left associative. */
export function infix(a: Code, operator: string, b: Code, binds: number): Code {
  return { text: `${within(a, Math.ceil(binds))} ${operator} ${within(b, Math.floor(binds) + 1)}`, binds };
}

/**
 * As `infix` for bitwise operators and shifts: any operator inside is put in parentheses, as formatters do.
 */
export function bitwise(
  a: Code,
  operator: "|" | "&" | "^" | ">>" | ">>>" | "<<",
  b: Code,
  binds: number,
): Code {
  return { text: `${within(a, binding.unary)} ${operator} ${within(b, binding.unary)}`, binds };
}

/** The int32 that `x` wraps to. */
export function toInt32(x: Code): Code {
  return bitwise(x, "|", primary("0"), binding.bitOr);
}

export function conditional(test: Code, a: Code, b: Code): Code {
  const text = `${within(test, binding.or)} ? ${within(a, binding.or)} : ${within(b, binding.conditional)}`;
  return { text, binds: binding.conditional };
}

/** The text of `x` where only operators binding at least as tightly as `binds` may stand bare. */
export function within(x: Code, binds: number): string {
  return x.binds < binds ? `(${x.text})` : x.text;
}
