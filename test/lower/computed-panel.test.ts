import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph } from "../../compiler/ir/graph.ts";
import { verifyProgram } from "../../compiler/ir/program-verify.ts";
import { type Target, targets } from "../../compiler/ir/target.ts";
import { lower } from "../../compiler/lower/lower.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { buffer } from "../support/nests.ts";
import { noise } from "../support/results.ts";
import { runProgram } from "../support/run-program.ts";
import { wasmProgram } from "../support/wasm-program.ts";

interface Sizes {
  readonly heads: number;
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** Scores of attention: q [rows, heads, inner] and k [columns, heads, inner], both doubled first. */
function scores({ heads, rows, columns, inner }: Sizes): Graph<BoundDim> {
  const g = new GraphBuilder("scores");
  const input = (name: string, length: number) =>
    g.input(name, { dtype: "float32", shape: [length, heads, inner].map((n) => constant(n)) });
  const [q, k] = [input("q", rows), input("k", columns)];
  const doubled = [q, k].map((x) => g.node("add", [x, x])[0]!);
  const [y] = g.node("dotGeneral", doubled, { batch: [[1], [1]], contract: [[2], [2]] });
  return g.finish([{ name: "y", value: y! }]) as Graph<BoundDim>;
}

const programOf = (sizes: Sizes, target: Target = targets.wasm) =>
  lower(scores(sizes), { target, parameters: new Map(), symbols: new Map() });

const kernels = (program: ReturnType<typeof programOf>) =>
  program.steps.map((step) => (step.kind === "call" ? step.kernel.name : step.kind));

describe("an operand that the run computes", () => {
  test("is packed before the product where its lanes lie apart and many rows read it", () => {
    const [, , pack, product] = kernels(programOf({ heads: 2, rows: 32, columns: 24, inner: 8 }));
    expect(pack).toBe(`pack_${product}_y`);
    const few = kernels(programOf({ heads: 2, rows: 8, columns: 24, inner: 8 }));
    expect(few.filter((name) => name.startsWith("pack"))).toEqual([]);
    const plain = kernels(programOf({ heads: 2, rows: 32, columns: 24, inner: 8 }, targets.ts));
    expect(plain.filter((name) => name.startsWith("pack"))).toEqual([]);
  });

  test("gives the reference's sums in the interpreter and in WebAssembly, bit for bit", () => {
    const size = (min: number, max: number) => fc.integer({ min, max });
    const sizes = fc.record({
      heads: size(1, 3),
      rows: size(14, 20),
      columns: size(1, 13),
      inner: size(1, 9),
    });
    fc.assert(
      fc.property(sizes, fc.integer(), (given, seed) => {
        const program = programOf(given);
        verifyProgram(program);
        const { heads, rows, columns, inner } = given;
        const data = (name: string, length: number) => ({
          dtype: "float32" as const,
          shape: [length, heads, inner],
          data: noise(buffer(name, length * heads * inner, "input"), seed),
        });
        const inputs = { q: data("q", rows), k: data("k", columns) };
        const { numerics } = targets.wasm;
        const expected = evaluateGraph(scores(given), new Map(Object.entries(inputs)), numerics).get("y")!;
        const arrays = { q: inputs.q.data, k: inputs.k.data };
        expect(runProgram(program, arrays, () => numerics)["y"]).toEqual(expected.data);
        const machine = wasmProgram(program, numerics);
        for (const { name, buffer } of program.inputs)
          (machine.array(buffer) as Float32Array).set(arrays[name as "q" | "k"]);
        machine.run();
        expect(machine.array(program.outputs[0]!.buffer)).toEqual(expected.data);
      }),
      { numRuns: 40 },
    );
  });
});
