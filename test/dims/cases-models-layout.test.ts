/**
 * The numbered cases as whole networks: reshapes, slices, and what a sample may and may not be taken to say.
 * A number stands for the question, so a failure names it.
 */
import { describe, expect, test } from "vitest";
import { ceilDiv, constant, type Dim, decide, dim, evaluate, Store } from "../../compiler/dims/index.ts";
import { sliceBounds } from "../../compiler/frontend/onnx/slicing.ts";
import {
  add,
  compile,
  concatenate,
  conv1d,
  cropping1d,
  dense,
  flatten,
  input,
  layerNormalization,
  lstm,
  model,
  multiHeadAttention,
  dim as openDim,
  reshape,
  sequential,
} from "../../compiler/index.ts";
import { bind, infer } from "../../compiler/infer/bind.ts";
import type { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Value } from "../../compiler/ir/graph.ts";
import { only, refusal } from "../frontend/reference.ts";
import { built, float, ofGraph, ofModel } from "../support/inferred.ts";

const reshaped = (g: GraphBuilder, x: Value, ...sizes: readonly (number | string)[]) =>
  g.node("reshape", [x], { shape: float(...sizes).shape })[0]!;
const sliced = (g: GraphBuilder, x: Value, start: Dim | number, size: Dim | number, stride = 1) => {
  const [from, count] = [start, size].map((d) => (typeof d === "number" ? constant(d) : d));
  return g.node("slice", [x], { axis: 0, start: from, size: count, stride: constant(stride) })[0]!;
};

describe("40. heads", () => {
  const heads = (count: number | string, width: number | string) =>
    ofGraph(built((g) => ({ y: reshaped(g, g.input("x", float("B", "S", width)), "B", "S", count, "?d") })));

  test("must divide the embedding", () => {
    const { outputs, needs } = heads("h", "E");
    expect(outputs).toEqual({ y: "[B, S, h, floor(E/h)]" });
    expect(needs).toContain("E % h == 0");
    expect(heads(12, "E")).toMatchObject({
      outputs: { y: "[B, S, 12, floor(E/12)]" },
      needs: ["E % 12 == 0"],
    });
  });
  test("of 768 by 12 are 64 wide; by 7 they are refused", () => {
    expect(heads(12, 768).outputs).toEqual({ y: "[B, S, 12, 64]" });
    expect(only(() => heads(7, 768)).code).toBe("E2105");
  });
});

describe("41. -1 is what is left", () => {
  const folded = (targetShape: number[]) => {
    const x = input({ batchShape: ["B", "C", "H", "W"], name: "x" });
    return model({ inputs: x, outputs: reshape({ targetShape, name: "y" }).apply(x) });
  };

  test("of [B, C, H, W] to [B, -1] and to [-1, C*H*W]", () => {
    expect(ofModel(folded([-1]))).toMatchObject({ outputs: { y: "[B, C*H*W]" }, needs: [] });
    const rows = built((g) => ({ y: reshaped(g, g.input("x", float("B", "C", "H", "W")), "?n", "C*H*W") }));
    expect(ofGraph(rows)).toMatchObject({ outputs: { y: "[B, C*H*W]" }, needs: [] });
  });
  test("to [B, -1, 8]: 8 divides C*H*W", () => {
    const { outputs, needs } = ofModel(folded([-1, 8]));
    expect(outputs).toEqual({ y: "[B, floor(C*H*W/8), 8]" });
    expect(needs).toContain("C*H*W % 8 == 0");
    const message = refusal(() => folded([-1, 8]).bind([1, 3, 5, 7])).message;
    expect(message).toMatch(/C\*H\*W % 8 == 0|cannot divide/);
  });
  test("for an empty batch, too, it is told by the other axes", () => {
    const bound = folded([-1, 8]).bind([0, 3, 2, 4]).graph;
    expect(bound.outputs[0]?.value.type.shape.join()).toBe("0,3,8");
  });
});

