/**
 * A small residual network (He et al. 2015) that takes pictures of any size: rows and columns are named dims,
 * and a global pool makes the head independent of them. The same parameters serve every resolution; each
 * resolution is its own module.
 *
 *   npx shapecast compile examples/residual-cnn.ts --sample image=1,64,64,3 -o examples/out/cnn-64.gen.ts
 *   npx shapecast compile examples/residual-cnn.ts --sample image=1,96,80,3 -o examples/out/cnn-96.gen.ts
 */
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  dense,
  globalAveragePooling2d,
  input,
  model,
  type Symbolic,
} from "shapecast";

/** Convolution and batch normalisation; the compiler folds the second into the first. */
function convolve(x: Symbolic, filters: number, kernelSize: number, strides: number): Symbolic {
  const y = conv2d({ filters, kernelSize, strides, padding: "same", useBias: false }).apply(x);
  return batchNormalization().apply(y);
}

const relu = (x: Symbolic): Symbolic => activation({ activation: "relu" }).apply(x);

/** Two convolutions beside a short way, which a projection makes fit where size or channels change. */
function block(x: Symbolic, filters: number, strides: number): Symbolic {
  const short = strides === 1 ? x : convolve(x, filters, 1, strides);
  const long = convolve(relu(convolve(x, filters, 3, strides)), filters, 3, 1);
  return relu(add().apply([long, short]));
}

const image = input({ shape: ["batch", "rows", "columns", 3], name: "image" });

let x = relu(convolve(image, 8, 3, 1));
x = block(x, 8, 1);
x = block(x, 16, 2);
x = block(x, 32, 2);
x = globalAveragePooling2d().apply(x);
const classes = dense({ units: 10 }).apply(x);

export const residualCnn = model({ inputs: image, outputs: { classes }, name: "residualCnn" });
