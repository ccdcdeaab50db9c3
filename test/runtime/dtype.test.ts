import { describe, expect, test } from "vitest";
import { allocate, byteSize, type DType, dtypeOf, dtypes } from "../../runtime/dtype.ts";

const names = Object.keys(dtypes) as DType[];

describe("dtypes", () => {
  test.each(names)("the row of %s agrees with the array it allocates", (dtype) => {
    const data = allocate(dtype, 3);
    expect(data).toBeInstanceOf(dtypes[dtype].array);
    expect(data.BYTES_PER_ELEMENT).toBe(dtypes[dtype].bytes);
    expect(byteSize(dtype, 3)).toBe(data.byteLength);
    expect([...data]).toEqual([0, 0, 0]);
  });

  test("an array is taken for the dtype it stores, bytes for uint8", () => {
    for (const dtype of names) expect(dtypeOf(allocate(dtype, 1))).toBe(dtype === "bool" ? "uint8" : dtype);
  });

  test("an array class without a dtype is refused by name", () => {
    const data = new Uint16Array(1) as unknown as Uint8Array;
    expect(() => dtypeOf(data)).toThrow("no dtype is stored in a Uint16Array");
  });
});
