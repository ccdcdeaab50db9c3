/** If and Loop whose branch, turns and sizes only data decides, beside onnxruntime. */
import { describe, expect, test } from "vitest";
import { compile, fromOnnx, load, type Tensor, tensor } from "../../../compiler/index.ts";
import { bytesOf, floats, graph, int64s, node } from "../../support/onnx.ts";
import { runInOnnxRuntime } from "../../support/onnxruntime.ts";

type Inputs = Readonly<Record<string, Tensor>>;

/** One module for all inputs, each of whose results are those of onnxruntime, sizes too. */
async function expectSame(bytes: Uint8Array, list: readonly Inputs[]): Promise<void> {
  const sample = Object.fromEntries(Object.entries(list[0]!).map(([name, { shape }]) => [name, shape]));
  const instance = load(compile(fromOnnx(bytes), { sample, format: "js" })).instantiate();
  for (const inputs of list) {
    const arrays = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
    const found = Object.entries(instance.run(arrays)).map(([name, data]) => [
      name,
      Array.from(data as ArrayLike<number | bigint>, Number),
    ]);
    const expected = await runInOnnxRuntime(bytes, new Map(Object.entries(inputs)));
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(
        [...expected!].map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)]),
      ),
    );
    for (const [name, shape] of Object.entries(instance.shapes ?? {}))
      expect(shape).toEqual(expected!.get(name)!.shape);
  }
}

const vector = (...list: readonly number[]) => tensor(list, [list.length], "float32");

describe("If on data", () => {
  const isPositive = [
    node("ReduceSum", ["x"], ["s"], { keepdims: 0 }),
    node("Greater", ["s", "zero"], ["c"]),
  ];
  const xs = [{ x: vector(1, 2, 3, 4) }, { x: vector(-1, -2, 3, -4) }];
  const model = (branches: Readonly<Record<string, ReturnType<typeof graph>>>) =>
    bytesOf(
      graph(
        ["x: float32[4]"],
        [...isPositive, node("If", ["c"], ["y"], branches)],
        ["y: float32[?]"],
        [
          floats("zero", [], [0]),
          int64s("start", [1], [1]),
          int64s("end", [1], [3]),
          int64s("two", [2], [2, 2]),
          floats("w", [2, 2], [1, 2, 3, 4]),
          int64s("flat", [1], [-1]),
          int64s("far", [1], [2]),
        ],
      ),
      13,
    );

  test("gives results of other sizes, in memory for the larger", async () => {
    await expectSame(
      model({
        then_branch: graph([], [node("Slice", ["x", "start", "end"], ["a"])], ["a: float32"]),
        else_branch: graph([], [node("Neg", ["x"], ["b"])], ["b: float32"]),
      }),
      xs,
    );
  });

  test("runs only the branch that is taken, where one multiplies matrices", async () => {
    const product = [
      node("Reshape", ["x", "two"], ["m"]),
      node("MatMul", ["m", "w"], ["p"]),
      node("Reshape", ["p", "flat"], ["a"]),
    ];
    await expectSame(
      model({
        then_branch: graph([], product, ["a: float32"]),
        else_branch: graph([], [node("Abs", ["x"], ["b"])], ["b: float32"]),
      }),
      xs,
    );
    await expectSame(
      model({
        then_branch: graph([], product, ["a: float32"]),
        else_branch: graph([], [node("Slice", ["x", "start", "end"], ["b"])], ["b: float32"]),
      }),
      xs,
    );
  });

  test("does not fail on an index of the branch that is not taken", () => {
    const bytes = bytesOf(
      graph(
        ["x: float32[2]", "i: int64[1]"],
        [
          node("ReduceSum", ["x"], ["s"], { keepdims: 0 }),
          node("Greater", ["s", "zero"], ["c"]),
          node("If", ["c"], ["y"], {
            then_branch: graph([], [node("Gather", ["x", "i"], ["a"])], ["a: float32"]),
            else_branch: graph([], [node("Identity", ["zeros"], ["b"])], ["b: float32"]),
          }),
        ],
        ["y: float32[1]"],
        [floats("zero", [], [0]), floats("zeros", [1], [0])],
      ),
      13,
    );
    const net = fromOnnx(bytes);
    const { instantiate } = load(compile(net, { sample: { x: [2], i: [1] }, format: "js" }));
    const instance = instantiate();
    const far = BigInt64Array.of(7n);
    expect(instance.run({ x: Float32Array.of(-1, 0), i: far })["y"]).toEqual(Float32Array.of(0));
    expect(() => instance.run({ x: Float32Array.of(1, 0), i: far })).toThrow(RangeError);
  });

  test("refuses branches of different ranks", () => {
    const bytes = model({
      then_branch: graph([], [node("Reshape", ["x", "two"], ["a"])], ["a: float32"]),
      else_branch: graph([], [node("Neg", ["x"], ["b"])], ["b: float32"]),
    });
    expect(() => fromOnnx(bytes).bind({ x: [4] })).toThrow(
      /give \[2, 2\] and \[4\], and nothing[\s\S]*by the values of x, as in --sample x=float32:\[1\]/,
    );
  });

  test("takes the branch that the sample's values choose, where both cannot be built", () => {
    const isOne = [node("Equal", ["rate", "one"], ["c"])];
    const branches = {
      then_branch: graph([], [node("MatMul", ["x", "narrow"], ["a"])], ["a: float32"]),
      else_branch: graph([], [node("MatMul", ["x", "wide"], ["b"])], ["b: float32"]),
    };
    const bytes = bytesOf(
      graph(
        ["x: float32[?, ?]", "rate: int64[]"],
        [...isOne, node("If", ["c"], ["y"], branches)],
        ["y: float32[?, ?]"],
        [int64s("one", [], [1]), floats("narrow", [2, 1], [1, 2]), floats("wide", [3, 1], [1, 2, 3])],
      ),
      13,
    );
    const net = fromOnnx(bytes);
    const rate = (n: bigint) => tensor([n], [], "int64");
    expect(() => compile(net, { sample: { x: [1, 3], rate: [] } })).toThrow(
      /by the values of rate, as in --sample rate=int64:\[1\]/,
    );
    const { instantiate } = load(compile(net, { sample: { x: [1, 3], rate: rate(7n) }, format: "js" }));
    const x = Float32Array.of(1, 1, 1);
    expect(instantiate().run({ x, rate: BigInt64Array.of(7n) })["y"]).toEqual(Float32Array.of(6));
    expect(() => instantiate().run({ x, rate: BigInt64Array.of(1n) })).toThrow(/rate/);
    const other = net.predict({ x: tensor([1, 1], [1, 2], "float32"), rate: rate(1n) });
    expect(other.get("y")!.data).toEqual(Float32Array.of(3));
  });
});

