/** What becomes of the weights of a file: nothing is copied before a module is written. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import type { FileParts } from "../../compiler/frontend/onnx/tensor.ts";
import { compile, fromOnnx, load } from "../../compiler/index.ts";
import { bytesOf, floats, graph, node } from "../support/onnx.ts";
import { externalTensor } from "../support/onnx-writer.ts";

const [rows, columns] = [96, 80];
const values = Array.from({ length: rows * columns }, (_, i) => Math.sin(i));
const weight = floats("w", [rows, columns], values);
const x = `x: float32[2, ${rows}]`;
const product = (w = weight) => graph([x], [node("MatMul", ["x", "w"], ["y"])], ["y: float32"], [w]);
const file = bytesOf(product());

/** The bytes at an address that is `shift` past a multiple of eight. */
function shifted(bytes: Uint8Array, shift: number): Uint8Array {
  const moved = new Uint8Array(bytes.length + shift).subarray(shift);
  moved.set(bytes);
  return moved;
}

/** The same tensor with its elements in `float_data`, in as many lists. */
function typed(lists: number): typeof weight {
  const writer = new BinaryWriter();
  for (const n of weight.dims) writer.tag(1, WireType.Varint).int64(n);
  writer.tag(2, WireType.Varint).int32(1).tag(8, WireType.LengthDelimited).string("w");
  const each = values.length / lists;
  for (let i = 0; i < lists; i++) {
    writer.tag(4, WireType.LengthDelimited).fork();
    for (const x of values.slice(i * each, (i + 1) * each)) writer.float(x);
    writer.join();
  }
  return { ...weight, bytes: writer.finish() };
}

const wanted = compile(fromOnnx(file), { weights: "file" });

describe("weights of a file", () => {
  test.each([0, 1, 2, 3])("are written from where they lie, %i bytes past an aligned address", (shift) => {
    const bytes = shifted(file, shift);
    const net = fromOnnx(bytes);
    expect(net.weights.map((each) => each.bytes!().buffer === bytes.buffer)).toEqual([true]);
    const { code, weights } = compile(net, { weights: "file" });
    expect(code).toBe(wanted.code);
    expect(weights).toEqual(wanted.weights);
  });

  test("may lie in typed fields; one packed list of floats is as good as raw bytes", () => {
    for (const lists of [1, 2]) {
      const bytes = bytesOf(product(typed(lists)));
      const net = fromOnnx(bytes);
      expect(net.weights[0]!.bytes!().buffer === bytes.buffer).toBe(lists === 1);
      expect(compile(net, { weights: "file" }).weights).toEqual(wanted.weights);
    }
  });

  test("are the elements that predict computes with", () => {
    const input = Float32Array.from({ length: 2 * rows }, (_, i) => Math.cos(i));
    const [y] = [...fromOnnx(shifted(file, 1)).predict(input, [2, rows]).values()];
    const module = load(compile(fromOnnx(file), { weights: "file", format: "js", sample: { x: [2, rows] } }));
    const instance = module.instantiate();
    expect(y!.data).toEqual(instance.run({ x: input })["y"]);
  });

  test("are read in parts from files that are given as parts, and only when they are needed", () => {
    const data = new Uint8Array(Float32Array.from(values).buffer);
    const reads: (readonly [number, number])[] = [];
    const parts: FileParts = {
      length: data.length + 8,
      read(offset, length) {
        reads.push([offset, length]);
        return data.slice(offset - 8, offset - 8 + length);
      },
    };
    const outside = externalTensor("w", [rows, columns], {
      location: "w.bin",
      offset: 8,
      length: data.length,
    });
    const net = fromOnnx(bytesOf(product(outside)), { externalData: new Map([["w.bin", parts]]) });
    expect(reads).toEqual([]);
    expect(compile(net, { weights: "file" }).weights).toEqual(wanted.weights);
    expect(reads).toEqual([[8, data.length]]);
  });
});
