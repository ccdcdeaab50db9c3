import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromNested, size, strides, tensor, toNested } from "../../runtime/tensor.ts";

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

describe("shapes", () => {
  test("strides are row-major", () => {
    expect(strides([2, 3, 4])).toEqual([12, 4, 1]);
    expect(strides([])).toEqual([]);
  });

  test("a scalar has one element and an empty dim makes none", () => {
    expect(size([])).toBe(1);
    expect(size([3, 0])).toBe(0);
  });

  test.each([[[-1]], [[1.5]], [[Number.NaN]], [[Infinity]]])("%j is not a shape", (shape) => {
    expect(() => size(shape)).toThrow(`has the dim ${shape[0]}`);
  });
});

describe("tensor", () => {
  test("takes the dtype of a typed array and shares it", () => {
    const data = new Int32Array(6);
    const made = tensor(data, [2, 3]);
    expect(made.dtype).toBe("int32");
    expect(made.data).toBe(data);
  });

  test("plain numbers become float32", () => {
    expect(tensor([1, 2], [2])).toEqual({ dtype: "float32", shape: [2], data: new Float32Array([1, 2]) });
  });

  test("does not see later changes of the shape it was given", () => {
    const shape = [2];
    const made = tensor([1, 2], shape);
    shape[0] = 5;
    expect(made.shape).toEqual([2]);
  });

  test("bool is stored as 0 and 1, whatever was given", () => {
    expect(tensor([0, 7, -1], [3], "bool").data).toEqual(new Uint8Array([0, 1, 1]));
    expect(tensor(new Uint8Array([0, 2]), [2], "bool").data).toEqual(new Uint8Array([0, 1]));
  });

  test("data that does not fill the shape is refused with both counts", () => {
    expect(() => tensor([1, 2], [3])).toThrow("shape [3] has 3 elements, but the data has 2");
  });

  test.each([
    [1.5, "int32"],
    [300, "uint8"],
    [-1, "uint8"],
    [-129, "int8"],
    [Number.NaN, "int32"],
  ] as const)("%d is refused as %s", (value, dtype) => {
    expect(() => tensor([value], [1], dtype)).toThrow(`element 0 is ${value}, which ${dtype} cannot hold`);
  });
});

describe("nested arrays", () => {
  test("the shape and row-major order are read off", () => {
    const made = fromNested([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(made).toEqual({ dtype: "float32", shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) });
  });

  test("booleans become bool and come back as booleans", () => {
    const made = fromNested([[true], [false]]);
    expect(made.dtype).toBe("bool");
    expect(toNested(made)).toEqual([[true], [false]]);
  });

  test("a number is a scalar", () => {
    expect(fromNested(3).shape).toEqual([]);
    expect(toNested(fromNested(3))).toBe(3);
  });

  test.each([
    [[[1, 2], [3]], "nested[1] has length 1, but nested[0] has length 2"],
    [[[1, 2], 3], "nested[1] is a scalar, but nested[0] is an array of length 2"],
    [[1, [2]], "nested[1] is an array of length 1, but nested[0] is a scalar"],
    [[[[1]], [[2, 3]]], "nested[1][0] has length 2, but nested[0][0] has length 1"],
  ])("%j is refused as ragged, with the place", (nested, message) => {
    expect(() => fromNested(nested)).toThrow(message);
    expect(() => fromNested(nested)).toThrow(RangeError);
  });

  test("what is not a number is refused with its place", () => {
    const nested = [[1, "2"]] as unknown as number[][];
    expect(() => fromNested(nested)).toThrow("nested[0][1] is 2, neither a number nor a boolean");
  });

  test("from nested and to nested are inverse for shapes without an empty dim before another", () => {
    fc.assert(
      fc.property(shapes, fc.integer(), (shape, start) => {
        const data = Array.from({ length: size(shape) }, (_, i) => Math.fround(start + i));
        const made = tensor(data, shape);
        const back = fromNested(toNested(made));
        const emptyAt = shape.indexOf(0);
        expect(back.shape).toEqual(emptyAt < 0 ? shape : shape.slice(0, emptyAt + 1));
        expect(back.data).toEqual(made.data);
      }),
      { numRuns: 200 },
    );
  });
});
