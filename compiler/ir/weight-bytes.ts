/** Weights and constants as bytes. */
import type { TypedArray } from "../../runtime/dtype.ts";
import type { Weight } from "./program.ts";

/** The elements of a weight as little-endian bytes, at any address; no copy where there need be none. */
export function weightBytes(weight: Weight): Uint8Array {
  return weight.bytes?.() ?? bytesOf(weight.data);
}

/** A view. */
export function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
