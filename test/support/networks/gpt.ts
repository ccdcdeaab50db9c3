/**
 * A GPT block with a cache (after GPT-2, Radford et al. 2019): S new tokens attend to themselves and to P
 * earlier ones, whose keys and values come in and go out one step longer. Positions are learned for a context
 * of 1,024, which P + S must not exceed.
 */
import {
  add,
  dense,
  input,
  Layer,
  type LayerOps,
  layerNormalization,
  type Model,
  model,
  type Shape,
  type Symbolic,
  type Value,
} from "shapecast";

interface Sizes {
  readonly width?: number;
  readonly heads?: number;
  readonly context?: number;
}

/** Adds the vectors of positions P .. P + S - 1; the second input is anything [batch, P, ...]. */
class Positions extends Layer {
  readonly #context: number;
  #table: Value | undefined;

  constructor(context: number) {
    super("positions", { name: "positions" });
    this.#context = context;
  }

  override build([, , features]: Shape): void {
    this.#table = this.addWeight("table", [this.#context, features!], { initializer: "randomNormal" });
  }

  override call(ops: LayerOps, x: Value, past: Value): Value {
    const [, time] = ops.shape(x);
    const [, before] = ops.shape(past);
    return ops.add(x, ops.slice(this.#table!, 0, before!, time!));
  }
}

/** Causal attention to what came before and to itself: [x, past keys, past values] to [y, keys, values]. */
class CachedAttention extends Layer<readonly Symbolic[]> {
  readonly #heads: number;
  #kernel: Value | undefined;
  #back: Value | undefined;

  constructor(heads: number) {
    super("cachedAttention", { name: "attention" });
    this.#heads = heads;
  }

  override get outputCount(): number {
    return 3;
  }

  override build([, , width]: Shape): void {
    const size = Number(String(width)) / this.#heads;
    this.#kernel = this.addWeight("kernel", [width!, 3, this.#heads, size]);
    this.#back = this.addWeight("output_kernel", [this.#heads, size, width!]);
  }

  override call(ops: LayerOps, x: Value, pastKeys: Value, pastValues: Value): readonly Value[] {
    const joint = ops.dense(x, this.#kernel!);
    const [batch, time, , heads, size] = ops.shape(joint);
    const [query, key, value] = [0, 1, 2].map((i) =>
      ops.reshape(ops.slice(joint, 2, i, 1), [batch!, time!, heads!, size!]),
    );
    const keys = ops.concat([pastKeys, key!], 1);
    const values = ops.concat([pastValues, value!], 1);
    const scaled = ops.mul(query!, 1 / Math.sqrt(Number(String(size))));
    const heading = [0, 2] as const;
    const scores = ops.dotGeneral(scaled, keys, { batch: [heading, heading], contract: [3, 3] });
    const square = ops.shape(scores).slice(2);
    const [, before] = ops.shape(pastKeys);
    const latest = ops.add(ops.iota("int32", square, 0), ops.cast(ops.number(before!, x), "int32"));
    const seen = ops.ge(latest, ops.iota("int32", square, 1));
    const weights = ops.softmax(ops.select(seen, scores, -1e9));
    const mixed = ops.dotGeneral(weights, values, { batch: [[0, 1], heading], contract: [3, 1] });
    const output = ops.dotGeneral(mixed, this.#back!, {
      contract: [
        [1, 3],
        [0, 1],
      ],
    });
    return [output, keys, values];
  }
}

export function gptBlock({ width = 768, heads = 12, context = 1024 }: Sizes = {}): Model<unknown> {
  const size = width / heads;
  const x = input({ shape: ["batch", "S", width], name: "x" });
  const pastKeys = input({ shape: ["batch", "P", heads, size], name: "past_keys" });
  const pastValues = input({ shape: ["batch", "P", heads, size], name: "past_values" });
  const placed = new Positions(context).apply([x, pastKeys]);
  const normal = layerNormalization({ name: "norm1" }).apply(placed);
  const [attended, keys, values] = new CachedAttention(heads).apply([normal, pastKeys, pastValues]);
  const y = add({ name: "add1" }).apply([placed, attended!]);
  let z = layerNormalization({ name: "norm2" }).apply(y);
  z = dense({ units: 4 * width, activation: "gelu", name: "up" }).apply(z);
  z = dense({ units: width, name: "down" }).apply(z);
  const out = add({ name: "add2" }).apply([y, z]);
  return model({
    inputs: [x, pastKeys, pastValues],
    outputs: { out, keys: keys!, values: values! },
    name: "gpt_block",
  });
}
