/**
 * Rotary position embeddings (Su et al. 2021): pairs of a head's elements are turned by angles that grow with
 * the position. The pairs are neighbours or the two halves of what is turned; behind that elements stay.
 */
import { constant, constantOf, type Dim, floorDiv, mul, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, float, int } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { inHeads, outOfHeads } from "./heads.ts";

export interface Angles {
  /** Both [batch or 1, heads or 1, length, pairs]. */
  readonly cos: Value;
  readonly sin: Value;
}

/** Heads [batch, heads, length, size], of which the first 2 * pairs elements are turned. */
export function rotated(ops: Ops, heads: Value, { cos, sin }: Angles, interleaved: boolean): Value {
  const size = ops.shape(heads)[3]!;
  const half = ops.shape(cos)[3]!;
  const turned = mul(half, 2);
  const pick = (which: 0 | 1) =>
    interleaved ? ops.slice(heads, 3, which, half, 2) : ops.slice(heads, 3, which === 0 ? 0 : half, half);
  const [a, b] = [pick(0), pick(1)];
  const real = ops.sub(ops.mul(cos, a), ops.mul(sin, b));
  const imaginary = ops.add(ops.mul(sin, a), ops.mul(cos, b));
  const pairs = interleaved
    ? ops.reshape(ops.concat([ops.expandDims(real, -1), ops.expandDims(imaginary, -1)], -1), [
        ...ops.shape(heads).slice(0, 3),
        turned,
      ])
    : ops.concat([real, imaginary], 3);
  return turned === size ? pairs : ops.concat([pairs, ops.slice(heads, 3, turned, sub(size, turned))], 3);
}

/** Rows of a cache [positions, pairs] at positions [batch, length], for all heads. */
export function anglesAt(ops: Ops, cos: Value, sin: Value, positions: Value): Angles {
  const at = ops.cast(positions, "int32");
  const rows = (cache: Value) => ops.expandDims(ops.gather(cache, at), 1);
  return { cos: rows(cos), sin: rows(sin) };
}

interface RotaryValues {
  readonly interleaved: boolean;
  readonly num_heads: number;
  readonly rotary_embedding_dim: number;
}

/** x, caches of cosines and sines, positions; without these the caches are those of each position. */
function rotaryEmbedding(c: NodeContext, values: RotaryValues): Value {
  const { ops } = c;
  const x = c.value(0);
  const heads = inHeads(c, x, values.num_heads || undefined, "num_heads");
  const turned = values.rotary_embedding_dim || ops.shape(heads)[3]!;
  const half = floorDiv(typeof turned === "number" ? constant(turned) : turned, 2);
  const cut = (cache: Value) => ops.slice(cache, -1, 0, half);
  const [cos, sin] = [cut(c.value(1)), cut(c.value(2))];
  const angles = c.has(3)
    ? anglesAt(ops, cos, sin, c.value(3))
    : { cos: ops.expandDims(cos, 1), sin: ops.expandDims(sin, 1) };
  const y = rotated(ops, heads, angles, values.interleaved);
  return ops.rank(x) === 3 ? outOfHeads(ops, y) : y;
}

/** x, positions [batch, length] or the first one, caches [positions, pairs]. */
function contribRotaryEmbedding(
  c: NodeContext,
  values: RotaryValues & { readonly is_packed_batching: boolean },
) {
  const { ops } = c;
  if (values.is_packed_batching) c.unsupported("is_packed_batching", "export it without");
  const [x, cos, sin] = [c.value(0), c.value(2), c.value(3)];
  const whole = () => floorDiv(ops.shape(x).at(-1)!, mul(ops.shape(cos)[1]!, 2));
  const count = values.num_heads || (ops.rank(x) === 3 ? knownHeads(c, whole()) : undefined);
  const heads = inHeads(c, x, count, "num_heads");
  const y = rotated(
    ops,
    heads,
    anglesAt(ops, cos, sin, positionsOf(c, ops.shape(heads)[2]!)),
    values.interleaved,
  );
  return ops.rank(x) === 3 ? outOfHeads(ops, y) : y;
}

function knownHeads(c: NodeContext, heads: Dim): number {
  return Number(constantOf(heads) ?? c.open("its number of heads is open", "give num_heads"));
}

function positionsOf(c: NodeContext, length: Dim): Value {
  const { ops } = c;
  const given = ops.cast(c.value(1), "int32");
  if (ops.rank(given) === 2) return given;
  return ops.add(ops.reshape(given, [1, 1]), ops.iota("int32", [1, length], 1));
}

const specs = { interleaved: flag(false), num_heads: int(0), rotary_embedding_dim: int(0) };

export const rotaryEmbeddings: readonly Operator[] = [
  operator("RotaryEmbedding", since(23, specs, rotaryEmbedding)),
  ...inDomain("com.microsoft", [
    operator(
      "RotaryEmbedding",
      since(1, { ...specs, is_packed_batching: flag(false), scale: float(1) }, contribRotaryEmbedding),
    ),
  ]),
];
