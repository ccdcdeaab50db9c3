/** What may be given as a sample, and how everything else is refused. */
import { describe, expect, test } from "vitest";
import { dense, embedding, input, model, sequential } from "../../compiler/frontend/index.ts";
import { only } from "./reference.ts";

const net = () => sequential([dense({ units: 2 })]);
const words = () => sequential([embedding({ inputDim: 10, outputDim: 3 })]);
const data = new Float32Array(6);
const here = expect.objectContaining({ file: expect.stringMatching(/samples\.test\.ts$/) });

describe.each([
  [null, "null"],
  [undefined, "undefined"],
  [20, "20"],
  ["2,20", '"2,20"'],
  [new Map(), "an object with nothing in it"],
  [{ shape: [2, 3] }, "an object with shape"],
  [{ data: [1, 2], shape: [1, 2] }, "an object with data, shape"],
])("%o as a sample", (value, shown) => {
  test.each(["bind", "predict"] as const)("is refused by %s, which says what would do", (method) => {
    expect(only(() => net()[method]({ x: value } as never))).toMatchObject({
      code: "E1002",
      message: `the sample of input "x" is ${shown}, neither a shape nor data`,
      at: here,
    });
  });
});

test.each([null, undefined, 20, "2,20"])("%o instead of a sample is refused too", (value) => {
  expect(only(() => net().bind(value as never)).message).toContain("neither a shape nor data");
  expect(only(() => net().predict(value as never)).message).toContain("neither a shape nor data");
});

test("a tensor may leave its dtype to its data", () => {
  const bound = net();
  bound.bind({ x: { data, shape: [2, 3] } as never });
  expect(bound.getWeights()[0]?.shape).toEqual([3, 2]);
  expect(bound.predict({ data, shape: [2, 3] } as never).shape).toEqual([2, 2]);
});

test("a tensor without elements stands for any data of its type, but not in predict", () => {
  const bound = net();
  const none = { dtype: "float32", shape: [2, 3], data: new Float32Array(0) } as const;
  bound.bind({ x: none });
  expect(bound.getWeights()[0]?.shape).toEqual([3, 2]);
  expect(only(() => bound.predict({ x: none })).message).toBe(
    'predict needs data for input "x", but it was given the shape [2, 3]',
  );
  expect(bound.predict({ x: { ...none, shape: [0, 3] } }).shape).toEqual([0, 2]);
});

test.each([
  [{ data, shape: [2, 4], dtype: "float32" }, "a tensor of shape [2, 4] has 8 elements, but the data has 6"],
  [{ data, shape: [2, 3], dtype: "int32" }, "its dtype is int32, but its data are float32"],
  [{ data, shape: [2, 3], dtype: "half" }, "its dtype is half, but its data are float32"],
  [{ data: new Uint8ClampedArray(6), shape: [2, 3] }, "no dtype is stored in a Uint8ClampedArray"],
  [{ data: new DataView(new ArrayBuffer(6)), shape: [2, 3] }, "no dtype is stored in a DataView"],
])("a tensor that contradicts itself is refused before it binds anything", (value, why) => {
  const bound = net();
  expect(only(() => bound.bind({ x: value } as never))).toMatchObject({
    code: "E1002",
    message: `the data for input "x" cannot be taken: ${why}`,
    at: here,
  });
  expect(bound.getWeights()).toEqual([]);
});

test("a typed array of a class no dtype uses is refused with one that would do", () => {
  expect(only(() => words().predict(new Uint8ClampedArray(2) as never, [1, 2])).fix).toBe(
    "pass the data as Int32Array",
  );
});

test("a value the dtype cannot hold is refused as such", () => {
  expect(only(() => words().predict([[1.5, 2]]))).toMatchObject({
    message: 'the data for input "x" cannot be taken: element 0 is 1.5, which int32 cannot hold',
    fix: "pass values that int32 can hold",
  });
});

test("a model of several inputs says so of a sample that names none", () => {
  const [a, b] = [input({ shape: [2], name: "a" }), input({ shape: [2], name: "b" })];
  const both = model({
    inputs: [a, b],
    outputs: [dense({ units: 1 }).apply(a), dense({ units: 1 }).apply(b)],
  });
  expect(only(() => both.bind([1, 2])).code).toBe("E2102");
});

test.each(["constructor", "__proto__", "toString"])("an input called %s is missed like any other", (name) => {
  const [x, y] = [input({ name, shape: [3] }), input({ name: "y", shape: [3] })];
  const both = model({
    inputs: [x, y],
    outputs: [dense({ units: 2 }).apply(x), dense({ units: 2 }).apply(y)],
  });
  expect(only(() => both.bind({ y: [1, 3] }))).toMatchObject({
    code: "E2102",
    message: `no sample for input "${name}"`,
  });
});
