/**
 * How weights travel. All numbers a module needs are one little-endian blob, each weight at a multiple of
 * eight bytes; it is either base64 in the module or a file beside it. In `init` mode a weight that is still
 * what its seeded initialiser gives is a call of that initialiser, and only the others are in the blob.
 */
import type { Weight } from "../../compiler/ir/program.ts";
import type { EmitOptions, EmittedModule } from "../../compiler/ir/target.ts";
import { weightBytes } from "../../compiler/ir/weight-bytes.ts";
import { byteSize } from "../../runtime/dtype.ts";

/**
 * "auto" puts weights into the module up to this many bytes: base64 beyond it makes imports and editors slow.
 */
const inlineLimit = 1_000_000;

export interface WeightPlan {
  readonly mode: EmittedModule["weightsMode"];
  /** Weights in the blob, with their byte offsets. */
  readonly stored: readonly { readonly weight: Weight; readonly offset: number }[];
  readonly seeded: readonly Weight[];
  readonly blob: Uint8Array;
}

/** Weights start at multiples of `alignment`, which eight divides. */
export function planWeights(
  weights: readonly Weight[],
  mode: EmitOptions["weights"],
  alignment = 8,
): WeightPlan {
  const seeded = mode === "init" ? weights.filter((weight) => weight.initializer !== undefined) : [];
  let bytes = 0;
  const stored = weights
    .filter((weight) => !seeded.includes(weight))
    .map((weight) => {
      const offset = bytes;
      bytes = align(offset + byteSize(weight.buffer.dtype, weight.buffer.length), alignment);
      return { weight, offset };
    });
  const blob = new Uint8Array(bytes);
  for (const { weight, offset } of stored) {
    const { write, buffer } = weight;
    if (write) write(new Float32Array(blob.buffer, offset, buffer.length));
    else blob.set(weightBytes(weight), offset);
  }
  return { mode: resolveMode(mode, bytes), stored, seeded, blob };
}

function resolveMode(mode: EmitOptions["weights"], bytes: number): EmittedModule["weightsMode"] {
  if (mode !== "auto") return mode;
  return bytes <= inlineLimit ? "inline" : "file";
}

function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** The hash that generated modules compare: 31 h + word over the 32-bit words, modulo 2^32. */
export function checksum(blob: Uint8Array): number {
  const words = new Int32Array(blob.buffer, blob.byteOffset, blob.byteLength / 4);
  let hash = 0;
  for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + words[i]!) | 0;
  return hash;
}

export function toBase64(blob: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < blob.length; start += 0x8000)
    binary += String.fromCharCode(...blob.subarray(start, start + 0x8000));
  return btoa(binary);
}
