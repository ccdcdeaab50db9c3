/**
 * MatMulNBits: a product with a matrix of 2, 4 or 8-bit integers, packed from the lowest bits of each byte
 * on, with one scale and zero point per block of a column. The matrix is unpacked at compile time.
 */
import { mul } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { type AttributeSpecs, int, required, type ValuesOf } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";

const specs = {
  K: required(int()),
  N: required(int()),
  accuracy_level: int(0),
  bits: int(4),
  block_size: required(int()),
  weight_prepacked: int(0),
} satisfies AttributeSpecs;

/** [..., bytes] to [..., bytes * 8 / bits], as int32. */
function unpacked(ops: Ops, packed: Value, bits: number): Value {
  const bytes = ops.cast(packed, "int32");
  if (bits === 8) return bytes;
  const parts = Array.from({ length: 8 / bits }, (_, i) =>
    ops.expandDims(ops.mod(ops.div(bytes, 2 ** (bits * i)), 2 ** bits), -1),
  );
  const shape = ops.shape(packed);
  return ops.reshape(ops.concat(parts, -1), [...shape.slice(0, -1), mul(shape.at(-1)!, 8 / bits)]);
}

/** [N, blocks], of packed bytes or of floats. */
function zeroPoints(c: NodeContext, blocks: number, a: ValuesOf<typeof specs>): Value | number {
  const { ops } = c;
  const given = c.optional(3);
  if (!given) return 2 ** (a.bits - 1);
  if (given.type.dtype !== "uint8") return ops.reshape(given, [a.N, blocks]);
  const bytes = Math.ceil((blocks * a.bits) / 8);
  return ops.cast(
    ops.slice(unpacked(ops, ops.reshape(given, [a.N, bytes]), a.bits), 1, 0, blocks),
    "float32",
  );
}

/** [N, blocks] to [N, K]: of the block that a column lies in, or that the group index (g_idx) says. */
function ofColumns(c: NodeContext, perBlock: Value, a: ValuesOf<typeof specs>): Value {
  const { ops } = c;
  const groups = c.has(4)
    ? ops.cast(c.value(4), "int32")
    : ops.div(ops.iota("int32", [a.K]), ops.constant(a.block_size, "int32"));
  return ops.gather(perBlock, groups, 1);
}

/** x [..., K], packed [N, blocks, bytes], scales, zero points, group index, bias. */
function blockMatMul(c: NodeContext, a: ValuesOf<typeof specs>): Value {
  const { ops } = c;
  if (![2, 4, 8].includes(a.bits)) return c.unsupported(`${a.bits} bits`, "use 2, 4 or 8");
  if (a.weight_prepacked !== 0) return c.unsupported("a prepacked matrix", "export it unpacked");
  const x = c.value(0);
  const { dtype } = x.type;
  const blocks = Math.ceil(a.K / a.block_size);
  const integers = unpacked(ops, ops.reshape(c.value(1), [a.N, blocks, (a.block_size * a.bits) / 8]), a.bits);
  const zero = zeroPoints(c, blocks, a);
  const numbers = ops.slice(
    ops.reshape(ops.cast(integers, "float32"), [a.N, blocks * a.block_size]),
    1,
    0,
    a.K,
  );
  const each = (perBlock: Value) => ofColumns(c, ops.cast(perBlock, "float32"), a);
  const centered = ops.sub(numbers, typeof zero === "number" ? zero : each(zero));
  const weights = ops.cast(ops.mul(centered, each(ops.reshape(c.value(2), [a.N, blocks]))), dtype);
  const y = ops.dotGeneral(x, weights, { contract: [-1, 1] });
  const bias = c.optional(5);
  return bias ? ops.add(y, bias) : y;
}

export const blockProducts: readonly Operator[] = inDomain("com.microsoft", [
  operator("MatMulNBits", since(1, specs, blockMatMul)),
]);
