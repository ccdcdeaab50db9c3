/** What kernels compute once printed: against naive loops written out here, or the loop-IR interpreter. */
import { describe, expect, test } from "vitest";
import { add, constant, mul, sub, symbol } from "../../../compiler/dims/index.ts";
import type { Buffer, Expr, Kernel, Register, Stmt } from "../../../compiler/ir/loop.ts";
import { targets } from "../../../compiler/ir/target.ts";
import { schedule } from "../../../compiler/lower/schedule/index.ts";
import { emit, kernelText, runEmitted } from "../../support/emitted.ts";
import {
  binary,
  buffer,
  conv2d,
  load,
  loop,
  matmul,
  maxPool,
  number,
  read,
  softmax,
} from "../../support/nests.ts";
import { call, kernel, program, store } from "../../support/programs.ts";
import { noise } from "../../support/results.ts";
import { runProgram } from "../../support/run-program.ts";
import { checkEmitted } from "../../support/typecheck.ts";

const [i, j, t] = [symbol("i"), symbol("j"), symbol("t")];

describe("nests of float32", () => {
  test("a matrix product with bias and relu is the naive one", () => {
    const [M, K, N] = [3, 5, 4];
    const x = noise(buffer("x", M * K, "input"), 3);
    const y = runEmitted(program({ steps: [call(matmul(M, K, N, targets.ts))] }), { x })["y"]!;
    const w = noise(buffer("w", K * N, "weight"), 1);
    const b = noise(buffer("b", N, "weight"), 1);
    const expected = new Float32Array(M * N);
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let acc = 0;
        for (let k = 0; k < K; k++) acc += x[m * K + k]! * w[k * N + n]!;
        expected[m * N + n] = Math.max(acc + b[n]!, 0);
      }
    expect(y).toEqual(expected);
  });

  test("a padded convolution tests bounds, and does not read where they fail", () => {
    const size = 5;
    const [x, w, y] = [buffer("x", 25, "input"), buffer("w", 9, "weight"), buffer("y", 25, "output")];
    const acc: Register = { name: "acc", dtype: "float64", shape: [] };
    const [oh, ow, kh, kw] = ["oh", "ow", "kh", "kw"].map(symbol) as [typeof i, typeof i, typeof i, typeof i];
    const [ih, iw] = [add(oh, kh, -1), add(ow, kw, -1)];
    const padded: Expr = {
      kind: "guard",
      tests: [ih, sub(size - 1, ih), iw, sub(size - 1, iw)],
      inside: load(x, add(mul(size, ih), iw)),
      outside: number(0),
      dtype: "float32",
    };
    const sum = binary("add", read(acc), binary("mul", padded, load(w, add(mul(3, kh), kw))));
    const body: Stmt[] = [
      { kind: "let", register: acc, index: [], value: number(0) },
      loop("kh", 3, false, [loop("kw", 3, false, [{ kind: "set", register: acc, index: [], value: sum }])]),
      store(y, add(mul(size, oh), ow), read(acc)),
    ];
    const conv = kernel("conv", {
      reads: [x, w],
      writes: [y],
      body: [loop("oh", size, true, [loop("ow", size, true, body)])],
    });
    expect(kernelText(conv)).toMatchInlineSnapshot(`
      "function conv(x: Float32Array, w: Float32Array, y: Float32Array): void {
        for (let oh = 0; oh < 5; oh++) {
          const oh5 = oh * 5;
          for (let ow = 0; ow < 5; ow++) {
            let acc = 0;
            const oh5_ow = oh5 + ow;
            for (let kh = 0; kh < 3; kh++) {
              const oh_kh = oh + kh;
              const inside = oh_kh >= 1 && oh_kh < 6;
              const oh5_kh5_ow = oh5_ow + kh * 5;
              const kh3 = kh * 3;
              for (let kw = 0; kw < 3; kw++) {
                const ow_kw = ow + kw;
                acc += (inside && ow_kw >= 1 && ow_kw < 6 ? x[oh5_kh5_ow + kw - 6]! : 0) * w[kh3 + kw]!;
              }
            }
            y[oh5_ow] = acc;
          }
        }
      }"
    `);
    const input = noise(x, 5);
    const p = program({ steps: [call(conv)] });
    expect(runEmitted(p, { x: input })).toEqual(runProgram(p, { x: input }));
  });

  test("a maximum propagates NaN and keeps the sign of zero", () => {
    const [x, y] = [buffer("x", 6, "input"), buffer("y", 3, "output")];
    const best: Register = { name: "best", dtype: "float32", shape: [] };
    const rowMax = kernel("row_max", {
      reads: [x],
      writes: [y],
      body: [
        loop("i", 3, true, [
          { kind: "let", register: best, index: [], value: number(Number.NEGATIVE_INFINITY) },
          loop("j", 2, false, [
            {
              kind: "set",
              register: best,
              index: [],
              value: binary("max", read(best), load(x, add(mul(2, i), j))),
            },
          ]),
          store(y, i, read(best)),
        ]),
      ],
    });
    const p = program({ steps: [call(rowMax)] });
    const input = Float32Array.of(Number.NaN, 1, -0, 0, -3, Number.NEGATIVE_INFINITY);
    expect(runEmitted(p, { x: input })["y"]).toEqual(Float32Array.of(Number.NaN, 0, -3));
  });

  test.each([
    matmul(6, 16, 12, targets.ts),
    matmul(1, 37, 11, targets.ts),
    conv2d({ size: [5, 6], channels: [4, 8], kernel: [3, 3] }, targets.ts),
    maxPool(7, 3, targets.ts),
    softmax(5, 9, targets.ts),
  ])("scheduled, $name gives what the interpreter gives, and passes the strictest compiler", (nest) => {
    const { kernel: scheduled, panels } = schedule(nest, targets.ts);
    const p = program({
      prepare: panels.map((panel) => call(panel.prepare)),
      steps: [call(copyIn(scheduled.reads[0]!)), call(scheduled)],
    });
    const source = noise(buffer("source", scheduled.reads[0]!.length, "input"), 9);
    const inputs = Object.fromEntries(p.inputs.map((port) => [port.name, source]));
    expect(runEmitted(p, inputs)).toEqual(runProgram(p, inputs));
    expect(checkEmitted(emit(p, { format: "ts" }).code)).toEqual([]);
  });
});

