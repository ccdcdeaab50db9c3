/** Expressions of every dtype, printed and run, against the loop-IR interpreter. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant, sub, symbol } from "../../../compiler/dims/index.ts";
import type { BinaryFn, Buffer, Expr, Kernel, Register, Stmt, UnaryFn } from "../../../compiler/ir/loop.ts";
import { printKernel } from "../../../compiler/ir/loop-print.ts";
import type { DType, TypedArray } from "../../../runtime/dtype.ts";
import { emit, runEmitted } from "../../support/emitted.ts";
import { buffer, load, loop } from "../../support/nests.ts";
import { call, port, program } from "../../support/programs.ts";
import { runProgram } from "../../support/run-program.ts";
import { checkEmitted } from "../../support/typecheck.ts";

const length = 8;
const i = symbol("i");
const inputs = {
  float32: buffer("f", length, "input", "float32"),
  float64: buffer("d", length, "input", "float64"),
  int32: buffer("n", length, "input", "int32"),
  int8: buffer("s", length, "input", "int8"),
  uint8: buffer("u", length, "input", "uint8"),
  bool: buffer("b", length, "input", "bool"),
} satisfies Partial<Record<DType, Buffer>>;

const data: Record<string, TypedArray> = {
  f: Float32Array.of(0, -0, 1.5, -2.5, Number.NaN, Number.POSITIVE_INFINITY, 1e-30, 16777216),
  d: Float64Array.of(0.1, -0.5, 2.5, -1e300, 3, Number.NEGATIVE_INFINITY, -7, Number.NaN),
  n: Int32Array.of(0, 1, -1, 2147483647, -2147483648, 7, -7, 123456789),
  s: Int8Array.of(0, 1, -1, 127, -128, 5, -6, 7),
  u: Uint8Array.of(0, 1, 2, 255, 128, 5, 250, 7),
  b: Uint8Array.of(0, 1, 1, 0, 1, 0, 1, 1),
};

const unary = (fn: UnaryFn, x: Expr, dtype: DType): Expr => ({ kind: "unary", fn, x, dtype });
const binary = (fn: BinaryFn, a: Expr, b: Expr, dtype: DType): Expr => ({ kind: "binary", fn, a, b, dtype });
const cast = (x: Expr, dtype: DType): Expr => ({ kind: "cast", x, dtype });
const value = (x: number, dtype: DType): Expr => ({ kind: "constant", value: x, dtype });

const unaryFns: readonly UnaryFn[] = [
  "neg",
  "abs",
  "sign",
  "exp",
  "sqrt",
  "tanh",
  "floor",
  "ceil",
  "round",
  "erf",
];
const floatFns: readonly BinaryFn[] = ["add", "sub", "mul", "div", "mod", "max", "min", "pow", "atan2"];
const integerFns: readonly BinaryFn[] = ["add", "sub", "mul", "div", "max", "min"];
const compareFns: readonly BinaryFn[] = ["eq", "ne", "lt", "le", "gt", "ge"];

/** Well-typed expressions; a guard's tests are about the loop's axis. */
const { float, integer, bool } = fc.letrec<{ float: Expr; integer: Expr; bool: Expr }>((tie) => {
  const select = (arm: fc.Arbitrary<Expr>, dtype: DType) =>
    fc
      .tuple(tie("bool"), arm, arm)
      .map<Expr>(([condition, a, b]) => ({ kind: "select", condition, a, b, dtype }));
  const guard = (arm: fc.Arbitrary<Expr>, dtype: DType) =>
    fc.tuple(fc.integer({ min: 0, max: 9 }), arm, arm).map<Expr>(([n, inside, outside]) => {
      const tests = [sub(i, n)];
      return { kind: "guard", tests, inside, outside, dtype };
    });
  const of = (fns: readonly BinaryFn[], arm: fc.Arbitrary<Expr>, dtype: DType) =>
    fc.tuple(fc.constantFrom(...fns), arm, arm).map(([fn, a, b]) => binary(fn, a, b, dtype));
  const depthSize = "small" as const;
  return {
    float: fc.oneof(
      { depthSize, withCrossShrink: true },
      fc.constantFrom(
        load(inputs.float32, i),
        load(inputs.float64, i),
        value(-0.5, "float32"),
        value(-0, "float64"),
      ),
      of(floatFns, tie("float"), "float64"),
      fc.tuple(fc.constantFrom(...unaryFns), tie("float")).map(([fn, x]) => unary(fn, x, "float64")),
      fc
        .tuple(
          fc.oneof(tie("float"), tie("integer"), tie("bool")),
          fc.constantFrom<DType>("float32", "float64"),
        )
        .map(([x, dtype]) => cast(x, dtype)),
      select(tie("float"), "float64"),
      guard(tie("float"), "float64"),
    ),
    integer: fc.oneof(
      { depthSize, withCrossShrink: true },
      fc.constantFrom(
        load(inputs.int32, i),
        load(inputs.int8, i),
        load(inputs.uint8, i),
        value(-3, "int32"),
        indexOf(),
      ),
      of(integerFns, tie("integer"), "int32"),
      fc
        .tuple(
          fc.oneof(tie("float"), tie("integer"), tie("bool")),
          fc.constantFrom<DType>("int32", "int8", "uint8"),
        )
        .map(([x, dtype]) => cast(x, dtype)),
      select(tie("integer"), "int32"),
      guard(tie("integer"), "int32"),
    ),
    bool: fc.oneof(
      { depthSize, withCrossShrink: true },
      fc.constantFrom(load(inputs.bool, i), value(1, "bool"), value(0, "bool")),
      fc.oneof(of(compareFns, tie("float"), "bool"), of(compareFns, tie("integer"), "bool")),
      of(["and", "or", "xor", "eq", "ne"], tie("bool"), "bool"),
      tie("bool").map((x) => unary("not", x, "bool")),
      fc.oneof(tie("float"), tie("integer")).map((x) => cast(x, "bool")),
      select(tie("bool"), "bool"),
      guard(tie("bool"), "bool"),
    ),
  };
});

