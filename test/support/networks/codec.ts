/**
 * A convolutional audio codec (after SoundStream, Zeghidour et al. 2021, and EnCodec, Défossez et al. 2022):
 * strided convolutions make one frame of 320 samples, transposed ones undo it. The output is compared with
 * the input sample by sample, so the clip has to be whole frames.
 */
import { conv1d, conv1dTranspose, input, type Model, model, type Symbolic, subtract } from "shapecast";

const strides = [2, 4, 5, 8] as const;

function residual(x: Symbolic, filters: number, name: string): Symbolic {
  return conv1d({
    filters,
    kernelSize: 3,
    dilationRate: 3,
    padding: "causal",
    activation: "elu",
    name,
  }).apply(x);
}

export function codec(width = 32): Model<unknown> {
  const audio = input({ shape: ["batch", "T", 1], name: "audio" });
  let x = conv1d({ filters: width, kernelSize: 7, padding: "causal", name: "enc0" }).apply(audio);
  strides.forEach((stride, i) => {
    x = residual(x, width << i, `enc${i + 1}_residual`);
    x = conv1d({
      filters: width << (i + 1),
      kernelSize: 2 * stride,
      strides: stride,
      padding: "same",
      activation: "elu",
      name: `enc${i + 1}`,
    }).apply(x);
  });
  const frames = conv1d({ filters: 128, kernelSize: 3, padding: "causal", name: "frames" }).apply(x);
  x = frames;
  [...strides].reverse().forEach((stride, i) => {
    const filters = width << (strides.length - 1 - i);
    x = conv1dTranspose({
      filters,
      kernelSize: 2 * stride,
      strides: stride,
      padding: "same",
      activation: "elu",
      name: `dec${strides.length - i}`,
    }).apply(x);
    x = residual(x, filters, `dec${strides.length - i}_residual`);
  });
  const decoded = conv1d({ filters: 1, kernelSize: 7, padding: "causal", name: "decoded" }).apply(x);
  const error = subtract({ name: "error" }).apply([audio, decoded]);
  return model({ inputs: audio, outputs: { frames, decoded, error }, name: "codec" });
}
