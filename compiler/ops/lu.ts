/**
 * LU decomposition with partial pivoting of the matrices in the last two axes: results are L and U in one
 * matrix (L's unit diagonal left out, rows as pivoted) and the parity of the row exchanges, 1 or -1. The
 * determinant is the product of the diagonal times the parity (ONNX Det, numpy.linalg.det). Every element is
 * rounded to the dtype whenever it changes. A column of zeros leaves its row as it is.
 */
import { numbersIn, roundedTo } from "../../runtime/elements.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import type { Dim } from "../dims/index.ts";
import type { Expr } from "../ir/loop.ts";
import type { Block, Destination, Operand } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { numberMultiplyAdder } from "./accumulate.ts";
import { checkDType, checkRank, defineOp } from "./definition.ts";
import { test, whole } from "./expressions.ts";
import { nestOver } from "./nest.ts";

export const lu = defineOp({
  name: "lu",
  operands: ["x"],
  attributes: {},
  results: () => 2,
  relate: (context, [x]) => {
    checkDType(context, "lu", "x", x!, "float");
    checkRank(context, "lu", "x", x!, 2, Number.POSITIVE_INFINITY);
    context.equal(x!.shape.at(-2)!, x!.shape.at(-1)!, "lu decomposes square matrices");
    return [x!, { dtype: x!.dtype, shape: x!.shape.slice(0, -2) }];
  },
  evaluate: ([x], _attributes, results, { numerics }) => decompose(x!, results[1]!.shape, numerics),
  lower: ([x]) => ({
    kind: "kernel",
    build: (block, [matrix, parity]) => eliminate(block, x!, matrix!, parity!),
  }),
});

function decompose(x: Tensor, batch: readonly number[], numerics: Numerics): readonly Tensor[] {
  const n = x.shape.at(-1)!;
  const data = numbersIn(x.data).slice();
  const parity = data.slice(0, size(batch));
  const step = numberMultiplyAdder(x.dtype, numerics);
  const rounded = (value: number) => Number(roundedTo(x.dtype, value));
  for (let b = 0; b < parity.length; b++) {
    const at = (row: number, column: number) => (b * n + row) * n + column;
    parity[b] = 1;
    for (let k = 0; k < n; k++) {
      let pivot = k;
      for (let r = k + 1; r < n; r++)
        if (Math.abs(data[at(r, k)]!) > Math.abs(data[at(pivot, k)]!)) pivot = r;
      if (pivot !== k) {
        parity[b] = -parity[b]!;
        for (let c = 0; c < n; c++)
          [data[at(k, c)], data[at(pivot, c)]] = [data[at(pivot, c)]!, data[at(k, c)]!];
      }
      if (data[at(k, k)] === 0) continue;
      for (let r = k + 1; r < n; r++) {
        data[at(r, k)] = rounded(data[at(r, k)]! / data[at(k, k)]!);
        const factor = -data[at(r, k)]!;
        for (let c = k + 1; c < n; c++)
          data[at(r, c)] = rounded(step(data[at(r, c)]!, factor, data[at(k, c)]!));
      }
    }
  }
  return [
    { dtype: x.dtype, shape: x.shape, data },
    { dtype: x.dtype, shape: batch, data: parity },
  ];
}

function eliminate(block: Block, x: Operand, matrix: Destination, parity: Destination): void {
  const { dtype } = x;
  const [n] = x.shape.slice(-1);
  const magnitude = (value: Expr): Expr => ({ kind: "unary", fn: "abs", x: value, dtype });
  const number = (value: number): Expr => ({ kind: "constant", value, dtype });
  nestOver(block, x.shape.slice(0, -2), { parallel: true }, (batch) => {
    const load = (row: Dim, column: Dim) => matrix.load([...batch, row, column]);
    const store = (row: Dim, column: Dim, value: Expr) => matrix.store([...batch, row, column], value);
    const each = (name: string, body: (axis: Dim) => void) => block.for(name, n!, { parallel: false }, body);
    const after = (row: Dim, k: Dim) => test("gt", whole(row), whole(k));
    each("r", (r) => each("c", (c) => store(r, c, x.at([...batch, r, c]))));
    const sign = block.local("sign", dtype, number(1));
    each("k", (k) => {
      const largest = block.local("largest", dtype, magnitude(load(k, k)));
      const pivot = block.local("pivot", "int32", whole(k));
      each("r", (r) => {
        const candidate = block.let("candidate", magnitude(load(r, k)));
        block.if(test("and", after(r, k), test("gt", candidate, largest.get())), () => {
          largest.set(candidate);
          pivot.set(whole(r));
        });
      });
      block.if(test("ne", pivot.get(), whole(k)), () => {
        sign.set({ kind: "unary", fn: "neg", x: sign.get(), dtype });
        const other = block.index(pivot.get(), n!, { mode: "clamp", what: "lu pivot" });
        each("c", (c) => {
          const held = block.let("held", load(k, c));
          store(k, c, load(other, c));
          store(other, c, held);
        });
      });
      block.if(test("ne", load(k, k), number(0)), () =>
        each("r", (r) =>
          block.if(after(r, k), () => {
            store(r, k, { kind: "binary", fn: "div", a: load(r, k), b: load(k, k), dtype });
            const factor = block.let("factor", { kind: "unary", fn: "neg", x: load(r, k), dtype });
            each("c", (c) =>
              block.if(after(c, k), () => {
                const product: Expr = { kind: "binary", fn: "mul", a: factor, b: load(k, c), dtype };
                store(r, c, { kind: "binary", fn: "add", a: load(r, c), b: product, dtype });
              }),
            );
          }),
        ),
      );
    });
    parity.store(batch, sign.get());
  });
}