describe("42. [N, D] to [B, T, D]", () => {
  const graph = (batch: string) =>
    built((g) => {
      g.input("other", float("B"));
      return { y: reshaped(g, g.input("x", float("N", "D")), batch, "?T", "D") };
    });

  test("with B bound elsewhere: T = N/B, and B divides N", () => {
    const known = ofGraph(graph("B"));
    expect(known.outputs).toEqual({ y: "[B, floor(N/B), D]" });
    expect(known.needs).toContain("N % B == 0");
    const { outputs } = bind(graph("B"), { x: [20, 3], other: [4] }).graph;
    expect(outputs[0]?.value.type.shape.join()).toBe("4,5,3");
  });
  test("with B unbound both are underdetermined, and both are named", () => {
    const free = built((g) => ({ y: reshaped(g, g.input("x", float("N", "D")), "?B", "?T", "D") }));
    const { diagnostics } = refusal(() => bind(free, { x: [20, 3] }));
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
      "E2101 ?B is underdetermined: nothing determines ?B in reshape [?B, ?T, 3]",
      "E2101 ?T is underdetermined: nothing determines ?T in reshape [?B, ?T, 3]",
    ]);
    expect(diagnostics[0]?.because).toBe("reshape: reshape keeps the elements of [20, 3] in [-1, -1, 3]");
  });
});

describe("43. -1 beside a size that may be 0", () => {
  const shape = (least: number) => {
    const store = () => {
      const declared = new Store();
      declared.declare("B", { min: least }, { subject: "B", clause: "declared" });
      return declared;
    };
    const folded = (g: GraphBuilder) => ({ y: reshaped(g, g.input("x", float("N")), "B", "?n") });
    return `${infer(built(folded, store()), store()).outputs[0]?.value.type.shape}`;
  };

  test("is not solved; with B >= 1 it is", () => {
    expect(shape(0)).toBe("B,?n");
    expect(shape(1)).toBe("B,floor(N/B)");
  });
});

describe("46. concat and split", () => {
  test("into the parts again is the identity", () => {
    const graph = built((g) => {
      const [x, y] = [g.input("x", float("a")), g.input("y", float("b"))];
      const both = g.node("concat", [x, y], { axis: 0 })[0]!;
      const parts = [sliced(g, both, 0, dim("a")), sliced(g, both, dim("a"), dim("b"))];
      return { p: g.node("add", [x, parts[0]!])[0]!, q: g.node("add", [y, parts[1]!])[0]! };
    });
    expect(ofGraph(graph)).toMatchObject({ outputs: { p: "[a]", q: "[b]" }, needs: [] });
  });
  test("into n equal parts: n divides a + b", () => {
    const graph = built((g) => {
      const both = g.node("concat", [g.input("x", float("a")), g.input("y", float("b"))], { axis: 0 })[0]!;
      return { parts: reshaped(g, both, 3, "?part") };
    });
    expect(ofGraph(graph).needs).toContain("(a + b) % 3 == 0");
  });
});

