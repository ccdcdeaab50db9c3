/**
 * Expressions of the loop IR as JavaScript. Floats are computed as doubles; only a cast to float32 rounds
 * (`Math.fround`), and not where the value is exact already or about to be stored in a Float32Array, which
 * rounds by itself. Integers stay int32: `| 0` after each operation, Math.imul, division truncated. A bool is
 * a boolean inside a kernel and 0 or 1 in memory; a small float is a number inside and a code in memory.
 */

import type { BinaryFn, Expr } from "../../compiler/ir/loop.ts";
import { dtypeOf } from "../../compiler/ir/loop-rewrite.ts";
import { type DType, dtypes } from "../../runtime/dtype.ts";
import { codeOf, formats } from "../../runtime/float-format.ts";
import {
  binding,
  bitwise,
  type Code,
  call,
  conditional,
  infix,
  numberLiteral,
  primary,
  type Types,
  toInt32,
  unary,
  within,
} from "../source/index.ts";
import { bitsValue } from "./bits.ts";
import { type FormatName, formatFunction, formatTable } from "./float-formats.source.ts";
import {
  bigFunctions,
  binaryFunctions,
  type RuntimeFunction,
  runtimeFunctions,
  unaryFunctions,
} from "./functions.ts";
import { bigLiteral, isBig, product, toWide, wrapped, wrappedBig } from "./integers.ts";

/** What an expression needs to know of the place it is printed at. */
export interface Place {
  /** The name of the constant that holds `e` already. */
  named(e: Expr): Value | undefined;
  /** The number in memory. */
  load(e: Extract<Expr, { kind: "load" }>): Code;
  /** What is in memory, as it is stored. */
  element(e: Extract<Expr, { kind: "load" }>): Code;
  register(e: Extract<Expr, { kind: "register" }>): Value;
  index(e: Extract<Expr, { kind: "index" }>): Code;
  /** The condition of a guard; undefined when it always holds, false when it never does. */
  inside(e: Extract<Expr, { kind: "guard" }>): Code | false | undefined;
  /** Types, where the checker would otherwise see literals and take a comparison for a mistake. */
  readonly types: Types;
  /** A function of the module is called. */
  needs(fn: RuntimeFunction): void;
}

export interface Value {
  readonly code: Code;
  readonly boolean: boolean;
  /** TypeScript may infer a literal type, such as `1 | 0`. */
  readonly literal?: boolean;
}

type Of<K extends Expr["kind"]> = Extract<Expr, { kind: K }>;

const arithmetic = { add: "+", sub: "-", mul: "*", div: "/" } as const;
const comparison = { eq: "===", ne: "!==", lt: "<", le: "<=", gt: ">", ge: ">=" } as const;
const bits = { and: "&", or: "|", xor: "^" } as const;
const logic = { and: "&&", or: "||", xor: "!==" } as const;
const strength: Readonly<Record<string, number>> = {
  "+": binding.sum,
  "-": binding.sum,
  "*": binding.product,
  "/": binding.product,
  "===": binding.equality,
  "!==": binding.equality,
  "&&": binding.and,
  "||": binding.or,
  "&": binding.bitAnd,
  "|": binding.bitOr,
  "^": binding.bitXor,
};

export function kindOf(dtype: DType): "float" | "integer" | "bool" {
  return dtypes[dtype].kind;
}

/** As a number; a bool as 0 or 1. */
export function numberOf(e: Expr, place: Place): Code {
  return asNumber(valueAt(e, place));
}

/** As a boolean. */
export function conditionOf(e: Expr, place: Place): Code {
  return asCondition(valueAt(e, place), place);
}

function asNumber({ code, boolean }: Value): Code {
  return boolean ? conditional(code, primary("1"), primary("0")) : code;
}

function asCondition(value: Value, place: Place): Code {
  if (value.boolean) return value.code;
  const code = isLiteral(value) ? widen(value.code, "number", place) : value.code;
  return infix(code, "!==", primary("0"), binding.equality);
}

/**
 * What is written to memory of this dtype, which narrows by itself unless it has more bits or holds codes.
 */
