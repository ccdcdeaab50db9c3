/**
 * The numbered cases as whole networks: attention, sequences, sizes that data decides, control flow. A number
 * stands for the question, so a failure names it.
 */
import { describe, expect, test } from "vitest";
import { emitTypeScript } from "../../codegen/typescript/index.ts";
import { lowerBound } from "../../compiler/compile.ts";
import { constant, decide, dim, mul, Store } from "../../compiler/dims/index.ts";
import { Ops } from "../../compiler/frontend/ops/composites.ts";
import {
  add,
  conv1d,
  groupQueryAttention,
  input,
  Layer,
  type LayerOps,
  model,
  multiHeadAttention,
  type Value,
} from "../../compiler/index.ts";
import { bind, infer } from "../../compiler/infer/bind.ts";
import type { GraphBuilder } from "../../compiler/infer/builder.ts";
import { load } from "../../runtime/load.ts";
import { only } from "../frontend/reference.ts";
import { built, float, ofGraph, ofModel } from "../support/inferred.ts";

describe("57. scores [B, h, Sq, Sk] and a mask [S, S]", () => {
  const masked = (grouped: boolean) => {
    const [query, value] = ["Sq", "Sk"].map((time, i) =>
      input({ batchShape: ["B", time, 8], name: i === 0 ? "query" : "value" }),
    );
    const mask = input({ batchShape: ["B", "S", "S"], name: "mask", dtype: "bool" });
    const attention = grouped
      ? groupQueryAttention({ numQueryHeads: 4, numKeyValueHeads: 2, headDim: 4, name: "attention" })
      : multiHeadAttention({ numHeads: 2, keyDim: 4, name: "attention" });
    const outputs = attention.apply([query!, value!, value!, mask]);
    return model({ inputs: [query!, value!, mask], outputs });
  };

  test.each([[false], [true]])("need Sq = Sk = S (grouped: %s)", (grouped) => {
    expect(ofModel(masked(grouped))).toMatchObject({
      outputs: { attention: "[B, Sq, 8]" },
      needs: ["S == Sk", "S == Sq"],
    });
    const bound = masked(grouped).bind({ query: [1, 4, 8], value: [1, 4, 8], mask: [1, 4, 4] });
    expect(bound.symbols.get("S")).toBe(4);
  });
  test("one that does not fit is told in one message that names the mask", () => {
    const error = only(() => masked(false).bind({ query: [1, 3, 8], value: [1, 4, 8], mask: [1, 4, 4] }));
    expect(error.message).toContain("S == Sq");
    expect(error.facts).toContainEqual({ subject: "mask", value: "[1, 4, 4]", note: "this call" });
    expect(error.because).toContain("attention: axis 1 of mask");
  });
});

describe("59. grouped queries", () => {
  const repeated = (g: GraphBuilder) => {
    const [q, k] = [g.input("q", float("B", "Hq", "S", "d")), g.input("k", float("B", "Hkv", "T", "d"))];
    const shape = float("B", "Hkv", "?r", "T", "d").shape;
    const spread = g.node("broadcast", [k], { shape, axes: [0, 1, 3, 4] })[0]!;
    const keys = g.node("reshape", [spread], { shape: float("B", "Hq", "T", "d").shape })[0]!;
    const axes = {
      batch: [
        [0, 1],
        [0, 1],
      ],
      contract: [[3], [3]],
    };
    return { scores: g.node("dotGeneral", [q, keys], axes)[0]! };
  };

  test("repeat the keys Hq/Hkv times: Hkv divides Hq, and then there are Hq", () => {
    const { outputs, needs } = ofGraph(built(repeated));
    expect(outputs).toEqual({ scores: "[B, Hq, S, T]" });
    expect(needs).toContain("Hq % Hkv == 0");
    expect(bind(built(repeated), { q: [1, 8, 3, 4], k: [1, 2, 5, 4] }).symbols.get("Hq")).toBe(8);
    expect(only(() => bind(built(repeated), { q: [1, 8, 3, 4], k: [1, 3, 5, 4] })).code).toMatch(
      /E2103|E2201/,
    );
  });
  test("as a layer leave the time open, without a guard", () => {
    const x = input({ batchShape: ["B", "S", 8], name: "x" });
    const heads = groupQueryAttention({ headDim: 4, numQueryHeads: 8, numKeyValueHeads: 2, name: "y" });
    expect(ofModel(model({ inputs: x, outputs: heads.apply(x) }))).toMatchObject({
      outputs: { y: "[B, S, 8]" },
      needs: [],
    });
  });
});