describe("47. slices", () => {
  const of = (body: (g: GraphBuilder, x: Value) => Value) =>
    ofGraph(built((g) => ({ y: body(g, g.input("x", float("n"))) })));
  const cut = (cropping: [number, number]) =>
    ofModel(sequential([cropping1d({ cropping, name: "y" })], { batchInputShape: ["B", "n", 3] }));

  test.each<[string, [number, number], string, string[]]>([
    ["x[1:]", [1, 0], "[B, n - 1, 3]", []],
    ["x[:-1]", [0, 1], "[B, n - 1, 3]", []],
    ["x[2:-2]", [2, 2], "[B, n - 4, 3]", ["n >= 4"]],
  ])("%s by a cropping layer", (_, cropping, output, needs) => {
    expect(cut(cropping)).toMatchObject({ outputs: { y: output }, needs });
  });
  test.each<[string, string, string, number, string]>([
    ["x[1:]", "1", "n", 1, "n - 1"],
    ["x[:-1]", "0", "-1", 1, "n - 1"],
    ["x[::-2]", "-1", "-4294967296", -2, `${ceilDiv(dim("n"), 2)}`],
    ["x[-3:]", "-3", "n", 1, "min(n, 3)"],
    ["x[2:-2]", "2", "-2", 1, "max(n - 4, 0)"],
  ])("%s as ONNX counts takes what the case says", (_, start, end, step, count) => {
    const taken = (store: Store) => `${sliceBounds(store, dim("n"), dim(start), dim(end), step).count}`;
    expect(taken(new Store())).toBe(count);
    const store = new Store();
    store.declare("n", { min: 4 }, { subject: "n", clause: "declared" });
    expect(taken(store)).toBe(count.replace("min(n, 3)", "3").replace("max(n - 4, 0)", "n - 4"));
  });
  test("of numbers take what counting one by one takes", () => {
    const places = Array.from({ length: 15 }, (_, i) => i - 7);
    const counted = (n: number, start: number, end: number, step: number) => {
      const clamp = (place: number, lowest: number, highest: number) =>
        Math.min(Math.max(place < 0 ? place + n : place, lowest), highest);
      const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
      let count = 0;
      const to = clamp(end, low, high);
      for (let at = clamp(start, 0, high); step > 0 ? at < to : at > to; at += step) count++;
      return count;
    };
    const store = new Store();
    const dims = new Map(places.map((n) => [n, constant(n)]));
    const of = (n: number, start: number, end: number, step: number) =>
      Number(sliceBounds(store, dims.get(n)!, dims.get(start)!, dims.get(end)!, step).count.value);
    for (const n of [1, 2, 3, 5])
      for (const start of places)
        for (const end of places)
          for (const step of [-3, -2, -1, 1, 2, 3])
            if (of(n, start, end, step) !== counted(n, start, end, step))
              expect.fail(`${n}[${start}:${end}:${step}] has ${of(n, start, end, step)}`);
  });
  test("x[-2:-2b-2:-2] is bounded by 0 and by the elements there are", () => {
    const { count } = sliceBounds(new Store(), dim("n"), dim("-2"), dim("-2*b - 2"), -2);
    expect(decide(">=", count, constant(0)).kind).toBe("always");
    const of = (n: number) =>
      evaluate(
        count,
        new Map([
          ["n", n],
          ["b", 2],
        ]),
      );
    expect([1, 2, 3, 4, 7, 10].map(of)).toEqual([1, 1, 1, 2, 2, 2]);
  });
  test("x[::-2] takes ceil(n/2)", () => {
    const found = of((g, x) => {
      const backwards = g.node("reverse", [x], { axes: [0] })[0]!;
      return sliced(g, backwards, 0, ceilDiv(dim("n"), 2), 2);
    });
    expect(found).toMatchObject({ outputs: { y: `[${dim("ceildiv(n, 2)")}]` }, needs: [] });
  });
  test("x[-3:] takes min(n, 3)", () => {
    const found = of((g, x) => sliced(g, x, dim("max(n - 3, 0)"), dim("min(n, 3)")));
    expect(found).toMatchObject({ outputs: { y: "[min(n, 3)]" }, needs: [] });
  });
  test("x[2:-2] clamped is max(n - 4, 0), and n - 4 once n >= 4", () => {
    const clamped = built((g) => ({
      y: sliced(g, g.input("x", float("n")), dim("min(n, 2)"), dim("max(n - 4, 0)")),
    }));
    expect(ofGraph(clamped)).toMatchObject({ outputs: { y: "[max(n - 4, 0)]" }, needs: [] });
    const store = new Store();
    store.declare("n", { min: 4 }, { subject: "n", clause: "declared" });
    expect(`${infer(clamped, store).outputs[0]?.value.type.shape}`).toBe("n - 4");
  });
  test("x[-2:-2b-2:-2] takes b elements, as long as there are 2b", () => {
    const found = of((g, x) => {
      g.input("steps", float("b"));
      const backwards = g.node("reverse", [x], { axes: [0] })[0]!;
      return sliced(g, backwards, 1, dim("b"), 2);
    });
    expect(found).toMatchObject({ outputs: { y: "[b]" }, needs: ["n >= 2*b"] });
  });
});

