/**
 * The bits of a number of one dtype as a number of another one of the same width: first as an integer, of
 * which the sign is not said, then as what is asked for. An integer is its own bits, a small float its code.
 */
import { type DType, dtypes, widthOf } from "../../runtime/dtype.ts";
import { binding, bitwise, type Code, call, primary } from "../source/index.ts";
import { type FormatName, formatFunction } from "./float-formats.source.ts";
import type { RuntimeFunction } from "./functions.ts";
import { isBig, wrapped, wrappedBig } from "./integers.ts";

interface Calls {
  needs(fn: RuntimeFunction): void;
}

/** `value` is a number, of which bits beyond those of `from` do not count; of a bool the bits are given. */
export function bitsValue(value: Code, from: DType, to: DType, calls: Calls): Code {
  return seenAs(integerOf(value, from, calls), to, calls);
}

function integerOf(value: Code, from: DType, calls: Calls): Code {
  if (from === "float32") return called("bitsOfFloat32", value, calls);
  if (from === "float64") return called("bitsOfFloat64", value, calls);
  return dtypes[from].format ? called(formatFunction("to", from as FormatName), value, calls) : value;
}

function seenAs(bits: Code, to: DType, calls: Calls): Code {
  if (to === "float32") return called("float32OfBits", bits, calls);
  if (to === "float64") return called("float64OfBits", bits, calls);
  if (isBig(to)) return wrappedBig(bits, to);
  const { format, kind } = dtypes[to];
  if (format || kind === "bool") {
    const mask = primary(String(2 ** widthOf(to) - 1));
    const code = bitwise(bits, "&", mask, binding.bitAnd);
    return format ? called(formatFunction("from", to as FormatName), code, calls) : code;
  }
  return to === "int32" ? bitwise(bits, "|", primary("0"), binding.bitOr) : wrapped(bits, to);
}

function called(name: RuntimeFunction, x: Code, calls: Calls): Code {
  calls.needs(name);
  return call(name, x);
}
