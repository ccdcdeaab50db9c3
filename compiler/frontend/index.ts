/** The layers API: models as a person writes them. */
export { type ActivationName, activations } from "./activations.ts";
export { DeclaredDim, type DimOptions, dim } from "./dim.ts";
export { type Executor, provideExecutor, type Run } from "./executor.ts";
export { type FunctionalOptions, model, type Outputs } from "./functional.ts";
export { Layer, LayerOps, type LayerOptions, type WeightOptions } from "./layer.ts";
export * from "./layers/index.ts";
export { Model } from "./model.ts";
export type { ModelOptions, ModelWeight, Tensors } from "./model-options.ts";
export { isNetwork, type Network } from "./networks.ts";
export { type ToOnnxOptions, toOnnx } from "./onnx/export/index.ts";
export { fromOnnx, type OnnxNetwork, type OnnxOptions } from "./onnx/onnx-network.ts";
export { Ops } from "./ops/composites.ts";
export type { OutputShapes } from "./output-shapes.ts";
export type { SampleInput } from "./sample.ts";
export { Sequential, sequential } from "./sequential.ts";
export type { ShapeLike } from "./shapes.ts";
export { type InputOptions, input, Symbolic } from "./symbolic.ts";
export type { WeightsInput } from "./weight-input.ts";
