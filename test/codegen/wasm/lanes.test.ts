import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featureDetect } from "../../../codegen/wasm/assembler/index.ts";
import { ulpBounds } from "../../../codegen/wasm/math/index.ts";
import { add, constant, type Dim, floorDiv, mod, mul, sub, symbol } from "../../../compiler/dims/index.ts";
import type { BinaryFn, Buffer, Expr, Kernel, LoopMode, UnaryFn } from "../../../compiler/ir/loop.ts";
import { verifyKernel } from "../../../compiler/ir/loop-verify.ts";
import { targets } from "../../../compiler/ir/target.ts";
import type { DType } from "../../../runtime/dtype.ts";
import { interpret, memoryFor } from "../../support/interpret.ts";
import { buffer, load, loop } from "../../support/nests.ts";
import { wasmMachine } from "../../support/wasm.ts";

const count = 12;
const [block, lane] = [symbol("j"), symbol("i")];
const at = add(mul(4, block), lane);

/** Indices below 48: in step with the lanes, apart, falling, standing, and not linear. */
const indices: readonly Dim[] = [
  ...[at, add(at, 3), mul(2, at), add(1, mul(3, at)), mul(4, at), sub(20, at), sub(40, mul(2, at)), block],
  ...[constant(7), floorDiv(at, 2), add(mul(3, block), mod(lane, 3)), mul(5, mod(at, 7))],
];

const types = ["float32", "int32", "int8", "uint8", "bool"] as const;
type Type = (typeof types)[number];
const inputs = Object.fromEntries(
  types.map((dtype) => [dtype, buffer(`in_${dtype}`, 48, "input", dtype)]),
) as Record<Type, Buffer>;

