/**
 * Integers of every width in generated code: those below 32 bits are computed as int32, uint32 in itself,
 * those of 64 bits as bigints, and each is wrapped to its width where it leaves it.
 */
import { type DType, dtypes, type Scalar } from "../../runtime/dtype.ts";
import { binding, bitwise, type Code, call, primary, toInt32 } from "../source/index.ts";

export function isBig(dtype: DType): boolean {
  return dtypes[dtype].big === true;
}

/** The integer of fewer than 32 bits, or the uint32, that an integer wraps to. */
export function wrapped(code: Code, dtype: DType): Code {
  const [lowest, highest] = [Number(dtypes[dtype].lowest), Number(dtypes[dtype].highest)];
  if (dtype === "uint32") return bitwise(code, ">>>", primary("0"), binding.shift);
  if (lowest === 0) return bitwise(code, "&", primary(String(highest)), binding.bitAnd);
  const away = primary(String(31 - Math.log2(highest + 1)));
  return bitwise(bitwise(code, "<<", away, binding.shift), ">>", away, binding.shift);
}

export function bigLiteral(value: Scalar): Code {
  return primary(`${BigInt(value)}n`);
}

/** The 64-bit integer that a bigint wraps to. */
export function wrappedBig(code: Code, dtype: DType): Code {
  return call(dtype === "uint64" ? "BigInt.asUintN" : "BigInt.asIntN", primary("64"), code);
}

/** The bits that integers of this dtype are computed in. */
export function toWide(code: Code, dtype: DType): Code {
  if (isBig(dtype)) return wrappedBig(code, dtype);
  return dtype === "uint32" ? wrapped(code, dtype) : toInt32(code);
}

export function product(code: Code, dtype: DType): Code {
  return dtype === "uint32" ? wrapped(code, dtype) : code;
}