describe("Loop", () => {
  const body = graph(
    ["i: int64[]", "going: bool[]", "sum: float32[]"],
    [
      node("Add", ["sum", "x"], ["more"]),
      node("Less", ["more", "limit"], ["still"]),
      node("Cast", ["i"], ["turn"], { to: 1 }),
      node("Sub", ["more", "turn"], ["seen"]),
    ],
    ["still: bool[]", "more: float32[]", "seen: float32[]"],
  );
  const scalar = (x: number) => tensor([x], [], "float32");
  const xs = [0.25, 1, 1.5, 7].map((x) => ({ x: scalar(x) }));

  test.each([5, 20])("collects for as many of its %i turns as data lets it run", async (turns) => {
    const tensors = [int64s("m", [], [turns]), floats("start", [], [0]), floats("limit", [], [3])];
    const nodes = [node("Loop", ["m", "", "start"], ["y", "all"], { body })];
    await expectSame(
      bytesOf(graph(["x: float32[]"], nodes, ["y: float32[]", "all: float32[?]"], tensors), 13),
      xs,
    );
  });

  test("does not turn where data says so", async () => {
    const tensors = [int64s("m", [], [12]), floats("start", [], [0]), floats("limit", [], [3])];
    const nodes = [
      node("Less", ["x", "limit"], ["c"]),
      node("Loop", ["m", "c", "start"], ["y", "all"], { body }),
    ];
    await expectSame(
      bytesOf(graph(["x: float32[]"], nodes, ["y: float32[]", "all: float32[?]"], tensors), 13),
      xs,
    );
  });

  const counting = graph(
    ["i: int64[]", "going: bool[]", "sum: float32[2]"],
    [
      node("Identity", ["going"], ["still"]),
      node("Cast", ["i"], ["turn"], { to: 1 }),
      node("Add", ["sum", "turn"], ["more"]),
      node("Identity", ["more"], ["seen"]),
    ],
    ["still: bool[]", "more: float32[2]", "seen: float32[2]"],
  );
  const counted = (nodes: readonly ReturnType<typeof node>[]) =>
    bytesOf(
      graph(
        ["x: float32[]"],
        [
          node("Cast", ["x"], ["n"], { to: 7 }),
          ...nodes,
          node("Loop", ["m", "", "start"], ["y", "all"], { body: counting }),
        ],
        ["y: float32[2]", "all: float32[?, 2]"],
        [int64s("most", [], [10]), floats("start", [2], [0, 1])],
      ),
      13,
    );

  test("turns as often as data says, up to what bounds it", async () => {
    const given = [3, 0, -2, 10, 25].map((n) => ({ x: scalar(n) }));
    await expectSame(counted([node("Min", ["n", "most"], ["m"])]), given);
  });

  test("that nothing bounds is refused, and told how to bound it", () => {
    const net = fromOnnx(counted([node("Identity", ["n"], ["m"])]));
    expect(() => net.bind({ x: [] })).toThrow(/collects something in each turn/);
  });

  const doubling = graph(
    ["i: int64[]", "going: bool[]", "sum: float32[2]"],
    [
      node("Add", ["sum", "sum"], ["more"]),
      node("ReduceMax", ["more"], ["most"], { keepdims: 0 }),
      node("Less", ["most", "x"], ["still"]),
    ],
    ["still: bool[]", "more: float32[2]"],
  );
  const doubled = (turns: string, tensors: Parameters<typeof graph>[3] = []) =>
    bytesOf(
      graph(
        ["x: float32[]", "start: float32[2]"],
        [
          node("Cast", ["x"], ["n"], { to: 7 }),
          node("Loop", [turns, "", "start"], ["y"], { body: doubling }),
        ],
        ["y: float32[2]"],
        tensors,
      ),
      13,
    );
  const start = tensor([1, 2], [2], "float32");

  test.each([
    ["without a number of turns", "", []],
    ["of the largest number there is", "m", [int64s("m", [], [2n ** 63n - 1n])]],
    ["of more turns than there is memory for", "m", [int64s("m", [], [100_000])]],
    ["of as many turns as data says", "n", []],
  ] as const)("%s ends when its condition does, and counts till then", async (_, turns, tensors) => {
    const given = [0.5, 3, 1000].map((x) => ({ x: scalar(x), start }));
    await expectSame(doubled(turns, tensors), given);
  });

  test("that nothing ends is refused", () => {
    const forever = graph(
      ["i: int64[]", "going: bool[]", "sum: float32[2]"],
      [node("Identity", ["going"], ["still"]), node("Add", ["sum", "sum"], ["more"])],
      ["still: bool[]", "more: float32[2]"],
    );
    const bytes = bytesOf(
      graph(["x: float32[2]"], [node("Loop", ["", "", "x"], ["y"], { body: forever })], ["y: float32[2]"]),
      13,
    );
    expect(() => fromOnnx(bytes)).toThrow(/E3103 Loop: nothing ends it/);
  });

  test("reads no index behind its end", () => {
    const looking = graph(
      ["i: int64[]", "going: bool[]", "sum: float32[]"],
      [
        node("Gather", ["x", "i"], ["here"]),
        node("Add", ["sum", "here"], ["more"]),
        node("Greater", ["here", "zero"], ["still"]),
      ],
      ["still: bool[]", "more: float32[]"],
    );
    const bytes = bytesOf(
      graph(
        ["x: float32[4]"],
        [node("Loop", ["m", "", "zero"], ["y"], { body: looking })],
        ["y: float32[]"],
        [int64s("m", [], [1000]), floats("zero", [], [0])],
      ),
      13,
    );
    const instance = load(compile(fromOnnx(bytes), { format: "js" })).instantiate();
    expect(instance.run({ x: Float32Array.of(1, 2, 3, -1) })["y"]).toEqual(Float32Array.of(5));
    expect(() => instance.run({ x: Float32Array.of(1, 2, 3, 4) })).toThrow(RangeError);
  });

  test("turns as often as a size that stays open", () => {
    const bytes = bytesOf(
      graph(
        ["x: float32[n]"],
        [
          node("Shape", ["x"], ["s"]),
          node("Squeeze", ["s"], ["m"]),
          node("Loop", ["m", "", "start"], ["y", "all"], { body: counting }),
        ],
        ["y: float32[2]", "all: float32[n, 2]"],
        [floats("start", [2], [0, 1])],
      ),
      13,
    );
    const options = { dims: { n: { min: 0, max: 16 } }, format: "js" } as const;
    const instance = load(compile(fromOnnx(bytes), options)).instantiate();
    const { y, all } = instance.run({ x: new Float32Array(4) });
    expect([y, all]).toEqual([Float32Array.of(6, 7), Float32Array.of(0, 1, 1, 2, 3, 4, 6, 7)]);
    expect(instance.run({ x: new Float32Array(0) })["y"]).toEqual(Float32Array.of(0, 1));
  });

  test("that never turns collects nothing", async () => {
    const tensors = [int64s("m", [], [0]), floats("start", [], [4]), floats("limit", [], [3])];
    const nodes = [node("Loop", ["m", "", "start"], ["y", "all"], { body })];
    await expectSame(
      bytesOf(graph(["x: float32[]"], nodes, ["y: float32[]", "all: float32[?]"], tensors), 13),
      xs,
    );
  });
});
