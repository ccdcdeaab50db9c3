import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import { elementTypes } from "../../compiler/frontend/onnx/element-types.ts";
import type { OnnxTensor } from "../../compiler/frontend/onnx/model.ts";
import { decodeSparse, decodeTensor } from "../../compiler/frontend/onnx/tensor.ts";
import { floats, int64s } from "../support/onnx.ts";

const numberOf = (dtype: string) => [...elementTypes].find(([, row]) => row.name === dtype)![0];

function tensorOf(dtype: string, dims: readonly number[], write: (writer: BinaryWriter) => void): OnnxTensor {
  const writer = new BinaryWriter();
  write(writer);
  const bigDims = dims.map(BigInt);
  return {
    name: "t",
    dims: bigDims,
    elementType: numberOf(dtype),
    bytes: writer.finish(),
    external: undefined,
  };
}

const raw = (dtype: string, dims: readonly number[], bytes: readonly number[]) =>
  decodeTensor(
    tensorOf(dtype, dims, (writer) => writer.tag(9, WireType.LengthDelimited).bytes(Uint8Array.from(bytes))),
  );

/** Entries of a typed field, packed into one list or each by itself. */
const typed = (
  dtype: string,
  count: number,
  field: number,
  write: (writer: BinaryWriter, i: number) => void,
  packed: boolean,
) =>
  decodeTensor(
    tensorOf(dtype, [count], (writer) => {
      const wire = field === 4 ? WireType.Bit32 : field === 10 ? WireType.Bit64 : WireType.Varint;
      if (packed) writer.tag(field, WireType.LengthDelimited).fork();
      for (let i = 0; i < count; i++) {
        if (!packed) writer.tag(field, wire);
        write(writer, i);
      }
      if (packed) writer.join();
    }),
  );

describe("raw data", () => {
  test("are little-endian elements of the dtype's width", () => {
    expect(raw("float32", [2], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]).data).toEqual(Float32Array.of(1, -2));
    expect(raw("int16", [2], [1, 0, 255, 255]).data).toEqual(Int16Array.of(1, -1));
    expect(raw("float16", [1], [0, 0x3c]).data).toEqual(Uint16Array.of(0x3c00));
    expect(raw("int64", [1], [255, 255, 255, 255, 255, 255, 255, 127]).data).toEqual(
      BigInt64Array.of(2n ** 63n - 1n),
    );
  });

  test("hold integers and floats of less than a byte from the lowest bits up", () => {
    expect(raw("int4", [3], [0xf7, 0x08]).data).toEqual(Int8Array.of(7, -1, -8));
    expect(raw("uint4", [3], [0xf7, 0x08]).data).toEqual(Uint8Array.of(7, 15, 8));
    expect(raw("int2", [5], [0b11_10_01_00, 0b10]).data).toEqual(Int8Array.of(0, 1, -2, -1, -2));
    expect(raw("uint2", [4], [0b11_10_01_00]).data).toEqual(Uint8Array.of(0, 1, 2, 3));
    expect(raw("float4e2m1", [2], [0x2f]).data).toEqual(Uint8Array.of(15, 2));
  });

  test("are shared with the file, and copied where they are not aligned in it", () => {
    const aligned = floats("w", [2], [1, 2]);
    expect(decodeTensor(aligned).data).toEqual(Float32Array.of(1, 2));
    for (let shift = 0; shift < 4; shift++) {
      const file = new Uint8Array(aligned.bytes.length + shift);
      file.set(aligned.bytes, shift);
      const moved = decodeTensor({ ...aligned, bytes: file.subarray(shift) });
      expect(moved.data).toEqual(Float32Array.of(1, 2));
    }
  });
});

describe.each([true, false])("typed fields, packed: %s", (packed) => {
  test("hold floats, doubles and integers", () => {
    const numbers = [1.5, -2, 0];
    expect(typed("float32", 3, 4, (w, i) => w.float(numbers[i]!), packed).data).toEqual(
      Float32Array.from(numbers),
    );
    expect(typed("float64", 3, 10, (w, i) => w.double(numbers[i]!), packed).data).toEqual(
      Float64Array.from(numbers),
    );
    expect(typed("int32", 3, 5, (w, i) => w.int32(i - 1), packed).data).toEqual(Int32Array.of(-1, 0, 1));
    expect(typed("bool", 3, 5, (w, i) => w.int32(i % 2), packed).data).toEqual(Uint8Array.of(0, 1, 0));
  });

  test("hold 64-bit integers exactly", () => {
    const far = [-(2n ** 63n), 2n ** 53n + 1n];
    expect(typed("int64", 2, 7, (w, i) => w.int64(far[i]!), packed).data).toEqual(BigInt64Array.from(far));
    expect(typed("uint64", 1, 11, (w) => w.uint64(2n ** 64n - 1n), packed).data).toEqual(
      BigUint64Array.of(2n ** 64n - 1n),
    );
    expect(typed("uint32", 1, 11, (w) => w.uint64(2n ** 32n - 1n), packed).data).toEqual(
      Uint32Array.of(2 ** 32 - 1),
    );
  });

  test("hold 16-bit floats as bits and small ones as codes", () => {
    expect(typed("float16", 1, 5, (w) => w.int32(0xbc00), packed).data).toEqual(Uint16Array.of(0xbc00));
    expect(typed("bfloat16", 1, 5, (w) => w.int32(0x3f80), packed).data).toEqual(Uint16Array.of(0x3f80));
    expect(typed("float8e4m3fn", 1, 5, (w) => w.int32(0x7e), packed).data).toEqual(Uint8Array.of(0x7e));
  });
});

test("integers of 4 bits in a typed field are two to an entry", () => {
  const tensor = tensorOf("int4", [3], (w) => {
    w.tag(5, WireType.Varint).int32(0xf7);
    w.tag(5, WireType.Varint).int32(0x08);
  });
  expect(decodeTensor(tensor).data).toEqual(Int8Array.of(7, -1, -8));
});

describe("sparse tensors", () => {
  const values = floats("s", [2], [5, 7]);

  test("have their zeros filled in, from linear indices and from coordinates", () => {
    const linear = { name: "s", dims: [2n, 3n], values, indices: int64s("i", [2], [1, 5]) };
    const pairs = { ...linear, indices: int64s("i", [2, 2], [0, 1, 1, 2]) };
    for (const sparse of [linear, pairs]) {
      expect(decodeSparse(sparse)).toEqual({
        dtype: "float32",
        shape: [2, 3],
        data: Float32Array.of(0, 5, 0, 0, 0, 7),
      });
    }
  });

  test.each([
    ["an index outside", [2n, 3n], int64s("i", [2], [1, 6])],
    ["too few indices", [2n, 3n], int64s("i", [1], [1])],
    ["more elements than are worth it", [2n ** 30n], int64s("i", [2], [1, 5])],
  ])("are refused for %s", (_, dims, indices) => {
    expect(() => decodeSparse({ name: "s", dims, values, indices })).toThrow(CompileError);
  });
});
