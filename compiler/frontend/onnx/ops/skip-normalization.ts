/**
 * Layer normalisations that exporters for onnxruntime leave: without a mean (RMS), behind a residual sum, and
 * behind the embeddings of BERT. Statistics are computed in float32.
 */
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { elementType, float, int } from "../attributes.ts";
import { inDomain, type NodeContext, type Operator, operator, since } from "../operator.ts";

interface Normalized {
  readonly y: Value;
  readonly mean: Value | undefined;
  /** 1 / sqrt(variance + epsilon) */
  readonly factor: Value;
}

interface Parameters {
  readonly gamma: Value;
  readonly beta?: Value | undefined;
  readonly epsilon: number;
  readonly axes: readonly number[];
}

function layerNorm(ops: Ops, x: Value, { gamma, beta, epsilon, axes }: Parameters): Normalized {
  const wide = ops.cast(x, "float32");
  const { mean, variance } = ops.moments(wide, axes);
  const factor = ops.rsqrt(ops.add(variance, epsilon));
  const normal = ops.mul(ops.mul(ops.sub(wide, mean), factor), ops.cast(gamma, "float32"));
  const y = beta ? ops.add(normal, ops.cast(beta, "float32")) : normal;
  return { y: ops.cast(y, x.type.dtype), mean, factor };
}

function rmsNorm(ops: Ops, x: Value, { gamma, epsilon, axes }: Parameters): Normalized {
  const wide = ops.cast(x, "float32");
  const factor = ops.rsqrt(ops.add(ops.mean(ops.square(wide), axes, true), epsilon));
  const y = ops.mul(ops.mul(wide, factor), ops.cast(gamma, "float32"));
  return { y: ops.cast(y, gamma.type.dtype), mean: undefined, factor };
}

function simplified(c: NodeContext, axis: number, epsilon: number): readonly (Value | undefined)[] {
  const x = c.value(0);
  const axes = x.type.shape.map((_, i) => i).slice(c.ops.axis(x, axis));
  const { y, factor } = rmsNorm(c.ops, x, { gamma: c.value(1), epsilon, axes });
  return [y, factor];
}

/** input, skip, gamma, then beta unless it is `rms`, then bias. The last result is what is normalised. */
function skipNormalization(c: NodeContext, epsilon: number, rms: boolean): readonly (Value | undefined)[] {
  const { ops } = c;
  const bias = c.optional(rms ? 3 : 4);
  const sum = ops.add(c.value(0), c.value(1));
  const x = bias ? ops.add(sum, bias) : sum;
  const parameters = { gamma: c.value(2), epsilon, axes: [ops.rank(x) - 1] };
  const { y, mean, factor } = rms
    ? rmsNorm(ops, x, parameters)
    : layerNorm(ops, x, { ...parameters, beta: c.optional(3) });
  if (rms && c.wants(1)) return c.unsupported("its second result, the mean", "take the others");
  return [y, mean, factor, x];
}

/** ids, segments, words, positions, segments' embedding, gamma, beta, mask, position ids. */
function embedded(c: NodeContext, epsilon: number): readonly (Value | undefined)[] {
  const { ops } = c;
  const ids = ops.cast(c.value(0), "int32");
  const [batch, length] = ops.shape(ids);
  const take = (table: number, indices: Value) => ops.gather(c.value(table), indices, 0);
  const places = c.has(8) ? ops.cast(c.value(8), "int32") : ops.iota("int32", [1, length!], 1);
  const words = ops.add(take(2, ids), take(3, places));
  const sum = c.has(1) && c.has(4) ? ops.add(words, take(4, ops.cast(c.value(1), "int32"))) : words;
  const { y } = layerNorm(ops, sum, { gamma: c.value(5), beta: c.value(6), epsilon, axes: [2] });
  const mask = c.optional(7);
  const ends = mask
    ? ops.reduceSum(ops.cast(ops.eq(mask, 1), "int32"), 1)
    : ops.fill(0, [batch!], ops.constant(0, "int32"));
  return [y, ends, sum];
}

const epsilon = float(1e-12);
const rms = operator(
  "SimplifiedLayerNormalization",
  since(1, { axis: int(-1), epsilon: float(1e-5), stash_type: elementType("float32") }, (c, a) =>
    simplified(c, a.axis, a.epsilon),
  ),
);

export const skipNormalizations: readonly Operator[] = [
  rms,
  ...inDomain("com.microsoft", [
    rms,
    operator(
      "SkipLayerNormalization",
      since(1, { epsilon }, (c, a) => skipNormalization(c, a.epsilon, false)),
    ),
    operator(
      "SkipSimplifiedLayerNormalization",
      since(1, { epsilon }, (c, a) => skipNormalization(c, a.epsilon, true)),
    ),
    operator(
      "EmbedLayerNormalization",
      since(1, { epsilon, mask_index_type: int() }, (c, a) => embedded(c, a.epsilon)),
    ),
  ]),
];
