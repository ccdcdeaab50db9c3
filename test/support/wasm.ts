/** Compiles kernels to one WebAssembly module and runs them on memory laid out buffer after buffer. */

import { Module } from "../../codegen/wasm/assembler/index.ts";
import { addKernel, type Cuts } from "../../codegen/wasm/kernel.ts";
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import type { Numerics } from "../../compiler/ir/target.ts";
import { type DType, dtypes, type TypedArray } from "../../runtime/dtype.ts";
import { copyElements } from "../../runtime/elements.ts";
import { poisonedArray } from "./interpret.ts";

export function encodeKernels(
  kernels: readonly Kernel[],
  numerics: Numerics,
  cuts?: Cuts,
): Uint8Array<ArrayBuffer> {
  const module = new Module();
  module.importMemory({ module: "env", name: "memory" }, { initial: 1 });
  for (const kernel of kernels) addKernel(module, kernel, cuts && { cuts });
  return module.encode({ names: true, fused: numerics.accumulate === "float32-fma" });
}

export interface WasmMachine {
  array(b: Buffer): TypedArray;
  run(kernel: Kernel, parameters?: readonly number[]): void;
  /** The exported function with its arguments bound, for timing. */
  bound(kernel: Kernel): () => void;
}

/** Buffers start at multiples of 64 bytes and begin as the data given, or NaN (a poisoned arena). */
export function wasmMachine(
  kernels: readonly Kernel[],
  numerics: Numerics,
  data: (b: Buffer) => TypedArray | undefined,
  cuts?: Cuts,
): WasmMachine {
  const offsets = new Map<Buffer, number>();
  let bytes = 1024;
  for (const b of new Set(kernels.flatMap((k) => [...k.reads, ...k.writes]))) {
    offsets.set(b, bytes);
    bytes += Math.ceil((b.length * dtypes[b.dtype].bytes) / 64) * 64;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
  const module = new WebAssembly.Module(encodeKernels(kernels, numerics, cuts));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const array = (b: Buffer) => view(memory, b.dtype, offsets.get(b)!, b.length);
  for (const b of offsets.keys()) copyElements(array(b), data(b) ?? poisonedArray(b));
  const bound = (kernel: Kernel, parameters: readonly number[] = []) => {
    const call = exports[kernel.name] as (...args: number[]) => void;
    const args = [...kernel.reads, ...kernel.writes].map((b) => offsets.get(b)!);
    return () => call(...args, ...parameters);
  };
  return { array, bound, run: (kernel, parameters) => bound(kernel, parameters)() };
}

export function view(memory: WebAssembly.Memory, dtype: DType, offset: number, length: number): TypedArray {
  const make = dtypes[dtype].array as unknown as new (b: ArrayBuffer, o: number, n: number) => TypedArray;
  return new make(memory.buffer, offset, length);
}
