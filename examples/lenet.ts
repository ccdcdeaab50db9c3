/**
 * LeNet-5 (LeCun et al. 1998): two convolutions with pooling, then dense layers. Only the channels are
 * declared; rows and columns come from the sample, and with them the size of the first dense layer's kernel.
 *
 *   npx shapecast compile examples/lenet.ts --sample image=1,28,28,1 -o examples/out/lenet.gen.ts
 */
import { averagePooling2d, conv2d, dense, flatten, input, model } from "shapecast";

const image = input({ shape: [null, null, 1], name: "image" });

let x = conv2d({ filters: 6, kernelSize: 5, padding: "same", activation: "tanh" }).apply(image);
x = averagePooling2d({ poolSize: 2 }).apply(x);
x = conv2d({ filters: 16, kernelSize: 5, activation: "tanh" }).apply(x);
x = averagePooling2d({ poolSize: 2 }).apply(x);
x = flatten().apply(x);
x = dense({ units: 120, activation: "tanh" }).apply(x);
x = dense({ units: 84, activation: "tanh" }).apply(x);
const digits = dense({ units: 10, activation: "softmax" }).apply(x);

export const lenet = model({ inputs: image, outputs: { digits }, name: "lenet" });