const floatValues = [
  ...[
    0,
    -0,
    1,
    -1,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3.75,
    127.5,
    128,
    -129,
    255.5,
    300,
    2 ** 31,
    -(2 ** 31),
    2 ** 33,
  ],
  ...[3e9, -3e9, 2 ** -140, 2 ** 100, -(2 ** 100), Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  Number.NaN,
];

/** Every value of a list somewhere, in an order that the seed decides. */
function dataOf({ dtype, length }: Buffer, seed: number) {
  const pick = (i: number) => Math.imul(i + 1, 2_654_435_761 ^ Math.imul(seed, 40_503)) >>> 7;
  if (dtype === "float32")
    return Float32Array.from({ length }, (_, i) => floatValues[pick(i) % floatValues.length]!);
  const bits = Int32Array.from({ length }, (_, i) => Math.imul(pick(i), 97_003));
  if (dtype === "int32") return bits;
  if (dtype === "int8") return Int8Array.from(bits);
  return Uint8Array.from(bits, (b) => (dtype === "bool" ? b & 1 : b));
}

const unary = (fn: UnaryFn, dtype: DType) => (x: Expr) => ({ kind: "unary", fn, x, dtype }) as const;
const cast = (dtype: DType) => (x: Expr) => ({ kind: "cast", x, dtype }) as const;
const index = fc.constantFrom(...indices);
const guardTests = fc.array(fc.constantFrom(sub(at, 3), sub(8, at), block, sub(1, mod(lane, 2))), {
  minLength: 1,
  maxLength: 2,
});

function arithmetic(fns: readonly BinaryFn[], dtype: DType, operand: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> {
  return fc
    .tuple(fc.constantFrom(...fns), operand, operand)
    .map(([fn, a, b]) => ({ kind: "binary", fn, a, b, dtype }) as const);
}

type Trees = Readonly<Record<"float32" | "int32" | "bool", Expr>>;

/** A float32 is rounded after each step already; what is narrower than its arithmetic is cast. */
const trees = fc.letrec<Trees>((tie) => {
  const choices = (dtype: "float32" | "int32" | "bool", leaf: fc.Arbitrary<Expr>) => [
    fc
      .tuple(tie("bool"), tie(dtype), tie(dtype))
      .map(([condition, a, b]): Expr => ({ kind: "select", condition, a, b, dtype })),
    fc
      .tuple(guardTests, tie(dtype), leaf)
      .map(([tests, inside, outside]): Expr => ({ kind: "guard", tests, inside, outside, dtype })),
  ];
  const read = (dtype: Type) => index.map((d) => load(inputs[dtype], d));
  const number = (dtype: DType, values: readonly number[]) =>
    fc.constantFrom(...values).map((value): Expr => ({ kind: "constant", value, dtype }));
  const position = (dtype: DType) => index.map((d): Expr => ({ kind: "index", index: d, dtype }));
  const floats = fc.oneof(read("float32"), number("float32", floatValues), position("float32"));
  const integers = fc.oneof(
    ...[read("int32"), read("int8"), read("uint8"), position("int32")],
    number("int32", [0, 1, -1, 7, 255, 2 ** 31 - 1, -(2 ** 31)]),
  );
  const bools = fc.oneof(read("bool"), number("bool", [0, 1]));
  const step = { depthSize: "small", maxDepth: 4, withCrossShrink: true } as const;
  return {
    float32: fc.oneof(
      step,
      floats,
      arithmetic(["add", "sub", "mul", "div", "max", "min"], "float32", tie("float32")),
      ...(["neg", "abs", "sqrt", "floor", "ceil", "round", "sign"] as const).map((fn) =>
        tie("float32").map(unary(fn, "float32")),
      ),
      fc.oneof(tie("int32"), tie("bool")).map(cast("float32")),
      ...choices("float32", floats),
    ),
    int32: fc.oneof(
      step,
      integers,
      arithmetic(["add", "sub", "mul", "max", "min", "and", "or", "xor"], "int32", tie("int32")),
      fc
        .tuple(
          fc.constantFrom<BinaryFn>("shiftLeft", "shiftRight"),
          tie("int32"),
          fc.integer({ min: -1, max: 33 }),
        )
        .map(([fn, a, by]): Expr => {
          const b: Expr = { kind: "constant", value: by, dtype: "int32" };
          return { kind: "binary", fn, a, b, dtype: "int32" };
        }),
      ...(["neg", "abs", "sign", "not"] as const).map((fn) => tie("int32").map(unary(fn, "int32"))),
      fc
        .tuple(
          fc.constantFrom<DType>("int32", "int8", "uint8"),
          fc.oneof(tie("float32"), tie("int32"), tie("bool")),
        )
        .map(([dtype, x]): Expr => cast(dtype)(x)),
      ...choices("int32", integers),
    ),
    bool: fc.oneof(
      step,
      bools,
      ...(["float32", "int32", "bool"] as const).map((of) =>
        arithmetic(["eq", "ne", "lt", "le", "gt", "ge"], "bool", tie(of)),
      ),
      arithmetic(["and", "or", "xor"], "bool", tie("bool")),
      tie("bool").map(unary("not", "bool")),
      fc.oneof(tie("float32"), tie("int32")).map(cast("bool")),
      ...choices("bool", bools),
    ),
  };
});

function kernelOf(value: Expr, dtype: DType, mode: LoopMode): Kernel {
  const y = buffer("y", count, "output", dtype);
  const body = [{ ...loop("i", 4, true, [{ kind: "store", buffer: y, index: at, value }]), mode }];
  const reads = Object.values(inputs);
  return { name: "k", reads, writes: [y], parameters: [], body: [loop("j", 3, true, body)], comment: "" };
}

type Form = "wasm" | "wasm-relaxed";

function run(kernel: Kernel, form: Form, seed: number) {
  const machine = wasmMachine([kernel], targets[form].numerics, (b) =>
    b.space === "input" ? dataOf(b, seed) : undefined,
  );
  machine.run(kernel);
  return machine.array(kernel.writes[0]!);
}

const stored = fc.oneof(
  trees.float32.map((value) => ({ value, dtype: "float32" as DType })),
  fc
    .tuple(trees.int32, fc.constantFrom<DType>("int32", "int8", "uint8"))
    .map(([value, dtype]) => ({ value: cast(dtype)(value), dtype })),
  trees.bool.map((value) => ({ value, dtype: "bool" as DType })),
);

describe("any expression", () => {
  test.each(["max", "min"] as const)("%s with a constant knows zeros, infinities and NaN", (fn) => {
    for (const value of floatValues) {
      const limit: Expr = { kind: "constant", value, dtype: "float32" };
      const x = load(inputs.float32, at);
      const kernel = kernelOf({ kind: "binary", fn, a: x, b: limit, dtype: "float32" }, "float32", "vector");
      for (const seed of [1, 2, 3]) {
        const memory = memoryFor(kernel, (b) => (b.space === "input" ? dataOf(b, seed) : undefined));
        interpret(kernel, memory, targets.wasm.numerics);
        expect(run(kernel, "wasm", seed)).toEqual(memory.get(kernel.writes[0]!));
      }
    }
  });

  test("in lanes and in scalars is what the interpreter makes of it, bit for bit", () => {
    fc.assert(
      fc.property(stored, fc.nat(), ({ value, dtype }, seed) => {
        const kernel = kernelOf(value, dtype, "vector");
        verifyKernel(kernel);
        const memory = memoryFor(kernel, (b) => (b.space === "input" ? dataOf(b, seed) : undefined));
        interpret(kernel, memory, targets.wasm.numerics);
        const expected = memory.get(kernel.writes[0]!);
        for (const mode of ["vector", "serial"] as const)
          expect(run(kernelOf(value, dtype, mode), "wasm", seed)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

test("the largest int32 is no float32, and the next one wraps", () => {
  const largest: Expr = { kind: "constant", value: 2 ** 31 - 1, dtype: "int32" };
  const value = cast("int32")(cast("float32")(largest));
  for (const mode of ["vector", "serial"] as const)
    expect([...run(kernelOf(value, "int32", mode), "wasm", 0)]).toEqual(Array(count).fill(-(2 ** 31)));
});

const forms: readonly Form[] = featureDetect("relaxedSimd") ? ["wasm", "wasm-relaxed"] : ["wasm"];

test.each(Object.keys(ulpBounds))("%s is the same number in a lane and alone", (fn) => {
  const x = load(inputs.float32, at);
  const y = load(inputs.float32, add(at, 5));
  const value =
    fn === "pow" || fn === "atan2"
      ? ({ kind: "binary", fn, a: x, b: y, dtype: "float32" } as const)
      : unary(fn as UnaryFn, "float32")(x);
  for (const form of forms)
    expect(run(kernelOf(value, "float32", "serial"), form, 3)).toEqual(
      run(kernelOf(value, "float32", "vector"), form, 3),
    );
});
