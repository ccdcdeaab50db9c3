/** Nodes on random inputs beside onnxruntime, which says what operators outside of ONNX's own domain mean. */
import { expect } from "vitest";
import type { DType } from "../../runtime/dtype.ts";
import { type Tensor, tensor } from "../../runtime/tensor.ts";
import { runInOnnxRuntime } from "./onnxruntime.ts";
import { bytesOfNode, type NodeCase, runNode } from "./run-onnx.ts";

/** Numbers without a pattern, the same in every run. */
function random(seed: number, low: number, high: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return low + (high - low) * (state / 2 ** 32);
  };
}

/** A tensor of such numbers, cut to whole ones for an integer dtype. */
export function some(
  seed: number,
  shape: readonly number[],
  dtype: DType = "float32",
  low = -1,
  high = 1,
): Tensor {
  const next = random(seed * 7919, low, high);
  const count = shape.reduce((a, b) => a * b, 1);
  const round = dtype === "float32" ? (x: number) => x : Math.floor;
  return tensor(
    Array.from({ length: count }, () => round(next())),
    shape,
    dtype,
  );
}

/** Every output that onnxruntime gives: integers exactly, floats within 2e-5 of them or of 1. */
export async function expectAsOnnxRuntime(of: NodeCase): Promise<void> {
  const expected = await runInOnnxRuntime(bytesOfNode(of), new Map(Object.entries(of.inputs)));
  expect(expected).toBeDefined();
  const results = runNode(of);
  [...expected!.values()].forEach(({ shape, data }, i) => {
    const found = results[i]!;
    expect(found.shape).toEqual(shape);
    Array.from(data as ArrayLike<number | bigint>).forEach((x, at) => {
      if (typeof x === "bigint") expect(found.data[at]).toBe(x);
      else expect(Math.abs(Number(found.data[at]) - x)).toBeLessThan(2e-5 * Math.max(1, Math.abs(x)));
    });
  });
}