describe("62. causal convolutions", () => {
  test("padded by (k-1)d preserve the length through a stack of dilations", () => {
    const x = input({ batchShape: ["B", "T", 8], name: "x" });
    const y = [1, 2, 4, 8, 16].reduce((value, dilationRate) => {
      const conv = conv1d({ filters: 8, kernelSize: 3, padding: "causal", dilationRate });
      return add().apply([value, conv.apply(value)]);
    }, x);
    const { outputs, needs } = ofModel(model({ inputs: x, outputs: { y } }));
    expect([outputs, needs]).toEqual([{ y: "[B, T, 8]" }, []]);
  });
});

describe("64. top-k", () => {
  const best = (k: string) =>
    ofGraph(
      built((g) => {
        const attributes = { axis: 1, k: dim(k), largest: true };
        const [values, at] = g.node("topK", [g.input("x", float("B", "n"))], attributes);
        return { values: values!, at: at! };
      }),
    );

  test("of 5 needs n >= 5; of k needs n >= k", () => {
    expect(best("5")).toMatchObject({ outputs: { values: "[B, 5]", at: "[B, 5]" }, needs: ["n >= 5"] });
    expect(best("B").needs).toEqual(["n >= B"]);
  });
  test("clamped gives min(n, k) and needs nothing", () => {
    expect(best("min(n, 5)")).toMatchObject({ outputs: { values: "[B, min(n, 5)]" }, needs: [] });
  });
});

describe("65. as many rows as the data says", () => {
  /** u rows of data-dependent number, looked up and flattened. */
  const rows = () =>
    built((g) => {
      const indices = g.node("iota", [], { dtype: "int32", shape: [dim("!u")], axis: 0 })[0]!;
      const table = g.input("table", float("n", "D"));
      const picked = g.node("gather", [table, indices], { axis: 0 })[0]!;
      const flat = g.node("reshape", [picked], { shape: [dim("!u*D")] })[0]!;
      const one = g.node("add", [indices, g.input("bias", { dtype: "int32", shape: [constant(1)] })])[0]!;
      return { picked, flat, one };
    });

  test("are gathered as [u, D] and flattened to [u*D], without a guard", () => {
    expect(ofGraph(rows())).toMatchObject({
      outputs: { picked: "[!u, D]", flat: "[!u*D]", one: "[!u]" },
      needs: [],
    });
  });
  test("are found, gathered as [u, D] and flattened in the emitted module", () => {
    const found = built((g) => {
      const ops = new Ops(g);
      const [table, keep] = [
        g.input("table", float("n", "D")),
        g.input("keep", { ...float("n"), dtype: "bool" }),
      ];
      const [indices] = ops.compress([ops.iota("int32", ops.shape(keep))], keep, "u");
      const picked = ops.gather(table, indices!);
      return { picked, flat: ops.reshape(picked, [mul(dim("!u"), dim("D"))]) };
    });
    expect(ofGraph(found).outputs).toEqual({ picked: "[!u, D]", flat: "[!u*D]" });
    const bound = bind(found, { table: [3, 2], keep: [3] });
    expect(bound.open.dims).toEqual([
      { name: "!u", min: 0, max: 3, modulus: 1, residues: [0], computed: true },
    ]);
    const { program } = lowerBound(bound, { parameters: new Map() });
    const instance = load(
      emitTypeScript(program, { format: "js", weights: "inline", header: [] }),
    ).instantiate();
    const table = Float32Array.of(1, 2, 3, 4, 5, 6);
    const of = (...keep: number[]) => [...instance.run({ table, keep: Uint8Array.from(keep) })["flat"]!];
    expect([of(1, 0, 1), of(0, 0, 0), of(0, 1, 0)]).toEqual([[1, 2, 5, 6], [], [3, 4]]);
    expect(instance.shapes).toEqual({ picked: [1, 2], flat: [2] });
  });
  test("cannot be emitted where no node finds it out, which is told by the size that is not known", () => {
    const sample = { table: [7, 4], bias: { dtype: "int32", shape: [1], data: new Int32Array(1) } } as const;
    const error = only(() => bind(rows(), sample));
    expect(error.code).toBe("E4001");
    expect(error.message).toContain("!u in iota [!u] is known only when the model runs");
  });
  test("may be none, one or all: whether there is one is unknown, and that is no error", () => {
    const store = new Store();
    infer(rows(), store);
    expect(decide("==", dim("!u"), constant(1), store).kind).toBe("iff");
    expect(decide(">=", dim("!u"), constant(0), store).kind).toBe("always");
  });
});

