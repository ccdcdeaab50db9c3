import { describe, expect, test } from "vitest";
import { allocate, byteSize, type DType, dtypeOf, dtypes } from "../../runtime/dtype.ts";

const names = Object.keys(dtypes) as DType[];

describe("dtypes", () => {
  test.each(names)("the row of %s agrees with the array it allocates", (dtype) => {
    const data = allocate(dtype, 3);
    expect(data).toBeInstanceOf(dtypes[dtype].array);
    expect(data.BYTES_PER_ELEMENT).toBe(dtypes[dtype].bytes);
    expect(byteSize(dtype, 3)).toBe(data.byteLength);
    expect([...data].map(Number)).toEqual([0, 0, 0]);
  });

  test("an array is taken for the dtype it stores, bytes for uint8", () => {
    const shared = { bool: "uint8", float16: "uint16", bfloat16: "uint16", int4: "int8", int2: "int8" };
    for (const dtype of names) {
      const own = Object.hasOwn(shared, dtype) ? shared[dtype as keyof typeof shared] : dtype;
      const isByte = /^float[48]|^uint[24]$/.test(dtype);
      expect(dtypeOf(allocate(dtype, 1))).toBe(isByte ? "uint8" : own);
    }
  });

  test("an array class without a dtype is refused by name", () => {
    const data = new Uint8ClampedArray(1) as unknown as Uint8Array;
    expect(() => dtypeOf(data)).toThrow("no dtype is stored in a Uint8ClampedArray");
  });
});
