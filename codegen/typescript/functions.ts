/**
 * What each function of the loop IR is in JavaScript, and the text of those JavaScript lacks. A module
 * carries only the functions it calls. The texts of the mathematical ones are those of runtime/math; a test
 * holds them equal.
 */
import type { BinaryFn, UnaryFn } from "../../compiler/ir/loop.ts";
import type { Types } from "../source/index.ts";
import { type BigFunction, bigSources } from "./big.source.ts";
import { type BitsFunction, bitsFunctions, bitsRequires } from "./bits.source.ts";
import { erfSource } from "./erf.source.ts";
import { type FormatFunction, floatBits, formatFunctions, formatRequires } from "./float-formats.source.ts";

export type RuntimeFunction =
  | "erf"
  | "roundEven"
  | "floorMod"
  | "shiftLeft"
  | "shiftRight"
  | "checkedIndex"
  | "wrappedIndex"
  | "floatBits"
  | BitsFunction
  | BigFunction
  | FormatFunction;

const mathFunctions = [
  ...(["abs", "sign", "exp", "expm1", "log", "log1p", "sqrt", "floor", "ceil"] as const),
  ...(["sin", "cos", "tan", "asin", "acos", "atan"] as const),
  ...(["sinh", "cosh", "tanh", "asinh", "acosh", "atanh"] as const),
] satisfies UnaryFn[];

/** Functions of a float, by the name to call. `neg` and `not` are operators. */
export const unaryFunctions: Readonly<Partial<Record<UnaryFn, string>>> = {
  ...Object.fromEntries(mathFunctions.map((fn) => [fn, `Math.${fn}`])),
  erf: "erf",
  round: "roundEven",
};

export const binaryFunctions: Readonly<Partial<Record<BinaryFn, string>>> = {
  pow: "Math.pow",
  /** Math.max and Math.min propagate NaN and order the zeros, and V8 has instructions for them. */
  max: "Math.max",
  min: "Math.min",
  atan2: "Math.atan2",
  mod: "floorMod",
  shiftLeft: "shiftLeft",
  shiftRight: "shiftRight",
};

export const runtimeFunctions: Readonly<Record<RuntimeFunction, (types: Types) => string>> = {
  erf: erfSource,
  roundEven: ({ only }) => `/** The nearest integer, ties to even. */
function roundEven(x${only(": number")})${only(": number")} {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}`,
  floorMod: ({ only }) => `/** The remainder with the sign of the divisor. */
function floorMod(a${only(": number")}, b${only(": number")})${only(": number")} {
  const remainder = a % b;
  if (remainder === 0) return b < 0 ? -0 : 0;
  return remainder < 0 !== b < 0 ? remainder + b : remainder;
}`,
  shiftLeft: ({ only }) => `/** All bits are out where there are fewer. */
function shiftLeft(a${only(": number")}, b${only(": number")})${only(": number")} {
  return b >= 0 && b < 32 ? a << b : 0;
}`,
  shiftRight: ({ only }) => `/** The sign comes in; all bits are out where there are fewer. */
function shiftRight(a${only(": number")}, b${only(": number")})${only(": number")} {
  return Math.floor(a / 2 ** (b >= 0 && b < 32 ? b : 32));
}`,
  checkedIndex: (types) => `/** An index that came from data; throws RangeError unless it is inside. */
function checkedIndex${indexParameters(types)} {
  if (index >= 0 && index < extent) return index;
  throw new RangeError(\`\${what}: index \${index} is not in 0..\${extent - 1}\`);
}`,
  wrappedIndex: (
    types,
  ) => `/** An index that came from data, negative from the end; throws RangeError unless it is inside. */
function wrappedIndex${indexParameters(types)} {
  const wrapped = index < 0 ? index + extent : index;
  if (wrapped >= 0 && wrapped < extent) return wrapped;
  throw new RangeError(\`\${what}: index \${index} is not in \${-extent}..\${extent - 1}\`);
}`,
  floatBits,
  ...bitsFunctions,
  ...formatFunctions,
  ...bigSources,
};

/** Functions of 64-bit integers, by the name to call; `+`, `-` and `*` are operators. */
export const bigFunctions: Readonly<Partial<Record<UnaryFn | BinaryFn, BigFunction>>> = {
  abs: "absBig",
  sign: "signBig",
  div: "divideBig",
  mod: "floorModBig",
  shiftLeft: "shiftLeftBig",
  shiftRight: "shiftRightBig",
  max: "maxBig",
  min: "minBig",
};

/** `needed` and what these refer to, in the order of the table. */
export function withRequired(needed: ReadonlySet<RuntimeFunction>): readonly RuntimeFunction[] {
  const all = new Set<RuntimeFunction>(
    [...needed].flatMap((name) => [name, ...(formatRequires[name] ?? bitsRequires[name] ?? [])]),
  );
  return (Object.keys(runtimeFunctions) as RuntimeFunction[]).filter((name) => all.has(name));
}

function indexParameters({ only }: Types): string {
  return `(index${only(": number")}, extent${only(": number")}, what${only(": string")})${only(": number")}`;
}