export function storedValue(e: Expr, dtype: DType, place: Place): Code {
  const kind = kindOf(dtype);
  if (dtypes[dtype].format) return codeValue(e, dtype as FormatName, place);
  if (dtypes[dtype].packable) return narrowed(e, dtype, place);
  if (e.kind === "cast" && e.dtype === dtype && kind === "integer" && isAlike(dtypeOf(e.x), dtype))
    return storedValue(e.x, dtype, place);
  if (kind === "integer" && e.kind === "binary" && (e.fn === "add" || e.fn === "sub") && !place.named(e))
    return infix(numberOf(e.a, place), arithmetic[e.fn], numberOf(e.b, place), binding.sum);
  return numberOf(e, place);
}

/** The code of a value: that of an element of memory is copied. */
function codeValue(e: Expr, dtype: FormatName, place: Place): Code {
  if (e.kind === "load" && e.buffer.dtype === dtype && !place.named(e)) return place.element(e);
  if (e.kind === "constant") return primary(numberLiteral(codeOf(formats[dtype], Number(e.value))));
  const isRounding = e.kind === "cast" && e.dtype === dtype && !isBig(dtypeOf(e.x)) && !place.named(e);
  const x = isRounding ? e.x : e;
  return formatted("to", dtype, numberOf(x, place), place);
}

function formatted(what: "to" | "from" | "round", dtype: FormatName, code: Code, place: Place): Code {
  const name = formatFunction(what, dtype);
  place.needs(name);
  return call(name, code);
}

/** A number that was read from memory of this dtype. */
export function loadedValue(
  code: Code,
  dtype: DType,
  { needs, types }: Pick<Place, "needs" | "types">,
): Code {
  if (!dtypes[dtype].format) return code;
  const table = formatTable(dtype as FormatName);
  needs(table);
  return primary(`${table}[${code.text}]${types.element}`);
}

/** Integers of which a store takes either: both bigints, or both numbers. */
function isAlike(a: DType, b: DType): boolean {
  return kindOf(a) === kindOf(b) && isBig(a) === isBig(b);
}

/** An integer of less than a byte, wrapped unless it is already. */
function narrowed(e: Expr, dtype: DType, place: Place): Code {
  const code = numberOf(e, place);
  return isWithin(e, dtype) ? code : wrapped(code, dtype);
}

function isWithin(e: Expr, dtype: DType): boolean {
  if (e.kind === "load" || e.kind === "constant" || e.kind === "cast" || e.kind === "bits")
    return dtypeOf(e) === dtype;
  if (e.kind === "select") return isWithin(e.a, dtype) && isWithin(e.b, dtype);
  return e.kind === "guard" && isWithin(e.inside, dtype) && isWithin(e.outside, dtype);
}

export function valueAt(e: Expr, place: Place): Value {
  return place.named(e) ?? compute(e, place);
}

/** As `valueAt`, but never a name: what the name stands for. */
export function compute(e: Expr, place: Place): Value {
  switch (e.kind) {
    case "constant":
      return constantValue(e);
    case "load":
      return number(place.load(e));
    case "register":
      return place.register(e);
    case "index":
      return number(isBig(e.dtype) ? call("BigInt", place.index(e)) : place.index(e));
    case "cast":
      return castValue(e, place);
    case "bits":
      return seenValue(e, place);
    case "unary":
      return unaryValue(e, place);
    case "binary":
      return binaryValue(e, place);
    case "select":
      return choice(conditionOf(e.condition, place), e.a, e.b, place);
    case "guard": {
      const inside = place.inside(e);
      if (inside === undefined) return valueAt(e.inside, place);
      return inside === false ? valueAt(e.outside, place) : choice(inside, e.inside, e.outside, place);
    }
  }
}

const number = (code: Code): Value => ({ code, boolean: false });
const boolean = (code: Code): Value => ({ code, boolean: true });

function constantValue({ value, dtype }: Of<"constant">): Value {
  if (kindOf(dtype) === "bool") return { ...boolean(primary(String(value !== 0))), literal: true };
  return {
    ...number(isBig(dtype) ? bigLiteral(value) : primary(numberLiteral(Number(value)))),
    literal: true,
  };
}

function choice(test: Code, a: Expr, b: Expr, place: Place): Value {
  const [x, y] = [valueAt(a, place), valueAt(b, place)];
  if (x.boolean && y.boolean)
    return { ...boolean(conditional(test, x.code, y.code)), literal: isLiteral(x) && isLiteral(y) };
  const literal = couldBeLiteral(x) && couldBeLiteral(y);
  return { ...number(conditional(test, asNumber(x), asNumber(y))), literal };
}