describe("samples of two merged sizes", () => {
  const sum = (a: string | null, b: string | null) => {
    const [x, y] = [input({ batchShape: ["B", a], name: "x" }), input({ batchShape: ["B", b], name: "y" })];
    return model({ inputs: [x, y], outputs: add({ name: "sum" }).apply([x, y]) });
  };
  const output = (net: ReturnType<typeof sum>, x: number[], y: number[]) =>
    net.bind({ x, y }).graph.outputs[0]?.value.type.shape.join();

  test("51. 5 and 5: a == b is taken for granted, which is reported with the alternative", () => {
    expect(ofModel(sum("a", "b"))).toMatchObject({
      outputs: { sum: "[B, a]" },
      needs: ["a == b or one is 1"],
    });
    expect(output(sum("a", "b"), [2, 5], [2, 5])).toBe("2,5");
    expect(refusal(() => output(sum("a", "b"), [2, 5], [2, 6])).message).toContain("a == b");
  });
  test("53. 1 and 5 for two symbols: says what to declare", () => {
    const error = only(() => output(sum("a", "b"), [2, 1], [2, 5]));
    expect(error).toMatchObject({ code: "E2104", layer: "sum" });
    expect(error.message).toContain("a is 1 here: declare a = 1 or a = b");
    expect(error.facts?.map(({ value }) => value)).toEqual(["[B, a]", "[B, b]"]);
  });
  test("sizes left to the data are stretched as each sample says", () => {
    const net = sum(null, null);
    expect(output(net, [2, 1], [2, 5])).toBe("2,5");
    expect(output(net, [2, 5], [2, 1])).toBe("2,5");
    expect(output(net, [2, 1], [2, 1])).toBe("2,1");
    expect(output(net, [2, 5], [2, 5])).toBe("2,5");
    expect([...net.predict({ x: [[1]], y: [[1, 2, 3]] }).data]).toEqual([2, 3, 4]);
    expect([...net.predict({ x: [[1, 2]], y: [[3]] }).data]).toEqual([4, 5]);
  });
  test("two inputs of one named dim that disagree are told by that name", () => {
    const error = only(() => output(sum("n", "n"), [2, 4], [2, 5]));
    expect(error.message).toBe('n is 4 in input "x" (axis 1), but 5 in input "y" (axis 1)');
    expect(only(() => output(sum("n", "n"), [2, 4], [3, 4])).message).toMatch(/^B is 2 in input "x"/);
  });
});

describe("52. what a sample does not say", () => {
  const net = () => sequential([dense({ units: 7, name: "y" })], { batchInputShape: ["B", "H", 7] });

  test("1 for a named dim is no constant", () => {
    const one = net();
    one.bind([1, 4, 7]);
    expect(ofModel(one).outputs).toEqual({ y: "[B, H, 7]" });
    expect(one.bind([5, 4, 7]).symbols.get("B")).toBe(5);
  });
  test("7 for several is not one size", () => {
    const sevens = net();
    sevens.bind([7, 7, 7]);
    expect(ofModel(sevens)).toMatchObject({ outputs: { y: "[B, H, 7]" }, needs: [] });
    expect(sevens.bind([7, 3, 7]).symbols.get("H")).toBe(3);
  });
});

