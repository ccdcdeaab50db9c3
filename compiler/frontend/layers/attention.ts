/**
 * Attention with several heads: query, key and value are projected per head, scores are scaled by 1 /
 * sqrt(keyDim) and normalised over the keys, the heads' results are projected back. With fewer key and value
 * heads than query heads (grouped queries, Ainslie et al. 2023) each serves several; they are grouped in the
 * contraction, never copied. Keras `MultiHeadAttention` and `GroupQueryAttention`; Vaswani et al. 2017.
 */
import type { InitializerInput } from "../../../runtime/initializers/index.ts";
import type { Dim, Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import {
  either,
  finite,
  flag,
  initializer,
  optional,
  type Read,
  type Reader,
  Refusal,
  required,
  whole,
} from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";

interface AttentionOptions extends LayerOptions {
  /** Default true. */
  readonly useBias?: boolean;
  /** Default "glorotUniform". */
  readonly kernelInitializer?: InitializerInput;
  /** Default "zeros". */
  readonly biasInitializer?: InitializerInput;
  /** Step t of the query sees keys 0 .. t only; default false. Keras has this as an argument of the call. */
  readonly useCausalMask?: boolean;
  /** Only in training. */
  readonly dropout?: number;
  readonly seed?: number;
}

export interface MultiHeadAttentionOptions extends AttentionOptions {
  readonly numHeads: number;
  /** Size of a query and key per head. */
  readonly keyDim: number;
  /** Size of a value per head, default keyDim. */
  readonly valueDim?: number;
  /** Heads of key and value, default numHeads; must divide it. */
  readonly numKeyValueHeads?: number;
  /** Size of the output's last axis, default that of the query. */
  readonly outputShape?: number;
}

export interface GroupQueryAttentionOptions extends AttentionOptions {
  /** Size of query, key and value per head. */
  readonly headDim: number;
  readonly numQueryHeads: number;
  /** Must divide numQueryHeads. */
  readonly numKeyValueHeads: number;
}

const common = {
  useBias: either(flag, true),
  kernelInitializer: either(initializer, { kind: "glorotUniform" }),
  biasInitializer: either(initializer, { kind: "zeros" }),
  useCausalMask: either(flag, false),
  dropout: either(finite(0, 1), 0),
  seed: optional(whole(0)),
};

/** A count that divides another argument. */
const dividing =
  (heads: unknown, name: string): Reader<number> =>
  (given) => {
    const count = whole()(given);
    if (typeof heads === "number" && Number.isInteger(heads) && heads % count !== 0)
      throw new Refusal(`must divide ${name}, which is ${heads}`);
    return count;
  };

const multiHeadFields = (options: MultiHeadAttentionOptions) => ({
  ...common,
  numHeads: required(whole()),
  keyDim: required(whole()),
  valueDim: optional(whole()),
  numKeyValueHeads: optional(dividing(options.numHeads, "numHeads")),
  outputShape: optional(whole()),
});
const groupFields = (options: GroupQueryAttentionOptions) => ({
  ...common,
  headDim: required(whole()),
  numQueryHeads: required(whole()),
  numKeyValueHeads: required(dividing(options.numQueryHeads, "numQueryHeads")),
});

/** The sizes both forms of the layer come down to. */
interface Sizes {
  readonly heads: number;
  /** Heads of key and value. */
  readonly groups: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Undefined: the query's. */
  readonly output: number | undefined;
}

/** A linear map onto heads, [..., D] to [..., heads, size], or back. */
interface Projection {
  readonly kernel: Value;
  readonly bias: Value | undefined;
}

/**
 * Adding this to a score is enough to make its weight 0, and it is finite, so that a row without keys is
 * uniform.
 */
const MASKED = -2.4e38;

abstract class Attention<F extends typeof common> extends Configured<F> {
  readonly #common: Read<typeof common>;
  #query: Projection | undefined;
  #key: Projection | undefined;
  #value: Projection | undefined;
  #output: Projection | undefined;

  constructor(kind: string, options: object, fields: F) {
    super(kind, options, fields);
    this.#common = this.args as unknown as Read<typeof common>;
  }

  protected abstract get sizes(): Sizes;

  override get minimumRank(): number {
    return 3;
  }

  override check(...shapes: Shape[]): void {
    const what = "query, value and optionally key and mask, each [batch, time, ...]";
    this.requireInputs(shapes.length, 1, 4, what);
    for (const shape of shapes) this.requireRank(shape, [3], "[batch, time, features]");
  }

  override build(query: Shape, value: Shape = query, key: Shape = value): void {
    const { heads, groups, keyDim, valueDim, output } = this.sizes;
    this.#query = this.#onto("query", query, heads, keyDim);
    this.#key = this.#onto("key", key, groups, keyDim);
    this.#value = this.#onto("value", value, groups, valueDim);
    const width = output ?? query[2]!;
    this.#output = this.#projection("attention_output", [heads, valueDim, width], [width]);
  }

  override call(ops: LayerOps, query: Value, value: Value = query, key: Value = value, mask?: Value): Value {
    const { heads, groups, keyDim, valueDim } = this.sizes;
    const [batch, time] = ops.shape(query) as [Dim, Dim];
    const perGroup = heads / groups;
    const scaled = ops.mul(projected(ops, query, this.#query!), 1 / Math.sqrt(keyDim));
    const queries = perGroup === 1 ? scaled : ops.reshape(scaled, [batch, time, groups, perGroup, keyDim]);
    const keys = projected(ops, key, this.#key!);
    const contract = [ops.rank(queries) - 1, 3] as const;
    const scores = ops.dotGeneral(queries, keys, {
      batch: [
        [0, 2],
        [0, 2],
      ],
      contract,
    });
    const weights = ops.softmax(this.#masked(ops, scores, mask));
    const mixed = mix(ops, weights, projected(ops, value, this.#value!));
    return back(ops, ops.reshape(mixed, [batch, time, heads, valueDim]), this.#output!);
  }

  /** Scores are [batch, groups, time, heads per group if not 1, keys]. */
  #masked(ops: LayerOps, scores: Value, mask: Value | undefined): Value {
    const shape = ops.shape(scores);
    const keys = shape.length - 1;
    const square = [shape[2]!, shape[keys]!] as const;
    const allowed: Value[] = [];
    // Laid over the scores in one op, so that a mask of other sizes is refused by its own name.
    if (mask) allowed.push(ops.cast(ops.broadcast(mask, shape, [0, 2, keys]), "bool"));
    if (this.#common.useCausalMask) {
      const seen = ops.ge(ops.iota("int32", square, 0), ops.iota("int32", square, 1));
      allowed.push(ops.broadcast(seen, shape, [2, keys]));
    }
    return allowed.reduce((sum, one) => ops.select(one, sum, MASKED), scores);
  }

  #onto(name: string, from: Shape, heads: number, size: number): Projection {
    const kernel = [this.deferred(from[2]!, `${name}.in`), heads, size];
    const because = `${this.path} multiplies ${name}[.., k] by ${name}.kernel[k, ${heads}, ${size}], so k`;
    return this.#projection(name, kernel, [heads, size], because);
  }

  #projection(
    name: string,
    kernel: readonly (Dim | number)[],
    bias: readonly (Dim | number)[],
    because?: string,
  ): Projection {
    const { useBias, kernelInitializer, biasInitializer } = this.#common;
    const options = { initializer: kernelInitializer, ...(because !== undefined && { because }) };
    return {
      kernel: this.addWeight(`${name}.kernel`, kernel, options),
      bias: useBias ? this.addWeight(`${name}.bias`, bias, { initializer: biasInitializer }) : undefined,
    };
  }
}

function projected(ops: LayerOps, x: Value, { kernel, bias }: Projection): Value {
  const product = ops.dense(x, kernel);
  return bias ? ops.add(product, bias) : product;
}

/**
 * Values by weight: [batch, groups, time, (per group,) keys] and [batch, keys, groups, size] to [batch, time,
 * groups, ...].
 */
function mix(ops: LayerOps, weights: Value, values: Value): Value {
  const contract = [ops.rank(weights) - 1, 1] as const;
  const mixed = ops.dotGeneral(weights, values, {
    batch: [
      [0, 1],
      [0, 2],
    ],
    contract,
  });
  return ops.transpose(mixed, [0, 2, 1, ...mixed.type.shape.map((_, i) => i).slice(3)]);
}

/** [batch, time, heads, size] to [batch, time, output]. */
function back(ops: LayerOps, x: Value, { kernel, bias }: Projection): Value {
  const product = ops.dotGeneral(x, kernel, {
    contract: [
      [2, 3],
      [0, 1],
    ],
  });
  return bias ? ops.add(product, bias) : product;
}

class MultiHeadAttention extends Attention<ReturnType<typeof multiHeadFields>> {
  constructor(options: MultiHeadAttentionOptions) {
    super("multiHeadAttention", options, multiHeadFields(options));
  }

  protected override get sizes(): Sizes {
    const { numHeads, keyDim, valueDim = keyDim, numKeyValueHeads = numHeads, outputShape } = this.args;
    return { heads: numHeads, groups: numKeyValueHeads, keyDim, valueDim, output: outputShape };
  }
}

class GroupQueryAttention extends Attention<ReturnType<typeof groupFields>> {
  constructor(options: GroupQueryAttentionOptions) {
    super("groupQueryAttention", options, groupFields(options));
  }

  protected override get sizes(): Sizes {
    const { headDim, numQueryHeads, numKeyValueHeads } = this.args;
    const sizes = { keyDim: headDim, valueDim: headDim, output: undefined };
    return { heads: numQueryHeads, groups: numKeyValueHeads, ...sizes };
  }
}

/**
 * Applied to x (self-attention), or to [query, value], [query, value, key] or with a mask [batch, time, keys]
 * as fourth. query [batch, time, D] to [batch, time, outputShape]. Weights query, key [D, heads, keyDim],
 * value [D, heads, valueDim], attention_output [heads, valueDim, outputShape], each with kernel and bias.
 * Keras `MultiHeadAttention`.
 */
export const multiHeadAttention = (options: MultiHeadAttentionOptions): Layer =>
  new MultiHeadAttention(options);
/** The same with fewer key and value heads. Keras `GroupQueryAttention`. */
export const groupQueryAttention = (options: GroupQueryAttentionOptions): Layer =>
  new GroupQueryAttention(options);