function isLiteral(value: Value): boolean {
  return value.literal === true;
}

/** As a number: a boolean becomes `? 1 : 0`. */
function couldBeLiteral(value: Value): boolean {
  return isLiteral(value) || value.boolean;
}

function castValue({ x, dtype }: Of<"cast">, place: Place): Value {
  const from = dtypeOf(x);
  const value = valueAt(x, place);
  if (isBig(from))
    return { ...number(fromBig(value.code, from, dtype, place)), boolean: kindOf(dtype) === "bool" };
  if (isBig(dtype)) return number(toBig(value, from, dtype, place));
  if (kindOf(dtype) === "bool")
    return { ...boolean(asCondition(value, place)), literal: value.boolean && isLiteral(value) };
  const code = asNumber(value);
  const unchanged = { ...number(code), literal: couldBeLiteral(value) };
  if (dtype === "float32" && !isFloat32(x)) return number(call("Math.fround", code));
  if (dtypes[dtype].format) return number(formatted("round", dtype as FormatName, code, place));
  if (kindOf(dtype) === "float" || kindOf(from) === "bool") return unchanged;
  if (dtype === "int32")
    return from === "uint32" || kindOf(from) === "float" ? number(toInt32(code)) : unchanged;
  if (x.kind === "load" && from === dtype) return unchanged;
  return number(wrapped(code, dtype));
}

/** The bits of `x` as another dtype. */
function seenValue({ x, dtype }: Of<"bits">, place: Place): Value {
  const value = number(bitsValue(numberOf(x, place), dtypeOf(x), dtype, place));
  return kindOf(dtype) === "bool" ? boolean(asCondition({ ...value, literal: true }, place)) : value;
}

/** A bigint as anything else. */
function fromBig(code: Code, from: DType, to: DType, place: Place): Code {
  if (kindOf(to) === "bool") return infix(code, "!==", primary("0n"), binding.equality);
  if (isBig(to)) return from === to ? code : wrappedBig(code, to);
  if (to === "float64") return call("Number", code);
  if (kindOf(to) === "float") {
    place.needs("oddNumber");
    const odd = call("oddNumber", code);
    return to === "float32" ? call("Math.fround", odd) : formatted("round", to as FormatName, odd, place);
  }
  const low = call("Number", call("BigInt.asIntN", primary("32"), code));
  return to === "int32" ? low : wrapped(low, to);
}

function toBig(value: Value, from: DType, to: DType, place: Place): Code {
  if (value.boolean) return conditional(value.code, primary("1n"), primary("0n"));
  if (kindOf(from) === "float") {
    const name = to === "uint64" ? "toUint64" : "toInt64";
    place.needs(name);
    return call(name, value.code);
  }
  const big = call("BigInt", value.code);
  return to === "uint64" && dtypes[from].lowest !== 0 ? wrappedBig(big, to) : big;
}

/** Whether the value is a float32 already, so that rounding it would change nothing. */
function isFloat32(e: Expr): boolean {
  switch (e.kind) {
    case "load":
      return fitsFloat32(e.buffer.dtype);
    case "constant":
      return Object.is(Math.fround(Number(e.value)), e.value);
    case "cast":
    case "bits":
      return fitsFloat32(e.dtype);
    case "unary":
      return (e.fn === "neg" || e.fn === "abs") && kindOf(e.dtype) === "float" && isFloat32(e.x);
    case "binary":
      return (e.fn === "max" || e.fn === "min") && isFloat32(e.a) && isFloat32(e.b);
    case "select":
      return isFloat32(e.a) && isFloat32(e.b);
    case "guard":
      return isFloat32(e.inside) && isFloat32(e.outside);
    default:
      return kindOf(dtypeOf(e)) === "bool";
  }
}

function fitsFloat32(dtype: DType): boolean {
  const { kind, bytes } = dtypes[dtype];
  return kind === "float" ? dtype !== "float64" : bytes < 4;
}

