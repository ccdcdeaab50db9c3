/**
 * A transformer encoder (Vaswani et al. 2017, with normalisation first): tokens to one vector per token and a
 * classification of the whole. The learned positions are a layer of this file's own: the layers of the
 * package are written the same way.
 *
 *   npx shapecast compile examples/transformer-encoder.ts --sample tokens=1,128 -o examples/out/enc.gen.ts
 */
import {
  add,
  dense,
  embedding,
  globalAveragePooling1d,
  input,
  Layer,
  type LayerOps,
  layerNormalization,
  model,
  multiHeadAttention,
  type Shape,
  type Symbolic,
  type Value,
} from "shapecast";

/** Adds a learned vector per position to [batch, time, features]. The length is that of the sample. */
class Positions extends Layer {
  #table: Value | undefined;

  constructor() {
    super("positions");
  }

  override build([, time, features]: Shape): void {
    this.#table = this.addWeight("table", [time!, features!], { initializer: "randomNormal" });
  }

  override call(ops: LayerOps, x: Value): Value {
    return ops.add(x, this.#table!);
  }
}

const width = 64;

function encoderBlock(x: Symbolic): Symbolic {
  const normal = layerNormalization().apply(x);
  const attended = multiHeadAttention({ numHeads: 4, keyDim: width / 4 }).apply([normal, normal]);
  const y = add().apply([x, attended]);
  let z = layerNormalization().apply(y);
  z = dense({ units: 4 * width, activation: "gelu" }).apply(z);
  z = dense({ units: width }).apply(z);
  return add().apply([y, z]);
}

const tokens = input({ shape: ["time"], dtype: "int32", name: "tokens" });

let x = embedding({ inputDim: 1000, outputDim: width }).apply(tokens);
x = new Positions().apply(x);
x = encoderBlock(x);
x = encoderBlock(x);
const encoded = layerNormalization().apply(x);
const topic = dense({ units: 5, activation: "softmax" }).apply(globalAveragePooling1d().apply(encoded));

export const encoder = model({ inputs: tokens, outputs: { encoded, topic }, name: "encoder" });
