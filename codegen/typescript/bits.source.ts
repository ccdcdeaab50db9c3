/**
 * Functions for generated modules that see the bits of a float32 or a float64 as an integer, and back. All
 * share one small piece of memory. A NaN has the bits of the one that NumPy writes.
 */
import type { Types } from "../source/index.ts";

export type BitsFunction = "bitsOfFloat32" | "bitsOfFloat64" | "float32OfBits" | "float64OfBits";

/** What the text of a function refers to. */
export const bitsRequires: Readonly<Record<string, readonly "floatBits"[]>> = {
  bitsOfFloat32: ["floatBits"],
  bitsOfFloat64: ["floatBits"],
  float32OfBits: ["floatBits"],
  float64OfBits: ["floatBits"],
};

function ofFloat(name: BitsFunction, bits: number, integer: string, nan: string, result: string) {
  return ({ only }: Types) => `/** The bits of a float${bits}, as an integer. */
function ${name}(x${only(": number")})${only(`: ${result}`)} {
  if (x !== x) return ${nan};
  floatBits.setFloat${bits}(0, x, true);
  return floatBits.get${integer}(0, true);
}`;
}

function toFloat(name: BitsFunction, bits: number, integer: string, operand: string) {
  return ({ only }: Types) => `/** The float${bits} that has these bits. */
function ${name}(bits${only(`: ${operand}`)})${only(": number")} {
  floatBits.set${integer}(0, bits, true);
  return floatBits.getFloat${bits}(0, true);
}`;
}

export const bitsFunctions: Readonly<Record<BitsFunction, (types: Types) => string>> = {
  bitsOfFloat32: ofFloat("bitsOfFloat32", 32, "Int32", "0x7fc00000", "number"),
  bitsOfFloat64: ofFloat("bitsOfFloat64", 64, "BigInt64", "0x7ff8000000000000n", "bigint"),
  float32OfBits: toFloat("float32OfBits", 32, "Int32", "number"),
  float64OfBits: toFloat("float64OfBits", 64, "BigInt64", "bigint"),
};