/** Fills an arena buffer from an input, so that the kernel after it has something to read. */
function copyIn(to: Buffer): Kernel {
  const from = buffer("source", to.length, "input");
  const target = to.space === "input" ? buffer("scratch", to.length, "arena") : to;
  return kernel("copy_in", {
    reads: [from],
    writes: [target],
    body: [loop("i", to.length, true, [store(target, i, load(from, i))])],
  });
}

describe("repeats", () => {
  test("run a kernel per step with the step as its argument, over state in float64", () => {
    const [x, state, y] = [
      buffer("x", 12, "input"),
      buffer("state", 3, "arena", "float64"),
      buffer("y", 12, "output"),
    ];
    const fill = kernel("clear", {
      reads: [],
      writes: [state],
      body: [loop("i", 3, true, [store(state, i, number(0))])],
    });
    const at = add(mul(3, t), i);
    const decayed = binary("add", binary("mul", load(state, i), number(0.1)), load(x, at));
    const step = kernel("step", {
      reads: [x, state],
      writes: [state, y],
      parameters: ["t"],
      body: [loop("i", 3, true, [store(state, i, decayed), store(y, at, load(state, i))])],
    });
    const p = program({
      steps: [
        call(fill),
        {
          kind: "repeat",
          axis: "time",
          extent: constant(4),
          body: [
            { kind: "call", kernel: step, buffers: [x, state, state, y], args: [sub(3, symbol("time"))] },
          ],
        },
      ],
    });
    const { code } = emit(p, { format: "ts" });
    expect(code).toContain("for (let time = 0; time < 4; time++) {\n        step(x, state, y, 3 - time);\n");
    const input = noise(x, 2);
    expect(runEmitted(p, { x: input })).toEqual(runProgram(p, { x: input }));
    expect(checkEmitted(code)).toEqual([]);
  });
});