describe("66. two of them that are added", () => {
  test("are required to be equal when they are known, or one to be 1", () => {
    const graph = built((g) => ({
      y: g.node("add", [g.input("a", float("!u", 4)), g.input("b", float("!v", 4))])[0]!,
    }));
    expect(ofGraph(graph)).toMatchObject({
      outputs: { y: "[!u, 4]" },
      needs: ["!u == !v or one is 1"],
    });
  });
  test("are compared when the module runs", () => {
    const sum = built((g) => {
      const ops = new Ops(g);
      const masks = ["a", "b"].map((name) => g.input(name, { dtype: "bool", shape: [constant(4)] }));
      const places = ops.iota("int32", [4]);
      const [one, other] = masks.map((mask, i) => ops.compress([places], mask, "uv"[i]!)[0]!);
      return { y: ops.add(one!, other!) };
    });
    const { program } = lowerBound(bind(sum, { a: [4], b: [4] }), { parameters: new Map() });
    const instance = load(
      emitTypeScript(program, { format: "js", weights: "inline", header: [] }),
    ).instantiate();
    const of = (a: number[], b: number[]) =>
      instance.run({ a: Uint8Array.from(a), b: Uint8Array.from(b) })["y"];
    expect(of([1, 1, 0, 0], [0, 0, 1, 1])).toEqual(Int32Array.of(2, 4));
    expect(() => of([1, 1, 0, 0], [1, 1, 1, 0])).toThrow(/!u is 2, !v is 3, but !u == !v must hold/);
  });
});

describe("68. state that is carried", () => {
  /** One state along a sequence; `step` makes the next of it. */
  class Carry extends Layer {
    readonly #step: (ops: LayerOps, state: Value, item: Value) => Value;
    constructor(name: string, step: (ops: LayerOps, state: Value, item: Value) => Value) {
      super("carry", { name });
      this.#step = step;
    }
    call(ops: LayerOps, x: Value): Value {
      const series = ops.transpose(x, [1, 0, 2]);
      const [batch, , features] = ops.shape(x);
      const start = ops.fill(0, [batch!, features!], x);
      const { states } = ops.scan({ states: [start], sequences: [series] }, (inner, [state], [item]) => ({
        states: [this.#step(inner as LayerOps, state!, item!)],
        outputs: [],
      }));
      return states[0]!;
    }
  }
  const carried = (step: (ops: LayerOps, state: Value, item: Value) => Value) => {
    const x = input({ batchShape: ["B", "T", "F"], name: "x" });
    return model({ inputs: x, outputs: new Carry("carry", step).apply(x) });
  };

  test("keeps its size from step to step", () => {
    expect(ofModel(carried((ops, state, item) => ops.add(state, item)))).toMatchObject({
      outputs: { carry: "[B, F]" },
      needs: [],
    });
  });
  test("that grows is a named error, which says what to do instead", () => {
    const error = only(() => carried((ops, state, item) => ops.concat([state, item], 0)).summary());
    expect(error).toMatchObject({ code: "E4001", layer: "carry" });
    expect(error.message).toBe("scan makes its state 0 another size in every step: axis 0, B to 2*B");
    expect(error.fix).toContain("as an output of the loop, which stacks them");
  });
  test("as a cache that each run makes longer is P + S", () => {
    const graph = built((g) => {
      const [past, now] = [g.input("past", float("B", "P", 4)), g.input("now", float("B", "S", 4))];
      return { keys: g.node("concat", [past, now], { axis: 1 })[0]! };
    });
    expect(ofGraph(graph)).toMatchObject({ outputs: { keys: "[B, P + S, 4]" }, needs: [] });
    expect(`${bind(graph, { past: [1, 0, 4], now: [1, 1, 4] }).graph.outputs[0]?.value.type.shape}`).toBe(
      "1,1,4",
    );
  });
});

describe('60. einsum "bhid,bhjd->bhij"', () => {
  class Scores extends Layer {
    constructor() {
      super("scores", { name: "scores" });
    }
    call(ops: LayerOps, q: Value, k: Value): Value {
      return ops.einsum("bhid,bhjd->bhij", q, k);
    }
  }
  const scores = (q: (number | string)[], k: (number | string)[]) => {
    const inputs = [input({ batchShape: q, name: "q" }), input({ batchShape: k, name: "k" })];
    return model({ inputs, outputs: new Scores().apply(inputs) });
  };

  test("has the axes it names", () => {
    expect(ofModel(scores(["B", "h", "S", "d"], ["B", "h", "T", "d"]))).toMatchObject({
      outputs: { scores: "[B, h, S, T]" },
      needs: [],
    });
  });
  test.each([
    ["declared", () => scores(["B", 2, "S", 4], ["B", 2, "T", 5]).summary()],
    [
      "sampled",
      () => scores(["B", 2, "S", "d"], ["B", 2, "T", "e"]).bind({ q: [1, 2, 3, 4], k: [1, 2, 3, 5] }),
    ],
  ])("whose d differs (%s) is refused by the letter and both operands", (_, build) => {
    const error = only(build);
    expect(error.because).toContain("d (axis 3) of q is contracted with d (axis 3) of k");
    const told = `${error.message} ${error.facts?.map(({ value }) => value).join(" ")}`;
    expect(told).toContain("4");
    expect(told).toContain("5");
  });
});
