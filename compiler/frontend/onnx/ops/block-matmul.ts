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

/** x [..., K], packed [N, blocks, bytes], scales, zero points, group index, bias. */
function blockMatMul(c: NodeContext, a: ValuesOf<typeof specs>): Value {
  const { ops } = c;
  if (![2, 4, 8].includes(a.bits)) return c.unsupported(`${a.bits} bits`, "use 2, 4 or 8");
  if (c.has(4)) return c.unsupported("a group index (g_idx)", "export without reordered columns");
  if (a.weight_prepacked !== 0) return c.unsupported("a prepacked matrix", "export it unpacked");
  const x = c.value(0);
  const { dtype } = x.type;
  const blocks = Math.ceil(a.K / a.block_size);
  const integers = unpacked(ops, ops.reshape(c.value(1), [a.N, blocks, (a.block_size * a.bits) / 8]), a.bits);
  const zero = zeroPoints(c, blocks, a);
  const centered = ops.sub(
    ops.cast(integers, "float32"),
    typeof zero === "number" ? zero : ops.cast(ops.expandDims(zero, -1), "float32"),
  );
  const scales = ops.cast(ops.reshape(c.value(2), [a.N, blocks, 1]), "float32");
  const all = ops.reshape(ops.mul(centered, scales), [a.N, blocks * a.block_size]);
  const weights = ops.cast(ops.slice(all, 1, 0, a.K), dtype);
  const y = ops.dotGeneral(x, weights, { contract: [-1, 1] });
  const bias = c.optional(5);
  return bias ? ops.add(y, bias) : y;
}

export const blockProducts: readonly Operator[] = inDomain("com.microsoft", [
  operator("MatMulNBits", since(1, specs, blockMatMul)),
]);
