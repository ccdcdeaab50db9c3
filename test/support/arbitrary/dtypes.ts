/** Which dtypes recipes draw from; repeated ones are drawn more often. */
import { type DType, dtypes } from "../../../runtime/dtype.ts";

const common: readonly DType[] = ["float32", "int32", "float32", "int32", "float64", "int8", "uint8"];
const numbers = (Object.keys(dtypes) as DType[]).filter((dtype) => dtypes[dtype].kind !== "bool");

export const FLOATS: readonly DType[] = [
  ...(["float32", "float32", "float64"] as const),
  ...numbers.filter((dtype) => dtypes[dtype].kind === "float"),
];
export const INTEGERS: readonly DType[] = numbers.filter((dtype) => dtypes[dtype].kind === "integer");
export const BITS: readonly DType[] = ["bool", "bool", ...INTEGERS];
export const NUMBERS: readonly DType[] = [...common, ...common, ...numbers];
export const ALL: readonly DType[] = [...NUMBERS, "bool", "bool", "bool"];
