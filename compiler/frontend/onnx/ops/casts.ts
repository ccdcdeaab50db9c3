/**
 * Cast and CastLike. Small floats saturate unless `saturate` is 0: what is too large becomes the largest
 * number, where it would otherwise be infinite or NaN. Powers of two (float8e8m0) are rounded as
 * `round_mode` says, up by default.
 */
import { type DType, dtypes } from "../../../../runtime/dtype.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { castSaturating, castToPowers, type PowerRounding } from "../../ops/float8-casts.ts";
import { elementType, flag, required, text, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

const roundModes = ["up", "down", "nearest"] as const;

interface CastOptions {
  readonly saturate?: boolean;
  readonly round_mode?: PowerRounding;
}

export function castTo(ops: Ops, x: Value, dtype: DType, options: CastOptions = {}): Value {
  const { saturate = true, round_mode = "up" } = options;
  const { format, packable } = dtypes[dtype];
  // The values of narrow integers wrap, whatever they are cast from.
  if (packable) return ops.cast(ops.cast(x, "int32"), dtype);
  if (!format || dtypes[dtype].bytes > 1) return ops.cast(x, dtype);
  if (format.powers) return castToPowers(ops, x, round_mode, saturate);
  // float4 has no NaN.
  const isFloat = dtypes[x.type.dtype].kind === "float";
  const known = isFloat && format.nan === undefined ? ops.select(ops.ne(x, x), 0, x) : x;
  return saturate ? castSaturating(ops, known, dtype) : ops.cast(known, dtype);
}

/** Opset 1 names the element type in words, such as FLOAT. */
const words: Readonly<Record<string, DType>> = {
  FLOAT: "float32",
  DOUBLE: "float64",
  INT8: "int8",
  INT16: "int16",
  INT32: "int32",
  UINT8: "uint8",
  UINT16: "uint16",
  UINT32: "uint32",
  FLOAT16: "float16",
  BOOL: "bool",
};

function castToWord(c: NodeContext, to: string): Value {
  const dtype = Object.hasOwn(words, to) ? words[to] : undefined;
  if (dtype === undefined)
    return c.unsupported(`a cast to ${JSON.stringify(to)}`, `use one of ${Object.keys(words).join(", ")}`);
  return c.ops.cast(c.value(0), dtype);
}

const to = required(elementType());
const saturate = flag(true);
const round_mode = word(roundModes, "up");

const like = (c: NodeContext, options: Parameters<typeof castTo>[3] = {}): Value =>
  castTo(c.ops, c.value(0), c.value(1).type.dtype, options);

export const casts: readonly Operator[] = [
  operator(
    "Cast",
    since(1, { to: required(text()) }, (c, a) => castToWord(c, a.to)),
    since(6, { to }, (c, a) => castTo(c.ops, c.value(0), a.to)),
    since(19, { to, saturate }, (c, a) => castTo(c.ops, c.value(0), a.to, a)),
    since(24, { to, saturate, round_mode }, (c, a) => castTo(c.ops, c.value(0), a.to, a)),
  ),
  operator(
    "CastLike",
    since(15, {}, (c) => like(c)),
    since(19, { saturate }, like),
    since(24, { saturate, round_mode }, like),
  ),
];