function indexOf(): Expr {
  return { kind: "index", index: i, dtype: "int32" };
}

/** Each value stored to every dtype of its kind, once directly and once through a register. */
function kernelOf(x: Expr, n: Expr, b: Expr): Kernel {
  const stored: readonly (readonly [Expr, DType])[] = [
    [x, "float32"],
    [x, "float64"],
    [n, "int32"],
    [n, "int8"],
    [n, "uint8"],
    [b, "bool"],
  ];
  const writes = stored.map(([, dtype]) => buffer(`out_${dtype}`, length, "output", dtype));
  const last: Register = { name: "last", dtype: "bool", shape: [] };
  const both = binary("xor", { kind: "register", register: last, index: [] }, b, "bool");
  const parity = buffer("parity", 1, "output", "bool");
  const body: Stmt[] = [
    { kind: "let", register: last, index: [], value: value(0, "bool") },
    loop("i", length, false, [
      ...stored.map(([e], k): Stmt => ({ kind: "store", buffer: writes[k]!, index: i, value: e })),
      { kind: "set", register: last, index: [], value: both },
    ]),
    {
      kind: "store",
      buffer: parity,
      index: constant(0),
      value: { kind: "register", register: last, index: [] },
    },
  ];
  const reads = Object.values(inputs);
  return { name: "values", reads, writes: [...writes, parity], parameters: [], body, comment: "" };
}

describe("expressions", () => {
  test("give what the interpreter gives, bit for bit", () => {
    fc.assert(
      fc.property(float, integer, bool, (x, n, b) => {
        const kernel = kernelOf(x, n, b);
        const p = program({ steps: [call(kernel)] });
        try {
          expect(runEmitted(p, data)).toEqual(runProgram(p, data));
        } catch (error) {
          throw new Error(`${printKernel(kernel)}\n${emit(p).code}`, { cause: error });
        }
      }),
      { numRuns: 300 },
    );
  });

  test("pass the strictest compiler", () => {
    const steps = fc.sample(fc.tuple(float, integer, bool), { numRuns: 40, seed: 1 }).map(([x, n, b], k) => {
      return call({ ...kernelOf(x, n, b), name: `values_${k}` });
    });
    const outputs = new Set(steps.flatMap((step) => (step.kind === "call" ? step.kernel.writes : [])));
    const p = program({ steps, outputs: [...outputs].map((b, k) => port(`y${k}`, b)) });
    expect(checkEmitted(emit(p, { format: "ts" }).code)).toEqual([]);
  });
});