describe("roundings", () => {
  test("are dropped where the store makes them, and kept where a sum follows", () => {
    const [x, y] = [buffer("x", 4, "input", "float64"), buffer("y", 8, "output")];
    const single = (e: Expr): Expr => ({ kind: "cast", x: e, dtype: "float32" });
    const relu = single(binary("max", single(load(x, i)), number(0)));
    const sum = single(binary("add", single(load(x, i)), number(1)));
    const rounded = kernel("rounded", {
      reads: [x],
      writes: [y],
      body: [loop("i", 4, true, [store(y, i, relu), store(y, add(i, 4), sum)])],
    });
    expect(kernelText(rounded)).toContain("y[i] = Math.max(x0, 0);");
    expect(kernelText(rounded)).toContain("y[i + 4] = Math.fround(x0) + 1;");
    const p = program({ steps: [call(rounded)] });
    const input = Float64Array.of(1e-60, -1e-60, Number.NaN, 0.1);
    expect(runEmitted(p, { x: input })).toEqual(runProgram(p, { x: input }));
  });
});

describe("straight lines", () => {
  test("load a value once until its buffer changes", () => {
    const [x, y] = [buffer("x", 2, "input"), buffer("y", 3, "arena")];
    const sum = binary("add", load(x, constant(0)), load(x, constant(0)));
    const body = [
      store(y, constant(0), sum),
      store(y, constant(1), binary("mul", load(y, constant(0)), load(y, constant(0)))),
      store(y, constant(0), load(x, constant(1))),
      store(y, constant(2), binary("mul", load(y, constant(0)), load(y, constant(0)))),
    ];
    const lines = kernel("lines", { reads: [x], writes: [y], body });
    expect(kernelText(lines)).toMatchInlineSnapshot(`
      "function lines(x: Float32Array, y: Float32Array): void {
        const x0 = x[0]!;
        y[0] = x0 + x0;
        const y0 = y[0]!;
        y[1] = y0 * y0;
        y[0] = x[1]!;
        const y1 = y[0]!;
        y[2] = y1 * y1;
      }"
    `);
  });

  test("name what a huge tree of few values shares, instead of writing it out", () => {
    const [x, y] = [buffer("x", 1, "input"), buffer("y", 1, "output")];
    let value = load(x, constant(0));
    for (let n = 0; n < 40; n++) value = binary("mul", value, value);
    const p = program({
      steps: [call(kernel("tower", { reads: [x], writes: [y], body: [store(y, constant(0), value)] }))],
    });
    expect(emit(p).code.length).toBeLessThan(4000);
    expect(runEmitted(p, { x: Float32Array.of(-1) })["y"]).toEqual(Float32Array.of(1));
  });

  test("declare a register of each unrolled copy under a name of its own", () => {
    const [x, y] = [buffer("x", 4, "input"), buffer("y", 4, "output")];
    const half: Register = { name: "half", dtype: "float64", shape: [] };
    const body: Stmt[] = [
      { kind: "let", register: half, index: [], value: binary("mul", load(x, i), number(0.5)) },
      store(y, i, binary("add", binary("mul", read(half), read(half)), read(half))),
    ];
    const unrolled = { ...loop("i", 4, true, body), mode: "unroll" as const };
    const p = program({ steps: [call(kernel("halves", { reads: [x], writes: [y], body: [unrolled] }))] });
    const input = Float32Array.of(1, 2, 3, 4);
    expect(runEmitted(p, { x: input })).toEqual(runProgram(p, { x: input }));
  });
});
