/**
 * U-Net (Ronneberger et al. 2015) with four pools: every level of the encoder is joined to the decoder where
 * its rows and columns come back, so the input's have to survive four halvings.
 */
import {
  concatenate,
  conv2d,
  input,
  type Model,
  maxPooling2d,
  model,
  type Symbolic,
  upSampling2d,
} from "shapecast";

const convolve = (x: Symbolic, filters: number, name: string): Symbolic => {
  const once = conv2d({
    filters,
    kernelSize: 3,
    padding: "same",
    activation: "relu",
    name: `${name}_a`,
  }).apply(x);
  return conv2d({ filters, kernelSize: 3, padding: "same", activation: "relu", name }).apply(once);
};

export function unet(width = 64): Model<unknown> {
  const image = input({ shape: ["batch", "H", "W", 3], name: "image" });
  const skipped: Symbolic[] = [];
  let x: Symbolic = image;
  for (let level = 1; level <= 4; level++) {
    x = convolve(x, width << (level - 1), `enc${level}`);
    skipped.unshift(x);
    x = maxPooling2d({ name: `pool${level}` }).apply(x);
  }
  x = convolve(x, width << 4, "middle");
  for (const [i, skip] of skipped.entries()) {
    const level = 4 - i;
    x = upSampling2d({ name: `up${level}` }).apply(x);
    x = concatenate({ name: `join${level}` }).apply([skip, x]);
    x = convolve(x, width << (level - 1), `dec${level}`);
  }
  const mask = conv2d({ filters: 2, kernelSize: 1, activation: "softmax", name: "classes" }).apply(x);
  return model({ inputs: image, outputs: { mask }, name: "unet" });
}