function unaryValue(e: Of<"unary">, place: Place): Value {
  if (e.fn === "not") {
    if (kindOf(e.dtype) !== "bool") return number(inverted(e, place));
    const x = valueAt(e.x, place);
    return { ...boolean(unary("!", asCondition(x, place))), literal: isLiteral(x) };
  }
  const x = numberOf(e.x, place);
  const isInteger = kindOf(e.dtype) === "integer";
  if (e.fn === "neg") return number(isInteger ? toWide(unary("-", x), e.dtype) : unary("-", x));
  const name = (isBig(e.dtype) ? bigFunctions : unaryFunctions)[e.fn]!;
  if (name in runtimeFunctions) place.needs(name as RuntimeFunction);
  return number(isInteger ? toWide(call(name, x), e.dtype) : call(name, x));
}

/** Of int32 it is one already. */
function inverted(e: Of<"unary">, place: Place): Code {
  const code = unary("~", numberOf(e.x, place));
  return e.dtype === "uint32" || isBig(e.dtype) ? toWide(code, e.dtype) : code;
}

function binaryValue(e: Of<"binary">, place: Place): Value {
  if (isKey(e.fn, comparison)) return compareValue(e, comparison[e.fn], place);
  if (isKey(e.fn, bits)) return logicValue(e, e.fn, place);
  const a = numberOf(e.a, place);
  const b = numberOf(e.b, place);
  const isInteger = kindOf(e.dtype) !== "float";
  if (isKey(e.fn, arithmetic)) {
    if (isBig(e.dtype) && e.fn === "div") return number(toWide(bigCall("div", [a, b], place), e.dtype));
    if (isInteger && e.fn === "mul" && !isBig(e.dtype))
      return number(product(call("Math.imul", a, b), e.dtype));
    const operator = arithmetic[e.fn];
    const code = infix(a, operator, b, strength[operator]!);
    return number(isInteger ? toWide(code, e.dtype) : code);
  }
  if (isBig(e.dtype)) {
    const code = bigCall(e.fn, [a, b], place);
    return number(e.fn === "shiftLeft" ? toWide(code, e.dtype) : code);
  }
  const name = binaryFunctions[e.fn]!;
  if (name in runtimeFunctions) place.needs(name as RuntimeFunction);
  const code = call(name, a, b);
  return number(isInteger && e.fn !== "max" && e.fn !== "min" ? toWide(code, e.dtype) : code);
}

function bigCall(fn: BinaryFn, args: readonly Code[], place: Place): Code {
  const name = bigFunctions[fn]!;
  place.needs(name);
  return call(name, ...args);
}

function compareValue(e: Of<"binary">, operator: string, place: Place): Value {
  const [x, y] = [valueAt(e.a, place), valueAt(e.b, place)];
  const binds = strength[operator] ?? binding.relation;
  const isEquality = binds === binding.equality;
  const asBooleans = isEquality && x.boolean && y.boolean;
  const isKnown = asBooleans ? isLiteral : couldBeLiteral;
  const [a, b] = asBooleans ? [x.code, y.code] : [asNumber(x), asNumber(y)];
  const type = isBig(dtypeOf(e.a)) ? "bigint" : asBooleans ? "boolean" : "number";
  const left = isEquality && isKnown(x) && isKnown(y) ? widen(a, type, place) : a;
  return boolean(infix(left, operator, b, binds));
}

/** On booleans where either side is one, else on bits: 0 and 1 in memory need no detour. */
function logicValue(e: Of<"binary">, fn: keyof typeof bits, place: Place): Value {
  const [x, y] = [valueAt(e.a, place), valueAt(e.b, place)];
  if (!x.boolean && !y.boolean) {
    const code = bitwise(x.code, bits[fn], y.code, strength[bits[fn]]!);
    return number(e.dtype === "uint32" ? wrapped(code, e.dtype) : code);
  }
  const [a, b] = [asCondition(x, place), asCondition(y, place)];
  const left = fn === "xor" && isLiteral(x) && isLiteral(y) ? widen(a, "boolean", place) : a;
  const literal = fn !== "xor" && (isLiteral(x) || isLiteral(y));
  return { ...boolean(infix(left, logic[fn], b, strength[logic[fn]]!)), literal };
}

function widen(code: Code, name: "boolean" | "number" | "bigint", { types }: Place): Code {
  const type = types.only(` as ${name}`);
  return type === "" ? code : primary(`(${within(code, binding.relation)}${type})`);
}

function isKey<T extends object>(fn: BinaryFn, table: T): fn is BinaryFn & keyof T {
  return fn in table;
}
