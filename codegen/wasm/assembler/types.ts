// Value and function types, with the byte each has in the binary format and the letter each has in the opcode
// table.

import type { ByteWriter } from "./byte-writer.ts";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

export interface FunctionType {
  readonly params?: readonly ValueType[];
  readonly results?: readonly ValueType[];
}

/** What a block leaves on the stack: nothing, one value, or (with a full type) also what it takes from it. */
export type BlockType = ValueType | FunctionType;

export const typeByte: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

const letters: Readonly<Record<string, ValueType>> = { i: "i32", l: "i64", f: "f32", d: "f64", v: "v128" };

export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Reads `"iv:f"` as (i32, v128) -> f32: i = i32, l = i64, f = f32, d = f64, v = v128. */
export function parseSignature(text: string): Signature {
  const [params = "", results = ""] = text.split(":");
  const types = (part: string) => [...part].map((letter) => letters[letter]!);
  return { params: types(params), results: types(results) };
}

/** The block type as a signature; no type means no values in and none out. */
export function blockSignature(type: BlockType | undefined): Signature {
  if (type === undefined) return { params: [], results: [] };
  if (typeof type === "string") return { params: [], results: [type] };
  return { params: type.params ?? [], results: type.results ?? [] };
}

export function writeTypes(out: ByteWriter, types: readonly ValueType[]): void {
  out.vector(types, (type) => out.byte(typeByte[type]));
}
