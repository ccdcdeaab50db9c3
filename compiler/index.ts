/**
 * shapecast: compile neural networks ahead of time to TypeScript that imports nothing. This is the public
 * entry: layers to write a model with, `compile` and `inspect` to make something of it, `load` to run what
 * was compiled.
 */
import { executeCompiled } from "./execute.ts";
import { provideExecutor } from "./frontend/index.ts";

export type { DType, TypedArray } from "../runtime/dtype.ts";
export {
  type Instance,
  type LoadableModule,
  type LoadedModule,
  load,
  type Signature,
} from "../runtime/load.ts";
export { fromNested, type Nested, type Tensor, tensor, toNested } from "../runtime/tensor.ts";
export type { BindOptions } from "./bind-model.ts";
export {
  type CompiledModel,
  type CompileOptions,
  compile,
  type Report,
} from "./compile-model.ts";
export { CompileError, type Diagnostic, type SourceLocation } from "./diagnostics/index.ts";
export type { Dim, Shape } from "./dims/index.ts";
export * from "./frontend/index.ts";
export { type Inspection, type InspectOptions, inspect, type Why, why } from "./inspect/index.ts";
export type { Value } from "./ir/graph.ts";
export { parseGraph } from "./ir/graph-parse.ts";
export { printGraph } from "./ir/graph-print.ts";
export { VERSION as version } from "./version.ts";

// `net.predict` runs what `load(compile(net))` would. The layers cannot know the stages after them: they
// are told here.
provideExecutor(executeCompiled);
