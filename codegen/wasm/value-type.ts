/**
 * What a value is on the stack of WebAssembly: float64 an f64, other floats an f32, integers of 64 bits an
 * i64, other integers and booleans an i32.
 */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import { unsupported } from "./unsupported.ts";

export type ScalarType = "f32" | "f64" | "i32" | "i64";

/** E4001 for floats that are stored as codes. */
export function typeOf(dtype: DType): ScalarType {
  const { kind, big, format } = dtypes[dtype];
  if (format) unsupported(`values of ${dtype}`);
  if (kind === "float") return dtype === "float64" ? "f64" : "f32";
  return big ? "i64" : "i32";
}

/** Integers below zero are none of its values. */
export const isUnsigned = (dtype: DType): boolean => Number(dtypes[dtype].lowest) === 0;

export const isFloatType = (type: ScalarType): type is "f32" | "f64" => type === "f32" || type === "f64";
