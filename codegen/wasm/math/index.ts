/**
 * The functions of the loop IR that no engine has an instruction for, as WebAssembly functions of four
 * float32 lanes: (v128) -> v128, or (v128, v128) -> v128. A module gets those that its kernels call, once
 * each.
 */
import type { BinaryFn, UnaryFn } from "../../../compiler/ir/loop.ts";
import type { Module } from "../assembler/index.ts";
import * as circular from "./circular.ts";
import * as exponential from "./exponential.ts";
import * as wide from "./in-doubles.ts";
import { Lanes, type Value } from "./lanes.ts";
import { reduceAngle, writeExactReduction } from "./reduce-angle.ts";

type Write = (m: Lanes, x: Value, y: Value, module: Module) => Value;

/** With the angle reduced first. */
const ofAngle =
  (write: (m: Lanes, angle: circular.Angle) => Value): Write =>
  (m, x, _y, module) =>
    write(m, reduceAngle(m, x, exactReduction(module)));

const functions = {
  exp: exponential.exp,
  expm1: exponential.expm1,
  log: exponential.log,
  log1p: exponential.log1p,
  tanh: exponential.tanh,
  erf: exponential.erf,
  sin: ofAngle(circular.sin),
  cos: ofAngle(circular.cos),
  tan: ofAngle(circular.tan),
  asin: circular.asin,
  acos: circular.acos,
  atan: circular.atan,
  atan2: circular.atan2,
  sinh: wide.sinh,
  cosh: wide.cosh,
  asinh: wide.asinh,
  acosh: wide.acosh,
  atanh: wide.atanh,
  pow: wide.pow,
} as const satisfies Partial<Record<UnaryFn | BinaryFn, Write>>;

export type MathFn = keyof typeof functions;

/**
 * How far a result may lie from the correctly rounded one, in units in the last place of a float32, subnormal
 * results included; with fused multiply-add and without it. Infinities, NaN and the signs of zero are those
 * of ECMAScript's Math.
 */
export const ulpBounds: Readonly<Record<MathFn, number>> = {
  exp: 1,
  expm1: 2,
  log: 1,
  log1p: 2,
  tanh: 5,
  erf: 6,
  sin: 1,
  cos: 1,
  tan: 3,
  asin: 2,
  acos: 2,
  atan: 2,
  atan2: 2,
  sinh: 1,
  cosh: 1,
  asinh: 1,
  acosh: 1,
  atanh: 1,
  pow: 1,
};

export const isMathFn = (fn: UnaryFn | BinaryFn): fn is MathFn => Object.hasOwn(functions, fn);

/** Whether it takes two operands. */
export const takesTwo = (fn: MathFn): boolean => fn === "pow" || fn === "atan2";

/** The index of the function in the module. */
export function mathFunction(module: Module, fn: MathFn): number {
  return module.shared(`math.${fn}`, () => {
    const params = takesTwo(fn) ? (["v128", "v128"] as const) : (["v128"] as const);
    const f = module.func({ name: fn, params, results: ["v128"] });
    const m = new Lanes(module, f);
    const write: Write = functions[fn];
    write(m, m.local(0), m.local(1), module)();
    return f.end();
  });
}

function exactReduction(module: Module): number {
  return module.shared("math.reduceAngle", () => {
    const f = module.func({ name: "reduceAngle", params: ["f32"], results: ["v128"] });
    writeExactReduction(f);
    return f;
  });
}
