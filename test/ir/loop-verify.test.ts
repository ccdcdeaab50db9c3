import { describe, expect, test } from "vitest";
import { add, constant, floorDiv, mul, sub, symbol } from "../../compiler/dims/index.ts";
import type { Expr, Kernel, Register, Stmt } from "../../compiler/ir/loop.ts";
import { verifyKernel } from "../../compiler/ir/loop-verify.ts";
import { targets } from "../../compiler/ir/target.ts";
import {
  accumulator,
  buffer,
  conv2d,
  depthwise,
  load,
  loop,
  matmul,
  number,
  read,
  softmax,
} from "../support/nests.ts";

const x = buffer("x", 12, "input");
const y = buffer("y", 12, "output");
const [i, j] = [symbol("i"), symbol("j")];
const store = (index = i, value: Expr = number(0)): Stmt => ({ kind: "store", buffer: y, index, value });

function kernelOf(body: readonly Stmt[], parameters: readonly string[] = []): Kernel {
  return { name: "k", reads: [x], writes: [y], parameters, body, comment: "" };
}

const verify = (...body: readonly Stmt[]) => verifyKernel(kernelOf(body));
const guarded = (tests: readonly ReturnType<typeof sub>[], index: ReturnType<typeof sub>): Expr => ({
  kind: "guard",
  tests,
  inside: load(x, index),
  outside: number(0),
  dtype: "float32",
});

test("the nests that lowerings write are well formed", () => {
  for (const kernel of [
    matmul(3, 4, 5, targets.ts),
    conv2d({ size: [5, 4], channels: [2, 3], kernel: [3, 2], stride: 2 }, targets.ts),
    depthwise(4, 3, targets.ts),
    softmax(3, 4, targets.ts),
  ])
    expect(() => verifyKernel(kernel)).not.toThrow();
});

test("bits are seen as a dtype of as many", () => {
  const seen = (dtype: "float32" | "float64"): Expr => ({ kind: "bits", x: number(1, "int32"), dtype });
  expect(() => verify(loop("i", 12, true, [store(i, seen("float32"))]))).not.toThrow();
  expect(() => verify(loop("i", 12, true, [store(i, seen("float64"))]))).toThrow(
    "kernel k sees the bits of int32 as float64",
  );
});

