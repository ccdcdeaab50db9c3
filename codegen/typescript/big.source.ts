/**
 * Functions of 64-bit integers, as bigints, for generated modules. None raises: division by zero gives 0 as
 * for smaller integers, and a float that is no 64-bit integer saturates. `oddNumber` is that of
 * runtime/elements.ts.
 */
import type { Types } from "../source/index.ts";

export type BigFunction =
  | "absBig"
  | "signBig"
  | "divideBig"
  | "floorModBig"
  | "shiftLeftBig"
  | "shiftRightBig"
  | "maxBig"
  | "minBig"
  | "toInt64"
  | "toUint64"
  | "oddNumber";

function head(
  name: BigFunction,
  parameters: readonly string[],
  from: string,
  to: string,
  { only }: Types,
): string {
  const list = parameters.map((parameter) => parameter + only(`: ${from}`));
  return `function ${name}(${list.join(", ")})${only(`: ${to}`)} {`;
}

function ofBigs(name: BigFunction, comment: string, parameters: readonly string[], body: string) {
  return (types: Types) =>
    `/** ${comment} */\n${head(name, parameters, "bigint", "bigint", types)}\n${body}\n}`;
}

function saturating(name: BigFunction, lowest: bigint, highest: bigint) {
  return (
    types: Types,
  ) => `/** The 64-bit integer that x is cut to: the nearest where there is none, 0 for NaN. */
${head(name, ["x"], "number", "bigint", types)}
  if (x >= ${Number(highest)}) return ${highest}n;
  if (x <= ${Number(lowest)}) return ${lowest}n;
  return x !== x ? 0n : BigInt(Math.trunc(x));
}`;
}

export const bigSources: Readonly<Record<BigFunction, (types: Types) => string>> = {
  absBig: ofBigs("absBig", "The magnitude.", ["x"], "  return x < 0n ? -x : x;"),
  signBig: ofBigs("signBig", "1, 0 or -1.", ["x"], "  return x > 0n ? 1n : x < 0n ? -1n : 0n;"),
  divideBig: ofBigs(
    "divideBig",
    "The quotient, cut to a whole number; 0 by zero.",
    ["a", "b"],
    "  return b === 0n ? 0n : a / b;",
  ),
  floorModBig: ofBigs(
    "floorModBig",
    "The remainder with the sign of the divisor; 0 by zero.",
    ["a", "b"],
    `  if (b === 0n) return 0n;
  const remainder = a % b;
  return remainder !== 0n && remainder < 0n !== b < 0n ? remainder + b : remainder;`,
  ),
  shiftLeftBig: ofBigs(
    "shiftLeftBig",
    "All bits are out where there are fewer.",
    ["a", "b"],
    "  return b >= 0n && b < 64n ? a << b : 0n;",
  ),
  shiftRightBig: ofBigs(
    "shiftRightBig",
    "The sign comes in; all bits are out where there are fewer.",
    ["a", "b"],
    "  return a >> (b >= 0n && b < 64n ? b : 64n);",
  ),
  maxBig: ofBigs("maxBig", "The larger.", ["a", "b"], "  return a > b ? a : b;"),
  minBig: ofBigs("minBig", "The smaller.", ["a", "b"], "  return a < b ? a : b;"),
  toInt64: saturating("toInt64", -(2n ** 63n), 2n ** 63n - 1n),
  toUint64: saturating("toUint64", 0n, 2n ** 64n - 1n),
  oddNumber: (
    types,
  ) => `/** A double that rounds to every smaller float as x does: its last bit stands for all that is cut off. */
${head("oddNumber", ["x"], "bigint", "number", types)}
  const magnitude = x < 0n ? -x : x;
  if (magnitude < 9007199254740992n) return Number(x);
  const kept = magnitude >> 11n;
  const odd = kept << 11n === magnitude ? kept : kept | 1n;
  return (x < 0n ? -2048 : 2048) * Number(odd);
}`,
};
