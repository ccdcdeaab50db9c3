/** One module for several sizes: what it ships, what it accepts, what it says. */
import {
  add,
  compile,
  dense,
  dim,
  input,
  load,
  lstm,
  model,
  multiHeadAttention,
  sequential,
} from "shapecast";
import { describe, expect, test } from "vitest";
import type { CompileOptions } from "../../compiler/compile-model.ts";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import { checkEmitted } from "../support/typecheck.ts";

/** Attention over a sequence, and its mean over the batch's rows: one output of each kind. */
function encoder() {
  const x = input({ batchShape: ["batch", "seq", 6], name: "x" });
  const attended = multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply([x, x]);
  const hidden = add().apply([x, attended]);
  const y = dense({ units: 4 }).apply(hidden);
  const last = lstm({ units: 5 }).apply(y);
  return model({ inputs: x, outputs: { y, last } });
}

const sizes = { batch: [1, 4], seq: [3, 8] };

function loaded(options: CompileOptions) {
  return load(compile(encoder(), { ...options, format: "js" })).instantiate();
}

const numbers = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7));

function refusal(body: () => unknown): CompileError {
  try {
    body();
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("accepted");
}

describe("a module with buckets for two dims", () => {
  const instance = loaded({ dims: sizes }) as ReturnType<typeof loaded> & {
    readonly shapes: Readonly<Record<string, readonly number[]>>;
    run(inputs: object, dims?: object): Readonly<Record<string, Float32Array>>;
  };
  const run = (batch: number, seq: number) =>
    instance.run({ x: numbers(batch * seq * 6) }, { seq }) as Record<"y" | "last", Float32Array>;

  test.each([
    [1, 3],
    [1, 8],
    [4, 3],
    [4, 8],
  ])("is the module of [%i, %i] when it is run with these sizes", (batch, seq) => {
    const alone = loaded({ dims: { batch, seq } }).run({ x: numbers(batch * seq * 6) });
    expect(run(batch, seq)).toEqual(alone);
    expect(instance.shapes).toEqual({ y: [batch, seq, 4], last: [batch, 5] });
  });

  test("runs shorter inputs with zeros behind them, and gives the rows that were given", () => {
    const x = numbers(2 * 5 * 6);
    const whole = new Float32Array(4 * 8 * 6);
    for (let b = 0; b < 2; b++) whole.set(x.subarray(b * 30, b * 30 + 30), b * 48);
    const alone = loaded({ dims: { batch: 4, seq: 8 } }).run({ x: whole });
    const { y, last } = run(2, 5);
    expect(y).toEqual(alone["y"]!.subarray(0, 2 * 8 * 4));
    expect(last).toEqual(alone["last"]!.subarray(0, 2 * 5));
    expect(instance.shapes).toEqual({ y: [2, 8, 4], last: [2, 5] });
  });

  test("leaves nothing of a longer input behind", () => {
    const before = run(2, 5).y.slice();
    run(4, 8);
    expect(run(2, 5).y).toEqual(before);
  });

  test("gives the same arrays for the same sizes", () => {
    const { y, last } = run(3, 2);
    run(1, 1);
    expect(run(3, 2).y).toBe(y);
    expect(run(3, 2).last).toBe(last);
  });

  test.each([
    [4, 9, "seq is 9 in the sizes given to run", "(buckets 3, 8); nearest 8"],
    [5, 3, 'batch is 5 in input "x" of 90 elements, shape [batch, seq, 6]', "(buckets 1, 4); nearest 4"],
    [1, 0, "seq is 0 in the sizes given to run", "nearest 1"],
  ])("refuses [%i, %i]", (batch, seq, says, nearest) => {
    const refuse = () => run(batch, seq);
    expect(refuse).toThrow(RangeError);
    expect(refuse).toThrow(says);
    expect(refuse).toThrow(nearest);
  });

  test("refuses a length that is no whole number of rows", () => {
    expect(() => instance.run({ x: new Float32Array(19) }, { seq: 3 })).toThrow(/^batch is 1\.05/);
  });
});

describe("the text of a module with buckets", () => {
  test("passes the strictest type checks and says what it takes", () => {
    const { code } = compile(encoder(), { dims: { batch: 2, seq: [3, 8] } });
    expect(checkEmitted(code)).toEqual([]);
    expect(code).toContain("\n * options: sample x=[2, seq, 6], dim batch=2, dim seq=3,8\n");
    expect(code).toContain("\n * bound: batch = 2\n * buckets: seq = 3, 8\n");
    expect(code).toContain('    x: { dtype: "float32", shape: [2, "seq", 6] },\n');
    expect(code).toContain('    y: { dtype: "float32", shape: [2, "seq.bucket", 4] },\n');
    expect(code).toContain("    seq: { min: 1, max: 8, buckets: [3, 8] },\n");
  });

  test.each(["file", "init"] as const)("ships every weight once (%s)", (weights) => {
    const options = { weights, format: "js" } as const;
    const several = compile(encoder(), { ...options, dims: { batch: [1, 2, 4], seq: [3, 8, 9] } });
    const one = compile(encoder(), { ...options, dims: { batch: 4, seq: 9 } });
    expect(several.report.weightBytes).toBe(one.report.weightBytes);
    expect(several.report.parameterBytes).toBe(one.report.parameterBytes);
    if (weights === "init")
      expect(several.code.match(/glorotUniform\(/g)).toEqual(one.code.match(/glorotUniform\(/g));
    const x = numbers(4 * 9 * 6);
    const outputs = [several, one].map((module) => load(module).instantiate().run);
    const [found, expected] = outputs.map((run) =>
      (run as (...given: unknown[]) => unknown)({ x }, { seq: 9 }),
    );
    expect(found).toEqual(expected);
  });

  test("has one arena, of the program that needs most", () => {
    const arena = (seq: number | number[]) =>
      compile(encoder(), { dims: { batch: 2, seq } }).report.arenaBytes;
    expect(arena([3, 8])).toBe(arena(8));
    expect(arena(8)).toBeGreaterThan(arena(3));
  });

  test("has the same bytes again, in whatever order the sizes are given", () => {
    const code = (...seq: number[]) => compile(encoder(), { dims: { batch: 2, seq } }).code;
    expect(code(8, 3)).toBe(code(3, 8));
  });
});

test("an output may be fed back where a program reads it while it writes it", () => {
  const x = input({ batchShape: ["n", 4], name: "x" });
  const net = model({
    inputs: x,
    outputs: dense({ units: 4, activation: "tanh" }).apply(dense({ units: 4 }).apply(x)),
  });
  const instance = load(compile(net, { dims: { n: [2, 6] }, format: "js" })).instantiate();
  const alone = load(compile(net, { dims: { n: 2 }, format: "js" })).instantiate();
  const name = Object.keys(alone.run({ x: numbers(8) }))[0]!;
  let fed = instance.run({ x: numbers(8) })[name]!;
  let copied = alone.run({ x: numbers(8) })[name]!.slice();
  for (let i = 0; i < 3; i++) {
    expect(fed).toEqual(copied);
    fed = instance.run({ x: fed })[name]!;
    copied = alone.run({ x: copied })[name]!.slice();
  }
});

describe("buckets that cannot be", () => {
  test("too many combinations are counted", () => {
    const many = Array.from({ length: 9 }, (_, i) => i + 1);
    const error = refusal(() => compile(encoder(), { dims: { batch: many, seq: many } }));
    expect(error.code).toBe("E1002");
    expect(error.message).toContain(
      "9 sizes of batch times 9 sizes of seq make 81 programs, but a module holds at most 64",
    );
  });

  test("beyond the max of a declared dim are told the largest there may be", () => {
    const x = input({ shape: [dim("seq", { max: 8 }), 4], name: "x" });
    const net = model({ inputs: x, outputs: dense({ units: 2 }).apply(x) });
    const { diagnostics } = refusal(() => compile(net, { dims: { batch: 1, seq: [4, 16] } }));
    expect(diagnostics).toMatchObject([
      {
        message: "seq is to be 16, but 1 <= seq <= 8 is declared",
        fix: "give another size: nearest 8",
      },
    ]);
  });

  test("sizes that break a constraint are all refused, each with its bucket", () => {
    const { diagnostics } = refusal(() =>
      compile(encoder(), { dims: { batch: 1, seq: [4, 6, 8] }, constraints: ["seq % 8 == 0"] }),
    );
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "no sizes satisfy seq = 4 and seq % 8 == 0",
      "no sizes satisfy seq = 6 and seq % 8 == 0",
    ]);
    expect(diagnostics[0]!.facts).toContainEqual({ subject: "seq", value: "4", note: "one of its buckets" });
  });

  test("a dim that a parameter's shape follows from has one size", () => {
    const net = sequential([dense({ units: 3, inputShape: ["features"] })]);
    const error = refusal(() => compile(net, { dims: { batch: 1, features: [4, 8] } }));
    expect(error.code).toBe("E2104");
    expect(error.message).toContain("dense.kernel expects 4");
  });

  test("a sample may have any size that fits, and no larger one", () => {
    const dims = { seq: [3, 8] };
    expect(compile(encoder(), { sample: [2, 5, 6], dims }).code).toContain("bound: batch = 2");
    expect(refusal(() => compile(encoder(), { sample: [2, 9, 6], dims })).message).toContain("but seq is 8");
  });
});
