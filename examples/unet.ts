/**
 * A small U-Net (Ronneberger et al. 2015): each level halves the image, and on the way back its rows and
 * columns have to meet those it skipped from. What that demands of the image's size is known before any image
 * is.
 *
 *   npx shapecast compile examples/unet.ts --sample image=1,64,96,3 -o examples/out/unet.gen.ts
 */
import { concatenate, conv2d, input, maxPooling2d, model, type Symbolic, upSampling2d } from "shapecast";

const convolve = (x: Symbolic, filters: number, name: string) =>
  conv2d({ filters, kernelSize: 3, padding: "same", activation: "relu", name }).apply(x);
const down = (x: Symbolic, name: string) => maxPooling2d({ name }).apply(x);
const up = (x: Symbolic, skipped: Symbolic, name: string) =>
  concatenate({ name }).apply([upSampling2d({ name: `${name}_up` }).apply(x), skipped]);

const image = input({ shape: ["batch", "H", "W", 3], name: "image" });
const enc1 = convolve(image, 8, "enc1");
const enc2 = convolve(down(enc1, "pool1"), 16, "enc2");
const enc3 = convolve(down(enc2, "pool2"), 32, "enc3");
const dec2 = convolve(up(enc3, enc2, "merge2"), 16, "dec2");
const dec1 = convolve(up(dec2, enc1, "merge1"), 8, "dec1");
const mask = conv2d({ filters: 2, kernelSize: 1, activation: "softmax", name: "classes" }).apply(dec1);

export const unet = model({ inputs: image, outputs: { mask }, name: "unet" });