describe("every address is proven inside its buffer", () => {
  test("an access one past the end is named with its buffer, index and interval", () => {
    expect(() => verify(loop("i", 13, true, [store()]))).toThrowErrorMatchingInlineSnapshot(
      `[Error: internal: kernel k indexes y with i in [0, 12], outside [0, 11]]`,
    );
  });

  test("a loop in steps reaches its last step, not its extent", () => {
    const stepped = { ...loop("i", 14, true, [store()]), step: 11 };
    expect(() => verify(stepped)).not.toThrow();
    expect(() => verify({ ...stepped, step: 13 })).toThrow("[0, 13]");
  });

  test("a guard narrows the index inside it, for any combination of axes it tests", () => {
    const [top, kernel] = [symbol("i"), symbol("j")];
    const row = sub(add(mul(2, top), kernel), 1);
    const inside = guarded([row, sub(3, row)], add(mul(3, row), 2));
    const nest = (value: Expr) =>
      loop("i", 2, true, [
        { kind: "let", register: accumulator(targets.ts), index: [], value: number(0) },
        loop("j", 4, false, [{ kind: "store", buffer: y, index: constant(0), value }]),
      ]);
    expect(() => verify(nest(inside))).not.toThrow();
    expect(() => verify(nest(guarded([row], add(mul(3, row), 2))))).toThrow("indexes x");
    expect(() => verify(nest(guarded([sub(3, row)], add(mul(3, row), 2))))).toThrow("indexes x");
  });

  test("the arm outside a guard knows that its one test failed, and nothing of several", () => {
    const outside = (tests: readonly ReturnType<typeof sub>[], index: ReturnType<typeof sub>): Stmt => {
      const e = { ...guarded(tests, constant(0)), outside: load(x, index) } as Expr;
      return loop("i", 12, true, [store(i, e)]);
    };
    expect(() => verify(outside([sub(i, 3)], sub(2, i)))).not.toThrow();
    expect(() => verify(outside([sub(i, 3)], sub(i, 1)))).toThrow("[-1, 1]");
    expect(() => verify(outside([sub(i, 3), sub(5, i)], sub(2, i)))).toThrow("[-9, 2]");
  });

  test("an arm that is never taken needs no proof", () => {
    const never = guarded([constant(-1)], sub(i, 99));
    expect(() => verify(loop("i", 12, true, [store(i, never)]))).not.toThrow();
  });

  test("a floor is no obstacle", () => {
    expect(() => verify(loop("i", 24, true, [store(floorDiv(i, 2))]))).not.toThrow();
    expect(() => verify(loop("i", 26, true, [store(floorDiv(i, 2))]))).toThrow("[0, 12]");
  });

  test("a bound symbol is within its extent", () => {
    const bind = (extent: number): Stmt => ({
      kind: "bind",
      symbol: "j",
      value: load(x, constant(0)),
      extent: constant(extent),
      mode: "clamp",
      wrap: false,
      what: "index",
    });
    expect(() => verify(bind(12), store(j))).not.toThrow();
    expect(() => verify(bind(13), store(j))).toThrow("[0, 12]");
  });

  test("a parameter is what its caller says, and nothing is proven without bounds", () => {
    const kernel = kernelOf([store(symbol("t"))], ["t"]);
    const parameters = new Map([["t", { min: 0, max: 11 }]]);
    expect(() => verifyKernel(kernel, { parameters })).not.toThrow();
    expect(() => verifyKernel(kernel)).toThrow("[-Infinity, Infinity]");
  });

  test("a loop that never runs needs no proof", () => {
    expect(() => verify(loop("i", 0, true, [store(constant(99))]))).not.toThrow();
  });
});

describe("everything is declared before it is used", () => {
  const acc: Register = { name: "acc", dtype: "float64", shape: [] };
  const tile: Register = { name: "tile", dtype: "float64", shape: [3] };

  test("symbols", () => {
    expect(() => verify(store(i))).toThrow("uses i in i, where nothing gives it a value");
  });

  test("registers, in the scope of the nearest serial loop", () => {
    const declare = (index: readonly (typeof i)[]): Stmt => ({
      kind: "let",
      register: tile,
      index,
      value: number(0),
    });
    const use = store(constant(0), read(tile, [constant(2)]));
    expect(() => verify(store(constant(0), read(acc)))).toThrow("uses acc before it is declared");
    expect(() => verify({ ...loop("i", 3, true, [declare([i])]), mode: "unroll" }, use)).not.toThrow();
    expect(() => verify(loop("i", 3, true, [declare([i])]), use)).toThrow("uses tile before it is declared");
  });

  test("elements of tiles", () => {
    const outside: Stmt = { kind: "let", register: tile, index: [constant(3)], value: number(0) };
    expect(() => verify(outside)).toThrow("indexes tile, axis 0, with 3 in [3, 3], outside [0, 2]");
    expect(() => verify({ ...outside, index: [] })).toThrow("indexes tile of shape [3] with 0 indices");
  });

  test("buffers", () => {
    const other = buffer("z", 4, "arena");
    expect(() => verify({ kind: "store", buffer: other, index: constant(0), value: number(0) })).toThrow(
      "stores to z, which it does not declare",
    );
    expect(() => verify(store(constant(0), load(other, constant(0))))).toThrow("loads from z");
  });

  test("an axis is counted once, and what is unrolled has a constant extent", () => {
    expect(() => verify(loop("i", 2, true, [loop("i", 2, true, [store()])]))).toThrow(
      "counts i inside a loop",
    );
    const symbolic: Stmt = { ...loop("i", 1, true, []), extent: symbol("n"), mode: "unroll" };
    expect(() => verifyKernel(kernelOf([symbolic], ["n"]))).toThrow(
      "is to unroll i, whose extent n is not constant",
    );
  });
});
