/**
 * ViT-B/16 (Dosovitskiy et al. 2021): the image is cut into patches of 16 x 16 by a convolution with that
 * stride, so rows and columns beyond the last whole patch are ignored, and a learned vector is added for each
 * patch's position.
 */
import {
  add,
  conv2d,
  dense,
  input,
  Layer,
  type LayerOps,
  layerNormalization,
  type Model,
  model,
  multiHeadAttention,
  reshape,
  type Shape,
  type Symbolic,
  type Value,
} from "shapecast";

/** [batch, patches, features] with a learned token before it and learned positions on all of it. */
class ClassTokenAndPositions extends Layer {
  #token: Value | undefined;
  #positions: Value | undefined;

  constructor(name: string) {
    super("classTokenAndPositions", { name });
  }

  override build([, patches, features]: Shape): void {
    this.#token = this.addWeight("token", [1, 1, features!], { initializer: "zeros" });
    this.#positions = this.addWeight("positions", [patches!, features!], { initializer: "randomNormal" });
  }

  override call(ops: LayerOps, x: Value): Value {
    const [batch, , features] = ops.shape(x);
    const token = ops.broadcast(this.#token!, [batch!, 1, features!], [0, 1, 2]);
    return ops.concat([token, ops.add(x, this.#positions!)], 1);
  }
}

/** The first of the tokens. */
class First extends Layer {
  constructor(name: string) {
    super("first", { name });
  }

  override call(ops: LayerOps, x: Value): Value {
    const [batch, , features] = ops.shape(x);
    return ops.reshape(ops.slice(x, 1, 0, 1), [batch!, features!]);
  }
}

function block(x: Symbolic, width: number, heads: number, name: string): Symbolic {
  const normal = layerNormalization({ name: `${name}_norm1` }).apply(x);
  const attended = multiHeadAttention({ numHeads: heads, keyDim: width / heads, name: `${name}_attention` });
  const y = add({ name: `${name}_add1` }).apply([x, attended.apply([normal, normal])]);
  let z = layerNormalization({ name: `${name}_norm2` }).apply(y);
  z = dense({ units: 4 * width, activation: "gelu", name: `${name}_up` }).apply(z);
  z = dense({ units: width, name: `${name}_down` }).apply(z);
  return add({ name: `${name}_add2` }).apply([y, z]);
}

export function vit({ width = 768, heads = 12, blocks = 12 } = {}): Model<unknown> {
  const image = input({ shape: ["batch", "H", "W", 3], name: "image" });
  let x = conv2d({ filters: width, kernelSize: 16, strides: 16, name: "patches" }).apply(image);
  x = reshape({ targetShape: [-1, width], name: "sequence" }).apply(x);
  x = new ClassTokenAndPositions("tokens").apply(x);
  for (let i = 0; i < blocks; i++) x = block(x, width, heads, `block${i}`);
  const encoded = layerNormalization({ name: "encoded" }).apply(x);
  const classes = dense({ units: 1000, name: "head" }).apply(new First("first").apply(encoded));
  return model({ inputs: image, outputs: { encoded, classes }, name: "vit" });
}
