import { expect, test } from "vitest";
import { add, constant, sub, symbol } from "../../compiler/dims/index.ts";
import type { Expr, Stmt } from "../../compiler/ir/loop.ts";
import { printExpr, printKernel, printStmts } from "../../compiler/ir/loop-print.ts";
import { targets } from "../../compiler/ir/target.ts";
import { binary, buffer, load, loop, matmul, number } from "../support/nests.ts";

const x = buffer("x", 9, "input");
const [i, j] = [symbol("i"), symbol("j")];

test("a kernel prints as its loops, one line for a statement", () => {
  expect(printKernel(matmul(2, 3, 4, targets.ts))).toMatchInlineSnapshot(`
    "kernel matmul_2x3x4(x: float32[6] input, w: float32[12] weight, b: float32[4] weight) -> (y: float32[8] output)
      // matmul_2x3x4: 2x4
      for m < 2 parallel
        for n < 4 parallel
          let acc = 0
          for k < 3
            set acc = acc + x[k + 3*m] * w[4*k + n]
          store y[4*m + n] = max(acc + b[n], 0)"
  `);
});

test("parentheses stand only where they change the value", () => {
  const [a, b, c] = [0, 1, 2].map((n) => load(x, constant(n))) as [Expr, Expr, Expr];
  expect(printExpr(binary("mul", binary("add", a, b), c))).toBe("(x[0] + x[1]) * x[2]");
  expect(printExpr(binary("add", binary("mul", a, b), c))).toBe("x[0] * x[1] + x[2]");
  expect(printExpr(binary("sub", a, binary("sub", b, c)))).toBe("x[0] - (x[1] - x[2])");
  expect(printExpr(binary("sub", binary("sub", a, b), c))).toBe("x[0] - x[1] - x[2]");
  expect(printExpr(binary("max", a, number(-0)))).toBe("max(x[0], -0)");
});

test("bits say what they are seen as", () => {
  expect(printExpr({ kind: "bits", x: load(x, i), dtype: "int32" })).toBe("bits(int32: x[i])");
});

test("guards, binds, conditions and steps say what they are", () => {
  const guard: Expr = {
    kind: "guard",
    tests: [i, sub(8, i)],
    inside: load(x, i),
    outside: number(0),
    dtype: "float32",
  };
  const bind: Stmt = {
    kind: "bind",
    symbol: "j",
    value: load(x, i),
    extent: constant(9),
    mode: "check",
    wrap: true,
    what: "row",
  };
  const condition: Stmt = {
    kind: "if",
    condition: binary("lt", load(x, j), number(1)),
    body: [{ kind: "store", buffer: x, index: add(i, j), value: guard }],
  };
  const stepped: Stmt = { ...loop("i", 8, true, [bind, condition]), step: 4 };
  expect(printStmts([stepped])).toMatchInlineSnapshot(`
    "for i < 8 step 4 parallel
      bind j < 9 = x[i] check wrap "row"
      if x[j] < 1
        store x[i + j] = guard(i >= 0 && -i + 8 >= 0: x[i] else 0)"
  `);
});
