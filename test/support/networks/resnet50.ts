/**
 * ResNet-50 (He et al. 2015, the variant with the stride in the 3x3 convolution): 25.6 million parameters, no
 * input size.
 */
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  dense,
  globalAveragePooling2d,
  input,
  type Model,
  maxPooling2d,
  model,
  type Symbolic,
} from "shapecast";

const relu = (x: Symbolic): Symbolic => activation({ activation: "relu" }).apply(x);

function convolve(x: Symbolic, filters: number, kernelSize: number, strides = 1): Symbolic {
  const y = conv2d({ filters, kernelSize, strides, padding: "same", useBias: false }).apply(x);
  return batchNormalization().apply(y);
}

function bottleneck(x: Symbolic, filters: number, strides: number, project: boolean): Symbolic {
  const short = project ? convolve(x, 4 * filters, 1, strides) : x;
  const narrow = relu(convolve(x, filters, 1));
  const spatial = relu(convolve(narrow, filters, 3, strides));
  return relu(add().apply([short, convolve(spatial, 4 * filters, 1)]));
}

const stages = [
  { filters: 64, blocks: 3, strides: 1 },
  { filters: 128, blocks: 4, strides: 2 },
  { filters: 256, blocks: 6, strides: 2 },
  { filters: 512, blocks: 3, strides: 2 },
] as const;

export function resnet50(): Model<unknown> {
  const image = input({ shape: ["batch", "rows", "columns", 3], name: "image" });
  let x = relu(convolve(image, 64, 7, 2));
  x = maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }).apply(x);
  for (const { filters, blocks, strides } of stages)
    for (let i = 0; i < blocks; i++) x = bottleneck(x, filters, i === 0 ? strides : 1, i === 0);
  const classes = dense({ units: 1000 }).apply(globalAveragePooling2d().apply(x));
  return model({ inputs: image, outputs: { classes }, name: "resnet50" });
}
