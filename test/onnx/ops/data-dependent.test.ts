/** Operators whose results are as large as the data says: against what numpy and the specification give. */
import { describe, expect, test } from "vitest";
import { compile, fromOnnx, inspect, load, type Tensor, tensor, why } from "../../../compiler/index.ts";
import { bytesOf, floats, graph, int64s, node } from "../../support/onnx.ts";

type Body = Parameters<typeof graph>;

/** The shapes and elements of the outputs for inputs that have the shapes which the model declares. */
function run(inputs: Readonly<Record<string, Tensor>>, ...body: Body) {
  const net = fromOnnx(bytesOf(graph(...body), 13));
  const sample = Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
  const instance = load(compile(net, { sample, format: "js" })).instantiate();
  return (given: Readonly<Record<string, Tensor>>) => {
    const arrays = Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data]));
    return Object.entries(instance.run(arrays)).map(([name, data]) => [
      instance.shapes?.[name],
      Array.from(data as ArrayLike<number | bigint>, Number),
    ]);
  };
}

const once = (inputs: Readonly<Record<string, Tensor>>, ...body: Body) => run(inputs, ...body)(inputs);
const bools = (...list: readonly number[]): Tensor => tensor(list, [list.length], "bool");

describe("NonZero", () => {
  const of = (x: Tensor, sizes: string) =>
    once({ x }, [`x: float32[${sizes}]`], [node("NonZero", ["x"], ["y"])], ["y: int64[?, ?]"])[0];

  test("gives coordinates by columns, in row-major order", () => {
    const x = tensor([0, 1, 0, Number.NaN, -0, 2], [2, 3]);
    expect(of(x, "2, 3")).toEqual([
      [2, 3],
      [0, 1, 1, 1, 0, 2],
    ]);
  });
  test("of nothing but zeros is empty, of a scalar has no rows", () => {
    expect(of(tensor([0, 0], [2]), "2")).toEqual([[1, 0], []]);
    expect(of(tensor([3], []), "")).toEqual([[0, 1], []]);
  });
});

describe("Compress", () => {
  const nodes = (attributes: Readonly<Record<string, number>> = {}) => [
    node("Compress", ["x", "keep"], ["y"], attributes),
  ];
  const x = tensor([1, 2, 3, 4, 5, 6], [3, 2]);
  const inputs = ["x: float32[3, 2]", "keep: bool[m]"];

  test("takes rows, columns or elements; a short condition leaves out the rest", () => {
    const of = (keep: Tensor, attributes?: Readonly<Record<string, number>>) =>
      once({ x, keep }, inputs, nodes(attributes), ["y: float32"])[0];
    expect(of(bools(0, 1, 1), { axis: 0 })).toEqual([
      [2, 2],
      [3, 4, 5, 6],
    ]);
    expect(of(bools(0, 1), { axis: -1 })).toEqual([
      [3, 1],
      [2, 4, 6],
    ]);
    expect(of(bools(0, 1, 0, 0, 1))).toEqual([[2], [2, 5]]);
  });
  test("serves any number of rows with one module", () => {
    const given = (keep: Tensor) => ({ x, keep });
    const module = run(given(bools(0, 0, 0)), inputs, nodes({ axis: 0 }), ["y: float32"]);
    expect(module(given(bools(0, 0, 0)))[0]).toEqual([[0, 2], []]);
    expect(module(given(bools(1, 1, 1)))[0]).toEqual([
      [3, 2],
      [1, 2, 3, 4, 5, 6],
    ]);
  });
});

describe("Unique", () => {
  const results = ["y", "first", "inverse", "counts"];
  const outputs = ["y: float32", "first: int64[?]", "inverse: int64[?]", "counts: int64[?]"];
  const of = (x: Tensor, attributes: Readonly<Record<string, number>>) =>
    once({ x }, [`x: float32[${x.shape}]`], [node("Unique", ["x"], results, attributes)], outputs);

  test("sorts, with NaN once and last", () => {
    const x = tensor([3, Number.NaN, 1, 3, Number.NaN], [5]);
    expect(of(x, { sorted: 1 }).map(([, data]) => data)).toEqual([
      [1, 3, Number.NaN],
      [2, 0, 1],
      [1, 2, 0, 1, 2],
      [1, 2, 2],
    ]);
  });
  test("keeps the order of first occurrence unless it sorts", () => {
    expect(of(tensor([2, 1, 1, 3, 4, 3], [6]), { sorted: 0 }).map(([, data]) => data)).toEqual([
      [2, 1, 3, 4],
      [0, 1, 3, 4],
      [0, 1, 1, 2, 3, 2],
      [1, 2, 2, 1],
    ]);
  });
  test("compares slices of an axis by their first difference", () => {
    const x = tensor([1, 2, 1, 0, 1, 2], [3, 2]);
    expect(of(x, { axis: 0, sorted: 1 })).toEqual([
      [
        [2, 2],
        [1, 0, 1, 2],
      ],
      [[2], [1, 0]],
      [[3], [1, 0, 1]],
      [[2], [1, 2]],
    ]);
  });
});

describe("NonMaxSuppression", () => {
  const boxes = tensor([0, 0, 2, 2, 0, 0, 2, 1.9, 5, 5, 6, 6, 2, 2, 0, 0], [1, 4, 4]);
  const scores = tensor([0.5, 0.9, 0.1, 0.5], [1, 1, 4]);
  const of = (limit: readonly number[], least: readonly number[]) =>
    once(
      { boxes, scores },
      ["boxes: float32[1, 4, 4]", "scores: float32[1, 1, 4]"],
      [node("NonMaxSuppression", ["boxes", "scores", "limit", "overlap", "least"], ["y"])],
      ["y: int64[?, 3]"],
      [int64s("limit", [1], limit), floats("overlap", [1], [0.5]), floats("least", [1], least)],
    )[0];

  test("keeps the best of those that overlap, by falling score", () => {
    expect(of([10], [0])).toEqual([
      [2, 3],
      [0, 0, 1, 0, 0, 2],
    ]);
  });
  test("keeps no more than the limit, however large that is, and none below the least score", () => {
    expect(of([1], [0])).toEqual([
      [1, 3],
      [0, 0, 1],
    ]);
    expect(of([Number.MAX_SAFE_INTEGER], [0.2])).toEqual([
      [1, 3],
      [0, 0, 1],
    ]);
    expect(of([0], [0])).toEqual([[0, 3], []]);
  });
});

test("inspect says which sizes a run finds in its data, and where", () => {
  const body: Body = [["x: float32[2, n]"], [node("NonZero", ["x"], ["y"])], ["y: int64[?, ?]"]];
  const net = fromOnnx(bytesOf(graph(...body), 13));
  const { computed, needs, outputs } = inspect(net);
  const symbol = outputs[0]!.shape[1]!;
  expect(computed).toEqual([{ symbol, most: "2*n", by: "y_node" }]);
  expect(needs).toEqual([]);
  expect(why(net, "y.1").steps).toMatchObject([{ dim: symbol, verb: "found in the data of a run" }]);
});