describe("dims that are declared", () => {
  const net = (...dims: Parameters<typeof openDim>[]) => {
    const shape = [...dims.map((one) => openDim(...one)), 7];
    return sequential([dense({ units: 7, name: "y" })], { batchInputShape: shape });
  };
  const shape = (model: ReturnType<typeof net>, sample: number[]) =>
    `${compile(model, { sample }).stages.bound.graph.outputs[0]?.value.type.shape}`;

  test("52. stay symbols, whatever the sample: neither 1 nor equal sizes say anything", () => {
    expect(shape(net(["B", { max: 8 }], ["H", { max: 9 }]), [1, 7, 7])).toBe("B,H,7");
    expect(shape(net(["B", { max: 8 }], ["H", { max: 9 }]), [7, 7, 7])).toBe("B,H,7");
  });
  test("53. are not stretched by a sample of 1 either", () => {
    const [x, y] = ["a", "b"].map((name) =>
      input({ batchShape: [2, openDim(name, { max: 8 })], name: name === "a" ? "x" : "y" }),
    );
    const sum = model({ inputs: [x!, y!], outputs: add().apply([x!, y!]) });
    expect(only(() => sum.bind({ x: [2, 1], y: [2, 5] })).message).toContain("declare a = 1 or a = b");
  });
  test("55. may be 0 where they are declared so", () => {
    expect(
      net(["B", { min: 0, max: 8 }])
        .bind([0, 7])
        .symbols.get("B"),
    ).toBe(0);
    expect(refusal(() => net(["B", { min: 1, max: 8 }]).bind([0, 7])).code).toBe("E2104");
    const none = net(["B", { min: 0, max: 8 }]).predict(new Float32Array(0), [0, 7]);
    expect([none.shape, none.data.length]).toEqual([[0, 7], 0]);
  });
  test.each([[1], [8]])("56. take a sample of %d on the edge of 1..8", (size) => {
    expect(
      net(["B", { min: 1, max: 8 }])
        .bind([size, 7])
        .symbols.get("B"),
    ).toBe(size);
    expect(shape(net(["B", { min: 1, max: 8 }]), [size, 7])).toBe("B,7");
  });
  test("56. refuse a sample of 9, with the bound and the nearest", () => {
    const { message } = refusal(() => net(["B", { min: 1, max: 8 }]).bind([9, 7]));
    expect(message).toContain("1 <= B <= 8; nearest 8");
  });
  test("77. whose maxima make more elements than numbers can count are refused, with these maxima", () => {
    const large = (max: number) => net(["n", { max }], ["m", { max }]);
    expect(shape(large(2 ** 14), [2, 2, 7])).toBe("n,m,7");
    const error = only(() => shape(large(2 ** 27), [2, 2, 7]));
    expect(error).toMatchObject({ code: "E2302", fix: "give n and m a smaller max" });
    expect(error.message).toContain("[n, m, 7] can have more than 2^53 - 1 elements");
    expect(error.facts).toHaveLength(2);
  });
  test("77. a sample of more elements than numbers can count is refused as well", () => {
    const net = sequential([flatten()], { batchInputShape: ["B", "n", "n", 4096] });
    expect(only(() => net.bind([1, 2 ** 25, 2 ** 25, 4096])).code).toBe("E2302");
  });
});

describe("55. an empty batch", () => {
  test.each([
    ["dense", dense({ units: 3 })],
    ["conv1d", conv1d({ filters: 3, kernelSize: 2, padding: "same", strides: 2 })],
    ["lstm", lstm({ units: 3 })],
    ["attention", multiHeadAttention({ numHeads: 2, keyDim: 4 })],
    ["normalisation", layerNormalization()],
    ["flatten", flatten()],
    ["reshape", reshape({ targetShape: [-1, 2] })],
  ])("passes %s", (_, layer) => {
    const { graph } = sequential([layer], { batchInputShape: ["B", 6, 4] }).bind([0, 6, 4]);
    expect(`${graph.outputs[0]?.value.type.shape[0]}`).toBe("0");
  });
  test("and other empty axes too, where no parameter takes its size from them", () => {
    const shape = (layer: Parameters<typeof sequential>[0][number], sample: number[]) =>
      `${sequential([layer]).bind(sample).graph.outputs[0]?.value.type.shape}`;
    expect(shape(reshape({ targetShape: [-1] }), [2, 0, 4])).toBe("2,0");
    expect(refusal(() => shape(dense({ units: 3 }), [2, 0])).message).toContain("cannot pass dense");
  });
  test("passes a merge of two, whose other sizes are still compared", () => {
    const [x, y] = [input({ shape: ["n"], name: "x" }), input({ shape: ["m"], name: "y" })];
    const net = model({ inputs: [x, y], outputs: concatenate({ axis: 0 }).apply([x, y]) });
    expect(net.bind({ x: [0, 3], y: [0, 3] }).symbols.get("batch")).toBe(0);
    expect(refusal(() => net.bind({ x: [0, 3], y: [0, 4] })).message).toMatch(/n == m|m == n/);
  });
});
